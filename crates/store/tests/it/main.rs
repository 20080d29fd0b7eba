//! What the Data Layer promises, tried on SQLite and on PostgreSQL by
//! `scripts/with-postgres cargo test -p evergrant-store`.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop where it stands"
)]

mod adoption;
mod api_keys;
mod connections;
mod deletion;
mod disconnection;
mod due;
mod events;
mod external_rows;
mod failures;
mod flow_endings;
mod flows;
mod grants;
mod import;
mod key_checks;
mod leases;
mod metadata;
mod migrations;
mod opening;
mod portal;
mod provider_blocks;
mod query_plans;
mod refresh;
mod rejections;
mod revocations;
mod scale;
mod schema;
mod sessions;
mod support;
mod times;
mod together;
mod unreadable_rows;
mod users;
