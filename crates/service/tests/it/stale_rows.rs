//! An application that writes back a whole row that it read earlier puts a spent refresh token
//! back. It is never sent.

use evergrant_encryption::EncryptedToken;
use evergrant_model::{ConnectionStatus, ErrorCode, Revocation, StatusReason, UserId};
use evergrant_sandbox::{Fault, FaultKind, RefreshMode, Switch};
use evergrant_service::JobName;
use evergrant_testkit::{TestDatabase, cipher, on_both_databases, on_postgres};
use secrecy::ExposeSecret;

use crate::harness::{ACME_LIFETIME_SECONDS, REFRESH, TestEnv, call, read};

on_both_databases!(
    spent_refresh_token_written_back_is_never_sent,
    spent_refresh_token_encrypted_anew_is_recognized,
    recorded_write_of_an_old_row_is_repaired,
    row_written_back_during_a_refresh_loses_no_token,
    current_token_encrypted_anew_during_a_refresh_loses_no_token,
    old_row_of_a_moved_account_is_repaired_for_its_new_owner,
    refresh_of_an_account_moved_meanwhile_is_for_its_new_owner,
    disconnect_and_deletion_revoke_the_newest_token,
    new_grant_of_the_app_is_accepted,
    unchanged_refresh_token_written_back_is_used,
    unreadable_copy_asks_for_a_reconnect,
    row_without_tokens_is_expired,
);

on_postgres!(row_written_back_before_the_lease_is_repaired);

/// A user whose grant at a strict provider was refreshed twice, and the row before that.
struct Refreshed {
    env: TestEnv,
    user: UserId,
    account: String,
    old_row: (String, String),
}

impl Refreshed {
    async fn new(database: TestDatabase, mode: RefreshMode) -> Self {
        let env = TestEnv::new(database).await;
        env.sandbox.set("acme", Switch::RefreshToken(mode)).unwrap();
        let (user, account) = env.connected_user("acme").await;
        let old_row = stored(&env, user, &account).await;
        for _ in 0..2 {
            env.refresh(user, "acme", &account).await.unwrap();
        }
        Self {
            env,
            user,
            account,
            old_row,
        }
    }

    /// Writes these ciphertexts into the row.
    async fn write(&self, row: &(String, String)) {
        self.env.database.execute(&update(row)).await;
    }

    async fn write_old_row(&self) {
        self.write(&self.old_row).await;
    }

    /// Writes the old row back, and lets the access token expire.
    async fn write_back(&self) {
        self.write_old_row().await;
        self.env.advance_seconds(ACME_LIFETIME_SECONDS);
    }

    /// Writes these ciphertexts into the row while Acme processes a refresh. If `reports`, the
    /// change is also reported before Acme responds. The new tokens must be stored.
    async fn write_during_refresh(&self, row: &(String, String), reports: bool) {
        let (env, calls) = (&self.env, self.env.calls("acme", REFRESH));
        env.force(Fault::new("acme", REFRESH, FaultKind::Hold));
        env.advance_seconds(ACME_LIFETIME_SECONDS);
        let (service, user, account) = (env.service.clone(), self.user, self.account.clone());
        let reading = tokio::spawn(async move { read(&service, user, "acme", &account).await });
        env.wait_for_calls("acme", REFRESH, calls + 1).await;
        self.write(row).await;
        if reports {
            let process = env.service.process();
            process.run_job(JobName::ReportRowChanges).await.unwrap();
        }
        env.sandbox.release();
        let token = reading.await.unwrap().unwrap();
        assert!(env.is_accepted(&token).await);
        assert_eq!(env.stored_token(user, &self.account).await, Ok(token));
        env.refresh(user, "acme", &self.account).await.unwrap();
        assert_eq!(env.calls("acme", REFRESH), calls + 2);
    }

    async fn read(&self) -> Result<String, ErrorCode> {
        read(&self.env.service, self.user, "acme", &self.account).await
    }

    /// Reads a token that the provider accepts.
    async fn assert_alive(&self) {
        let token = self.read().await.unwrap();
        assert!(self.env.is_accepted(&token).await);
    }
}

/// Returns the stored ciphertexts of the access token and the refresh token.
async fn stored(env: &TestEnv, user: UserId, account: &str) -> (String, String) {
    let tokens = env.row(user, "acme", account).await.tokens;
    let text = |token: Option<EncryptedToken>| token.unwrap().as_str().to_owned();
    (text(tokens.access), text(tokens.refresh))
}

fn update((access, refresh): &(String, String)) -> String {
    format!("UPDATE oauth_accounts SET access_token = '{access}', refresh_token = '{refresh}'")
}

/// Encrypts a stored token with a new IV, as an app that decrypts rows and encrypts them does.
fn encrypted_anew(stored: &str) -> String {
    let token = cipher().decrypt_token(stored).unwrap();
    encrypted(token.expose_secret())
}

fn encrypted(token: &str) -> String {
    cipher().encrypt_token(token).unwrap().as_str().to_owned()
}

async fn spent_refresh_token_written_back_is_never_sent(database: TestDatabase) {
    let refreshed = Refreshed::new(database, RefreshMode::RotateStrict).await;
    refreshed.write_back().await;
    refreshed.assert_alive().await;
    assert_eq!(
        refreshed.env.calls("acme", REFRESH),
        3,
        "with the newest token"
    );
    let integration = refreshed.env.integration(refreshed.user).await;
    assert_eq!(integration.status, ConnectionStatus::Connected);
}

async fn spent_refresh_token_encrypted_anew_is_recognized(database: TestDatabase) {
    let refreshed = Refreshed::new(database, RefreshMode::RotateStrict).await;
    let (access, refresh) = &refreshed.old_row;
    let anew = (encrypted_anew(access), encrypted_anew(refresh));
    refreshed.write(&anew).await;
    refreshed.env.advance_seconds(ACME_LIFETIME_SECONDS);
    refreshed.assert_alive().await;
}

async fn recorded_write_of_an_old_row_is_repaired(database: TestDatabase) {
    let refreshed = Refreshed::new(database, RefreshMode::RotateStrict).await;
    let env = &refreshed.env;
    let newest = stored(env, refreshed.user, &refreshed.account).await;
    refreshed.write_back().await;
    let process = env.service.process();
    process.run_job(JobName::ReportRowChanges).await.unwrap();
    let repaired = stored(env, refreshed.user, &refreshed.account).await;
    assert_eq!(repaired, newest);
    assert_eq!(env.calls("acme", REFRESH), 2, "no call is needed");
    let expected = ["connected", "refreshed", "refreshed", "refreshed"];
    assert_eq!(env.events().await, expected);
}

/// The app writes the old row while the platform processes a refresh. The row is repaired before
/// the response arrives, or afterwards.
async fn row_written_back_during_a_refresh_loses_no_token(database: TestDatabase) {
    let refreshed = Refreshed::new(database, RefreshMode::RotateStrict).await;
    let (env, user, account) = (&refreshed.env, refreshed.user, &refreshed.account);
    for reports in [false, true] {
        let old_row = stored(env, user, account).await;
        env.refresh(user, "acme", account).await.unwrap();
        refreshed.write_during_refresh(&old_row, reports).await;
    }
}

/// The refresh token in flight stays in the row until its successor is stored.
async fn current_token_encrypted_anew_during_a_refresh_loses_no_token(database: TestDatabase) {
    let refreshed = Refreshed::new(database, RefreshMode::RotateStrict).await;
    for reports in [false, true] {
        let current = stored(&refreshed.env, refreshed.user, &refreshed.account).await;
        let anew = (encrypted_anew(&current.0), encrypted_anew(&current.1));
        refreshed.write_during_refresh(&anew, reports).await;
    }
}

/// An app that gives accounts to another user writes the whole rows. The job or a read finds them.
async fn old_row_of_a_moved_account_is_repaired_for_its_new_owner(database: TestDatabase) {
    let refreshed = Refreshed::new(database, RefreshMode::RotateStrict).await;
    let (env, account) = (&refreshed.env, &refreshed.account);
    for reports in [false, true] {
        let owner = env.user().await;
        let update = format!("UPDATE oauth_accounts SET user_id = {}", owner.get());
        env.database.execute(&update).await;
        refreshed.write_old_row().await;
        if reports {
            let process = env.service.process();
            process.run_job(JobName::ReportRowChanges).await.unwrap();
        }
        let token = env.read(owner, "acme", account).await.unwrap();
        assert!(env.is_accepted(&token).await);
        let row = env.row(owner, "acme", account).await;
        assert!(!row.is_external, "its new owner is imported");
    }
    assert_eq!(
        env.calls("acme", REFRESH),
        2,
        "the newest token is restored"
    );
}

/// The write is committed after the refresh has read the row, and before it gets the lease.
async fn row_written_back_before_the_lease_is_repaired(database: TestDatabase) {
    let refreshed = Refreshed::new(database, RefreshMode::RotateStrict).await;
    let env = &refreshed.env;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    let write = env.database.begin(&update(&refreshed.old_row)).await;
    let (service, user, account) = (
        env.service.clone(),
        refreshed.user,
        refreshed.account.clone(),
    );
    let reading = tokio::spawn(async move { read(&service, user, "acme", &account).await });
    env.database.lock_is_waited_for().await;
    write.commit().await;
    let token = reading.await.unwrap().unwrap();
    assert!(env.is_accepted(&token).await);
    assert_eq!(env.calls("acme", REFRESH), 3);
}

async fn refresh_of_an_account_moved_meanwhile_is_for_its_new_owner(database: TestDatabase) {
    let refreshed = Refreshed::new(database, RefreshMode::RotateStrict).await;
    let (env, account) = (&refreshed.env, &refreshed.account);
    let (old, owner) = (refreshed.user, env.user().await);
    env.force(Fault::new("acme", REFRESH, FaultKind::Hold));
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    let reading = tokio::spawn({
        let (service, account) = (env.service.clone(), account.clone());
        async move { read(&service, old, "acme", &account).await }
    });
    env.wait_for_calls("acme", REFRESH, 3).await;
    let update = format!("UPDATE oauth_accounts SET user_id = {}", owner.get());
    env.database.execute(&update).await;
    env.sandbox.release();
    assert_eq!(reading.await.unwrap(), Err(ErrorCode::AccountNotFound));
    assert_eq!(refreshed.read().await, Err(ErrorCode::AccountNotFound));
    let token = env.read(owner, "acme", account).await.unwrap();
    assert!(env.is_accepted(&token).await);
    assert_eq!(env.calls("acme", REFRESH), 3);
}

/// The platform would not know the spent refresh token, and the grant would stay.
async fn disconnect_and_deletion_revoke_the_newest_token(database: TestDatabase) {
    let refreshed = Refreshed::new(database, RefreshMode::RotateStrict).await;
    let (env, user, account) = (&refreshed.env, refreshed.user, &refreshed.account);
    let newest = env.read(user, "acme", account).await.unwrap();
    refreshed.write_old_row().await;
    let disconnected = env.disconnect(user, "acme", account).await.unwrap();
    assert_eq!(disconnected.revocation, Revocation::Revoked);
    assert!(!env.is_accepted(&newest).await);

    env.connect(user, "acme", "juniper").await;
    let old_row = stored(env, user, account).await;
    env.refresh(user, "acme", account).await.unwrap();
    let newest = env.read(user, "acme", account).await.unwrap();
    refreshed.write(&old_row).await;
    env.service.users().delete(&call(), user).await.unwrap();
    env.service.process().drain().await;
    assert!(!env.is_accepted(&newest).await);
}

async fn new_grant_of_the_app_is_accepted(database: TestDatabase) {
    let refreshed = Refreshed::new(database, RefreshMode::RotateStrict).await;
    let (access, refresh) = refreshed.env.sandbox.tokens("acme", "juniper").unwrap();
    let (env, user, account) = (&refreshed.env, refreshed.user, &refreshed.account);
    let new = (encrypted(&access), encrypted(&refresh));
    refreshed.write(&new).await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    refreshed.assert_alive().await;
    let lease = env.row(user, "acme", account).await.lease;
    assert_eq!(lease.generation, 5, "imported, and refreshed once more");
}

/// The provider does not rotate, so the old row holds the valid refresh token.
async fn unchanged_refresh_token_written_back_is_used(database: TestDatabase) {
    let refreshed = Refreshed::new(database, RefreshMode::Keep).await;
    refreshed.write_back().await;
    refreshed.assert_alive().await;
    assert_eq!(refreshed.env.calls("acme", REFRESH), 3);
}

async fn unreadable_copy_asks_for_a_reconnect(database: TestDatabase) {
    let refreshed = Refreshed::new(database, RefreshMode::RotateStrict).await;
    let damage = "UPDATE evergrant_token_copies SET refresh_token = 'unreadable'";
    refreshed.env.database.execute(damage).await;
    refreshed.write_back().await;
    assert_eq!(refreshed.read().await, Err(ErrorCode::ReconnectRequired));
    assert_eq!(refreshed.read().await, Err(ErrorCode::ReconnectRequired));
    assert_eq!(
        refreshed.env.calls("acme", REFRESH),
        2,
        "the spent token is not sent"
    );
    let integration = refreshed.env.integration(refreshed.user).await;
    let expected = (ConnectionStatus::Expired, Some(StatusReason::LostInFlight));
    assert_eq!((integration.status, integration.reason), expected);
}

async fn row_without_tokens_is_expired(database: TestDatabase) {
    let refreshed = Refreshed::new(database, RefreshMode::RotateStrict).await;
    let remove = "UPDATE oauth_accounts SET access_token = NULL, refresh_token = NULL";
    refreshed.env.database.execute(remove).await;
    let process = refreshed.env.service.process();
    process.run_job(JobName::ReportRowChanges).await.unwrap();
    let integration = refreshed.env.integration(refreshed.user).await;
    let expected = (ConnectionStatus::Expired, Some(StatusReason::SessionEnded));
    assert_eq!((integration.status, integration.reason), expected);
    let row = refreshed
        .env
        .row(refreshed.user, "acme", &refreshed.account);
    assert_eq!(row.await.next_status_at, Some(refreshed.env.now()));
}
