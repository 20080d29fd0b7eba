//! Counts the rows that each query has read, for tests of the cost of a request. Without the
//! feature `testing` it does nothing.

/// The number of rows that each query has read. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReadRows {
    #[cfg(feature = "testing")]
    by_query: std::sync::Arc<std::sync::Mutex<std::collections::HashMap<&'static str, usize>>>,
}

#[cfg(feature = "testing")]
impl ReadRows {
    pub(crate) fn add(&self, sql: &'static str, rows: usize) {
        *evergrant_resilience::lock(&self.by_query)
            .entry(sql)
            .or_default() += rows;
    }

    /// Returns the number of rows that the query with this text has read.
    pub(crate) fn of(&self, sql: &str) -> usize {
        let by_query = evergrant_resilience::lock(&self.by_query);
        by_query.get(sql).copied().unwrap_or_default()
    }
}

#[cfg(not(feature = "testing"))]
impl ReadRows {
    #[expect(
        clippy::unused_self,
        reason = "has the same signature with the testing feature"
    )]
    pub(crate) fn add(&self, _sql: &'static str, _rows: usize) {}
}
