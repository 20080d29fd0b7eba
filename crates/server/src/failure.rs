//! The reasons why a command failed, each with what to do about it.

use evergrant_service::ServiceError;

/// One problem and its remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What is wrong. Names the setting, file or argument, and never contains a secret.
    pub(crate) message: String,
    /// What to do about it. Empty if the message already says so.
    pub(crate) remedy: String,
}

impl Problem {
    pub(crate) fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}

/// All problems that made a command fail.
#[derive(Debug)]
pub(crate) struct Failure {
    problems: Vec<Problem>,
}

impl Failure {
    /// Creates a failure with a single problem.
    pub(crate) fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            problems: vec![Problem::new(message, remedy)],
        }
    }

    /// Creates a failure that prints nothing, for a closed output pipe.
    fn silent() -> Self {
        Self {
            problems: Vec::new(),
        }
    }

    /// Returns the problems in the order in which they were found.
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
            _ => Self::new(format!("cannot write the output: {error}"), ""),
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
            .map(|_| format!(" ({})", root_cause(&error)))
            .unwrap_or_default();
        Self::new(
            format!("{}: {}{cause}", error.code(), error.detail()),
            remedy,
        )
    }
}

/// Returns the message of the last error in the chain of sources, which is the one of the operating
/// system or of the remote server.
pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain.last().map(ToString::to_string).unwrap_or_default()
}

/// Collects problems, so that one run reports all of them.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    /// Records a problem.
    pub(crate) fn add(&mut self, message: impl Into<String>, remedy: impl Into<String>) {
        self.0.push(Problem::new(message, remedy));
    }

    /// Returns `Ok` if there are no problems.
    ///
    /// # Errors
    ///
    /// All recorded problems.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(self.0.into())
        }
    }

    /// Returns `value` if there are no problems.
    ///
    /// # Errors
    ///
    /// All recorded problems, or a failure without problems if `value` is `None`.
    pub(crate) fn finish_with<T>(self, value: Option<T>) -> Result<T, Failure> {
        value
            .filter(|_| self.0.is_empty())
            .ok_or_else(|| self.0.into())
    }
}
