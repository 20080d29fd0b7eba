//! The servers of an address with several hosts, and the one that is used. After a failover
//! another one is.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use evergrant_resilience::lock;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};

use crate::db::address::{PostgresAddress, place_of};
use crate::db::connect;

/// The servers of an address. Clones share which one is used.
#[derive(Debug, Clone)]
pub(crate) struct Servers(Arc<State>);

#[derive(Debug)]
struct State {
    /// `None` if there is only the current server.
    address: Option<PostgresAddress>,
    /// How the current server is reached, without settings.
    current: Mutex<PgConnectOptions>,
    /// How often another server was chosen.
    changes: AtomicU64,
    is_searching: AtomicBool,
}

impl Servers {
    /// Creates the servers of `address`, of which the one with these options is used first.
    pub(crate) fn new(address: &PostgresAddress, current: PgConnectOptions) -> Self {
        let has_choice = address.hosts.len() > 1;
        Self::among(has_choice.then(|| address.clone()), current)
    }

    /// Creates the only server.
    #[cfg(test)]
    pub(super) fn only(current: PgConnectOptions) -> Self {
        Self::among(None, current)
    }

    fn among(address: Option<PostgresAddress>, current: PgConnectOptions) -> Self {
        Self(Arc::new(State {
            address,
            current: Mutex::new(current),
            changes: AtomicU64::new(0),
            is_searching: AtomicBool::new(false),
        }))
    }

    /// Returns how the current server is reached, without settings.
    pub(super) fn current(&self) -> PgConnectOptions {
        lock(&self.0.current).clone()
    }

    /// Returns how often another server was chosen.
    pub(super) fn changes(&self) -> u64 {
        self.0.changes.load(Ordering::SeqCst)
    }

    /// Returns whether the server of this connection may be used: a former primary may be a standby
    /// now.
    pub(super) async fn fits(&self, connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
        match &self.0.address {
            Some(address) => connect::fits(connection, address.target).await,
            None => Ok(true),
        }
    }

    /// Looks for a usable server in the background, because the current one is not usable. It may
    /// take longer than a caller waits: a host may not answer at all.
    pub(super) fn search(&self) {
        let runtime = tokio::runtime::Handle::try_current();
        let (Some(address), Ok(runtime)) = (self.0.address.clone(), runtime) else {
            return;
        };
        if !self.0.is_searching.swap(true, Ordering::SeqCst) {
            let servers = self.clone();
            runtime.spawn(async move {
                servers.find(&address).await;
                servers.0.is_searching.store(false, Ordering::SeqCst);
            });
        }
    }

    async fn find(&self, address: &PostgresAddress) {
        let found = match connect::first_usable(address).await {
            Ok(found) => found,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "no server of DATABASE_URL is usable");
                return;
            }
        };
        let _ = found.connection.close().await;
        let mut current = lock(&self.0.current);
        let (before, now) = (place_of(&current), place_of(&found.options));
        if before != now {
            self.0.changes.fetch_add(1, Ordering::SeqCst);
            tracing::warn!(
                before,
                now,
                "another server of DATABASE_URL is used from now on, because the one before does \
                 not accept connections or writes"
            );
        }
        *current = found.options;
    }
}
