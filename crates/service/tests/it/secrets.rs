//! Items 25 and 45: no secret appears in the log at any level, in an error, in `Debug` output, or
//! in clear text in the database.

use std::io::Write;
use std::sync::{Arc, Mutex};

use evergrant_model::{ErrorCode, FlowId, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::{CallbackParams, StartedFlow};
use evergrant_testkit::{TestDatabase, cipher};
use secrecy::ExposeSecret;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::harness::{
    ACME_LIFETIME_SECONDS, REFRESH, TestEnv, VERIFIER, account_id, call, finish, issue, params,
    pending, repeated, run_housekeeping, slug,
};

/// Captures the log.
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

/// The secrets of a run by kind, and everything that was returned to a caller.
#[derive(Default)]
struct Run {
    secrets: Vec<(&'static str, String)>,
    /// Values in `Debug` format.
    responses: Vec<String>,
}

impl Run {
    fn add_secret(&mut self, kind: &'static str, text: &str) {
        self.secrets.push((kind, text.to_owned()));
    }

    /// Decrypts a stored token and adds it to the secrets.
    fn add_stored_secret(&mut self, kind: &'static str, encrypted: &str) {
        let decrypted = cipher().decrypt_token(encrypted).unwrap();
        self.add_secret(kind, decrypted.expose_secret());
    }

    fn add_response(&mut self, response: &impl std::fmt::Debug) {
        self.responses.push(format!("{response:?}"));
    }

    /// Adds the two tokens that a connection holds now.
    async fn add_tokens(&mut self, env: &TestEnv, user: UserId, provider: &str, account: &str) {
        let row = env.row(user, provider, account).await;
        self.add_response(&row);
        let (access, refresh) = (row.tokens.access.unwrap(), row.tokens.refresh.unwrap());
        self.add_stored_secret("access token", access.as_str());
        self.add_stored_secret("refresh token", refresh.as_str());
    }

    /// Runs a flow that the user denies.
    async fn deny(&mut self, env: &TestEnv, user: UserId, provider: &str) {
        let flow = env.start_flow(user, provider).await;
        let denied = params(&env.sandbox.deny(&flow.auth_url).unwrap());
        self.add_secret("state", denied.state.expose());
        self.add_response(&env.callback(provider, denied).await.unwrap());
    }

    /// Adds the state, code and PKCE verifier of a flow. Returns the callback of its consent.
    async fn consent(&mut self, env: &TestEnv, user: UserId, flow: &StartedFlow) -> CallbackParams {
        let redirect = env.consent(flow, "juniper");
        self.add_secret("state", flow.state.expose());
        self.add_secret("code", redirect.code.as_ref().unwrap().expose());
        let stored = env
            .store
            .flows()
            .owned(&FlowId::new(flow.flow_id.as_str()).unwrap(), user)
            .await
            .unwrap()
            .unwrap();
        if let Some(encrypted) = &stored.pkce_verifier {
            self.add_stored_secret("PKCE verifier", encrypted.as_str());
        }
        self.add_response(&(flow, &redirect, &stored));
        redirect
    }

    /// Runs a bound flow with its failures and finishes it. Returns the account's id.
    async fn connect(&mut self, env: &TestEnv, user: UserId, provider: &str) -> String {
        let flow = env.start_bound_flow(user, provider).await;
        let redirect = self.consent(env, user, &flow).await;
        self.deny(env, user, provider).await;
        let outcome = env.callback(provider, repeated(&redirect)).await.unwrap();
        let (id, receipt) = pending(&outcome);
        self.add_secret("receipt", &receipt);
        self.add_response(&outcome);
        self.add_response(&finish(&receipt));
        let mut wrong = finish(&receipt);
        wrong.verifier = Some("not the verifier".to_owned());
        self.add_response(&env.finish(user, &id, wrong).await.unwrap_err());
        let integrations = env.finish(user, &id, finish(&receipt)).await.unwrap();
        self.add_response(&integrations);
        env.advance_seconds(60);
        self.add_response(&env.callback(provider, redirect).await.unwrap_err());
        integrations[0].provider_account_id.clone()
    }

    /// Authenticates with a credential and with a truncated one.
    async fn authenticate(&mut self, env: &TestEnv, credential: &str) {
        // The public half may be shown.
        self.add_secret("credential", &credential[16..]);
        for text in [credential, &credential[..credential.len() - 1]] {
            let authenticator = env.service.authenticator();
            let caller = authenticator
                .authenticate(text, &call().correlation_id)
                .await;
            self.add_response(&caller.unwrap());
        }
    }
}

/// Runs every operation on an account, and many failures.
async fn use_accounts(env: &TestEnv, run: &mut Run) {
    for provider in ["acme", "reddit"] {
        let user = env.user().await;
        let account = run.connect(env, user, provider).await;
        let service = &env.service;
        let read = async || issue(service, user, provider, &account, 0).await;
        let refresh = async || {
            let call = call();
            service
                .refresh_token(&call, user, &slug(provider), &account_id(&account))
                .await
        };
        run.add_tokens(env, user, provider, &account).await;
        run.add_response(&read().await.unwrap());
        run.add_response(&refresh().await);
        run.add_tokens(env, user, provider, &account).await;
        for fault in [FaultKind::Html, FaultKind::Cut] {
            env.force(Fault::new(provider, REFRESH, fault));
            run.add_response(&refresh().await);
        }
        env.sandbox.revoke_user(provider, "juniper").unwrap();
        env.advance_seconds(30 * ACME_LIFETIME_SECONDS);
        run.add_response(&read().await);
        run.add_response(&service.connected_integrations(&call(), user).await);
        env.fault(provider, "revoke", FaultKind::Cut);
        run.add_response(&env.disconnect(user, provider, &account).await);
        run_housekeeping(service).await.unwrap();
    }
}

/// Uses an API key and a session, and adds the secrets of the configuration.
async fn use_credentials(env: &TestEnv, run: &mut Run) {
    let user = env.user().await;
    let key = env.service.api_keys().create(&call(), "tests", &[]).await;
    let session = env.service.sessions().create(&call(), user, None).await;
    run.authenticate(env, key.unwrap().secret.expose_secret())
        .await;
    run.authenticate(env, session.unwrap().secret.expose_secret())
        .await;
    run.add_response(&env.service.api_keys().list(&call()).await.unwrap());
    run.add_secret("browser's verifier", VERIFIER);
    run.add_secret("client secret", "simAcmeSecret");
    run.add_secret("client secret", "simRedditSecret");
    run.add_secret("encryption key", "a passphrase for tests");
    run.add_response(env.acme.spec());
    run.add_response(env.service.settings());
}

/// Log messages that show that the test captured the log.
const EXPECTED_MESSAGES: [&str; 6] = [
    "authorization flow started",
    "refreshing token",
    "account disconnected",
    "the user declined the authorization",
    "token refresh failed",
    "failed to revoke a grant",
];
/// Error codes that show that the test captured the responses.
const EXPECTED_CODES: [ErrorCode; 3] = [
    ErrorCode::ReconnectRequired,
    ErrorCode::InvalidState,
    ErrorCode::OauthDenied,
];

/// Runs on one thread, so that every line of every task reaches this test's log.
async fn no_secret_leaks(database: TestDatabase) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false);
    // With a single dispatcher in the process, `tracing` caches per line whether the first thread
    // that reaches it has a subscriber, and the threads of other tests have none.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = subscriber
        .with_writer(move || writer.clone())
        .finish()
        .set_default();
    let (env, mut run) = (TestEnv::new(database).await, Run::default());
    use_accounts(&env, &mut run).await;
    use_credentials(&env, &mut run).await;
    env.service.process().drain().await;

    let logged = log.text();
    let responses = run.responses.join("\n");
    let stored = format!("{:?}", env.database.contents().await);
    assert_captured(&logged, &responses);
    assert!(run.secrets.len() >= 20, "{}", run.secrets.len());
    for (kind, secret) in &run.secrets {
        assert!(secret.len() >= 12, "the {kind} is too short to search for");
        for (place, text) in [
            ("the log", &logged),
            ("a response", &responses),
            ("the database", &stored),
        ] {
            assert!(
                !text.contains(secret.as_str()),
                "{place} contains the {kind}"
            );
        }
    }
}

/// Asserts that the log, at all levels and with libraries, and the responses were captured.
fn assert_captured(logged: &str, responses: &str) {
    for message in EXPECTED_MESSAGES {
        assert!(
            logged.contains(message),
            "the log does not contain {message:?}"
        );
    }
    assert!(
        logged.contains("TRACE") && logged.contains("hyper"),
        "the log lacks the TRACE level or the libraries"
    );
    for code in EXPECTED_CODES {
        assert!(
            responses.contains(&format!("{code:?}")),
            "{code} is not among the responses"
        );
    }
}

#[tokio::test]
async fn item_45_no_secret_leaks_on_sqlite() {
    no_secret_leaks(TestDatabase::sqlite()).await;
}

#[tokio::test]
async fn item_45_no_secret_leaks_on_postgres() {
    no_secret_leaks(TestDatabase::postgres().await).await;
}
