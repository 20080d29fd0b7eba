//! The program behind a connection pooler in transaction mode.

use evergrant_testkit::{Pooler, TestDatabase};
use serde_json::{Value, json};

use crate::program::{KEY, run};
use crate::simulation::{Simulation, token};

/// The user of the tests.
const USER: i32 = 7;

/// Migrates an empty database, connects and refreshes an account, and runs other commands.
async fn assert_program_works(database: &TestDatabase, direct: Option<&str>) {
    let env = [
        ("DATABASE_URL", database.url.as_str()),
        ("DATABASE_DIRECT_URL", direct.unwrap_or("")),
        ("TOKEN_ENCRYPTION_KEY", KEY),
    ];
    let migrated = run(&["migrate"], &env, "");
    assert!(migrated.status.success(), "{}", migrated.stderr);
    let simulation = Simulation::start().await;
    let (program, app) = simulation.serve_with(database, &env[1..]);
    app.create_user(USER).await;
    simulation
        .connect(&app, USER, "reddit", "juniper", json!({}))
        .await;
    let status = app.get(USER, "/api/integrations/status").await.ok();
    let account = status["integrations"][0]["providerAccountId"].as_str();
    let account = account.unwrap().to_owned();
    let before = token(&app, USER, "reddit", &account).await;
    let path = format!("/api/integrations/refresh/reddit/{account}");
    assert_eq!(app.post(USER, &path, Value::Null).await.status, 200);
    assert_ne!(token(&app, USER, "reddit", &account).await, before);
    for command in [["users", "list"], ["api-key", "list"], ["keys", "status"]] {
        let output = run(&command, &env, "");
        assert!(output.status.success(), "{command:?}: {}", output.stderr);
    }
    drop(program);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn program_works_behind_a_pooler_with_and_without_a_direct_address() {
    for has_direct in [false, true] {
        let database = TestDatabase::postgres().await.without_schema().await;
        let Some(pooler) = Pooler::start(database.server(), "") else {
            return;
        };
        let through_pooler = TestDatabase::at(&database.url_through(pooler.address));
        let direct = has_direct.then_some(database.url.as_str());
        assert_program_works(&through_pooler, direct).await;
    }
}
