//! Look-up of one connection for an operation.

use std::sync::Arc;

use evergrant_adapters::ProviderSpec;
use evergrant_model::{Call, Clock, ConnectionId, ProviderAccountId, UserId};
use evergrant_store::{Connection, ConnectionRepository, UserRepository};

use crate::ServiceError;
use crate::cache::{Caches, ConnectionKey};
use crate::connections::external_rows::ExternalRows;
use crate::database::DatabaseMonitor;
use crate::refresh::pending_writes::PendingWrites;

/// Finds connections in the cache and in the database.
pub(crate) struct ConnectionLookup {
    pub(crate) connections: ConnectionRepository,
    pub(crate) users: UserRepository,
    pub(crate) caches: Arc<Caches>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) pending: Arc<PendingWrites>,
    pub(crate) external_rows: Arc<ExternalRows>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl ConnectionLookup {
    /// The user's connection, from the cache or by one query.
    pub(crate) async fn cached(
        &self,
        call: &Call,
        user: UserId,
        spec: &ProviderSpec,
        account: &str,
    ) -> Result<Arc<Connection>, ServiceError> {
        let account = account_id(account)?;
        let key = ConnectionKey {
            user,
            provider: spec.slug.clone(),
            account,
        };
        let load = || async {
            let held = self.connections.owned(user, &key.provider, &key.account);
            Ok(self.database.query(held).await?.map(Arc::new))
        };
        let (feed, now) = (self.database.feed_state(), self.clock.now());
        match self
            .caches
            .connections
            .get_or_load(key.clone(), now, feed, load)
            .await
        {
            Ok(Some(held)) if held.is_external => {
                self.current(call, user, spec, &key.account).await
            }
            Ok(Some(held)) => {
                let is_newer = |one: &Arc<Connection>| one.lease.generation > held.lease.generation;
                Ok(self
                    .pending
                    .newest(held.id)
                    .filter(is_newer)
                    .unwrap_or(held))
            }
            Ok(None) => Err(self.not_found(user).await),
            Err(error) => self.pending.newest_of(&key).ok_or(error),
        }
    }

    /// The user's connection as the database has it, without the cache. A row written by another
    /// program is imported first.
    pub(crate) async fn current(
        &self,
        call: &Call,
        user: UserId,
        spec: &ProviderSpec,
        account: &ProviderAccountId,
    ) -> Result<Arc<Connection>, ServiceError> {
        let find = async || {
            self.database
                .query(self.connections.owned(user, &spec.slug, account))
                .await
        };
        let Some(held) = find().await? else {
            return Err(self.not_found(user).await);
        };
        if !held.is_external {
            return Ok(Arc::new(held));
        }
        self.external_rows.import_once(call, held).await?;
        find()
            .await?
            .map(Arc::new)
            .ok_or_else(ServiceError::account_not_found)
    }

    /// Why a look-up found nothing: the user or the account does not exist.
    pub(crate) async fn not_found(&self, user: UserId) -> ServiceError {
        match self.database.query(self.users.by_id(user)).await {
            Ok(Some(_)) => ServiceError::account_not_found(),
            Ok(None) => ServiceError::user_not_found(),
            Err(error) => error,
        }
    }
}

/// The account id that a caller names. One that could never be stored is not found.
pub(crate) fn account_id(account: &str) -> Result<ProviderAccountId, ServiceError> {
    ProviderAccountId::new(account).map_err(|_| ServiceError::account_not_found())
}

/// The connection with this id as the database has it.
///
/// # Errors
///
/// `ACCOUNT_NOT_FOUND`, `DATABASE_ERROR`.
pub(crate) async fn by_id(
    connections: &ConnectionRepository,
    database: &DatabaseMonitor,
    id: ConnectionId,
) -> Result<Connection, ServiceError> {
    let found = database.query(connections.by_id(id)).await?;
    found.ok_or_else(ServiceError::account_not_found)
}
