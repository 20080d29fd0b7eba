//! Why a command did not do what was asked, said so that the reader knows what to do next.

use evergrant_service::ServiceError;

/// One thing that is wrong, and its remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What is wrong: names the setting, file or argument, and never shows a secret.
    pub(crate) what: String,
    /// What to do; empty where the message says so itself.
    pub(crate) remedy: String,
}

impl Problem {
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            remedy: remedy.into(),
        }
    }
}

/// Why a command ended early: all problems at once.
#[derive(Debug)]
pub(crate) struct Failure {
    problems: Vec<Problem>,
}

impl Failure {
    /// A single problem.
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            problems: vec![Problem::new(what, remedy)],
        }
    }

    /// An end without a word: whoever read our output has gone away.
    fn silent() -> Self {
        Self {
            problems: Vec::new(),
        }
    }

    /// What is wrong, in the order in which it was found.
    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl From<Vec<Problem>> for Failure {
    fn from(problems: Vec<Problem>) -> Self {
        Self { problems }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::BrokenPipe => Self::silent(),
            _ => Self::new(format!("the output could not be written: {error}"), ""),
        }
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let fields = error
            .field_faults()
            .iter()
            .map(|fault| format!("{} {}", fault.field, fault.message));
        let remedy = fields.collect::<Vec<_>>().join("; ");
        let cause = std::error::Error::source(&error)
            .map(|_| format!(" ({})", innermost(&error)))
            .unwrap_or_default();
        Self::new(
            format!("{}: {}{cause}", error.code(), error.detail()),
            remedy,
        )
    }
}

/// The message at the bottom of a chain of errors: the one that says what the system or the other
/// side answered.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.last().map(ToString::to_string).unwrap_or_default()
}

/// Problems as they are found, so that one run names them all.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// Notes one.
    pub(crate) fn add(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Problem::new(what, remedy));
    }

    /// Ends the reading.
    ///
    /// # Errors
    ///
    /// All that was noted.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(self.0.into())
        }
    }

    /// Ends the reading with what came of it.
    ///
    /// # Errors
    ///
    /// All that was noted, and always where nothing came of it.
    pub(crate) fn finish_with<T>(self, outcome: Option<T>) -> Result<T, Failure> {
        outcome
            .filter(|_| self.0.is_empty())
            .ok_or_else(|| self.0.into())
    }
}
