//! An application that deletes a row and inserts it again, with the tokens that it read earlier:
//! `REPLACE`, an import, or an ORM that saves by deleting. The tokens that it puts back may be
//! spent, or be spent by a refresh in flight.

use evergrant_model::{ConnectionStatus, ErrorCode, StatusReason, UserId};
use evergrant_sandbox::{Fault, FaultKind, RefreshMode, Switch};
use evergrant_service::JobName;
use evergrant_testkit::{TestDatabase, on_both_databases, on_sqlite};

use crate::harness::{ACME_LIFETIME_SECONDS, REFRESH, TestEnv, read};

on_both_databases!(
    spent_row_inserted_again_is_repaired,
    spent_row_inserted_again_under_its_id_is_repaired,
    spent_row_inserted_after_its_deletion_was_reported_is_repaired,
    current_row_inserted_again_during_a_refresh_loses_no_token,
    row_inserted_again_during_a_refresh_is_not_refreshed_twice,
    row_inserted_after_its_refresh_has_ended_is_repaired,
    refresh_token_removed_during_a_refresh_is_not_lost,
    spent_tokens_of_another_account_are_not_sent,
    row_of_a_disconnected_account_restores_no_token,
    row_of_a_connection_before_the_last_one_is_repaired,
    row_inserted_again_for_another_user_is_not_repaired,
    copies_of_deleted_rows_are_erased_after_a_day,
);
on_sqlite!(
    replaced_row_is_repaired,
    spent_row_inserted_again_without_foreign_keys_is_repaired
);

const COLUMNS: &str = "user_id, provider, provider_account_id, access_token, refresh_token,
    expires_at, token_type, scope, metadata, created_at, updated_at";

/// A user whose grant at a strict provider was refreshed after the app had read its row.
struct Saved {
    env: TestEnv,
    user: UserId,
    account: String,
}

impl Saved {
    async fn new(database: TestDatabase) -> Self {
        let env = TestEnv::new(database).await;
        let strict = Switch::RefreshToken(RefreshMode::RotateStrict);
        env.sandbox.set("acme", strict).unwrap();
        let (user, account) = env.connected_user("acme").await;
        let saved = Self { env, user, account };
        saved.save().await;
        saved.refresh().await;
        saved
    }

    /// Reads the current rows, as the app does.
    async fn save(&self) {
        let save = "DROP TABLE IF EXISTS saved; CREATE TABLE saved AS SELECT * FROM oauth_accounts";
        self.env.database.execute(save).await;
    }

    async fn refresh(&self) {
        let refreshed = self.env.refresh(self.user, "acme", &self.account).await;
        refreshed.unwrap();
    }

    async fn execute(&self, sql: &str) {
        self.env.database.execute(sql).await;
    }

    /// Deletes the rows, and inserts the saved ones in the same transaction.
    async fn insert_again(&self) {
        self.execute(&format!(
            "BEGIN; DELETE FROM oauth_accounts;
            INSERT INTO oauth_accounts ({COLUMNS}) SELECT {COLUMNS} FROM saved; COMMIT"
        ))
        .await;
    }

    async fn insert(&self) {
        let insert = "INSERT INTO oauth_accounts SELECT * FROM saved";
        self.execute(insert).await;
    }

    async fn delete(&self) {
        self.execute("DELETE FROM oauth_accounts").await;
    }

    async fn report_changes(&self) {
        let process = self.env.service.process();
        process.run_job(JobName::ReportRowChanges).await.unwrap();
    }

    async fn read(&self) -> Result<String, ErrorCode> {
        read(&self.env.service, self.user, "acme", &self.account).await
    }

    /// Lets the access token expire, and reads the next one, which takes one more refresh.
    async fn assert_repaired(&self) {
        let calls = self.env.calls("acme", REFRESH);
        self.env.advance_seconds(ACME_LIFETIME_SECONDS);
        let token = self.read().await.unwrap();
        assert!(self.env.is_accepted(&token).await);
        assert_eq!(self.env.calls("acme", REFRESH), calls + 1);
    }

    /// Asserts that the row is expired without a call, because its newer tokens are lost.
    async fn assert_lost(&self, user: UserId) {
        let calls = self.env.calls("acme", REFRESH);
        self.env.advance_seconds(ACME_LIFETIME_SECONDS);
        let token = self.env.read(user, "acme", &self.account).await;
        assert_eq!(token, Err(ErrorCode::ReconnectRequired));
        let integration = self.env.integration(user).await;
        let expected = (ConnectionStatus::Expired, Some(StatusReason::LostInFlight));
        assert_eq!((integration.status, integration.reason), expected);
        assert_eq!(self.env.calls("acme", REFRESH), calls, "nothing is sent");
    }

    /// Does `work` while Acme processes a refresh. Returns the token of the caller that waits.
    async fn during_refresh(&self, work: impl Future<Output = ()>) -> Result<String, ErrorCode> {
        let (env, calls) = (&self.env, self.env.calls("acme", REFRESH));
        env.force(Fault::new("acme", REFRESH, FaultKind::Hold));
        env.advance_seconds(ACME_LIFETIME_SECONDS);
        let (service, user, account) = (env.service.clone(), self.user, self.account.clone());
        let reading = tokio::spawn(async move { read(&service, user, "acme", &account).await });
        env.wait_for_calls("acme", REFRESH, calls + 1).await;
        work.await;
        env.sandbox.release();
        reading.await.unwrap()
    }

    /// Returns the number of copies with tokens, and of all.
    async fn copies(&self) -> (usize, usize) {
        let tokens = "SELECT access_token FROM evergrant_token_copies
            WHERE access_token IS NOT NULL OR refresh_token IS NOT NULL";
        let all = "SELECT provider FROM evergrant_token_copies";
        let database = &self.env.database;
        (
            database.texts(tokens).await.len(),
            database.texts(all).await.len(),
        )
    }
}

async fn spent_row_inserted_again_is_repaired(database: TestDatabase) {
    let saved = Saved::new(database).await;
    saved.insert_again().await;
    saved.assert_repaired().await;
    // Its copy goes with it.
    saved.insert_again().await;
    saved.report_changes().await;
    saved.assert_repaired().await;
}

async fn spent_row_inserted_again_under_its_id_is_repaired(database: TestDatabase) {
    let saved = Saved::new(database).await;
    let again = "BEGIN; DELETE FROM oauth_accounts; INSERT INTO oauth_accounts SELECT * FROM saved;
        COMMIT";
    saved.execute(again).await;
    saved.assert_repaired().await;
}

async fn spent_row_inserted_after_its_deletion_was_reported_is_repaired(database: TestDatabase) {
    let saved = Saved::new(database).await;
    saved.delete().await;
    saved.report_changes().await;
    assert_eq!(saved.copies().await, (1, 1));
    saved.insert().await;
    saved.report_changes().await;
    saved.assert_repaired().await;
}

async fn replaced_row_is_repaired(database: TestDatabase) {
    let saved = Saved::new(database).await;
    saved
        .execute("REPLACE INTO oauth_accounts SELECT * FROM saved")
        .await;
    saved.assert_repaired().await;
}

async fn spent_row_inserted_again_without_foreign_keys_is_repaired(database: TestDatabase) {
    let saved = Saved::new(database).await;
    saved.execute("PRAGMA foreign_keys = OFF").await;
    saved.insert_again().await;
    saved.assert_repaired().await;
}

/// The changes are reported before the platform responds, or afterwards.
async fn current_row_inserted_again_during_a_refresh_loses_no_token(database: TestDatabase) {
    let saved = Saved::new(database).await;
    for reports in [false, true] {
        saved.save().await;
        let token = saved.during_refresh(async {
            saved.insert_again().await;
            if reports {
                saved.report_changes().await;
            }
        });
        let token = token.await.unwrap();
        assert!(saved.env.is_accepted(&token).await);
        assert_eq!(saved.read().await, Ok(token));
        saved.assert_repaired().await;
    }
}

/// The lease of the deleted row is that of the new one.
async fn row_inserted_again_during_a_refresh_is_not_refreshed_twice(database: TestDatabase) {
    let saved = Saved::new(database).await;
    let replica = saved.env.replica().await;
    saved.save().await;
    let (user, account) = (saved.user, saved.account.clone());
    let mut waiting = None;
    let token = saved.during_refresh(async {
        saved.insert_again().await;
        saved.report_changes().await;
        let reading = async move { read(&replica, user, "acme", &account).await };
        waiting = Some(tokio::spawn(reading));
    });
    let token = token.await.unwrap();
    assert_eq!(waiting.unwrap().await.unwrap(), Ok(token));
    assert_eq!(saved.env.calls("acme", REFRESH), 2);
}

/// The refreshed tokens are neither lost nor revoked.
async fn row_inserted_after_its_refresh_has_ended_is_repaired(database: TestDatabase) {
    let saved = Saved::new(database).await;
    saved.save().await;
    let token = saved.during_refresh(saved.delete()).await;
    assert_eq!(token, Err(ErrorCode::AccountNotFound));
    saved.insert().await;
    saved.assert_repaired().await;
}

/// The removal is reported before the platform responds, or afterwards.
async fn refresh_token_removed_during_a_refresh_is_not_lost(database: TestDatabase) {
    let saved = Saved::new(database).await;
    for reports in [false, true] {
        let token = saved.during_refresh(async {
            saved
                .execute("UPDATE oauth_accounts SET refresh_token = NULL")
                .await;
            if reports {
                saved.report_changes().await;
            }
        });
        let token = token.await.unwrap();
        assert!(saved.env.is_accepted(&token).await);
        saved.assert_repaired().await;
    }
}

/// An app that confuses two rows writes the old tokens of one into the other.
async fn spent_tokens_of_another_account_are_not_sent(database: TestDatabase) {
    let saved = Saved::new(database).await;
    let (env, other) = (&saved.env, saved.env.user().await);
    let account = env.connect(other, "acme", "wren").await;
    saved
        .execute(&format!(
            "UPDATE oauth_accounts SET
                access_token = (SELECT access_token FROM saved),
                refresh_token = (SELECT refresh_token FROM saved)
            WHERE user_id = {}",
            other.get()
        ))
        .await;
    env.advance_seconds(ACME_LIFETIME_SECONDS);
    let token = env.read(other, "acme", &account).await.unwrap();
    assert!(env.is_accepted(&token).await);
    saved
        .execute("DELETE FROM evergrant_token_copies WHERE spent_1 IS NULL")
        .await;
    saved.assert_repaired().await;
}

async fn row_of_a_disconnected_account_restores_no_token(database: TestDatabase) {
    let saved = Saved::new(database).await;
    let (env, user) = (&saved.env, saved.user);
    env.disconnect(user, "acme", &saved.account).await.unwrap();
    assert_eq!(saved.copies().await, (0, 1));
    saved.insert().await;
    saved.assert_lost(user).await;
}

/// The app kept an object from before the user disconnected the account and connected it again.
async fn row_of_a_connection_before_the_last_one_is_repaired(database: TestDatabase) {
    let saved = Saved::new(database).await;
    let env = &saved.env;
    saved.save().await;
    env.disconnect(saved.user, "acme", &saved.account)
        .await
        .unwrap();
    env.connect(saved.user, "acme", "juniper").await;
    saved.insert_again().await;
    saved.assert_repaired().await;
}

async fn row_inserted_again_for_another_user_is_not_repaired(database: TestDatabase) {
    let saved = Saved::new(database).await;
    let other = saved.env.user().await;
    let change = format!("UPDATE saved SET user_id = {}", other.get());
    saved.execute(&change).await;
    saved.insert_again().await;
    saved.assert_lost(other).await;
}

async fn copies_of_deleted_rows_are_erased_after_a_day(database: TestDatabase) {
    let saved = Saved::new(database).await;
    saved.delete().await;
    let expire = async || {
        let process = saved.env.service.process();
        process.run_job(JobName::CopyRetention).await.unwrap();
    };
    // The database's clock notes when the row was deleted.
    let deleted_now = if saved.env.database.is_postgres() {
        "UPDATE evergrant_token_copies SET deleted_at = timestamp '2026-01-01'"
    } else {
        "UPDATE evergrant_token_copies SET deleted_at = 1767225600000"
    };
    saved.execute(deleted_now).await;
    expire().await;
    assert_eq!(saved.copies().await, (1, 1));
    saved.env.advance_seconds(25 * 3600);
    expire().await;
    assert_eq!(saved.copies().await, (0, 1), "the digests are kept");
    saved.env.advance_seconds(30 * 24 * 3600);
    expire().await;
    assert_eq!(saved.copies().await, (0, 0));
}
