//! The address of a database: the value of `DATABASE_URL`.
//!
//! A URL is read completely before anything is opened. What this program cannot do is refused by
//! name, so that no parameter is ignored silently. No error message contains a user name, a
//! password, or any text of a malformed URL.

mod parameters;
mod postgres;
mod refusal;
mod sqlite;
mod tls;
mod url_parts;

use std::str::FromStr;

use self::parameters::Builder;
use self::refusal::invalid;
use self::url_parts::UrlParts;
use crate::StoreError;

pub(crate) use postgres::{PostgresAddress, TargetSession, place_of};
pub(crate) use sqlite::SqliteAddress;

/// The parsed address of a database.
#[derive(Debug, Clone)]
pub(crate) enum DatabaseAddress {
    Sqlite(SqliteAddress),
    Postgres(Box<PostgresAddress>),
}

impl DatabaseAddress {
    /// Returns the names of the parameters that configure the app's database library and have no
    /// effect here.
    pub(crate) fn parameters_without_effect(&self) -> &[String] {
        match self {
            Self::Sqlite(address) => &address.without_effect,
            Self::Postgres(address) => &address.without_effect,
        }
    }
}

impl FromStr for DatabaseAddress {
    type Err = StoreError;

    fn from_str(url: &str) -> Result<Self, StoreError> {
        match url.split_once("://") {
            Some(("sqlite", rest)) => SqliteAddress::parse(rest).map(Self::Sqlite),
            Some(("postgres" | "postgresql", rest)) => {
                let address = Builder::new(UrlParts::parse(rest)?).build()?;
                Ok(Self::Postgres(Box::new(address)))
            }
            _ => Err(invalid("it must start with sqlite:// or postgres://")),
        }
    }
}

#[cfg(test)]
mod tests;
