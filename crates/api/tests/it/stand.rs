//! A whole service: a database of its own, the simulated platform on a port of its own, a clock
//! that stands still.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use evergrant_adapters::{HttpClient, HttpLimits, NetworkPolicy, Registry, parse_providers};
use evergrant_api::{ApiOptions, Console, router};
use evergrant_model::{Actor, Call, ExternalId, ManualClock, Timestamp};
use evergrant_sandbox::{Fault, FaultKind, Sandbox, SandboxOptions, dev_settings};
use evergrant_service::{
    AllowedRedirects, IntegrationsService, LogRecorder, NewUser, ServiceParts, ServiceSettings,
};
use evergrant_testkit::{TestDatabase, cipher, entropy, new_year, shared};
use serde_json::json;
use tokio::net::TcpListener;
use url::Url;

use crate::answer::Answer;
use crate::platforms::Platforms;

/// The account of Juniper at the simulated Reddit, and Kiln's.
pub(crate) const JUNIPER: &str = "sim9z";
pub(crate) const KILN: &str = "sima4";

/// Where the stand sends browsers that name no other address.
pub(crate) const APP: &str = "https://app.example/settings";

/// What a browser keeps for a bound flow, and the base64url of its SHA-256.
pub(crate) const VERIFIER: &str = "a verifier that the browser keeps";
pub(crate) const CHALLENGE: &str = "k95BMxQa0_hWRlv6arjiJ1gwXs4KY5394bP5h-H-XX4";

/// Platforms of the operator's own, played by the same sandbox: one that takes PKCE, one that names
/// itself in callbacks (RFC 9207), and one that is not set up.
const OWN_PLATFORMS: &str = r#"
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

/// The context in which tests call the service past the API.
pub(crate) fn call() -> Call {
    call_as("test")
}

/// [`call`] under this correlation id.
pub(crate) fn call_as(correlation_id: &str) -> Call {
    let correlation_id = correlation_id.parse().unwrap();
    Call {
        actor: Actor::CommandLine,
        correlation_id,
        at: Timestamp::from_unix_ms(0),
    }
}

pub(crate) struct Stand {
    pub(crate) sandbox: Sandbox,
    pub(crate) platforms: Platforms,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) service: IntegrationsService,
    pub(crate) database: TestDatabase,
    pub(crate) router: Router,
}

impl Stand {
    /// Over SQLite, with two users: 1, and 2 whom the app knows as `ext/2 é`.
    pub(crate) async fn new() -> Self {
        Self::on(TestDatabase::sqlite()).await
    }

    pub(crate) async fn on(database: TestDatabase) -> Self {
        let clock = new_year();
        let options = SandboxOptions {
            clock: shared(&clock),
            ..SandboxOptions::default()
        };
        let sandbox = Sandbox::new(options).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let serving = sandbox.clone();
        tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
        let platforms = Platforms::start().await;
        let service = IntegrationsService::new(ServiceParts {
            store: database.store().await,
            cipher: cipher(),
            registry: registry(&base, &platforms, &clock),
            clock: shared(&clock),
            entropy: entropy(),
            recorder: Arc::new(LogRecorder),
            settings: settings(),
        });
        let router = router(service.clone(), &ApiOptions::default());
        let stand = Self {
            sandbox,
            platforms,
            clock,
            service,
            database,
            router,
        };
        stand.make_users().await;
        stand
    }

    /// The same service behind other options.
    pub(crate) fn with_origins(mut self, origins: &[&str]) -> Self {
        let allowed_origins = origins.iter().copied().map(str::to_owned).collect();
        self.router = router(
            self.service.clone(),
            &ApiOptions {
                allowed_origins,
                console: None,
            },
        );
        self
    }

    /// The same service with a console.
    pub(crate) fn with_console(mut self, console: Console) -> Self {
        let options = ApiOptions {
            console: Some(console),
            ..ApiOptions::default()
        };
        self.router = router(self.service.clone(), &options);
        self
    }

    async fn make_users(&self) {
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

    /// Begins a flow as the app's server would, and answers the consent page's address.
    pub(crate) async fn begin(&self, user: i32, provider: &str, body: serde_json::Value) -> Answer {
        let path = format!("/api/integrations/connect/{provider}");
        let answer = self.app_for(user).await.post(&path, body).await;
        assert_eq!(answer.status, 200, "{answer}");
        answer
    }

    /// Consents as `person` and answers the path to which the platform sends the browser.
    pub(crate) fn consent(&self, begun: &Answer, person: &str) -> String {
        callback_path(
            &self
                .sandbox
                .approve(&begun.text("authUrl"), person, None)
                .unwrap(),
        )
    }

    /// The same for a person who does not allow it.
    pub(crate) fn refuse(&self, begun: &Answer) -> String {
        callback_path(&self.sandbox.deny(&begun.text("authUrl")).unwrap())
    }

    /// Connects the person's account to the user, the whole way.
    pub(crate) async fn connect(&self, user: i32, person: &str) -> Answer {
        let begun = self.begin(user, "reddit", json!({})).await;
        let back = self.anonymous().get(&self.consent(&begun, person)).await;
        assert_eq!(
            back.returned("status").as_deref(),
            Some("connected"),
            "{back}"
        );
        back
    }

    /// Everything that is stored, but for when keys were last used.
    pub(crate) async fn stored(&self) -> BTreeMap<String, Vec<String>> {
        let mut contents = self.database.contents().await;
        contents.remove("evergrant_api_keys");
        contents
    }

    /// Lets the next `times` calls of the platform's endpoint fail with this status.
    pub(crate) fn fails(&self, endpoint: &str, status: u16, times: u32) {
        let fault = Fault::new("reddit", endpoint, FaultKind::Respond)
            .status(status)
            .times(times);
        self.sandbox.force_next(fault).unwrap();
    }

    /// How often the platform was asked for tokens or anything else.
    pub(crate) fn platform_calls(&self) -> u64 {
        self.sandbox.calls().total("reddit")
    }
}

/// The path and query of a callback's address.
pub(crate) fn callback_path(location: &str) -> String {
    let url = Url::parse(location).unwrap();
    assert!(
        location.starts_with("http://localhost:8080/api/integrations/callback/"),
        "{location}"
    );
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

fn registry(base: &str, platforms: &Platforms, clock: &Arc<ManualClock>) -> Registry {
    let values: BTreeMap<_, _> = dev_settings(base)
        .into_iter()
        .chain(platforms.settings())
        .collect();
    let own = parse_providers(&OWN_PLATFORMS.replace("{base}", base)).unwrap();
    let http = HttpClient::new(HttpLimits::default()).unwrap();
    let policy = NetworkPolicy {
        allow_insecure_hosts: true,
    };
    Registry::new(
        http,
        shared(clock),
        &|name: &str| values.get(name).cloned(),
        own,
        policy,
    )
    .unwrap()
}

fn settings() -> ServiceSettings {
    let public_url = Url::parse("http://localhost:8080").unwrap();
    let allowed = AllowedRedirects::parse_list(&format!("{APP},http://localhost:3000")).unwrap();
    ServiceSettings {
        allowed_redirects: AllowedRedirects::new(allowed, &public_url),
        ..ServiceSettings::new(public_url)
    }
}
