//! What is wrong with a shared table, and the statement that corrects it.

use std::fmt;

/// One difference between a table of the database and the table that Evergrant needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaFault {
    /// What was found and what is expected. Names the table and the columns.
    pub message: String,
    /// The SQL statement that corrects it; what to do instead if no statement does.
    pub fix: String,
}

impl SchemaFault {
    pub(super) fn new(message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            fix: fix.into(),
        }
    }
}

impl fmt::Display for SchemaFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
