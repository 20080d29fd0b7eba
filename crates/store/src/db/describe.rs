//! Descriptions of errors of the databases for the log.
//!
//! The DETAIL and HINT of PostgreSQL may show the values of a row, so they are left out. The
//! message of a data exception quotes the value, so quoted text is left out there.

use sqlx::postgres::PgDatabaseError;

/// Maximum length of a message of the database in characters.
const MAX_CHARACTERS: usize = 300;
/// SQLSTATE class of data exceptions, such as a text that is not a number.
const DATA_EXCEPTION: &str = "22";
/// SQLSTATE of a missing value.
const NOT_NULL: &str = "23502";
/// SQLite's code and message of a missing value.
const NOT_NULL_SQLITE: (&str, &str) = ("1299", "NOT NULL constraint failed: ");

/// Returns the code and the message of the database, and the names that it states; for an error of
/// the connection, its message, which includes the cause.
pub(crate) fn describe(error: &sqlx::Error) -> String {
    let Some(rejection) = error.as_database_error() else {
        return error.to_string();
    };
    let code = rejection.code().unwrap_or_default();
    let message = message(&code, rejection.message());
    let Some(rejection) = rejection.try_downcast_ref::<PgDatabaseError>() else {
        return format!("{message} (code {code})");
    };
    let names = [
        ("table", rejection.table()),
        ("column", rejection.column()),
        ("constraint", rejection.constraint()),
    ];
    let names: String = names
        .iter()
        .filter_map(|(kind, name)| name.map(|name| format!(", {kind} {name}")))
        .collect();
    format!("{message} (SQLSTATE {code}{names})")
}

/// Returns the column that must have a value, if this is why a statement failed.
pub(crate) fn required_column(error: &sqlx::Error) -> Option<String> {
    let rejection = error.as_database_error()?;
    let code = rejection.code()?;
    if let Some(rejection) = rejection.try_downcast_ref::<PgDatabaseError>() {
        return rejection
            .column()
            .filter(|_| code == NOT_NULL)
            .map(str::to_owned);
    }
    let (code_of_sqlite, prefix) = NOT_NULL_SQLITE;
    let name = rejection
        .message()
        .strip_prefix(prefix)
        .filter(|_| code == code_of_sqlite)?;
    name.rsplit('.').next().map(str::to_owned)
}

fn message(code: &str, text: &str) -> String {
    let text: String = text.chars().take(MAX_CHARACTERS).collect();
    if !code.starts_with(DATA_EXCEPTION) {
        return text;
    }
    let outside = text.split('"').enumerate().map(
        |(index, part)| {
            if index % 2 == 0 { part } else { "\"…\"" }
        },
    );
    outside.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_left_out_of_data_exceptions() {
        let text = "invalid input syntax for type integer: \"secret\"";
        assert_eq!(
            message("22P02", text),
            "invalid input syntax for type integer: \"…\""
        );
        assert_eq!(message("22P02", "unclosed \"secret"), "unclosed \"…\"");
        let text = "null value in column \"email\" of relation \"users\"";
        assert_eq!(message("23502", text), text);
        assert_eq!(message("P0001", &"x".repeat(1_000)).len(), MAX_CHARACTERS);
    }

    #[test]
    fn broken_connection_is_described_with_its_cause() {
        let error = sqlx::Error::Io(std::io::Error::other("connection reset"));
        assert_eq!(
            describe(&error),
            "error communicating with database: connection reset"
        );
    }
}
