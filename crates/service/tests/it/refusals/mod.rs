//! A provider refuses the refresh of a grant without saying that the grant has ended. What the
//! responses to other grants show decides whether the grant, or the client registration, is at
//! fault. The access tokens have expired unless a test says otherwise.

mod registration;

use evergrant_model::{ConnectionStatus, ErrorCode, SignedDuration, StatusReason, UserId};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::{IntegrationsService, JobName};
use evergrant_testkit::{TestDatabase, on_both_databases};
use serde_json::json;

use crate::harness::{
    ACME_LIFETIME_SECONDS, REFRESH, TestEnv, issue, read, reconcile, run_housekeeping,
};

on_both_databases!(
    other_users_are_served_while_one_grant_is_refused,
    grant_refused_three_times_while_others_work_is_expired,
    refusals_within_a_minute_count_once,
    refused_lone_grant_is_error_and_never_expired,
    refused_grant_whose_response_was_lost_says_so,
    connection_is_not_connected_after_its_token_ended,
    refused_grant_serves_its_token_until_it_ends,
    refused_revocation_affects_nothing_else,
);

/// Sandbox endpoint of a revocation.
const REVOKE: &str = "revoke";

/// Refuses one call of this endpoint.
fn refusal(endpoint: &str, status: u16, body: serde_json::Value) -> Fault {
    Fault::new("acme", endpoint, FaultKind::Respond)
        .status(status)
        .body(body)
}

/// Refuses one refresh with a bare 401.
fn unauthorized() -> Fault {
    refusal(REFRESH, 401, json!({}))
}

/// Refuses one refresh because of the client.
fn invalid_client() -> Fault {
    refusal(REFRESH, 401, json!({ "error": "invalid_client" }))
}

/// The accounts of one user at Acme.
struct Accounts {
    env: TestEnv,
    user: UserId,
    ids: Vec<String>,
}

impl Accounts {
    /// Creates `count` accounts whose access tokens end in `left` seconds.
    async fn new(database: TestDatabase, count: usize, left: i64) -> Self {
        let env = TestEnv::new(database).await;
        let expires_at = env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS);
        let (user, ids) = env.user_with_accounts("acme", count, expires_at).await;
        reconcile(&env.service).await.unwrap();
        env.advance_seconds(ACME_LIFETIME_SECONDS - left);
        Self { env, user, ids }
    }

    async fn read(&self, index: usize) -> Result<String, ErrorCode> {
        self.env.read(self.user, "acme", &self.ids[index]).await
    }

    /// Reads the token of an account whose refresh is refused. Returns its status afterwards.
    async fn refuse(&self, index: usize, fault: Fault) -> (ConnectionStatus, Option<StatusReason>) {
        self.refuse_on(&self.env.service, index, fault).await
    }

    async fn refuse_on(
        &self,
        replica: &IntegrationsService,
        index: usize,
        fault: Fault,
    ) -> (ConnectionStatus, Option<StatusReason>) {
        let calls = self.env.calls("acme", REFRESH);
        self.env.force(fault);
        assert!(
            read(replica, self.user, "acme", &self.ids[index])
                .await
                .is_err()
        );
        assert_eq!(self.env.calls("acme", REFRESH), calls + 1, "one call");
        self.status(index).await
    }

    async fn status(&self, index: usize) -> (ConnectionStatus, Option<StatusReason>) {
        let row = self.env.row(self.user, "acme", &self.ids[index]).await;
        (row.status, row.reason)
    }

    /// Returns the kinds of all active blocks.
    async fn blocks(&self) -> Vec<String> {
        let blocks = self.env.store.provider_blocks().all().await.unwrap();
        blocks.into_iter().map(|block| block.kind).collect()
    }
}

const UNAVAILABLE: (ConnectionStatus, Option<StatusReason>) = (
    ConnectionStatus::Error,
    Some(StatusReason::ProviderUnavailable),
);
const INVALID: (ConnectionStatus, Option<StatusReason>) = (
    ConnectionStatus::Expired,
    Some(StatusReason::RefreshTokenInvalid),
);

async fn other_users_are_served_while_one_grant_is_refused(database: TestDatabase) {
    let accounts = Accounts::new(database, 4, 0).await;
    let faults = [
        unauthorized(),
        invalid_client(),
        refusal(REFRESH, 403, json!({})),
        refusal(REFRESH, 403, json!({ "error": "forbidden" })),
        refusal(REFRESH, 400, json!({ "error": "invalid_request" })),
        refusal(REFRESH, 200, json!({ "error": "something_odd" })),
        refusal(REFRESH, 400, json!({ "error": "something_new" })),
    ];
    for fault in faults {
        // All tokens expire, the refused grant starts over, and refusals no longer count.
        accounts.env.advance_seconds(25 * ACME_LIFETIME_SECONDS);
        assert!(accounts.read(0).await.is_ok());
        accounts.env.advance_seconds(ACME_LIFETIME_SECONDS);
        for round in 0..6 {
            let refused = accounts.refuse(0, fault.clone()).await;
            assert_eq!(refused, UNAVAILABLE, "{fault:?}");
            for healthy in 1..4 {
                assert!(accounts.read(healthy).await.is_ok(), "{fault:?}");
            }
            accounts.env.advance_seconds(1 << round);
        }
        assert_eq!(accounts.blocks().await, [""; 0], "{fault:?}");
        accounts.env.connect(accounts.user, "acme", "wren").await;
    }
}

async fn grant_refused_three_times_while_others_work_is_expired(database: TestDatabase) {
    let accounts = Accounts::new(database, 2, 0).await;
    assert_eq!(accounts.refuse(0, unauthorized()).await, UNAVAILABLE);
    assert!(accounts.read(1).await.is_ok());
    accounts.env.advance_seconds(60);
    let other_code = refusal(REFRESH, 400, json!({ "error": "invalid_request" }));
    assert_eq!(accounts.refuse(0, other_code).await, UNAVAILABLE);
    accounts.env.advance_seconds(60);
    assert_eq!(accounts.refuse(0, unauthorized()).await, INVALID);
    let calls = accounts.env.calls("acme", REFRESH);
    accounts.env.advance_seconds(600);
    assert_eq!(accounts.read(0).await, Err(ErrorCode::ReconnectRequired));
    accounts.env.refresh_due().await;
    assert_eq!(
        accounts.env.calls("acme", REFRESH),
        calls,
        "no further call"
    );
    let events = accounts.env.events().await;
    assert_eq!(events.iter().filter(|kind| *kind == "expired").count(), 1);
}

async fn refusals_within_a_minute_count_once(database: TestDatabase) {
    let accounts = Accounts::new(database, 2, 0).await;
    for pause in [1, 2, 4, 8, 16, 31] {
        assert_eq!(accounts.refuse(0, unauthorized()).await, UNAVAILABLE);
        assert!(accounts.read(1).await.is_ok());
        accounts.env.advance_seconds(pause);
    }
    accounts.env.advance_seconds(1);
    assert_eq!(
        accounts.refuse(0, unauthorized()).await,
        UNAVAILABLE,
        "the second that counts"
    );
    accounts.env.advance_seconds(60);
    assert_eq!(accounts.refuse(0, unauthorized()).await, INVALID);
}

async fn refused_lone_grant_is_error_and_never_expired(database: TestDatabase) {
    let accounts = Accounts::new(database, 2, 0).await;
    assert!(accounts.read(1).await.is_ok(), "before the first refusal");
    accounts.env.advance_seconds(1);
    for _ in 0..10 {
        assert_eq!(accounts.refuse(0, unauthorized()).await, UNAVAILABLE);
        let (user, account) = (accounts.user, &accounts.ids[0]);
        let paused = issue(&accounts.env.service, user, "acme", account, 0).await;
        let detail = paused.unwrap_err().detail().to_owned();
        assert!(
            detail.contains("reconnect") && !detail.contains("administrator"),
            "{detail}"
        );
        accounts.env.advance_seconds(61);
    }
    assert!(accounts.read(0).await.is_ok(), "the grant is still tried");
    assert_eq!(
        accounts.status(0).await,
        (ConnectionStatus::Connected, None)
    );
    assert_eq!(accounts.blocks().await, [""; 0]);
}

async fn refused_grant_whose_response_was_lost_says_so(database: TestDatabase) {
    let accounts = Accounts::new(database, 2, 0).await;
    accounts
        .refuse(0, Fault::new("acme", REFRESH, FaultKind::Cut))
        .await;
    for _ in 0..2 {
        accounts.env.advance_seconds(60);
        accounts.refuse(0, unauthorized()).await;
        assert!(accounts.read(1).await.is_ok());
    }
    accounts.env.advance_seconds(60);
    let lost = (ConnectionStatus::Expired, Some(StatusReason::LostInFlight));
    assert_eq!(accounts.refuse(0, unauthorized()).await, lost);
}

/// Neither a read nor a refresh happens after the token has ended.
async fn connection_is_not_connected_after_its_token_ended(database: TestDatabase) {
    let accounts = Accounts::new(database, 1, 10).await;
    accounts.env.force(unauthorized());
    accounts.env.refresh_due().await;
    let integration = accounts.env.integration(accounts.user).await;
    let retrying = Some(StatusReason::RefreshRetrying);
    assert_eq!(
        (integration.status, integration.reason),
        (ConnectionStatus::Connected, retrying)
    );
    accounts.env.advance_seconds(10);
    let integration = accounts.env.integration(accounts.user).await;
    assert_eq!((integration.status, integration.reason), UNAVAILABLE);
    run_housekeeping(&accounts.env.service).await.unwrap();
    assert_eq!(accounts.status(0).await, UNAVAILABLE, "it is stored");
    let events = accounts.env.events().await;
    assert_eq!(events.iter().filter(|kind| *kind == "error").count(), 2);
    assert!(accounts.read(0).await.is_ok());
    assert_eq!(
        accounts.status(0).await,
        (ConnectionStatus::Connected, None)
    );
}

async fn refused_grant_serves_its_token_until_it_ends(database: TestDatabase) {
    let accounts = Accounts::new(database, 2, 600).await;
    accounts.env.force(unauthorized().times(1000));
    let current = accounts.read(0).await;
    for _ in 0..599 {
        accounts.env.service.process().drain().await;
        assert_eq!(accounts.read(0).await, current);
        accounts.env.advance_seconds(1);
    }
    let (status, reason) = accounts.status(0).await;
    assert_eq!(
        (status, reason),
        (
            ConnectionStatus::Connected,
            Some(StatusReason::RefreshRetrying)
        )
    );
    accounts.env.service.process().drain().await;
    accounts.env.advance_seconds(1);
    assert_eq!(accounts.read(0).await, Err(ErrorCode::TokenRefreshError));
    assert_eq!(accounts.status(0).await, UNAVAILABLE);
}

async fn refused_revocation_affects_nothing_else(database: TestDatabase) {
    let accounts = Accounts::new(database, 3, 0).await;
    let env = &accounts.env;
    let refused = || refusal(REVOKE, 401, json!({ "error": "invalid_client" }));
    env.force(refused().times(9));
    let disconnected = env
        .disconnect(accounts.user, "acme", &accounts.ids[0])
        .await;
    assert_eq!(disconnected.unwrap().revocation.as_str(), "pending");
    for _ in 0..3 {
        env.advance_seconds(600);
        env.service
            .process()
            .run_job(JobName::Revocations)
            .await
            .unwrap();
        assert_eq!(accounts.blocks().await, [""; 0]);
        assert!(accounts.read(1).await.is_ok());
    }
    assert_eq!(
        env.calls("acme", REVOKE),
        4,
        "the revocation alone is repeated"
    );
    env.connected_user("acme").await;
}
