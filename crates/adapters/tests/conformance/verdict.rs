//! What a check says, and the few sentences that most of them end with.

use evergrant_adapters::{AdapterError, ErrorClass};

/// What came of a check: nothing to say, or what is wrong.
pub(crate) type Verdict<T = ()> = Result<T, String>;

/// Leaves the check with a sentence unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($words:tt)+) => {
        if !$holds {
            return Err(format!($($words)+));
        }
    };
}
pub(crate) use ensure;

/// The outcome, which has to be a success.
pub(crate) fn works<T, E: std::fmt::Display>(what: &str, outcome: Result<T, E>) -> Verdict<T> {
    outcome.map_err(|error| format!("{what} failed: {error}"))
}

/// The failure, which has to be there and of one of these classes.
pub(crate) fn refused<T>(
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
