//! Encoding of timestamps: `timestamp` or `timestamptz` on PostgreSQL, an integer of milliseconds
//! since 1970 on SQLite.

use evergrant_model::Timestamp;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::sqlite::{SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Encode, Postgres, Sqlite, Type};

/// PostgreSQL's epoch, 2000-01-01T00:00:00Z, in milliseconds since 1970.
const POSTGRES_EPOCH_MS: i64 = 946_684_800_000;

/// A [`Timestamp`] as a column value. Reading truncates microseconds, which other programs may
/// write. `infinity`, which PostgreSQL represents by the largest number, is the latest time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DatabaseTime(pub(crate) Timestamp);

impl Type<Postgres> for DatabaseTime {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("TIMESTAMP")
    }

    /// The host application may have created a column as `timestamptz`. Its binary format is the
    /// same, and sessions have the time zone UTC, so that the database converts parameters.
    fn compatible(kind: &PgTypeInfo) -> bool {
        [
            <Self as Type<Postgres>>::type_info(),
            PgTypeInfo::with_name("TIMESTAMPTZ"),
        ]
        .contains(kind)
    }
}

impl Encode<'_, Postgres> for DatabaseTime {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let microseconds = (self.0.unix_ms() - POSTGRES_EPOCH_MS) * 1000;
        <i64 as Encode<Postgres>>::encode_by_ref(&microseconds, buffer)
    }
}

impl Decode<'_, Postgres> for DatabaseTime {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        if value.format() != PgValueFormat::Binary {
            return Err("timestamp is not in binary format".into());
        }
        let microseconds = <i64 as Decode<Postgres>>::decode(value)?;
        Ok(Self(Timestamp::from_unix_ms(
            microseconds.div_euclid(1000) + POSTGRES_EPOCH_MS,
        )))
    }
}

impl Type<Sqlite> for DatabaseTime {
    fn type_info() -> SqliteTypeInfo {
        <i64 as Type<Sqlite>>::type_info()
    }

    fn compatible(kind: &SqliteTypeInfo) -> bool {
        <i64 as Type<Sqlite>>::compatible(kind)
    }
}

impl Encode<'_, Sqlite> for DatabaseTime {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        <i64 as Encode<Sqlite>>::encode_by_ref(&self.0.unix_ms(), buffer)
    }
}

impl Decode<'_, Sqlite> for DatabaseTime {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self(Timestamp::from_unix_ms(
            <i64 as Decode<Sqlite>>::decode(value)?,
        )))
    }
}
