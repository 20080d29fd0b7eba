//! Tests of refreshes by several processes on one PostgreSQL database, which are stopped, killed
//! and disconnected from the database.
//!
//! `EVERGRANT_EXPIRIES` is the number of expired tokens in A5, and `EVERGRANT_KILLS` the number of
//! killed processes in A8. `make soak` sets them to 100 and 1000.

mod kill;
pub(crate) mod scene;
mod take_over;
mod wrong_clock;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use evergrant_testkit::number_from;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::App;
use crate::program::Folder;
use kill::kills;
use scene::{Scene, USER, refresh, token_path, until};

/// Returns the token of an account. Retries while the process is overloaded, as it may be on a
/// small machine.
async fn read_with_retries(app: &App, user: i32, id: &str) -> Value {
    loop {
        let response = app.get(user, &token_path(id)).await;
        let Some(seconds) = response.body["retryAfterSeconds"].as_u64() else {
            return response.ok();
        };
        assert_eq!(response.code(503), "OVERLOADED");
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
}

/// Returns the tokens of all accounts, each with its account id. Starts with the account at index
/// `first`.
async fn read_all(
    app: Arc<App>,
    accounts: Vec<(i32, String)>,
    first: usize,
) -> Vec<(String, String)> {
    let mut tokens = Vec::new();
    for index in 0..accounts.len() {
        let (user, id) = &accounts[(index + first) % accounts.len()];
        let token = read_with_retries(&app, *user, id).await;
        tokens.push((
            id.clone(),
            token["accessToken"].as_str().unwrap().to_owned(),
        ));
    }
    tokens
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a5_three_processes_and_600_readers_refresh_each_token_once() {
    let (scene, expiries) = (Scene::new(0).await, number_from("EVERGRANT_EXPIRIES", 30));
    let programs = [scene.serve(&[]), scene.serve(&[]), scene.serve(&[])];
    let mut accounts = Vec::new();
    for user in 100..100 + i32::try_from(expiries).unwrap() {
        programs[0].1.create_user(user).await;
        accounts.push((user, format!("account-of-{user}")));
    }
    scene.insert_expired_of(&accounts).await;
    let apps = programs
        .iter()
        .map(|(program, _)| (program.url().to_owned(), program.api_key().to_owned()));
    let mut readers = JoinSet::new();
    for (url, key) in apps {
        let app = Arc::new(App::new(&url, &key));
        for first in 0..200 {
            readers.spawn(read_all(Arc::clone(&app), accounts.clone(), first));
        }
    }
    let mut tokens: Vec<_> = readers.join_all().await.into_iter().flatten().collect();
    assert_eq!(tokens.len(), 3 * 200 * expiries);
    tokens.sort();
    tokens.dedup();
    assert_eq!(
        tokens.len(),
        expiries,
        "all readers receive the same token of an account"
    );
    assert_eq!(scene.refreshes(), expiries as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a6_process_paused_past_its_lease_does_not_overwrite_newer_tokens() {
    let scene = Scene::new(30).await;
    let id = "paused";
    scene.insert_expired(&[id.to_owned()]).await;
    scene.hold_responses(1);
    let (paused, app) = scene.serve(&[]);
    let reader = tokio::spawn(async move { app.get(USER, &token_path(id)).await });
    scene.wait_for_refreshes(1).await;
    paused.signal("STOP");
    scene.expire_leases().await;
    let (_other, app) = scene.serve(&[]);
    let newest = app.get(USER, &token_path(id)).await.ok()["accessToken"].clone();
    assert_eq!(scene.refreshes(), 2);
    // A slow commit may end after the answer.
    until(async || scene.generation(id).await == 2).await;
    scene.release_responses();
    paused.signal("CONT");
    assert_eq!(
        reader.await.unwrap().ok()["accessToken"],
        newest,
        "the paused process returns the newer token"
    );
    assert_eq!(
        scene.generation(id).await,
        2,
        "the paused process stores nothing"
    );
    assert_eq!(refresh(&app, id).await.status, 200);
    paused.wait_for("\"stored\":false");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a8_killed_processes_lose_no_grant_within_the_replay_window() {
    let scene = Scene::new(30).await;
    let losses = scene.kill_processes(kills()).await;
    assert_eq!(losses, BTreeMap::new(), "of {} killed", kills());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(
    clippy::print_stderr,
    reason = "the number of lost grants is a result of the test"
)]
async fn a8_grants_lost_with_strict_rotation_are_reported_as_lost_in_flight() {
    let scene = Scene::new(0).await;
    let losses = scene.kill_processes(kills()).await;
    eprintln!(
        "A8: grants lost in flight with strict rotation, by step, of {} killed processes: {losses:?}",
        kills()
    );
    assert!(
        losses.contains_key("BeforeTheReply"),
        "a strict provider does not accept the used refresh token again: {losses:?}"
    );
}

/// Repeats a read while it is answered with 503, as its `Retry-After` asks for. The scheduler may
/// start a refresh before its reader, whose queries then fail as the sessions are terminated.
async fn read_until_served(app: &App, path: &str) -> StatusCode {
    let mut status = app.get(USER, path).await.status;
    for _ in 0..1_000 {
        if status != 503 {
            break;
        }
        status = app.get(USER, path).await.status;
    }
    status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a9_journal_keeps_tokens_of_process_killed_while_database_is_read_only() {
    let (scene, data) = (Scene::new(0).await, Folder::new());
    let ids: Vec<_> = (0..40).map(|number| format!("kept-{number}")).collect();
    let settings = [("EVERGRANT_DATA_DIR", data.path().to_str().unwrap())];
    let (program, app) = scene.serve(&settings);
    scene.insert_expired(&ids).await;
    scene.hold_responses(40);
    let app = Arc::new(app);
    let mut readers = JoinSet::new();
    for id in ids.clone() {
        let app = Arc::clone(&app);
        readers.spawn(async move { read_until_served(&app, &token_path(&id)).await });
    }
    scene.wait_for_refreshes(40).await;
    scene.set_writable(false).await;
    scene.release_responses();
    let statuses = readers.join_all().await;
    assert!(
        statuses.iter().all(|status| *status == 200),
        "waiting readers receive the new tokens: {statuses:?}"
    );
    let health = App::new(program.admin_url(), "").get(USER, "/readyz").await;
    assert_eq!(
        (health.status.as_u16(), &health.body["pendingWrites"]),
        (503, &json!(40))
    );
    program.kill();

    scene.set_writable(true).await;
    // Without leases, only the journal keeps the next process from sending used refresh tokens.
    scene.expire_leases().await;
    let running = scene.serve(&settings);
    for id in &ids {
        until(async || running.1.get(USER, &token_path(id)).await.status != 503).await;
        assert_eq!(scene.loss_reason(&running, id).await, None, "{id}");
    }
    assert_eq!(scene.refreshes(), 80, "40, and 40 by the checks");
}
