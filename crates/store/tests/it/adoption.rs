//! An application's own PostgreSQL tables, made by Prisma and already filled, are taken over as
//! they are.

use evergrant_model::UserId;
use evergrant_store::{NewUser, Store};
use evergrant_testkit::{TestDatabase, on_postgres};

use crate::support::{Consent, RefreshedTokens, account, at, created, slug, text};

on_postgres!(
    tables_of_prisma_are_adopted_with_their_rows,
    adopted_tables_are_worked_with_like_our_own,
    the_application_goes_on_writing,
    adopted_tables_end_up_like_our_own,
);

/// What `prisma migrate` makes of `docs/schema.prisma` without the columns that are ours, where
/// `updatedAt` has no default because the application sets it.
const PRISMA: &str = r#"
CREATE TABLE "users" (
    "id" SERIAL NOT NULL,
    "email" VARCHAR(255),
    "name" VARCHAR(255),
    "created_at" TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(6) NOT NULL,
    CONSTRAINT "users_pkey" PRIMARY KEY ("id")
);
CREATE TABLE "oauth_accounts" (
    "id" SERIAL NOT NULL,
    "user_id" INTEGER NOT NULL,
    "provider" VARCHAR(50) NOT NULL,
    "provider_account_id" VARCHAR(255) NOT NULL,
    "access_token" TEXT,
    "refresh_token" TEXT,
    "expires_at" TIMESTAMP(6),
    "token_type" VARCHAR(50),
    "scope" TEXT,
    "metadata" JSONB,
    "created_at" TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(6) NOT NULL,
    CONSTRAINT "oauth_accounts_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "users_email_key" ON "users"("email");
CREATE INDEX "oauth_accounts_user_id_provider_idx" ON "oauth_accounts"("user_id", "provider");
CREATE UNIQUE INDEX "oauth_accounts_provider_provider_account_id_key"
    ON "oauth_accounts"("provider", "provider_account_id");
ALTER TABLE "oauth_accounts" ADD CONSTRAINT "oauth_accounts_user_id_fkey"
    FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
"#;

const ROWS: &str = r#"
INSERT INTO "users" ("email", "name", "updated_at") VALUES
    ('juniper@example.com', 'Juniper', '2026-01-01 00:00:00.123456'),
    (NULL, NULL, '2026-01-01 00:00:00');
INSERT INTO "oauth_accounts" ("user_id", "provider", "provider_account_id", "access_token", "refresh_token",
    "expires_at", "token_type", "scope", "metadata", "updated_at") VALUES
    (1, 'reddit', 'juniper', 'their access', 'their refresh', '2026-01-01 01:00:00', 'bearer', 'identity',
        '{"username": "juniper"}', '2026-01-01 00:00:00'),
    (2, 'reddit', 'robin', 'plain', NULL, NULL, NULL, NULL, NULL, '2026-01-01 00:00:00');
"#;

async fn adopted(database: TestDatabase) -> (TestDatabase, Store) {
    let database = database.without_schema().await;
    database.execute(PRISMA).await;
    database.execute(ROWS).await;
    let store = database.store().await;
    (database, store)
}

fn user(id: i64) -> UserId {
    UserId::try_from(id).unwrap()
}

async fn tables_of_prisma_are_adopted_with_their_rows(database: TestDatabase) {
    const ROWS_OF_ALL: &str = "SELECT (to_jsonb(u) - 'external_id')::text FROM users u
        UNION ALL SELECT (to_jsonb(a) - 'token_binding')::text FROM oauth_accounts a ORDER BY 1";
    let database = database.without_schema().await;
    database.execute(PRISMA).await;
    database.execute(ROWS).await;
    let before = database.texts(ROWS_OF_ALL).await;
    let store = database.store().await;
    assert_eq!(database.texts(ROWS_OF_ALL).await, before);
    assert_eq!(before.len(), 4);
    let found = store.users().by_id(user(1)).await.unwrap().unwrap();
    assert_eq!(
        (found.name.as_deref(), found.external_id),
        (Some("Juniper"), None)
    );
    let held = store
        .connections()
        .owned(user(1), &slug("reddit"), &account("juniper"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (held.tokens.expires_at, text(held.tokens.refresh.as_ref())),
        (Some(at(3600)), Some("their refresh"))
    );
    assert_eq!(
        (held.lease.generation, held.metadata),
        (0, serde_json::json!({"username": "juniper"}))
    );
}

async fn adopted_tables_are_worked_with_like_our_own(database: TestDatabase) {
    let (_database, store) = adopted(database).await;
    let held = store
        .connections()
        .owned(user(1), &slug("reddit"), &account("juniper"))
        .await
        .unwrap()
        .unwrap();
    assert!(
        RefreshedTokens::new("our access", None)
            .store_leased(&store, &held)
            .await
    );
    let reconnected = Consent::of(user(1), "reddit", "juniper")
        .store(&store)
        .await;
    assert_eq!((reconnected.id, reconnected.lease.generation), (held.id, 2));
    let new = created(
        store
            .users()
            .create(
                &NewUser {
                    id: Some(user(10)),
                    ..NewUser::default()
                },
                at(0),
            )
            .await
            .unwrap(),
    );
    Consent::of(new.id, "tiktok", "zoe").store(&store).await;
    let next = created(
        store
            .users()
            .create(&NewUser::default(), at(0))
            .await
            .unwrap(),
    );
    assert_eq!(next.id, user(11));
}

async fn the_application_goes_on_writing(database: TestDatabase) {
    let (database, store) = adopted(database).await;
    database
        .execute(
            r#"INSERT INTO "users" ("email", "name", "updated_at") VALUES ('kim@example.com', 'Kim', now());
            INSERT INTO "oauth_accounts" ("user_id", "provider", "provider_account_id", "access_token", "updated_at")
                VALUES (3, 'tiktok', 'kim', 'their access', now());
            UPDATE "oauth_accounts" SET "access_token" = 'newer' WHERE "provider_account_id" = 'kim';
            DELETE FROM "users" WHERE "id" = 2"#,
        )
        .await;
    let held = store
        .connections()
        .owned(user(3), &slug("tiktok"), &account("kim"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(text(held.tokens.access.as_ref()), Some("newer"));
    assert!(
        store
            .connections()
            .by_account(&slug("reddit"), &account("robin"))
            .await
            .unwrap()
            .is_none()
    );
    Consent::of(user(3), "reddit", "kim2").store(&store).await;
    database
        .execute(r#"DELETE FROM "users" WHERE "id" = 3"#)
        .await;
    assert!(
        store
            .connections()
            .of_user(user(3))
            .await
            .unwrap()
            .is_none(),
        "our tables do not stand in the way"
    );
}

async fn adopted_tables_end_up_like_our_own(database: TestDatabase) {
    const COLUMNS: &str = "SELECT table_name || '.' || column_name || ' ' || data_type || ' '
            || COALESCE(character_maximum_length, datetime_precision, 0) || ' ' || is_nullable
        FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1";
    const INDEXES: &str =
        "SELECT indexdef::text FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1";
    const KEYS: &str =
        "SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
        WHERE contype = 'f' ORDER BY 1";
    drop(database.store().await);
    let ours = [
        database.texts(COLUMNS).await,
        database.texts(INDEXES).await,
        database.texts(KEYS).await,
    ];
    let (adopted, _store) = adopted(database).await;
    let theirs = [
        adopted.texts(COLUMNS).await,
        adopted.texts(INDEXES).await,
        adopted.texts(KEYS).await,
    ];
    assert_eq!(theirs, ours);
}
