//! Migrating a PostgreSQL database with filled tables that the host application created with
//! Prisma.

use evergrant_model::UserId;
use evergrant_store::{NewUser, Store};
use evergrant_testkit::{TestDatabase, on_postgres};

use crate::support::{Consent, RefreshedTokens, at, created, find, import, text};

on_postgres!(
    migration_keeps_prisma_tables_and_rows,
    prisma_tables_support_all_operations,
    application_can_still_write,
    migrated_prisma_tables_equal_new_ones,
);

/// What `prisma migrate` generates from `docs/schema.prisma` without the columns that Evergrant
/// adds. `updatedAt` has no default, because the application sets it.
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
    (1, 'reddit', 'juniper', 'external access', 'external refresh', '2026-01-01 01:00:00', 'bearer', 'identity',
        '{"username": "juniper"}', '2026-01-01 00:00:00'),
    (2, 'reddit', 'robin', 'plain', NULL, NULL, NULL, NULL, NULL, '2026-01-01 00:00:00');
"#;

/// Creates Prisma's tables with rows, and migrates the database.
async fn migrated(database: TestDatabase) -> (TestDatabase, Store) {
    let database = database.without_schema().await;
    database.execute(PRISMA).await;
    database.execute(ROWS).await;
    let store = database.store().await;
    (database, store)
}

fn user(id: i64) -> UserId {
    UserId::try_from(id).unwrap()
}

async fn migration_keeps_prisma_tables_and_rows(database: TestDatabase) {
    const ALL_ROWS: &str = "SELECT (to_jsonb(u) - 'external_id')::text FROM users u
        UNION ALL SELECT (to_jsonb(a) - 'token_binding')::text FROM oauth_accounts a ORDER BY 1";
    let database = database.without_schema().await;
    database.execute(PRISMA).await;
    database.execute(ROWS).await;
    let before = database.texts(ALL_ROWS).await;
    let store = database.store().await;
    assert_eq!(database.texts(ALL_ROWS).await, before);
    assert_eq!(before.len(), 4);
    let found = store.users().by_id(user(1)).await.unwrap().unwrap();
    assert_eq!(
        (found.name.as_deref(), found.external_id),
        (Some("Juniper"), None)
    );
    let connection = find(&store, user(1), "reddit", "juniper").await.unwrap();
    assert_eq!(
        (
            connection.tokens.expires_at,
            text(connection.tokens.refresh.as_ref())
        ),
        (Some(at(3600)), Some("external refresh"))
    );
    assert_eq!(
        (connection.lease.generation, connection.metadata),
        (0, serde_json::json!({"username": "juniper"}))
    );
}

async fn prisma_tables_support_all_operations(database: TestDatabase) {
    let (_database, store) = migrated(database).await;
    let connection = find(&store, user(1), "reddit", "juniper").await.unwrap();
    assert!(import(&store, &connection).await);
    let connection = find(&store, user(1), "reddit", "juniper").await.unwrap();
    assert!(
        RefreshedTokens::new("refreshed access", None)
            .store_leased(&store, &connection)
            .await
    );
    let reconnected = Consent::of(user(1), "reddit", "juniper")
        .store(&store)
        .await;
    assert_eq!(
        (reconnected.id, reconnected.lease.generation),
        (connection.id, 3)
    );
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

async fn application_can_still_write(database: TestDatabase) {
    let (database, store) = migrated(database).await;
    database
        .execute(
            r#"INSERT INTO "users" ("email", "name", "updated_at") VALUES ('kim@example.com', 'Kim', now());
            INSERT INTO "oauth_accounts" ("user_id", "provider", "provider_account_id", "access_token", "updated_at")
                VALUES (3, 'tiktok', 'kim', 'external access', now());
            UPDATE "oauth_accounts" SET "access_token" = 'newer' WHERE "provider_account_id" = 'kim';
            DELETE FROM "users" WHERE "id" = 2"#,
        )
        .await;
    let connection = find(&store, user(3), "tiktok", "kim").await.unwrap();
    assert_eq!(text(connection.tokens.access.as_ref()), Some("newer"));
    let deleted = find(&store, user(2), "reddit", "robin").await;
    assert!(deleted.is_none());
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
        "foreign keys of Evergrant's tables do not block the deletion"
    );
}

async fn migrated_prisma_tables_equal_new_ones(database: TestDatabase) {
    const COLUMNS: &str = "SELECT table_name || '.' || column_name || ' ' || data_type || ' '
            || COALESCE(character_maximum_length, datetime_precision, 0) || ' ' || is_nullable
        FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1";
    const INDEXES: &str =
        "SELECT indexdef::text FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1";
    const KEYS: &str =
        "SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
        WHERE contype = 'f' ORDER BY 1";
    drop(database.store().await);
    let new = [
        database.texts(COLUMNS).await,
        database.texts(INDEXES).await,
        database.texts(KEYS).await,
    ];
    let (migrated, _store) = migrated(database).await;
    let existing = [
        migrated.texts(COLUMNS).await,
        migrated.texts(INDEXES).await,
        migrated.texts(KEYS).await,
    ];
    assert_eq!(existing, new);
}
