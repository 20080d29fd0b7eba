//! Test of a custom provider that is defined in TOML only. Its authorization server is external:
//! django-oauth-toolkit with mandatory PKCE and refresh token rotation, where a reused refresh
//! token revokes the whole token family.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::{Value, json};

use crate::client::App;
use crate::program::{Folder, Program};

/// The process of the server. It exits when its standard input closes, at the latest with the
/// process of the test.
struct AuthorizationServer {
    process: Child,
    /// Addresses, client and users, as the server writes them to a file at its start.
    config: Value,
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
            .expect("the project's Python environment exists; scripts/setup creates it");
        let config = wait_for(&port_file, &mut process);
        Self {
            process,
            config,
            _folder: folder,
        }
    }

    fn config(&self, name: &str) -> &str {
        self.config[name].as_str().unwrap()
    }

    /// Signs in as Ada and allows or denies the consent. Returns the callback URL.
    fn consent(&self, auth_url: &str, deny: bool) -> String {
        let ada = &self.config["users"][0];
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
        app.open(self.config("stats_url")).await.ok()["token_calls"]
            .as_u64()
            .unwrap()
    }

    /// Returns the section of `evergrant.toml` that defines the provider.
    fn definition(&self) -> String {
        let config = |name| self.config(name);
        format!(
            "[providers.acme]\nname = \"Acme\"\nauthorization_url = \"{}\"\ntoken_url = \"{}\"\n\
             revocation_url = \"{}\"\nuserinfo_url = \"{}\"\nclient_id = \"{}\"\nclient_secret = \"{}\"\n\
             issuer = \"{}\"\nscopes = [\"profile\", \"posts\"]\nallow_insecure = true\n\
             account = {{ id = \"/sub\", username = \"/preferred_username\", display_name = \"/name\" }}\n",
            config("authorization_url"),
            config("token_url"),
            config("revocation_url"),
            config("userinfo_url"),
            config("client_id"),
            config("client_secret"),
            config("issuer"),
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

/// Returns the file that the server writes once it accepts requests. The test fails if the server
/// exits before.
fn wait_for(port_file: &Path, process: &mut Child) -> Value {
    for _ in 0..1200 {
        if let Ok(text) = std::fs::read_to_string(port_file) {
            return serde_json::from_str(&text).unwrap();
        }
        assert!(
            process.try_wait().unwrap().is_none(),
            "the authorization server exited"
        );
        std::thread::park_timeout(Duration::from_millis(50));
    }
    panic!("the authorization server did not start in time");
}

/// Returns a port that was free just now. The callback URL must be registered before the program
/// starts, so the program cannot choose the port.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

async fn custom_provider_needs_only_a_definition(database: TestDatabase) {
    let (server, program, app, _folder) = serve(&database);
    app.create_user(1).await;
    check_denied_consent(&server, &app).await;
    check_consent(&server, &app).await;
    let account = check_profile(&app).await;
    let path = |verb: &str| format!("/api/integrations/{verb}/acme/{account}");
    let first = app.get(1, &path("token")).await.ok();

    // The second refresh needs the refresh token that the first one returned.
    for calls in [2, 3] {
        app.post(1, &path("refresh"), json!({})).await.ok();
        assert_eq!(server.token_calls(&app).await, calls);
    }
    let refreshed = app.get(1, &path("token")).await.ok();
    assert_ne!(refreshed["accessToken"], first["accessToken"]);

    let disconnected = app.delete(1, &path("disconnect")).await.ok();
    assert_eq!(
        disconnected["revocation"],
        "revoked",
        "{disconnected}\n{}",
        program.output()
    );
    assert_eq!(
        app.get(1, &path("token")).await.code(404),
        "ACCOUNT_NOT_FOUND"
    );
}

/// Starts the authorization server, and `evergrant serve` with its definition.
fn serve(database: &TestDatabase) -> (AuthorizationServer, Program, App, Folder) {
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
    (server, program, app, folder)
}

async fn check_denied_consent(server: &AuthorizationServer, app: &App) {
    let flow = app
        .post(1, "/api/integrations/connect/acme", json!({}))
        .await
        .ok();
    let callback = server.consent(flow["authUrl"].as_str().unwrap(), true);
    let redirect = app.open(&callback).await.location.unwrap();
    assert!(
        redirect.contains("status=error&code=OAUTH_DENIED"),
        "{redirect}"
    );
}

async fn check_consent(server: &AuthorizationServer, app: &App) {
    let flow = app
        .post(1, "/api/integrations/connect/acme", json!({}))
        .await
        .ok();
    let callback = server.consent(flow["authUrl"].as_str().unwrap(), false);
    let redirect = app.open(&callback).await.location.unwrap();
    assert!(
        redirect.contains("integration=acme&status=connected&accountId="),
        "{redirect}"
    );
    assert_eq!(
        app.open(&callback).await.location,
        Some(redirect),
        "a repeated callback has the same response"
    );
    assert_eq!(server.token_calls(app).await, 1);
}

/// Checks the profile of the connected account, and returns its id.
async fn check_profile(app: &App) -> String {
    let status = app.get(1, "/api/integrations/status").await.ok();
    let row = &status["integrations"][0];
    assert_eq!(
        (&row["username"], &row["displayName"]),
        (&json!("ada"), &json!("Ada Lovelace")),
        "{row}"
    );
    row["providerAccountId"].as_str().unwrap().to_owned()
}

on_both_databases!(custom_provider_needs_only_a_definition);
