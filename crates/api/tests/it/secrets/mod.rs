//! Secrets are tracked through complete scenarios: they appear only in the responses that the API
//! documents, and in no log line of any level (items 25, 43, 45 and 63).

mod log_capture;
mod scenarios;
mod tracker;

use crate::secrets::scenarios::run_all_scenarios;
use crate::secrets::tracker::Source;

#[tokio::test]
async fn item_25_secrets_appear_only_in_documented_responses() {
    let tracker = run_all_scenarios().await;
    assert!(tracker.responses.len() > 30);
    for (source, response) in &tracker.responses {
        for secret in tracker
            .secrets
            .iter()
            .filter(|secret| secret.allowed_in != *source || *source == Source::Other)
        {
            assert!(
                !response.full_text().contains(&secret.text),
                "{} in a response from {source:?}: {response}",
                secret.kind
            );
        }
    }
    assert!(
        tracker.has_seen("access token", Source::Tokens)
            && tracker.has_seen("state", Source::Connect)
            && tracker.has_seen("receipt", Source::Callback),
        "the search finds secrets where they are documented"
    );
}

#[tokio::test]
async fn item_45_no_secret_is_logged_at_any_level() {
    log_capture::start();
    let tracker = run_all_scenarios().await;
    let log = log_capture::stop();
    for line in [
        "authorization flow started",
        "authorization flow failed",
        "response sent",
        "request failed",
        "sqlx::query",
    ] {
        assert!(log.contains(line), "{line:?} was not captured");
    }
    assert!(tracker.secrets.len() > 30, "{}", tracker.secrets.len());
    for secret in &tracker.secrets {
        let line = log.lines().find(|line| line.contains(&secret.text));
        assert_eq!(line, None, "{} in the log", secret.kind);
    }
}
