//! Background jobs skip a row that cannot be read or written and process the others.

use evergrant_model::{ErrorCode, SignedDuration};
use evergrant_service::{FlowStatus, JobName};
use evergrant_testkit::{
    ExternalAccount, TestDatabase, cipher, insert_accounts, on_both_databases,
};

use crate::harness::{ACME_LIFETIME_SECONDS, TestEnv, run_housekeeping};

on_both_databases!(
    flow_with_unknown_status_does_not_block_other_flows,
    row_that_fails_to_import_does_not_block_other_rows,
    empty_token_of_another_program_counts_as_none,
);

async fn flow_with_unknown_status_does_not_block_other_flows(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let unreadable = env.start_bound_flow(user, "acme").await;
    env.callback("acme", env.consent(&unreadable, "juniper"))
        .await
        .unwrap();
    let newer = format!(
        "UPDATE evergrant_flows SET status = 'paused' WHERE id = '{}'",
        unreadable.flow_id
    );
    env.database.execute(&newer).await;
    let other = env.start_bound_flow(user, "acme").await;
    env.callback("acme", env.consent(&other, "kiln"))
        .await
        .unwrap();
    env.advance_seconds(11 * 60);
    run_housekeeping(&env.service).await.unwrap();
    env.service.process().drain().await;
    let id = other.flow_id.as_str();
    let ended = env.flow_state(user, id).await.unwrap();
    assert_eq!(
        (ended.status, ended.error.map(|error| error.code())),
        (FlowStatus::Error, Some(ErrorCode::InvalidState))
    );
    assert_eq!(
        env.calls("acme", "revoke"),
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

async fn row_that_fails_to_import_does_not_block_other_rows(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let account = |id: usize| ExternalAccount {
        user: user.get(),
        provider: "acme".to_owned(),
        id: format!("external-{id}"),
        tokens: env.sandbox.tokens("acme", "juniper").unwrap(),
        expires_at: env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS),
    };
    let accounts: Vec<_> = (0..9).map(account).collect();
    insert_accounts(&env.database, &cipher(), &accounts).await;
    reject_state_of(&env.database, "external-4").await;
    let progress = env
        .service
        .process()
        .run_job(JobName::ImportRows)
        .await
        .unwrap();
    assert_eq!(progress.items, 8);
    let imported = env
        .database
        .texts("SELECT provider FROM evergrant_connections")
        .await;
    assert_eq!(imported.len(), 8);
}

/// An empty text that another program has encrypted with the key of the tests.
const ENCRYPTED_EMPTY_TEXT: &str =
    "07070707070707070707070707070707:6a27c710b7bda98f7f1868f48176a5ed:";

async fn empty_token_of_another_program_counts_as_none(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    for (number, empty) in ["", ENCRYPTED_EMPTY_TEXT].into_iter().enumerate() {
        let account = ExternalAccount {
            user: user.get(),
            provider: "acme".to_owned(),
            id: format!("external-{number}"),
            tokens: env.sandbox.tokens("acme", "juniper").unwrap(),
            expires_at: env.now() + SignedDuration::from_secs(ACME_LIFETIME_SECONDS),
        };
        let id = account.id.clone();
        insert_accounts(&env.database, &cipher(), &[account]).await;
        for column in ["access_token", "refresh_token"] {
            let update = format!(
                "UPDATE oauth_accounts SET {column} = '{empty}' WHERE provider_account_id = '{id}'"
            );
            env.database.execute(&update).await;
        }
        assert_eq!(
            env.read(user, "acme", &id).await,
            Err(ErrorCode::NoAccessToken),
            "{empty:?}"
        );
    }
}
