//! A custom platform from TOML alone, served by an authorization server that none of us wrote:
//! django-oauth-toolkit, with PKCE demanded, refresh tokens rotated, and a reused one ending the
//! whole family.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::{Value, json};

use crate::client::App;
use crate::program::{Folder, Program};

/// The server's process; it ends when its standard input closes, at the latest when this test's
/// process ends.
struct AuthorizationServer {
    process: Child,
    facts: Value,
    _folder: Folder,
}

impl AuthorizationServer {
    fn start(redirect_uri: &str) -> Self {
        let folder = Folder::new();
        let port_file = folder.path().join("server.json");
        let mut process = python("serve.py")
            .arg("--port-file")
            .arg(&port_file)
            .arg("--data")
            .arg(folder.path().join("data"))
            .args(["--redirect-uri", redirect_uri])
            .stdin(Stdio::piped())
            .spawn()
            .expect("the project's Python starts; scripts/setup makes it");
        let facts = wait_for(&port_file, &mut process);
        Self {
            process,
            facts,
            _folder: folder,
        }
    }

    fn fact(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap()
    }

    /// Ada signs in, and allows or denies; the way back to us.
    fn consent(&self, auth_url: &str, deny: bool) -> String {
        let ada = &self.facts["users"][0];
        let (name, password) = (
            ada["username"].as_str().unwrap(),
            ada["password"].as_str().unwrap(),
        );
        let output = python("consent.py")
            .args([auth_url, name, password])
            .args(deny.then_some("--deny"))
            .output();
        let output = output.unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    async fn token_calls(&self, app: &App) -> u64 {
        app.open(self.fact("stats_url")).await.ok()["token_calls"]
            .as_u64()
            .unwrap()
    }

    /// The section of `evergrant.toml` that an operator would write.
    fn definition(&self) -> String {
        let fact = |name| self.fact(name);
        format!(
            "[providers.acme]\nname = \"Acme\"\nauthorization_url = \"{}\"\ntoken_url = \"{}\"\n\
             revocation_url = \"{}\"\nuserinfo_url = \"{}\"\nclient_id = \"{}\"\nclient_secret = \"{}\"\n\
             issuer = \"{}\"\nscopes = [\"profile\", \"posts\"]\nallow_insecure = true\n\
             account = {{ id = \"/sub\", username = \"/preferred_username\", display_name = \"/name\" }}\n",
            fact("authorization_url"),
            fact("token_url"),
            fact("revocation_url"),
            fact("userinfo_url"),
            fact("client_id"),
            fact("client_secret"),
            fact("issuer"),
        )
    }
}

impl Drop for AuthorizationServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn python(script: &str) -> Command {
    let mut command = Command::new(root().join(".venv/bin/python"));
    command.arg(root().join("tests/authorization-server").join(script));
    command
}

/// What the server writes once it answers; a server that ends before fails the test.
fn wait_for(port_file: &Path, process: &mut Child) -> Value {
    for _ in 0..1200 {
        if let Ok(text) = std::fs::read_to_string(port_file) {
            return serde_json::from_str(&text).unwrap();
        }
        assert!(
            process.try_wait().unwrap().is_none(),
            "the authorization server has ended"
        );
        std::thread::park_timeout(Duration::from_millis(50));
    }
    panic!("the authorization server does not answer");
}

/// A port that was free a moment ago: the callback's address must be registered before the program
/// starts.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

async fn a_custom_platform_needs_nothing_but_its_definition(database: TestDatabase) {
    let listen = format!("127.0.0.1:{}", free_port());
    let server =
        AuthorizationServer::start(&format!("http://{listen}/api/integrations/callback/acme"));
    let folder = Folder::new();
    let config = folder.path().join("evergrant.toml");
    std::fs::write(&config, server.definition()).unwrap();
    let env = [
        ("EVERGRANT_LISTEN", listen.as_str()),
        ("EVERGRANT_CONFIG", config.to_str().unwrap()),
        ("DATABASE_URL", database.url.as_str()),
    ];
    let program = Program::serve(&env);
    let app = App::new(program.url(), program.api_key());
    app.make_user(1).await;

    let denied = app
        .post(1, "/api/integrations/connect/acme", json!({}))
        .await
        .ok();
    let landing = app
        .open(&server.consent(denied["authUrl"].as_str().unwrap(), true))
        .await
        .location
        .unwrap();
    assert!(
        landing.contains("status=error&code=OAUTH_DENIED"),
        "{landing}"
    );

    let flow = app
        .post(1, "/api/integrations/connect/acme", json!({}))
        .await
        .ok();
    let callback = server.consent(flow["authUrl"].as_str().unwrap(), false);
    let landing = app.open(&callback).await.location.unwrap();
    assert!(
        landing.contains("integration=acme&status=connected&accountId="),
        "{landing}"
    );
    assert_eq!(
        app.open(&callback).await.location,
        Some(landing),
        "the same callback twice has the same answer"
    );
    assert_eq!(server.token_calls(&app).await, 1);

    let status = app.get(1, "/api/integrations/status").await.ok();
    let one = &status["integrations"][0];
    assert_eq!(
        (&one["username"], &one["displayName"]),
        (&json!("ada"), &json!("Ada Lovelace")),
        "{one}"
    );
    let path = |verb: &str| {
        format!(
            "/api/integrations/{verb}/acme/{}",
            one["providerAccountId"].as_str().unwrap()
        )
    };
    let first = app.get(1, &path("token")).await.ok();

    // Twice, since the second needs the refresh token that the first brought.
    for calls in [2, 3] {
        app.post(1, &path("refresh"), json!({})).await.ok();
        assert_eq!(server.token_calls(&app).await, calls);
    }
    let renewed = app.get(1, &path("token")).await.ok();
    assert_ne!(renewed["accessToken"], first["accessToken"]);

    let gone = app.delete(1, &path("disconnect")).await.ok();
    assert_eq!(
        gone["revocation"],
        "revoked",
        "{gone}\n{}",
        program.printed()
    );
    assert_eq!(
        app.get(1, &path("token")).await.code(404),
        "ACCOUNT_NOT_FOUND"
    );
}

on_both_databases!(a_custom_platform_needs_nothing_but_its_definition);
