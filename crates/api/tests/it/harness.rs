//! A complete service with its own database, simulated providers on their own ports, and a manual
//! clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use evergrant_adapters::{HttpClient, HttpLimits, NetworkPolicy, Registry, parse_providers};
use evergrant_api::{ApiOptions, App, Console, router};
use evergrant_model::{Actor, Call, ExternalId, ManualClock, Timestamp};
use evergrant_sandbox::{Fault, FaultKind, Sandbox, SandboxOptions, dev_settings};
use evergrant_service::{
    AllowedRedirects, IntegrationsService, LogRecorder, NewUser, PublicUrl, ServiceParts,
    ServiceSettings,
};
use evergrant_testkit::{MachineClock, TestDatabase, cipher, entropy, new_year, shared};
use serde_json::json;
use tokio::net::TcpListener;
use url::Url;

use crate::fake_providers::FakeProviders;
use crate::response::TestResponse;

/// Account id of the simulated person `juniper` at Reddit.
pub(crate) const JUNIPER: &str = "sim9z";
/// Account id of the simulated person `kiln` at Reddit.
pub(crate) const KILN: &str = "sima4";

/// Default redirect URL of a flow.
pub(crate) const APP: &str = "https://app.example/settings";

/// Verifier that a browser keeps for a bound flow.
pub(crate) const VERIFIER: &str = "a verifier that the browser keeps";
/// Base64url of the SHA-256 of [`VERIFIER`].
pub(crate) const CHALLENGE: &str = "k95BMxQa0_hWRlv6arjiJ1gwXs4KY5394bP5h-H-XX4";

/// Custom providers: `acme` uses PKCE, `named` sends its issuer in callbacks (RFC 9207), and
/// `later` is not configured. The sandbox's Reddit simulates the first two.
const CUSTOM_PROVIDERS: &str = r#"
[providers.acme]
name = "Acme"
authorization_url = "{base}/reddit/www/api/v1/authorize"
token_url = "{base}/reddit/www/api/v1/access_token"
revocation_url = "{base}/reddit/www/api/v1/revoke_token"
userinfo_url = "{base}/reddit/oauth/api/v1/me"
client_id = "simRedditId"
client_secret = "simRedditSecret"
client_auth = "basic"
client.user_agent = "web:evergrant-sim:0.1 (by /u/juniper)"
authorize_params = { duration = "permanent" }
scopes = ["identity"]
account = { id = "/id", username = "/name" }

[providers.named]
name = "Named"
issuer = "https://named.example"
authorization_url = "{base}/reddit/www/api/v1/authorize"
token_url = "{base}/reddit/www/api/v1/access_token"
userinfo_url = "{base}/reddit/oauth/api/v1/me"
client_id = "simRedditId"
client_secret = "simRedditSecret"
client_auth = "basic"
client.user_agent = "web:evergrant-sim:0.1 (by /u/juniper)"
authorize_params = { duration = "permanent" }
scopes = ["identity"]
account = { id = "/id", username = "/name" }

[providers.later]
name = "Later"
authorization_url = "https://later.example/authorize"
token_url = "https://later.example/token"
userinfo_url = "https://later.example/me"
client_id_env = "LATER_CLIENT_ID"
client_secret_env = "LATER_CLIENT_SECRET"
client_auth = "basic"
scopes = ["identity"]
account = { id = "/id" }
"#;

/// Returns the context in which tests call the service directly, bypassing the API.
pub(crate) fn call() -> Call {
    call_as("test")
}

/// Same as [`call`], with this correlation id.
pub(crate) fn call_as(correlation_id: &str) -> Call {
    let correlation_id = correlation_id.parse().unwrap();
    Call {
        actor: Actor::CommandLine,
        correlation_id,
        at: Timestamp::from_unix_ms(0),
    }
}

/// A service behind a router, and everything it depends on.
pub(crate) struct Harness {
    pub(crate) sandbox: Sandbox,
    pub(crate) fake_providers: FakeProviders,
    pub(crate) clock: Arc<ManualClock>,
    /// The clock of the machine, which shows the same time unless a test sets it wrong.
    pub(crate) machine: Arc<MachineClock>,
    pub(crate) service: IntegrationsService,
    pub(crate) database: TestDatabase,
    pub(crate) router: Router,
}

impl Harness {
    /// Starts a service on SQLite with two users: 1, and 2 with the external id `ext/2 é`.
    pub(crate) async fn new() -> Self {
        Self::with_database(TestDatabase::sqlite()).await
    }

    /// Same as [`Harness::new`], on this database.
    pub(crate) async fn with_database(database: TestDatabase) -> Self {
        Self::start(database, settings("http://localhost:8080")).await
    }

    /// Same as [`Harness::new`], with this public URL.
    pub(crate) async fn at(public_url: &str) -> Self {
        Self::start(TestDatabase::sqlite(), settings(public_url)).await
    }

    async fn start(database: TestDatabase, settings: ServiceSettings) -> Self {
        let clock = new_year();
        let (machine, shared_clock) = MachineClock::new(&clock, 0);
        let options = SandboxOptions {
            clock: shared(&clock),
            ..SandboxOptions::default()
        };
        let sandbox = Sandbox::new(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let sandbox_server = sandbox.clone();
        tokio::spawn(async move { sandbox_server.serve(listener, std::future::pending()).await });
        let fake_providers = FakeProviders::start().await;
        let service = IntegrationsService::new(ServiceParts {
            store: database.store().await,
            cipher: cipher(),
            registry: registry(&base, &fake_providers, &clock),
            clock: shared_clock,
            entropy: entropy(),
            recorder: Arc::new(LogRecorder),
            settings,
        });
        let router = router(service.clone(), &ApiOptions::default());
        let harness = Self {
            sandbox,
            fake_providers,
            clock,
            machine,
            service,
            database,
            router,
        };
        harness.create_users().await;
        harness
    }

    /// Rebuilds the router with these allowed CORS origins.
    pub(crate) fn with_origins(mut self, origins: &[&str]) -> Self {
        let allowed_origins = origins.iter().copied().map(str::to_owned).collect();
        self.router = router(
            self.service.clone(),
            &ApiOptions {
                allowed_origins,
                ..ApiOptions::default()
            },
        );
        self
    }

    /// Rebuilds the router with this name and logo.
    pub(crate) fn with_app(mut self, app: App) -> Self {
        let options = ApiOptions {
            app,
            ..ApiOptions::default()
        };
        self.router = router(self.service.clone(), &options);
        self
    }

    /// Rebuilds the router with a console.
    pub(crate) fn with_console(mut self, console: Console) -> Self {
        let options = ApiOptions {
            console: Some(console),
            ..ApiOptions::default()
        };
        self.router = router(self.service.clone(), &options);
        self
    }

    async fn create_users(&self) {
        for external in [None, Some("ext/2 é")] {
            let external_id = external.map(|text| ExternalId::new(text).unwrap());
            self.service
                .users()
                .create(
                    &call(),
                    &NewUser {
                        external_id,
                        ..NewUser::default()
                    },
                )
                .await
                .unwrap();
        }
    }

    /// Starts a flow with an API key and returns the successful response.
    pub(crate) async fn start_flow(
        &self,
        user: i32,
        provider: &str,
        body: serde_json::Value,
    ) -> TestResponse {
        let path = format!("/api/integrations/connect/{provider}");
        let response = self.app_for(user).await.post(&path, body).await;
        assert_eq!(response.status, 200, "{response}");
        response
    }

    /// Approves the consent page as `person` and returns the path of the callback.
    pub(crate) fn consent(&self, started: &TestResponse, person: &str) -> String {
        callback_path(
            &self
                .sandbox
                .approve(&started.text("authUrl"), person, None)
                .unwrap(),
        )
    }

    /// Denies the consent page and returns the path of the callback.
    pub(crate) fn deny(&self, started: &TestResponse) -> String {
        callback_path(&self.sandbox.deny(&started.text("authUrl")).unwrap())
    }

    /// Connects the person's account to the user through a complete flow.
    pub(crate) async fn connect(&self, user: i32, person: &str) -> TestResponse {
        let started = self.start_flow(user, "reddit", json!({})).await;
        let callback = self.anonymous().get(&self.consent(&started, person)).await;
        assert_eq!(
            callback.query_param("status").as_deref(),
            Some("connected"),
            "{callback}"
        );
        callback
    }

    /// Returns the rows of every table except that of API keys, whose time of last use changes.
    pub(crate) async fn stored(&self) -> BTreeMap<String, Vec<String>> {
        let mut contents = self.database.contents().await;
        contents.remove("evergrant_api_keys");
        contents
    }

    /// Makes the next `times` calls to this endpoint of Reddit fail with this status.
    pub(crate) fn fail_next(&self, endpoint: &str, status: u16, times: u32) {
        let fault = Fault::new("reddit", endpoint, FaultKind::Respond)
            .status(status)
            .times(times);
        self.sandbox.inject_fault(fault).unwrap();
    }

    /// Returns the number of requests that Reddit has received.
    pub(crate) fn provider_calls(&self) -> u64 {
        self.sandbox.calls().total("reddit")
    }
}

/// Returns path and query of a callback URL.
pub(crate) fn callback_path(location: &str) -> String {
    let url = Url::parse(location).unwrap();
    assert!(
        location.starts_with("http://localhost:8080/")
            && location.contains("/api/integrations/callback/"),
        "{location}"
    );
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

fn registry(base: &str, fake_providers: &FakeProviders, clock: &Arc<ManualClock>) -> Registry {
    let values: BTreeMap<_, _> = dev_settings(base)
        .into_iter()
        .chain(fake_providers.settings())
        .collect();
    let custom = parse_providers(&CUSTOM_PROVIDERS.replace("{base}", base)).unwrap();
    let http = HttpClient::new(HttpLimits::default()).unwrap();
    let policy = NetworkPolicy {
        allow_insecure_hosts: true,
    };
    Registry::new(
        http,
        shared(clock),
        &|name: &str| values.get(name).cloned(),
        custom,
        policy,
    )
    .unwrap()
}

fn settings(public_url: &str) -> ServiceSettings {
    let public_url = PublicUrl::parse(public_url).unwrap();
    let allowed = AllowedRedirects::parse_list(&format!("{APP},http://localhost:3000")).unwrap();
    ServiceSettings {
        allowed_redirects: AllowedRedirects::new(allowed, &public_url),
        // A slow machine does not delay a commit beyond the answer to the caller.
        commit_wait: Duration::from_secs(30),
        ..ServiceSettings::new(public_url)
    }
}
