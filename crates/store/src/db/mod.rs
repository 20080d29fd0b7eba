//! Database access: connection pools, transactions, parameter and row types, migrations.

pub(crate) mod address;
pub(crate) mod connect;
pub(crate) mod connect_error;
pub(crate) mod database;
pub(crate) mod decode;
pub(crate) mod describe;
pub(crate) mod dialect;
pub(crate) mod error;
pub(crate) mod file_error;
pub(crate) mod inspect;
pub(crate) mod json;
pub(crate) mod migration_error;
pub(crate) mod migrations;
pub(crate) mod open;
pub(crate) mod own_writes;
pub(crate) mod postgres;
pub(crate) mod replica_locks;
pub(crate) mod repository;
pub(crate) mod row_triggers;
pub(crate) mod schema_check;
pub(crate) mod sqlite_file;
pub(crate) mod sqlite_locks;
pub(crate) mod sqlite_writer;
pub(crate) mod time;
pub(crate) mod transaction;
pub(crate) mod value;
