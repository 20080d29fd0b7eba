//! Kills processes at each step of a refresh, and checks what the next process does with the
//! account.

use std::collections::BTreeMap;
use std::time::Duration;

use evergrant_model::{Clock, ProviderAccountId, ProviderSlug, SignedDuration, SystemClock};
use evergrant_resilience::refresh::lease::{LeaseRequest, RefreshPolicy};
use evergrant_store::{LeaseAnswer, Store};
use evergrant_testkit::{OpenTransaction, number_from};

use super::scene::{Scene, USER, refresh, token_path, until};
use crate::client::App;
use crate::program::Program;

/// The step of a refresh at which a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The process holds the lease and has sent nothing.
    BeforeTheCall,
    /// The request was sent, but the provider does not process it.
    AfterSending,
    /// The provider has rotated the tokens, and holds its response.
    BeforeTheReply,
    /// The response is arriving.
    AfterTheReply,
    /// The write of the new tokens waits for a row lock.
    BeforeTheCommit,
    /// The new tokens are stored.
    AfterTheCommit,
}

impl Step {
    const ALL: [Self; 6] = [
        Self::BeforeTheCall,
        Self::AfterSending,
        Self::BeforeTheReply,
        Self::AfterTheReply,
        Self::BeforeTheCommit,
        Self::AfterTheCommit,
    ];

    /// Returns whether a strictly rotating provider may have issued tokens that were not stored.
    fn may_lose_tokens(self) -> bool {
        matches!(
            self,
            Self::BeforeTheReply | Self::AfterTheReply | Self::BeforeTheCommit
        )
    }
}

/// Returns the number of processes to kill.
pub(super) fn kills() -> usize {
    number_from("EVERGRANT_KILLS", 24)
}

/// A process, and a client of it.
pub(super) type Running = (Program, App);

impl Scene {
    /// Kills a process at `step` of a refresh of the account. Returns a process that need not be
    /// killed to simulate the step.
    async fn kill_at(&self, step: Step, (program, app): Running, id: &str) -> Option<Running> {
        let before = self.refreshes();
        match step {
            Step::BeforeTheCall => {
                self.leave_a_lease(id).await;
                return Some((program, app));
            }
            Step::AfterSending => self.stall_next_refresh(),
            Step::AfterTheCommit => {}
            _ => self.hold_responses(1),
        }
        let path = token_path(id);
        let reader = tokio::spawn(async move { drop(app.try_get(USER, &path).await) });
        self.wait_for_refreshes(before + 1).await;
        let mut lock = None;
        match step {
            Step::AfterTheReply => {
                self.release_responses();
                // Covers the time from before the arrival of the response until after the commit.
                tokio::time::sleep(Duration::from_micros(500 * (before % 16))).await;
            }
            Step::BeforeTheCommit => lock = Some(self.block_the_commit(id).await),
            Step::AfterTheCommit => until(async || self.generation(id).await == 2).await,
            _ => {}
        }
        program.kill();
        self.release_responses();
        self.terminate_connections().await;
        drop((reader.await, lock));
        None
    }

    /// Leaves what a process leaves that was killed after the commit of its lease and before its
    /// request to the provider.
    async fn leave_a_lease(&self, id: &str) {
        let store = Store::open(&self.database.url).await.unwrap();
        let (acme, account) = (
            ProviderSlug::new("acme").unwrap(),
            ProviderAccountId::new(id).unwrap(),
        );
        let expires_at = SystemClock.now() + SignedDuration::from_secs(20);
        // The process imports the row meanwhile, which increments its generation.
        until(async || {
            let user = i64::from(USER).try_into().unwrap();
            let connections = store.connections();
            let connection = connections.owned(user, &acme, &account).await.unwrap();
            let connection = connection.unwrap();
            let request = LeaseRequest {
                known_generation: connection.lease.generation,
                database_up_for_ms: 60_000,
                refresh_policy: RefreshPolicy::STRICT,
            };
            let refreshes = store.refreshes();
            let answer = refreshes.take_lease(connection.id, request, "killed", expires_at);
            matches!(answer.await.unwrap(), LeaseAnswer::Leased(_))
        })
        .await;
    }

    /// Locks the row of the account, releases the response, and waits until the write of the new
    /// tokens waits for the lock.
    async fn block_the_commit(&self, id: &str) -> OpenTransaction {
        let lock =
            format!("SELECT 1 FROM oauth_accounts WHERE provider_account_id = '{id}' FOR UPDATE");
        let lock = self.database.begin(&lock).await;
        self.release_responses();
        self.database.lock_is_waited_for().await;
        lock
    }

    /// Reads the token of the account from another process. Returns `None` if the token and the
    /// refresh token work, otherwise the reason in the status.
    pub(super) async fn loss_reason(&self, (_, app): &Running, id: &str) -> Option<String> {
        let response = app.get(USER, &token_path(id)).await;
        if response.status == 200 {
            let token = response.body["accessToken"].as_str().unwrap();
            assert!(
                self.simulation.accepts_token(token).await,
                "an invalid token was served"
            );
            let refreshed = refresh(app, id).await;
            assert_eq!(
                refreshed.status, 200,
                "the stored refresh token is the newest: {refreshed:?}"
            );
            return None;
        }
        assert_eq!(response.code(409), "RECONNECT_REQUIRED");
        let list = app.get(USER, "/api/integrations/status").await.ok();
        let row = list["integrations"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["providerAccountId"] == id);
        let reason = row.unwrap()["statusReason"].as_str();
        Some(reason.unwrap_or("no reason").to_owned())
    }

    /// Kills `kills` processes, at each step in turn. Returns the number of lost grants by step.
    pub(super) async fn kill_processes(&self, kills: usize) -> BTreeMap<String, usize> {
        let (mut running, mut losses) = (self.serve(&[]), BTreeMap::new());
        for (number, step) in Step::ALL.into_iter().cycle().take(kills).enumerate() {
            let id = format!("killed-{number}");
            self.insert_expired(std::slice::from_ref(&id)).await;
            let survivor = self.kill_at(step, running, &id).await;
            self.expire_leases().await;
            running = survivor.unwrap_or_else(|| self.serve(&[]));
            if let Some(reason) = self.loss_reason(&running, &id).await {
                assert_eq!(reason, "LOST_IN_FLIGHT", "{step:?}");
                assert!(
                    step.may_lose_tokens(),
                    "{step:?}: lost tokens that were not issued yet, or that were stored"
                );
                *losses.entry(format!("{step:?}")).or_default() += 1;
            }
        }
        losses
    }
}
