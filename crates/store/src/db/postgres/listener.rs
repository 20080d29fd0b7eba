//! PostgreSQL's LISTEN and NOTIFY: notifications that the outbox has new events. They have no
//! payload.
//!
//! NOTIFY inside a writing transaction serializes all such transactions; in a measurement it
//! reduced the commit rate to one seventh. Notifications are therefore sent after the commit, and
//! one covers many commits. A process that misses a notification finds the events by polling.

use sqlx::postgres::{PgListener, PgPoolOptions};

use crate::StoreError;
use crate::db::postgres::replica_lock;
use crate::db::postgres::route::Route;

const CHANNEL: &str = "evergrant";
pub(crate) const NOTIFY: &str = "SELECT pg_notify('evergrant', '')";

/// Listens for notifications on a dedicated connection, which also holds the lock that shows that
/// this replica is alive.
#[derive(Debug)]
pub struct NotifyListener(PgListener);

impl NotifyListener {
    pub(crate) async fn connect(route: &Route, replica: &str) -> Result<Self, StoreError> {
        let dedicated = PgPoolOptions::new()
            .max_connections(1)
            .connect_with(route.session_options())
            .await?;
        let mut listener = PgListener::connect_with(&dedicated).await?;
        replica_lock::acquire(&mut listener, replica).await?;
        listener.listen(CHANNEL).await?;
        Ok(Self(listener))
    }

    /// Waits for the next notification.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the connection is lost. Notifications may then have been missed: poll the
    /// outbox.
    pub async fn notified(&mut self) -> Result<(), StoreError> {
        match self.0.try_recv().await? {
            Some(_) => Ok(()),
            None => Err(StoreError::Unresponsive),
        }
    }
}
