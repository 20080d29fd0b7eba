//! Whether this process can do its work, as the operator's probes ask.

use std::time::Duration;

use crate::service::IntegrationsService;

/// How long the database may take to answer a probe.
const PROMPT: Duration = Duration::from_secs(1);

/// How this process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// The database answers.
    pub answers: bool,
    /// The database took this process's last sign of life, which every replica writes once a second.
    pub takes_writes: bool,
    /// Renewed token pairs that the database has not taken yet. They are safe in memory, and in the journal if one is
    /// kept.
    pub waiting_pairs: usize,
    /// How often the change feed was read since the start.
    pub looks: u64,
}

impl Health {
    /// Whether all is as it should be.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.answers && self.takes_writes && self.waiting_pairs == 0
    }
}

impl IntegrationsService {
    /// Asks the database, and says how this process stands.
    pub async fn health(&self) -> Health {
        let answer = tokio::time::timeout(PROMPT, self.store.ping()).await;
        if let Ok(Err(error)) = &answer {
            tracing::error!(error = error as &dyn std::error::Error, "not ready: the database does not answer");
        }
        Health {
            answers: matches!(answer, Ok(Ok(()))),
            takes_writes: self.feed.takes_writes(),
            waiting_pairs: self.unstored.count(),
            looks: self.feed.looks(),
        }
    }
}
