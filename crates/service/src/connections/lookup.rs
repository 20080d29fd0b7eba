//! Look-up of the connection that an operation concerns.

use std::sync::Arc;

use evergrant_adapters::ProviderSpec;
use evergrant_model::{Call, Clock, ConnectionId, ProviderAccountId, UserId};
use evergrant_store::{Connection, ConnectionRepository, UserRepository};

use crate::ServiceError;
use crate::cache::{Caches, ConnectionKey};
use crate::connections::external_rows::ExternalRows;
use crate::database::DatabaseMonitor;
use crate::refresh::pending_writes::PendingWrites;

/// Looks up connections in the cache, the pending writes and the database.
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
    /// Returns the user's connection from the cache or by one query. A newer version that waits to
    /// be written takes precedence.
    ///
    /// # Errors
    ///
    /// `ACCOUNT_NOT_FOUND`, `USER_NOT_FOUND`; `DATABASE_ERROR` if neither the cache, the database
    /// nor the pending writes have the connection.
    pub(crate) async fn cached(
        &self,
        call: &Call,
        user: UserId,
        spec: &ProviderSpec,
        account: &ProviderAccountId,
    ) -> Result<Arc<Connection>, ServiceError> {
        let key = ConnectionKey {
            user,
            provider: spec.slug.clone(),
            account: account.clone(),
        };
        let load = || async {
            let query = self.connections.owned(user, &key.provider, &key.account);
            Ok(self.database.query(query).await?.map(Arc::new))
        };
        let now = self.clock.now();
        match self
            .caches
            .connections
            .get_or_load(key.clone(), now, &self.database, load)
            .await
        {
            Ok(Some(found)) if found.is_external => {
                self.current(call, user, spec, &key.account).await
            }
            Ok(Some(found)) => {
                let is_newer =
                    |pending: &Arc<Connection>| pending.lease.generation > found.lease.generation;
                Ok(self
                    .pending
                    .newest(found.id)
                    .filter(is_newer)
                    .unwrap_or(found))
            }
            Ok(None) => Err(self.not_found(user).await),
            Err(error) => self.pending.newest_of(&key).ok_or(error),
        }
    }

    /// Returns the user's connection from the database, bypassing the cache. Imports a row that
    /// another program wrote.
    ///
    /// # Errors
    ///
    /// `ACCOUNT_NOT_FOUND`, `USER_NOT_FOUND`, `DATABASE_ERROR`.
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
        let Some(found) = find().await? else {
            return Err(self.not_found(user).await);
        };
        if !found.is_external {
            return Ok(Arc::new(found));
        }
        self.external_rows.import_once(call, found).await?;
        find()
            .await?
            .map(Arc::new)
            .ok_or_else(ServiceError::account_not_found)
    }

    /// Returns the error for a look-up that found nothing: `USER_NOT_FOUND` if the user does not
    /// exist, else `ACCOUNT_NOT_FOUND`.
    pub(crate) async fn not_found(&self, user: UserId) -> ServiceError {
        match self.database.query(self.users.by_id(user)).await {
            Ok(Some(_)) => ServiceError::account_not_found(),
            Ok(None) => ServiceError::user_not_found(),
            Err(error) => error,
        }
    }
}

/// Parses the account id of a request.
///
/// # Errors
///
/// `ACCOUNT_NOT_FOUND` if the text cannot be an account id.
pub(crate) fn account_id(account: &str) -> Result<ProviderAccountId, ServiceError> {
    ProviderAccountId::new(account).map_err(|_| ServiceError::account_not_found())
}

/// Returns the connection with this id from the database.
///
/// # Errors
///
/// `ACCOUNT_NOT_FOUND` if it does not exist; `DATABASE_ERROR`.
pub(crate) async fn by_id(
    connections: &ConnectionRepository,
    database: &DatabaseMonitor,
    id: ConnectionId,
) -> Result<Connection, ServiceError> {
    let found = database.query(connections.by_id(id)).await?;
    found.ok_or_else(ServiceError::account_not_found)
}
