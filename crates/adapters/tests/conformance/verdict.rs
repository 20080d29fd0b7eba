//! The result of a check, and the assertions that checks share.

use evergrant_adapters::{AdapterError, ErrorClass};

/// The result of a check. The error says what is wrong.
pub(crate) type Verdict<T = ()> = Result<T, String>;

/// Returns from the check with a message unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($message:tt)+) => {
        if !$holds {
            return Err(format!($($message)+));
        }
    };
}
pub(crate) use ensure;

/// Returns the success value, or a message that `what` failed.
pub(crate) fn expect_ok<T, E: std::fmt::Display>(what: &str, outcome: Result<T, E>) -> Verdict<T> {
    outcome.map_err(|error| format!("{what} failed: {error}"))
}

/// Returns the error, which must exist and be of one of these classes.
pub(crate) fn expect_error<T>(
    what: &str,
    outcome: Result<T, AdapterError>,
    classes: &[ErrorClass],
) -> Verdict<AdapterError> {
    match outcome {
        Ok(_) => Err(format!("{what} succeeded")),
        Err(error) if classes.contains(&error.class()) => Ok(error),
        Err(error) => Err(format!(
            "{what} is {:?}, not one of {classes:?}: {error}",
            error.class()
        )),
    }
}
