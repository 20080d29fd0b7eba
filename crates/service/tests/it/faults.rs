//! One unreadable row, or one that cannot be written, does not stop the background work on others.

use evergrant_model::ErrorCode;
use evergrant_service::{FlowStatus, JobName};
use evergrant_testkit::{
    ExternalAccount, TestDatabase, cipher, insert_accounts, on_both_databases,
};

use crate::harness::{ACME_LIFE_S, Stand};
use crate::outcomes::{call, housekeep};

on_both_databases!(
    a_flow_with_a_status_of_a_newer_version_does_not_stop_the_others,
    a_row_that_cannot_be_imported_does_not_stop_the_others,
);

async fn a_flow_with_a_status_of_a_newer_version_does_not_stop_the_others(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let unreadable = stand.begin_bound(user, "acme").await;
    stand
        .callback("acme", stand.consent(&unreadable, "juniper"))
        .await
        .unwrap();
    let newer = format!(
        "UPDATE evergrant_flows SET status = 'paused' WHERE id = '{}'",
        unreadable.flow_id
    );
    stand.database.execute(&newer).await;
    let other = stand.begin_bound(user, "acme").await;
    stand
        .callback("acme", stand.consent(&other, "kiln"))
        .await
        .unwrap();
    stand.pass_seconds(11 * 60);
    housekeep(&stand.service).await.unwrap();
    let id = other.flow_id.as_str();
    let ended = stand
        .service
        .authorizations()
        .state(&call(), user, id)
        .await
        .unwrap();
    assert_eq!(
        (ended.status, ended.code),
        (FlowStatus::Error, Some(ErrorCode::InvalidState))
    );
    assert_eq!(
        stand.calls("acme", "revoke"),
        2,
        "both tokens of the readable flow are revoked"
    );
}

/// Makes the database reject the state of the connection with this account id.
async fn reject_state_of(database: &TestDatabase, account: &str) {
    let condition = format!(
        "NEW.oauth_account_id = (SELECT id FROM oauth_accounts WHERE provider_account_id = '{account}')"
    );
    if database.is_postgres() {
        let function = format!(
            "CREATE FUNCTION reject() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF {condition} THEN RAISE EXCEPTION 'rejected'; END IF; RETURN NEW; END $$"
        );
        database.execute(&function).await;
        let trigger = "CREATE TRIGGER reject BEFORE INSERT ON evergrant_connections
            FOR EACH ROW EXECUTE FUNCTION reject()";
        database.execute(trigger).await;
    } else {
        let trigger = format!(
            "CREATE TRIGGER reject BEFORE INSERT ON evergrant_connections WHEN {condition}
             BEGIN SELECT RAISE(ABORT, 'rejected'); END"
        );
        database.execute(&trigger).await;
    }
}

async fn a_row_that_cannot_be_imported_does_not_stop_the_others(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let account = |id: usize| ExternalAccount {
        user: user.get(),
        provider: "acme".to_owned(),
        id: format!("external-{id}"),
        tokens: stand.sandbox.tokens("acme", "juniper").unwrap(),
        expires_at: stand.now().plus_seconds(ACME_LIFE_S),
    };
    let accounts: Vec<_> = (0..9).map(account).collect();
    insert_accounts(&stand.database, &cipher(), &accounts).await;
    reject_state_of(&stand.database, "external-4").await;
    let progress = stand
        .service
        .process()
        .run_job(JobName::ImportRows)
        .await
        .unwrap();
    assert_eq!(progress.items, 8);
    let imported = stand
        .database
        .texts("SELECT provider FROM evergrant_connections")
        .await;
    assert_eq!(imported.len(), 8);
}
