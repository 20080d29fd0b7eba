//! A process is killed during a refresh, and another one takes over its lease.

use std::time::{Duration, Instant};

use evergrant_testkit::TestDatabase;

use super::kill::Running;
use super::scene::{Scene, USER, token_path};
use crate::client::App;

/// The duration of a lease.
const LEASE: Duration = Duration::from_secs(20);
const ID: &str = "in-flight";

/// Starts a refresh that the provider does not process, and kills its process.
async fn kill_during_refresh(scene: &Scene, (program, app): Running) {
    scene.insert_expired(&[ID.to_owned()]).await;
    scene.stall_next_refresh();
    let reader = tokio::spawn(async move { drop(app.try_get(USER, &token_path(ID)).await) });
    scene.wait_for_refreshes(1).await;
    program.kill();
    reader.await.unwrap();
}

/// Asserts that a process issues a token that the provider accepts.
async fn assert_refreshes(scene: &Scene, app: &App) {
    let token = app.get(USER, &token_path(ID)).await.ok();
    let token = token["accessToken"].as_str().unwrap();
    assert!(scene.simulation.accepts_token(token).await);
    assert_eq!(scene.refreshes(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lease_of_killed_process_on_sqlite_is_taken_over_at_once() {
    let scene = Scene::on(TestDatabase::sqlite(), 0).await;
    let started = Instant::now();
    kill_during_refresh(&scene, scene.serve(&[])).await;
    let (_next, app) = scene.serve(&[]);
    assert_refreshes(&scene, &app).await;
    assert!(started.elapsed() < LEASE, "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lease_of_killed_replica_is_taken_over_at_once_where_replays_are_accepted() {
    let scene = Scene::new(60).await;
    let (_other, app) = scene.serve(&[]);
    let started = Instant::now();
    kill_during_refresh(&scene, scene.serve(&[])).await;
    assert_refreshes(&scene, &app).await;
    assert!(started.elapsed() < LEASE, "{:?}", started.elapsed());
}
