//! The platforms of a test: a sandbox in this process, and the real program beside it.

use evergrant_sandbox::{Sandbox, SandboxOptions, dev_settings};
use evergrant_testkit::TestDatabase;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::client::App;
use crate::program::Program;

/// A sandbox in this process, and the settings that lead to it.
pub(crate) struct Platforms {
    pub(crate) sandbox: Sandbox,
    settings: Vec<(&'static str, String)>,
    base: String,
}

impl Platforms {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let options = SandboxOptions {
            public_url: Some(base.clone()),
            ..SandboxOptions::default()
        };
        let sandbox = Sandbox::new(options).unwrap();
        let served = sandbox.clone();
        tokio::spawn(async move { served.serve(listener, std::future::pending::<()>()).await });
        Self {
            sandbox,
            settings: dev_settings(&base),
            base,
        }
    }

    /// `evergrant serve` on this database, with these platforms.
    pub(crate) fn serve(&self, database: &TestDatabase) -> (Program, App) {
        self.serve_with(database, &[])
    }

    /// The same with further settings.
    pub(crate) fn serve_with(
        &self,
        database: &TestDatabase,
        more: &[(&str, &str)],
    ) -> (Program, App) {
        let mut env: Vec<_> = self
            .settings
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        env.push(("DATABASE_URL", database.url.as_str()));
        env.extend(more);
        let program = Program::serve(&env);
        let app = App::new(program.url(), program.api_key());
        (program, app)
    }

    /// Where the sandbox listens.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Whether Acme takes this access token.
    pub(crate) async fn takes(&self, token: &str) -> bool {
        let userinfo = format!("{}/acme/oauth/userinfo", self.base);
        let asked = reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .get(userinfo)
            .bearer_auth(token)
            .send();
        asked.await.unwrap().status() == 200
    }

    /// Sends `person` through the consent of a new flow and answers the landing address's
    /// parameters.
    pub(crate) async fn connect(
        &self,
        app: &App,
        user: i32,
        platform: &str,
        person: &str,
        body: Value,
    ) -> String {
        let flow = app
            .post(user, &format!("/api/integrations/connect/{platform}"), body)
            .await
            .ok();
        self.consent(app, &flow, person, None).await
    }

    /// The same for a flow that has begun, granting only these scopes.
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
        parameters(app, &callback).await
    }

    /// Connects `person`'s session, where there is no consent page.
    pub(crate) async fn paste(&self, app: &App, user: i32, platform: &str, person: &str) -> Value {
        let flow = app
            .post(
                user,
                &format!("/api/integrations/connect/{platform}"),
                json!({}),
            )
            .await
            .ok();
        let pasted = self.sandbox.session(platform, person).unwrap().json();
        let path = format!(
            "/api/integrations/flows/{}/credentials",
            flow["flowId"].as_str().unwrap()
        );
        app.post(user, &path, json!({ "values": { "pasted": pasted } }))
            .await
            .ok()
    }
}

/// Opens a callback as the browser would and answers what the landing address says.
pub(crate) async fn parameters(app: &App, callback: &str) -> String {
    let landing = app.open(callback).await;
    assert_eq!(landing.status, 303, "{landing:?}");
    let location = landing.location.unwrap();
    location.split_once('?').unwrap().1.to_owned()
}

/// The token of a connection, as the app's server reads it.
pub(crate) async fn token(app: &App, user: i32, platform: &str, account: &str) -> String {
    let issued = app
        .get(
            user,
            &format!("/api/integrations/token/{platform}/{account}"),
        )
        .await
        .ok();
    issued["accessToken"].as_str().unwrap().to_owned()
}

/// Another program sets the end of every token into the past, and its beginning further back.
pub(crate) async fn expire_all(database: &TestDatabase) {
    let (begun, ended) = if database.is_postgres() {
        ("'2019-12-01 00:00:00'", "'2020-01-01 00:00:00'")
    } else {
        ("1575158400000", "1577836800000")
    };
    database
        .execute(&format!(
            "UPDATE oauth_accounts SET expires_at = {ended} WHERE expires_at IS NOT NULL"
        ))
        .await;
    database
        .execute(&format!(
            "UPDATE evergrant_connections SET issued_at = {begun}"
        ))
        .await;
}
