//! The types that serve for a column of the shared tables.

use crate::db::dialect::Dialect;

/// The types that serve for a column.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A generated integer of 32 bits, the primary key.
    Id,
    /// An integer of 32 bits.
    Int,
    /// Text of at least this length.
    Text(u32),
    /// Text of any length.
    LongText,
    Time,
    Json,
}

impl Kind {
    /// Returns the expected type if `found` does not serve.
    pub(super) fn mismatch(self, found: &str, dialect: Dialect) -> Option<String> {
        let (serves, expected) = match dialect {
            Dialect::Postgres => self.on_postgres(found),
            Dialect::Sqlite => self.on_sqlite(found),
        };
        (!serves).then_some(expected)
    }

    fn on_postgres(self, found: &str) -> (bool, String) {
        match self {
            Self::Id | Self::Int => (found == "integer", "integer".to_owned()),
            Self::Text(minimum) => {
                let serves =
                    is_text(found) || length_of(found).is_some_and(|length| length >= minimum);
                (serves, format!("varchar({minimum})"))
            }
            Self::LongText => (is_text(found), "text".to_owned()),
            Self::Time => {
                let serves = found.starts_with("timestamp") && found.contains("time zone");
                (serves, "timestamp(6)".to_owned())
            }
            Self::Json => (found == "jsonb", "jsonb".to_owned()),
        }
    }

    /// SQLite derives the affinity of a column from its declared type:
    /// <https://www.sqlite.org/datatype3.html>.
    fn on_sqlite(self, found: &str) -> (bool, String) {
        let found = found.to_ascii_uppercase();
        let contains = |words: &[&str]| words.iter().any(|word| found.contains(word));
        let is_integer = contains(&["INT"]);
        let is_text = !is_integer && contains(&["CHAR", "CLOB", "TEXT"]);
        let is_numeric = !is_integer
            && !is_text
            && !found.is_empty()
            && !contains(&["BLOB", "REAL", "FLOA", "DOUB"]);
        match self {
            Self::Id => (found == "INTEGER", "INTEGER PRIMARY KEY".to_owned()),
            Self::Int => (is_integer, "INTEGER".to_owned()),
            Self::Text(_) | Self::LongText => (is_text, "TEXT".to_owned()),
            Self::Time => (is_integer || is_numeric, "INTEGER".to_owned()),
            Self::Json => (is_text || found.starts_with("JSON"), "TEXT".to_owned()),
        }
    }

    /// Returns the expression that converts a column of PostgreSQL from the type `found`. A number
    /// is a Unix time, in milliseconds if it is large.
    pub(super) fn conversion(self, name: &str, found: &str) -> String {
        match self {
            Self::Time if is_number(found) => format!(
                "to_timestamp(CASE WHEN {name} < 100000000000 THEN {name} ELSE {name} / 1000.0 END) AT TIME ZONE 'utc'"
            ),
            Self::Id | Self::Int => name.to_owned(),
            Self::Text(_) | Self::LongText => format!("{name}::text"),
            Self::Time => format!("{name}::text::timestamp"),
            Self::Json => format!("{name}::text::jsonb"),
        }
    }
}

/// Returns whether a type of PostgreSQL is a number.
pub(super) fn is_number(found: &str) -> bool {
    matches!(found, "integer" | "bigint" | "smallint") || found.starts_with("numeric")
}

fn is_text(found: &str) -> bool {
    matches!(found, "text" | "character varying" | "citext")
}

/// Returns the length of a `character varying(n)`.
fn length_of(found: &str) -> Option<u32> {
    let length = found
        .strip_prefix("character varying(")?
        .strip_suffix(')')?;
    length.parse().ok()
}
