//! Items 25 and 45: no secret in any log at any level, in any error, in any `Debug`, nor in clear
//! in the database.

use std::io::Write;
use std::sync::{Arc, Mutex};

use evergrant_model::{ErrorCode, FlowId, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::StartedFlow;
use evergrant_testkit::{TestDatabase, cipher};
use secrecy::ExposeSecret;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::harness::{ACME_LIFE_S, REFRESH, Stand};
use crate::outcomes::{VERIFIER, again, call, finish, housekeep, params, pending};

/// All that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// The secrets of a run with the names of their kinds, and all that was told to somebody.
#[derive(Default)]
struct Run {
    secrets: Vec<(&'static str, String)>,
    told: Vec<String>,
}

impl Run {
    fn secret(&mut self, kind: &'static str, text: &str) {
        self.secrets.push((kind, text.to_owned()));
    }

    fn told(&mut self, what: &impl std::fmt::Debug) {
        self.told.push(format!("{what:?}"));
    }

    /// The two tokens that a connection holds now.
    async fn held(&mut self, stand: &Stand, user: UserId, platform: &str, account: &str) {
        let row = stand.row(user, platform, account).await;
        self.told(&row);
        for (kind, sealed) in [
            ("access token", row.tokens.access),
            ("refresh token", row.tokens.refresh),
        ] {
            self.secret(
                kind,
                cipher()
                    .decrypt_token(sealed.unwrap().as_str())
                    .unwrap()
                    .expose_secret(),
            );
        }
    }

    /// State, code, verifiers and receipt of one bound flow, which it finishes.
    async fn flow(&mut self, stand: &Stand, user: UserId, platform: &str) -> String {
        let flow: StartedFlow = stand.begin_bound(user, platform).await;
        let back = stand.consent(&flow, "juniper");
        self.secret("state", flow.state.expose());
        self.secret("code", back.code.as_ref().unwrap().expose());
        let stored = stand
            .store
            .flows()
            .owned(&FlowId::new(flow.flow_id.as_str()).unwrap(), user)
            .await
            .unwrap()
            .unwrap();
        if let Some(sealed) = &stored.verifier {
            self.secret(
                "PKCE verifier",
                cipher()
                    .decrypt_token(sealed.as_str())
                    .unwrap()
                    .expose_secret(),
            );
        }
        self.told(&(&flow, &back, &stored));
        let denied = stand.begin(user, platform).await;
        let denied = params(&stand.sandbox.deny(&denied.auth_url).unwrap());
        self.secret("state", denied.state.expose());
        self.told(&stand.callback(platform, denied).await.unwrap());
        let outcome = stand.callback(platform, again(&back)).await.unwrap();
        let (id, receipt) = pending(&outcome);
        self.secret("receipt", &receipt);
        self.told(&outcome);
        self.told(&finish(&receipt));
        let mut wrong = finish(&receipt);
        wrong.verifier = Some("not the verifier".to_owned());
        self.told(
            &stand
                .service
                .authorizations()
                .finish(&call(), user, &id, wrong)
                .await
                .unwrap_err(),
        );
        let made = stand
            .service
            .authorizations()
            .finish(&call(), user, &id, finish(&receipt))
            .await
            .unwrap();
        self.told(&made);
        stand.pass_seconds(60);
        self.told(&stand.callback(platform, back).await.unwrap_err());
        made[0].provider_account_id.clone()
    }
}

/// Everything that can be done with an account, and much that can go wrong.
async fn live_through(stand: &Stand, run: &mut Run) {
    for platform in ["acme", "reddit"] {
        let user = stand.user().await;
        let account = run.flow(stand, user, platform).await;
        run.held(stand, user, platform, &account).await;
        let issued = stand
            .service
            .access_token(&call(), user, platform, &account, 0)
            .await
            .unwrap();
        run.told(&issued);
        run.told(
            &stand
                .service
                .refresh_token(&call(), user, platform, &account)
                .await,
        );
        run.held(stand, user, platform, &account).await;
        for fault in [FaultKind::Html, FaultKind::Cut] {
            stand.force(Fault::new(platform, REFRESH, fault));
            run.told(
                &stand
                    .service
                    .refresh_token(&call(), user, platform, &account)
                    .await,
            );
        }
        stand.sandbox.revoke_user(platform, "juniper").unwrap();
        stand.pass_seconds(30 * ACME_LIFE_S);
        run.told(
            &stand
                .service
                .access_token(&call(), user, platform, &account, 0)
                .await,
        );
        run.told(&stand.service.connected_integrations(&call(), user).await);
        stand.fault(platform, "revoke", FaultKind::Cut);
        run.told(
            &stand
                .service
                .disconnect_integration(&call(), user, platform, &account)
                .await,
        );
        housekeep(&stand.service).await.unwrap();
    }
}

async fn credentials(stand: &Stand, run: &mut Run) {
    let user = stand.user().await;
    let key = stand
        .service
        .api_keys()
        .create(&call(), "tests", &[])
        .await
        .unwrap();
    let session = stand
        .service
        .sessions()
        .create(&call(), user, None)
        .await
        .unwrap();
    for text in [key.secret.expose_secret(), session.secret.expose_secret()] {
        // Past the public half, which may be shown.
        run.secret("credential", &text[16..]);
        run.told(
            &stand
                .service
                .authenticator()
                .authenticate(text, &call().correlation_id)
                .await
                .unwrap(),
        );
        let cut = &text[..text.len() - 1];
        run.told(
            &stand
                .service
                .authenticator()
                .authenticate(cut, &call().correlation_id)
                .await
                .unwrap(),
        );
    }
    run.told(&stand.service.api_keys().list(&call()).await.unwrap());
    run.secret("our verifier", VERIFIER);
    for (kind, text) in [
        ("client secret", "simAcmeSecret"),
        ("client secret", "simRedditSecret"),
    ] {
        run.secret(kind, text);
    }
    run.secret("encryption key", "a passphrase for tests");
    run.told(stand.acme.spec());
    run.told(stand.service.settings());
}

/// On one thread, so that every line of every task reaches this test's log.
async fn no_secret_is_seen(database: TestDatabase) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false);
    // With only one subscriber in the process, `tracing` decides by the thread that first comes to
    // a line whether anybody listens to it, and the threads of other tests have none.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = subscriber
        .with_writer(move || writer.clone())
        .finish()
        .set_default();
    let (stand, mut run) = (Stand::new(database).await, Run::default());
    live_through(&stand, &mut run).await;
    credentials(&stand, &mut run).await;
    stand.service.process().drain().await;

    let logged = log.text();
    for line in [
        "authorization flow started",
        "refreshing token",
        "account disconnected",
        "the user declined the authorization",
        "token refresh failed",
        "failed to revoke a grant",
    ] {
        assert!(logged.contains(line), "the log was listening: {line:?}");
    }
    assert!(
        logged.contains("TRACE") && logged.contains("hyper"),
        "to libraries too"
    );
    let stored = format!("{:?}", stand.database.contents().await);
    let told = run.told.join("\n");
    for code in [
        ErrorCode::ReconnectRequired,
        ErrorCode::InvalidState,
        ErrorCode::OauthDenied,
    ] {
        assert!(
            told.contains(&format!("{code:?}")),
            "{code} was among the answers"
        );
    }
    assert!(run.secrets.len() >= 20, "{}", run.secrets.len());
    for (kind, secret) in &run.secrets {
        assert!(
            secret.len() >= 12,
            "a {kind} long enough to be searched for"
        );
        for (place, text) in [
            ("the log", &logged),
            ("an answer", &told),
            ("the database", &stored),
        ] {
            assert!(
                !text.contains(secret.as_str()),
                "a {kind} stands in {place}"
            );
        }
    }
}

#[tokio::test]
async fn item_45_no_secret_is_seen_on_sqlite() {
    no_secret_is_seen(TestDatabase::sqlite()).await;
}

#[tokio::test]
async fn item_45_no_secret_is_seen_on_postgres() {
    no_secret_is_seen(TestDatabase::postgres().await).await;
}
