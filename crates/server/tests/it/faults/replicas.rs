//! Three replicas, and the work that they do while faults occur.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;
use std::sync::Arc;

use reqwest::StatusCode;
use serde_json::Value;
use tokio::task::JoinSet;

use super::usage::Usage;
use crate::client::App;
use crate::program::{Folder, Program};
use crate::refreshes::scene::{Scene, USER, token_path, until};

/// Number of replicas.
pub(super) const REPLICAS: usize = 3;

/// A replica with its journal.
struct Replica {
    program: Program,
    app: Arc<App>,
    data: Folder,
}

impl Replica {
    fn start(scene: &Scene, data: Folder) -> Self {
        let folder = data.path().to_str().unwrap();
        let (program, app) = scene.serve(&[("EVERGRANT_DATA_DIR", folder)]);
        let app = Arc::new(app);
        Self { program, app, data }
    }
}

/// Numbers of answers by status and code.
#[derive(Default)]
pub(super) struct Answers(BTreeMap<String, usize>);

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self
            .0
            .iter()
            .map(|(answer, count)| format!("{count} × {answer}"));
        f.write_str(&counts.collect::<Vec<_>>().join(", "))
    }
}

impl Answers {
    fn add(&mut self, answer: String) {
        *self.0.entry(answer).or_default() += 1;
    }

    /// Returns how many answers say that a grant must be renewed by its user.
    pub(super) fn dead(&self) -> usize {
        let dead = |answer: &&String| answer.contains("RECONNECT_REQUIRED");
        let answers = self.0.keys().filter(dead);
        answers.map(|answer| self.0[answer]).sum()
    }
}

impl AddAssign for Answers {
    fn add_assign(&mut self, other: Self) {
        for (answer, count) in other.0 {
            *self.0.entry(answer).or_default() += count;
        }
    }
}

/// Reads and refreshes in progress.
pub(super) struct Work(JoinSet<String>);

impl Work {
    pub(super) async fn answers(self) -> Answers {
        let mut answers = Answers::default();
        for answer in self.0.join_all().await {
            answers.add(answer);
        }
        answers
    }
}

/// Three replicas on one database.
pub(super) struct Replicas {
    replicas: Vec<Replica>,
    grants: Vec<String>,
}

impl Replicas {
    /// Inserts grants whose tokens have expired, and starts three replicas.
    pub(super) async fn start(scene: &Scene, grants: usize) -> Self {
        let grants: Vec<_> = (0..grants)
            .map(|number| format!("grant-{number}"))
            .collect();
        scene.insert_expired(&grants).await;
        let start = |_| Replica::start(scene, Folder::new());
        Self {
            replicas: (0..REPLICAS).map(start).collect(),
            grants,
        }
    }

    /// Starts reads and refreshes of every grant on every replica.
    pub(super) fn start_work(&self) -> Work {
        let mut work = JoinSet::new();
        for replica in &self.replicas {
            for grant in &self.grants {
                let (app, path) = (Arc::clone(&replica.app), token_path(grant));
                work.spawn(async move { answer_to(&app, &path, false).await });
                let (app, path) = (Arc::clone(&replica.app), refresh_path(grant));
                work.spawn(async move { answer_to(&app, &path, true).await });
            }
        }
        Work(work)
    }

    /// Waits until a replica serves a token of every grant, and asserts that the provider accepts
    /// it.
    pub(super) async fn assert_all_are_served(&self, scene: &Scene) {
        for (grant, replica) in self.grants.iter().zip(self.replicas.iter().cycle()) {
            let path = token_path(grant);
            until(async || answer_to(&replica.app, &path, false).await == "200").await;
            let token = replica.app.get(USER, &path).await.ok();
            let token = token["accessToken"].as_str().unwrap();
            assert!(scene.simulation.accepts_token(token).await, "{grant}");
        }
    }

    /// Asserts that the refresh token of every grant works.
    pub(super) async fn assert_all_refresh(&self) {
        for (grant, replica) in self.grants.iter().zip(self.replicas.iter().cycle()) {
            let answer = answer_to(&replica.app, &refresh_path(grant), true).await;
            assert_eq!(answer, "200", "{grant}");
        }
    }

    /// Stops the last replica with SIGTERM, and starts it again on its journal.
    pub(super) fn restart_last(&mut self, scene: &Scene) {
        let Replica { program, data, .. } = self.replicas.pop().unwrap();
        assert!(program.stop().success(), "no refreshed token is lost");
        self.replicas.push(Replica::start(scene, data));
    }

    /// Returns the number of refreshed tokens that the database has not stored yet.
    pub(super) async fn pending_writes(&self) -> u64 {
        let mut pending = 0;
        for replica in &self.replicas {
            let admin = App::new(replica.program.admin_url(), "");
            let health = admin.get(USER, "/readyz").await;
            // A healthy process has none and does not list them.
            pending += health.body["pendingWrites"].as_u64().unwrap_or(0);
        }
        pending
    }

    /// Returns the most that each replica uses now or has used.
    pub(super) fn most(&self, used: Vec<Usage>) -> Vec<Usage> {
        let most = used.into_iter().zip(self.usage());
        most.map(|(used, uses)| used.max(uses)).collect()
    }

    /// Returns what each replica uses.
    pub(super) fn usage(&self) -> Vec<Usage> {
        let usage = |replica: &Replica| Usage::of(replica.program.id());
        self.replicas.iter().map(usage).collect()
    }
}

fn refresh_path(grant: &str) -> String {
    format!("/api/integrations/refresh/acme/{grant}")
}

/// Returns status and error code of an answer. A replica that stops gives none.
async fn answer_to(app: &App, path: &str, is_refresh: bool) -> String {
    let answer = if is_refresh {
        app.try_post(USER, path).await
    } else {
        app.try_get(USER, path).await
    };
    let Ok(answer) = answer else {
        return "no answer".to_owned();
    };
    let status = answer.status();
    if status == StatusCode::OK {
        return "200".to_owned();
    }
    let body: Value = answer.json().await.unwrap_or_default();
    let code = body["code"].as_str().unwrap_or("without code");
    format!("{} {code}", status.as_u16())
}
