//! PostgreSQL's LISTEN and NOTIFY, which tell other processes that the outbox has new events, never
//! which.
//!
//! NOTIFY inside a writing transaction serialises all such transactions: it was measured to reduce
//! the commit rate to a seventh. Notifications are therefore sent after commits, one for many of
//! them. A process that misses a notification finds the events by polling.

use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};

use crate::StoreError;

const CHANNEL: &str = "evergrant";
pub(crate) const NOTIFY: &str = "SELECT pg_notify('evergrant', '')";

/// A connection of its own that listens for notifications.
#[derive(Debug)]
pub struct NotifyListener(PgListener);

impl NotifyListener {
    pub(crate) async fn connect(pool: &PgPool) -> Result<Self, StoreError> {
        let options = pool.connect_options().as_ref().clone();
        let own = PgPoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await?;
        let mut listener = PgListener::connect_with(&own).await?;
        listener.listen(CHANNEL).await?;
        Ok(Self(listener))
    }

    /// Waits for the next notification.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the connection is lost. Notifications sent meanwhile are lost too: poll
    /// the outbox instead.
    pub async fn notified(&mut self) -> Result<(), StoreError> {
        match self.0.try_recv().await? {
            Some(_) => Ok(()),
            None => Err(StoreError::Silent),
        }
    }
}
