//! Query parameters and result rows of both databases.
//!
//! Parameters are passed as [`Value`]s, and columns are read from [`Record`]s by name, so queries
//! are not generic over the database. Times are `timestamp(6)` in UTC on PostgreSQL and
//! milliseconds since 1970 on SQLite. JSON is `jsonb` on PostgreSQL and text on SQLite.

use evergrant_model::Timestamp;
use sqlx::Row;
use sqlx::types::Json;

use crate::StoreError;
use crate::db::time::DatabaseTime;

/// A query parameter. `None` is NULL; the variant gives it the type that PostgreSQL requires.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Int(Option<i32>),
    Big(Option<i64>),
    Text(Option<&'a str>),
    Bytes(Option<&'a [u8]>),
    Time(Option<Timestamp>),
    Json(Option<&'a serde_json::Value>),
}

macro_rules! value_from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl<'a> From<$from> for Value<'a> {
            fn from(value: $from) -> Self { Self::$variant(Some(value)) }
        }
        impl<'a> From<Option<$from>> for Value<'a> {
            fn from(value: Option<$from>) -> Self { Self::$variant(value) }
        }
    )*};
}

value_from! {
    i32 => Int,
    i64 => Big,
    &'a str => Text,
    &'a [u8] => Bytes,
    Timestamp => Time,
    &'a serde_json::Value => Json,
}

/// Builds the parameters of a query, in the order of `$1, $2, …`.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::db::value::Value::from($value)),*] };
}
pub(crate) use params;

/// Builds a query with its parameters bound.
macro_rules! bound {
    ($sql:expr, $params:expr) => {{
        let mut query = ::sqlx::query($sql);
        for param in $params {
            query = match param {
                $crate::db::value::Value::Int(value) => query.bind(*value),
                $crate::db::value::Value::Big(value) => query.bind(*value),
                $crate::db::value::Value::Text(value) => query.bind(*value),
                $crate::db::value::Value::Bytes(value) => query.bind(*value),
                $crate::db::value::Value::Time(value) => {
                    query.bind(value.map($crate::db::time::DatabaseTime))
                }
                $crate::db::value::Value::Json(value) => query.bind(
                    value.map(|value| ::sqlx::types::Json($crate::db::json::storable(value))),
                ),
            };
        }
        query
    }};
}
pub(crate) use bound;

/// Formats numbers as a PostgreSQL array literal, such as `{1,2}`. SQLite queries turn it into a
/// JSON array.
pub(crate) fn int_array(numbers: impl IntoIterator<Item = impl ToString>) -> String {
    let numbers: Vec<_> = numbers
        .into_iter()
        .map(|number| number.to_string())
        .collect();
    format!("{{{}}}", numbers.join(","))
}

/// A result row.
pub(crate) enum Record {
    Sqlite(sqlx::sqlite::SqliteRow),
    Postgres(sqlx::postgres::PgRow),
}

macro_rules! column {
    ($(#[$doc:meta])* $name:ident -> $type:ty) => {
        $(#[$doc])*
        pub(crate) fn $name(&self, column: &'static str) -> Result<$type, StoreError> {
            match self {
                Self::Sqlite(row) => row.try_get(column),
                Self::Postgres(row) => row.try_get(column),
            }
            .map_err(|error| decode_error(column, error))
        }
    };
}

/// Maps a decoding error to [`StoreError::Undecodable`], which affects only its own row: the column
/// may hold a value that this program cannot represent, such as malformed JSON.
fn decode_error(column: &'static str, error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::ColumnDecode { source, .. } => StoreError::Undecodable {
            column,
            reason: source.to_string(),
        },
        error => error.into(),
    }
}

impl Record {
    column!(int -> i32);
    column!(optional_int -> Option<i32>);
    column!(big -> i64);
    column!(optional_big -> Option<i64>);
    column!(boolean -> bool);
    column!(text -> String);
    column!(optional_text -> Option<String>);
    column!(bytes -> Vec<u8>);
    column!(optional_bytes -> Option<Vec<u8>>);
    column!(database_time -> Option<DatabaseTime>);
    column!(optional_json -> Option<Json<serde_json::Value>>);

    pub(crate) fn optional_time(
        &self,
        column: &'static str,
    ) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.database_time(column)?.map(|time| time.0))
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.optional_time(column)?
            .ok_or(StoreError::Inconsistent(column))
    }

    pub(crate) fn json(&self, column: &'static str) -> Result<serde_json::Value, StoreError> {
        Ok(self
            .optional_json(column)?
            .map_or(serde_json::Value::Null, |json| json.0))
    }

    /// Returns the value of a key column as text, for log messages.
    pub(crate) fn key(&self, column: &'static str) -> String {
        let number = || {
            self.big(column)
                .or_else(|_| self.int(column).map(i64::from))
        };
        let text = self
            .text(column)
            .or_else(|_| number().map(|number| number.to_string()));
        text.unwrap_or_else(|_| "unreadable".to_owned())
    }
}
