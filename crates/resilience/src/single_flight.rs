//! One piece of work for all who want the same thing at the same time.
//!
//! A thousand readers of one expired token must cause one refresh. The work runs in a task of its
//! own: the caller who happened to come first may go away at any moment, and a refresh that stops
//! half-way can cost the grant.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

/// The work ended without an outcome: it panicked, or the program is shutting down. The key is free
/// again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlightAborted;

impl std::fmt::Display for FlightAborted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the work ended without an outcome")
    }
}

impl std::error::Error for FlightAborted {}

type Outcome<V> = watch::Receiver<Option<V>>;

/// At most one flight per key in this process; its memory is that of the flights under way.
pub struct SingleFlight<K, V> {
    flights: Arc<Flights<K, V>>,
}

struct Flights<K, V>(Mutex<HashMap<K, Outcome<V>>>);

impl<K: Eq + Hash, V> Flights<K, V> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Outcome<V>>> {
        crate::lock(&self.0)
    }
}

/// Frees the key of a flight, however it ends.
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
    /// Nothing under way.
    #[must_use]
    pub fn new() -> Self {
        Self {
            flights: Arc::new(Flights(Mutex::new(HashMap::new()))),
        }
    }

    /// The outcome of the flight under way for `key`, or else of `start`, which then flies in a
    /// task of its own. Must be called inside a tokio runtime. Dropping the returned future leaves
    /// the flight alone.
    ///
    /// # Errors
    ///
    /// [`FlightAborted`] where the work ended without an outcome, for all who waited.
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

    /// How many flights are under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.flights.lock().len()
    }

    fn join_or_start<F>(&self, key: K, start: impl FnOnce() -> F) -> Outcome<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let (sender, outcome) = watch::channel(None);
        if let Some(under_way) = self.enter(&key, &outcome) {
            return under_way;
        }
        // From here on a panic frees the key, also one in `start`, which therefore is not called
        // under the lock.
        let landing = Landing {
            flights: Arc::clone(&self.flights),
            key,
        };
        let work = start();
        tokio::spawn(async move {
            // Dropped before `sender`: who hears of the outcome finds the key free.
            let landing = landing;
            let value = work.await;
            drop(landing);
            sender.send_replace(Some(value));
        });
        outcome
    }

    /// The flight under way; without one, `outcome` takes its place.
    fn enter(&self, key: &K, outcome: &Outcome<V>) -> Option<Outcome<V>> {
        let mut flights = self.flights.lock();
        if let Some(under_way) = flights.get(key) {
            return Some(under_way.clone());
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
