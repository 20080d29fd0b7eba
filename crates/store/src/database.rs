//! The two databases behind one face: everything in which SQLite and PostgreSQL differ at run time stands here.
//!
//! The queries above are one SQL text for both. Values go in as [`Value`]s and come out of [`Record`]s by column name,
//! so no query is generic over a database and none is written twice. Times are `timestamp(6)` in UTC on PostgreSQL and
//! milliseconds since 1970 on SQLite; JSON is `jsonb` and text.

use std::time::Duration;

use evergrant_model::Timestamp;
use sqlx::types::Json;
use sqlx::{Row, SqlitePool};
use tokio::sync::watch;

use crate::StoreError;
use crate::json::storable;
use crate::line::{Exchange, Line};
use crate::time::DatabaseTime;
use crate::writer::Writer;

/// A connection pool; on SQLite two, because one writer and many readers never wait for each other.
#[derive(Clone, Debug)]
pub(crate) enum Pools {
    Sqlite { writer: SqlitePool, reader: SqlitePool },
    Postgres(Exchange),
}

/// The pools, and how often something was committed here that others want to hear of.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    pub(crate) pools: Pools,
    pub(crate) news: watch::Sender<u64>,
}

/// A parameter of a query. `None` is a typed NULL, which PostgreSQL wants to know the type of.
#[derive(Debug)]
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

/// The parameters of a query, in the order of `$1, $2, …`.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::database::Value::from($value)),*] };
}
pub(crate) use params;

macro_rules! bound {
    ($sql:expr, $params:expr) => {{
        let mut query = sqlx::query($sql);
        for param in $params {
            query = match param {
                Value::Int(value) => query.bind(*value),
                Value::Big(value) => query.bind(*value),
                Value::Text(value) => query.bind(*value),
                Value::Bytes(value) => query.bind(*value),
                Value::Time(value) => query.bind(value.map(DatabaseTime)),
                Value::Json(value) => query.bind(value.map(|value| Json(storable(value)))),
            };
        }
        query
    }};
}

/// One row of an answer.
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
            .map_err(|error| unreadable(column, error))
        }
    };
}

/// A value that the column's type permits and we cannot hold, such as the time `infinity`: the fault of that row alone.
fn unreadable(column: &'static str, error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::ColumnDecode { .. } => StoreError::Inconsistent(column),
        error => error.into(),
    }
}

impl Record {
    column!(int -> i32);
    column!(optional_int -> Option<i32>);
    column!(big -> i64);
    column!(optional_big -> Option<i64>);
    column!(text -> String);
    column!(optional_text -> Option<String>);
    column!(bytes -> Vec<u8>);
    column!(optional_bytes -> Option<Vec<u8>>);
    column!(database_time -> Option<DatabaseTime>);
    column!(optional_json -> Option<Json<serde_json::Value>>);

    pub(crate) fn optional_time(&self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.database_time(column)?.map(|time| time.0))
    }

    pub(crate) fn time(&self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.optional_time(column)?.ok_or(StoreError::Inconsistent(column))
    }

    pub(crate) fn json(&self, column: &'static str) -> Result<serde_json::Value, StoreError> {
        Ok(self.optional_json(column)?.map_or(serde_json::Value::Null, |json| json.0))
    }
}

/// How long a look into the database may take: whoever asks for a token is answered within a second, one way or another.
const QUICK: Duration = Duration::from_millis(700);
/// How long a step of a transaction may take that must not be given up lightly.
const PATIENT: Duration = Duration::from_secs(5);

impl Database {
    pub(crate) fn new(pools: Pools) -> Self {
        Self { pools, news: watch::Sender::new(0) }
    }

    pub(crate) async fn rows(&self, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<Record>, StoreError> {
        match &self.pools {
            Pools::Sqlite { reader, .. } => {
                Ok(bound!(sql, params).fetch_all(reader).await?.into_iter().map(Record::Sqlite).collect())
            }
            Pools::Postgres(exchange) => match Self::rows_by(exchange, sql, params).await {
                // A question changes nothing, so it may be asked again where the connection turns out to be broken.
                Err(error) if error.is_lost_connection() => Self::rows_by(exchange, sql, params).await,
                answer => answer,
            },
        }
    }

    async fn rows_by(exchange: &Exchange, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<Record>, StoreError> {
        let mut line = exchange.line(QUICK).await?;
        let rows = line.ask(async |connection| bound!(sql, params).fetch_all(connection).await).await?;
        Ok(rows.into_iter().map(Record::Postgres).collect())
    }

    /// The first row.
    pub(crate) async fn row(&self, sql: &'static str, params: &[Value<'_>]) -> Result<Option<Record>, StoreError> {
        Ok(self.rows(sql, params).await?.into_iter().next())
    }

    /// The one of two texts that this database understands, where no text serves both.
    pub(crate) fn dialect(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match &self.pools {
            Pools::Sqlite { .. } => sqlite,
            Pools::Postgres(_) => postgres,
        }
    }

    /// A transaction that will write.
    pub(crate) async fn begin(&self) -> Result<Work, StoreError> {
        self.begin_within(PATIENT).await
    }

    /// The same for somebody who is waited for: better no transaction than a late one.
    pub(crate) async fn begin_quickly(&self) -> Result<Work, StoreError> {
        self.begin_within(QUICK).await
    }

    async fn begin_within(&self, patience: Duration) -> Result<Work, StoreError> {
        let open = match &self.pools {
            Pools::Sqlite { writer, .. } => Open::Sqlite(Writer::begin(writer).await?),
            Pools::Postgres(exchange) => Open::Postgres(exchange.begin(patience).await?),
        };
        Ok(Work { open, announces: false, news: self.news.clone() })
    }

    /// One writing statement, which is a transaction of its own; answers how many rows it touched.
    pub(crate) async fn execute(&self, sql: &'static str, params: &[Value<'_>]) -> Result<u64, StoreError> {
        Ok(match &self.pools {
            Pools::Sqlite { writer, .. } => bound!(sql, params).execute(writer).await?.rows_affected(),
            Pools::Postgres(exchange) => {
                let mut line = exchange.line(PATIENT).await?;
                line.ask(async |connection| bound!(sql, params).execute(connection).await).await?.rows_affected()
            }
        })
    }

    /// One writing statement with RETURNING, which is a transaction of its own.
    pub(crate) async fn returning(
        &self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<Option<Record>, StoreError> {
        Ok(self.all_returning(sql, params).await?.into_iter().next())
    }

    /// The same, with every row that it returns.
    pub(crate) async fn all_returning(
        &self,
        sql: &'static str,
        params: &[Value<'_>],
    ) -> Result<Vec<Record>, StoreError> {
        Ok(match &self.pools {
            Pools::Sqlite { writer, .. } => {
                bound!(sql, params).fetch_all(writer).await?.into_iter().map(Record::Sqlite).collect()
            }
            Pools::Postgres(exchange) => {
                let mut line = exchange.line(PATIENT).await?;
                let rows = line.ask(async |connection| bound!(sql, params).fetch_all(connection).await).await?;
                rows.into_iter().map(Record::Postgres).collect()
            }
        })
    }
}

/// A unit of work: all of it is kept by `commit`, none of it otherwise.
pub(crate) struct Work {
    open: Open,
    /// Set once the work has written an event.
    announces: bool,
    news: watch::Sender<u64>,
}

enum Open {
    Sqlite(Writer),
    Postgres(Line),
}

impl Work {
    pub(crate) async fn execute(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<u64, StoreError> {
        Ok(match &mut self.open {
            Open::Sqlite(work) => bound!(sql, params).execute(work.connection()?).await?.rows_affected(),
            Open::Postgres(line) => {
                line.ask(async |connection| bound!(sql, params).execute(connection).await).await?.rows_affected()
            }
        })
    }

    pub(crate) async fn row(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<Option<Record>, StoreError> {
        Ok(match &mut self.open {
            Open::Sqlite(work) => bound!(sql, params).fetch_optional(work.connection()?).await?.map(Record::Sqlite),
            Open::Postgres(line) => {
                let row = line.ask(async |connection| bound!(sql, params).fetch_optional(connection).await).await?;
                row.map(Record::Postgres)
            }
        })
    }

    pub(crate) async fn rows(&mut self, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<Record>, StoreError> {
        Ok(match &mut self.open {
            Open::Sqlite(work) => {
                bound!(sql, params).fetch_all(work.connection()?).await?.into_iter().map(Record::Sqlite).collect()
            }
            Open::Postgres(line) => {
                let rows = line.ask(async |connection| bound!(sql, params).fetch_all(connection).await).await?;
                rows.into_iter().map(Record::Postgres).collect()
            }
        })
    }

    /// Others want to hear of this work once it is committed.
    pub(crate) fn is_news(&mut self) {
        self.announces = true;
    }

    /// The one of two texts that this database understands, where no text serves both.
    pub(crate) fn dialect(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match &self.open {
            Open::Sqlite(_) => sqlite,
            Open::Postgres(_) => postgres,
        }
    }

    /// Keeps PostgreSQL's sequence ahead of a user id that the caller chose. SQLite's AUTOINCREMENT does so by itself.
    ///
    /// The sequence is only ever moved forward, by one caller at a time, and found through its column: the application
    /// that made the table may have named it otherwise.
    pub(crate) async fn keep_user_ids_unused(&mut self, id: i32) -> Result<(), StoreError> {
        const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(hashtextextended('evergrant user ids', 0))";
        const AHEAD: &str = "SELECT setval(ids.name, $1)
            FROM (SELECT pg_get_serial_sequence('users', 'id')::regclass AS name) ids
            WHERE $1 > COALESCE(pg_sequence_last_value(ids.name), 0)";
        if matches!(self.open, Open::Postgres(_)) {
            self.row(ONE_AT_A_TIME, params![]).await?;
            self.row(AHEAD, params![i64::from(id)]).await?;
        }
        Ok(())
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self.open {
            Open::Sqlite(work) => work.commit().await?,
            Open::Postgres(line) => line.commit().await?,
        }
        if self.announces {
            self.news.send_modify(|times| *times += 1);
        }
        Ok(())
    }
}
