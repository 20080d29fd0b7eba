//! A sandbox in the process of the test, and the real binary configured to use it.

use evergrant_sandbox::{Sandbox, SandboxOptions, dev_settings};
use evergrant_testkit::TestDatabase;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::client::App;
use crate::program::Program;

/// A sandbox, and the settings with which a program uses it.
pub(crate) struct Simulation {
    pub(crate) sandbox: Sandbox,
    settings: Vec<(&'static str, String)>,
    base_url: String,
}

impl Simulation {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let options = SandboxOptions {
            public_url: Some(base_url.clone()),
            ..SandboxOptions::default()
        };
        let sandbox = Sandbox::new(options).unwrap();
        let served = sandbox.clone();
        tokio::spawn(async move { served.serve(listener, std::future::pending::<()>()).await });
        Self {
            sandbox,
            settings: dev_settings(&base_url),
            base_url,
        }
    }

    /// Starts `evergrant serve` on `database`, with the simulated providers.
    pub(crate) fn serve(&self, database: &TestDatabase) -> (Program, App) {
        self.serve_with(database, &[])
    }

    /// Starts `evergrant serve` on `database`, with the simulated providers and further settings.
    pub(crate) fn serve_with(
        &self,
        database: &TestDatabase,
        settings: &[(&str, &str)],
    ) -> (Program, App) {
        let mut env: Vec<_> = self
            .settings
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        env.push(("DATABASE_URL", database.url.as_str()));
        env.extend(settings);
        let program = Program::serve(&env);
        let app = App::new(program.url(), program.api_key());
        (program, app)
    }

    /// Returns the base URL of the sandbox.
    pub(crate) fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Returns whether the simulated Acme accepts this access token.
    pub(crate) async fn accepts_token(&self, token: &str) -> bool {
        let userinfo = format!("{}/acme/oauth/userinfo", self.base_url);
        let request = reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .get(userinfo)
            .bearer_auth(token);
        request.send().await.unwrap().status() == 200
    }

    /// Starts a flow. Returns the response.
    pub(crate) async fn start_flow(
        &self,
        app: &App,
        user: i32,
        provider: &str,
        body: Value,
    ) -> Value {
        let path = format!("/api/integrations/connect/{provider}");
        app.post(user, &path, body).await.ok()
    }

    /// Starts a flow and gives consent as `person`. Returns the query of the redirect to the app.
    pub(crate) async fn connect(
        &self,
        app: &App,
        user: i32,
        provider: &str,
        person: &str,
        body: Value,
    ) -> String {
        let flow = self.start_flow(app, user, provider, body).await;
        self.consent(app, &flow, person, None).await
    }

    /// Gives consent to a started flow as `person`, to these scopes or to all. Returns the query of
    /// the redirect to the app.
    pub(crate) async fn consent(
        &self,
        app: &App,
        flow: &Value,
        person: &str,
        scopes: Option<&[&str]>,
    ) -> String {
        let callback = self
            .sandbox
            .approve(flow["authUrl"].as_str().unwrap(), person, scopes)
            .unwrap();
        redirect_query(app, &callback).await
    }

    /// Connects a browser session of `person`, for a provider without consent page.
    pub(crate) async fn paste_session(
        &self,
        app: &App,
        user: i32,
        provider: &str,
        person: &str,
    ) -> Value {
        let flow = self.start_flow(app, user, provider, json!({})).await;
        let pasted = self.sandbox.session(provider, person).unwrap().json();
        let path = format!(
            "/api/integrations/flows/{}/credentials",
            flow["flowId"].as_str().unwrap()
        );
        app.post(user, &path, json!({ "values": { "pasted": pasted } }))
            .await
            .ok()
    }
}

/// Opens a callback URL as the browser does. Returns the query of the redirect to the app.
pub(crate) async fn redirect_query(app: &App, callback: &str) -> String {
    let redirect = app.open(callback).await;
    assert_eq!(redirect.status, 303, "{redirect:?}");
    let location = redirect.location.unwrap();
    let (_, query) = location.split_once('?').unwrap();
    // An empty fragment, so that the browser does not keep that of the callback.
    query.strip_suffix('#').unwrap().to_owned()
}

/// Returns the access token of a connection.
pub(crate) async fn token(app: &App, user: i32, provider: &str, account: &str) -> String {
    let response = app
        .get(
            user,
            &format!("/api/integrations/token/{provider}/{account}"),
        )
        .await
        .ok();
    response["accessToken"].as_str().unwrap().to_owned()
}

/// Sets the expiry of every token into the past, and its issue time to a month before that, as
/// another program could.
pub(crate) async fn expire_all(database: &TestDatabase) {
    let (issued_at, expires_at) = if database.is_postgres() {
        ("'2019-12-01 00:00:00'", "'2020-01-01 00:00:00'")
    } else {
        ("1575158400000", "1577836800000")
    };
    database
        .execute(&format!(
            "UPDATE oauth_accounts SET expires_at = {expires_at} WHERE expires_at IS NOT NULL"
        ))
        .await;
    database
        .execute(&format!(
            "UPDATE evergrant_connections SET issued_at = {issued_at}"
        ))
        .await;
}
