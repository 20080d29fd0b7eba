//! The columns that the shared tables must have, as `migrations/` creates them.

use super::types::Kind;
use crate::db::dialect::Dialect;

/// What a database needs of the shared tables.
pub(super) struct Expected {
    pub(super) tables: [ExpectedTable; 2],
    pub(super) dialect: Dialect,
}

pub(super) struct ExpectedTable {
    pub(super) name: &'static str,
    pub(super) columns: &'static [ExpectedColumn],
}

pub(super) struct ExpectedColumn {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The definition that adds the column to a table with rows.
    pub(super) definition: &'static str,
    /// Whether Evergrant stores NULL in the column.
    pub(super) may_be_null: bool,
    /// Whether migrations add the column to a table without it.
    pub(super) is_added: bool,
}

const fn column(name: &'static str, kind: Kind, definition: &'static str) -> ExpectedColumn {
    ExpectedColumn {
        name,
        kind,
        definition,
        may_be_null: false,
        is_added: false,
    }
}

const fn optional(name: &'static str, kind: Kind, definition: &'static str) -> ExpectedColumn {
    ExpectedColumn {
        may_be_null: true,
        ..column(name, kind, definition)
    }
}

const fn added(name: &'static str, kind: Kind, definition: &'static str) -> ExpectedColumn {
    ExpectedColumn {
        is_added: true,
        ..optional(name, kind, definition)
    }
}

const NOW: &str = "timestamp(6) NOT NULL DEFAULT (now() AT TIME ZONE 'utc')";

pub(super) const POSTGRES: Expected = Expected {
    tables: [
        ExpectedTable {
            name: "users",
            columns: &[
                column("id", Kind::Id, "serial PRIMARY KEY"),
                column("email", Kind::Text(255), "varchar(255) UNIQUE"),
                column("name", Kind::Text(255), "varchar(255)"),
                added("external_id", Kind::Text(255), "text"),
                column("created_at", Kind::Time, NOW),
                column("updated_at", Kind::Time, NOW),
            ],
        },
        ExpectedTable {
            name: "oauth_accounts",
            columns: &[
                column("id", Kind::Id, "serial PRIMARY KEY"),
                column("user_id", Kind::Int, "integer"),
                column("provider", Kind::Text(50), "varchar(50)"),
                column("provider_account_id", Kind::Text(255), "varchar(255)"),
                column("access_token", Kind::LongText, "text"),
                optional("refresh_token", Kind::LongText, "text"),
                optional("expires_at", Kind::Time, "timestamp(6)"),
                optional("token_type", Kind::Text(50), "varchar(50)"),
                optional("scope", Kind::LongText, "text"),
                column("metadata", Kind::Json, "jsonb"),
                added("token_binding", Kind::LongText, "text"),
                column("created_at", Kind::Time, NOW),
                column("updated_at", Kind::Time, NOW),
            ],
        },
    ],
    dialect: Dialect::Postgres,
};

/// SQLite cannot add a column with a default that is not constant.
const EPOCH: &str = "INTEGER NOT NULL DEFAULT 0";

pub(super) const SQLITE: Expected = Expected {
    tables: [
        ExpectedTable {
            name: "users",
            columns: &[
                column("id", Kind::Id, "INTEGER PRIMARY KEY AUTOINCREMENT"),
                column("email", Kind::Text(255), "TEXT"),
                column("name", Kind::Text(255), "TEXT"),
                optional("external_id", Kind::Text(255), "TEXT"),
                column("created_at", Kind::Time, EPOCH),
                column("updated_at", Kind::Time, EPOCH),
            ],
        },
        ExpectedTable {
            name: "oauth_accounts",
            columns: &[
                column("id", Kind::Id, "INTEGER PRIMARY KEY AUTOINCREMENT"),
                column("user_id", Kind::Int, "INTEGER"),
                column("provider", Kind::Text(50), "TEXT"),
                column("provider_account_id", Kind::Text(255), "TEXT"),
                column("access_token", Kind::LongText, "TEXT"),
                optional("refresh_token", Kind::LongText, "TEXT"),
                optional("expires_at", Kind::Time, "INTEGER"),
                optional("token_type", Kind::Text(50), "TEXT"),
                optional("scope", Kind::LongText, "TEXT"),
                column("metadata", Kind::Json, "TEXT"),
                optional("token_binding", Kind::LongText, "TEXT"),
                column("created_at", Kind::Time, EPOCH),
                column("updated_at", Kind::Time, EPOCH),
            ],
        },
    ],
    dialect: Dialect::Sqlite,
};
