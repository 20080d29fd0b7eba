//! PostgreSQL's LISTEN and NOTIFY: a bell between processes. It says that there is news in the outbox, never which.
//!
//! NOTIFY inside the transaction that writes makes all such transactions pass one after the other, which was measured to
//! cost six of seven commits. So the bell is rung after commits, by one process once for many of them, and whoever
//! misses it finds the news by looking.

use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};

use crate::StoreError;

const CHANNEL: &str = "evergrant";
pub(crate) const RING: &str = "SELECT pg_notify('evergrant', '')";

/// A connection of its own on which the bell is heard.
#[derive(Debug)]
pub struct Bell(PgListener);

impl Bell {
    pub(crate) async fn hang(pool: &PgPool) -> Result<Self, StoreError> {
        let options = pool.connect_options().as_ref().clone();
        let own = PgPoolOptions::new().max_connections(1).connect_with(options).await?;
        let mut listener = PgListener::connect_with(&own).await?;
        listener.listen(CHANNEL).await?;
        Ok(Self(listener))
    }

    /// Ends with the next ring.
    ///
    /// # Errors
    ///
    /// [`StoreError::Database`] where the connection is lost. What was rung meanwhile is not heard: look instead.
    pub async fn rung(&mut self) -> Result<(), StoreError> {
        match self.0.try_recv().await? {
            Some(_) => Ok(()),
            None => Err(StoreError::Silent),
        }
    }
}
