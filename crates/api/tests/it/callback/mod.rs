//! `GET /api/integrations/callback/{provider}`

mod accounts;
mod code_exchange;
mod errors;
mod redirects;
mod state;

use crate::harness::Harness;
use crate::response::TestResponse;

pub(crate) const CALLBACK: &str = "/api/integrations/callback/reddit";

/// Returns the names of the redirect URL's parameters, in order.
fn query_param_names(response: &TestResponse) -> Vec<String> {
    let url = url::Url::parse(response.location()).unwrap();
    url.query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect()
}

/// Returns the number of authorization codes that Reddit was asked to exchange.
pub(crate) fn exchanges(harness: &Harness) -> u64 {
    harness
        .sandbox
        .calls()
        .get("reddit", "token.authorization_code")
}

/// Asserts that the callback shows an `INVALID_STATE` page instead of a redirect, sends nothing to
/// the provider and stores nothing.
async fn assert_rejected_without_redirect(harness: &Harness, path: &str) {
    let (before, calls) = (harness.stored().await, harness.provider_calls());
    let response = harness.anonymous().get(path).await;
    assert_eq!(response.status, 400, "{path}: {response}");
    assert!(
        response.is_page() && response.header("location").is_none(),
        "{path}: {response}"
    );
    assert!(
        response.body.contains("INVALID_STATE"),
        "{path}: {response}"
    );
    assert_eq!(
        (harness.stored().await, harness.provider_calls()),
        (before, calls),
        "{path}"
    );
}
