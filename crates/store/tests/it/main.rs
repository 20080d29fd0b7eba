//! Tests of the store on SQLite and PostgreSQL. Run them with
//! `scripts/with-postgres cargo test -p evergrant-store`.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a failed setup should fail the test"
)]

mod api_keys;
mod call_rates;
mod column_changes;
mod concurrency;
mod connect;
mod connections;
mod development_schema;
mod disconnect;
mod due;
mod events;
mod external_rows;
mod failures;
mod flow_outcomes;
mod flows;
mod grants;
mod import;
mod key_checks;
mod leases;
mod metadata;
mod migrations;
mod open;
mod pooler;
mod portal_links;
mod prisma_tables;
mod provider_blocks;
mod query_plans;
mod refresh;
mod rejections;
mod replica_locks;
mod revocations;
mod row_changes;
mod scale;
mod schema;
mod sessions;
mod shared_tables;
mod sqlite_files;
mod support;
mod timestamps;
mod token_copies;
mod unreadable_rows;
mod user_deletion;
mod users;
