//! Test doubles for randomness and for the recorder of outcomes.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use evergrant_model::{Call, Entropy, OsEntropy};
use evergrant_service::{LogRecorder, Outcome, Recorder};

/// The system's randomness without jitter, so that no test waits for a retry. Only jitter draws
/// exactly eight bytes.
#[derive(Default)]
pub(crate) struct NoJitter(AtomicU32);

impl NoJitter {
    /// Returns how often jitter was drawn, which happens once after each failed call.
    pub(crate) fn draws(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Entropy for NoJitter {
    fn fill(&self, buffer: &mut [u8]) {
        if buffer.len() == 8 {
            self.0.fetch_add(1, Ordering::SeqCst);
            buffer.fill(0);
        } else {
            OsEntropy.fill(buffer);
        }
    }
}

/// Logs every outcome and keeps the name of its variant.
#[derive(Default)]
pub(crate) struct Recording {
    outcomes: Mutex<Vec<(Call, String)>>,
    slow_commits: AtomicU32,
}

impl Recording {
    /// Removes and returns the outcomes recorded so far, each by the name of its variant.
    pub(crate) fn take(&self) -> Vec<(Call, String)> {
        std::mem::take(&mut *self.outcomes.lock().unwrap())
    }

    /// Returns the number of recorded outcomes of this variant.
    pub(crate) fn count(&self, variant: &str) -> usize {
        self.outcomes
            .lock()
            .unwrap()
            .iter()
            .filter(|(_, outcome)| outcome == variant)
            .count()
    }

    /// Returns how many refreshed tokens were kept while their first commit was in progress.
    pub(crate) fn slow_commits(&self) -> u32 {
        self.slow_commits.load(Ordering::SeqCst)
    }
}

impl Recorder for Recording {
    fn record(&self, call: &Call, outcome: &Outcome<'_>) {
        LogRecorder.record(call, outcome);
        let shown = format!("{outcome:?}");
        let variant = shown
            .split([' ', '('])
            .next()
            .unwrap_or_default()
            .to_owned();
        self.outcomes.lock().unwrap().push((call.clone(), variant));
        if let Outcome::WritePending { is_committing, .. } = outcome {
            let count = u32::from(*is_committing);
            self.slow_commits.fetch_add(count, Ordering::SeqCst);
        }
    }
}
