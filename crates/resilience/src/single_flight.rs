//! Single flight: concurrent callers with the same key share one execution.
//!
//! A thousand readers of one expired token must cause one refresh. The work runs in its own task,
//! because the first caller may be cancelled at any time, and a refresh that is interrupted can
//! lose the grant.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

/// The work ended without an outcome: it panicked, or the runtime is shutting down. The key can be
/// used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the work ended without an outcome")]
pub struct FlightAborted;

type Outcome<V> = watch::Receiver<Option<V>>;

/// Runs at most one flight per key in this process. It stores only the flights in progress.
pub struct SingleFlight<K, V> {
    flights: Arc<Flights<K, V>>,
}

struct Flights<K, V>(Mutex<HashMap<K, Outcome<V>>>);

impl<K: Eq + Hash, V> Flights<K, V> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Outcome<V>>> {
        crate::lock(&self.0)
    }
}

/// Removes the key of a flight when dropped, also after a panic.
struct Landing<K: Eq + Hash, V> {
    flights: Arc<Flights<K, V>>,
    key: K,
}

impl<K: Eq + Hash, V> Drop for Landing<K, V> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}

impl<K, V> SingleFlight<K, V>
where
    K: Eq + Hash + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Creates a group without flights.
    #[must_use]
    pub fn new() -> Self {
        Self {
            flights: Arc::new(Flights(Mutex::new(HashMap::new()))),
        }
    }

    /// Waits for the flight in progress for `key`, or starts `start` in its own task and waits for
    /// that. Must be called inside a tokio runtime. Dropping the returned future does not cancel
    /// the flight.
    ///
    /// # Errors
    ///
    /// [`FlightAborted`] for every waiting caller if the work ended without an outcome.
    pub async fn run<F>(&self, key: K, start: impl FnOnce() -> F + Send) -> Result<V, FlightAborted>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let mut outcome = self.join_or_start(key, start);
        let landed = outcome
            .wait_for(Option::is_some)
            .await
            .map_err(|_| FlightAborted)?;
        (*landed).clone().ok_or(FlightAborted)
    }

    /// Returns the number of flights in progress.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.flights.lock().len()
    }

    fn join_or_start<F>(&self, key: K, start: impl FnOnce() -> F) -> Outcome<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let (sender, outcome) = watch::channel(None);
        if let Some(in_flight) = self.enter(&key, &outcome) {
            return in_flight;
        }
        // From here on a panic removes the key. `start` may panic too, so it is called without the
        // lock.
        let landing = Landing {
            flights: Arc::clone(&self.flights),
            key,
        };
        let work = start();
        tokio::spawn(async move {
            // Dropped before the outcome is sent, so that its receivers can start a new flight.
            let landing = landing;
            let value = work.await;
            drop(landing);
            sender.send_replace(Some(value));
        });
        outcome
    }

    /// Returns the flight in progress; without one, registers `outcome` and returns `None`.
    fn enter(&self, key: &K, outcome: &Outcome<V>) -> Option<Outcome<V>> {
        let mut flights = self.flights.lock();
        if let Some(in_flight) = flights.get(key) {
            return Some(in_flight.clone());
        }
        flights.insert(key.clone(), outcome.clone());
        None
    }
}

impl<K, V> Default for SingleFlight<K, V>
where
    K: Eq + Hash + Clone + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn default() -> Self {
        Self::new()
    }
}

impl<K, V> std::fmt::Debug for SingleFlight<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SingleFlight")
    }
}

#[cfg(test)]
mod tests;
