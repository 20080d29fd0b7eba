//! The users of the host application.

use std::sync::{Arc, Mutex};

use evergrant_model::{Call, Clock, ErrorCode, ExternalId, UserId};
use evergrant_resilience::lock;
use evergrant_store::{ConnectionRepository, CreatedUser, NewUser, User, UserRepository};

use crate::ServiceError;
use crate::cache::Caches;
use crate::connections::external_rows::ExternalRows;
use crate::connections::revocation_queue::RevocationQueue;
use crate::database::DatabaseMonitor;
use crate::outcome::{Outcome, Recorder};
use crate::providers::Providers;
use crate::tasks::Tasks;

/// A reference to a user in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserRef {
    /// Evergrant's id of the user.
    Id(UserId),
    /// The app's own id for the user.
    External(ExternalId),
}

/// Looks up, creates and deletes users.
pub struct Users {
    pub(crate) repository: UserRepository,
    pub(crate) connections: ConnectionRepository,
    pub(crate) external_rows: Arc<ExternalRows>,
    pub(crate) revocations: Arc<RevocationQueue>,
    pub(crate) providers: Providers,
    pub(crate) caches: Arc<Caches>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl Users {
    /// Returns the user's id. An id of Evergrant is returned without a query, because every
    /// operation checks itself whether the user exists.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND` for an unknown external id; `DATABASE_ERROR`.
    pub async fn resolve(&self, user: &UserRef) -> Result<UserId, ServiceError> {
        let external = match user {
            UserRef::Id(id) => return Ok(*id),
            UserRef::External(external) => external,
        };
        let load = || async {
            let found = self
                .database
                .query(self.repository.by_external_id(external))
                .await?;
            Ok(found.map(|user| user.id))
        };
        let now = self.clock.now();
        let found = self
            .caches
            .external_ids
            .get_or_load(external.clone(), now, &self.database, load)
            .await?;
        found.ok_or_else(ServiceError::user_not_found)
    }

    /// Returns one user.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND` if the user does not exist; `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "get_user", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn get(&self, call: &Call, user: &UserRef) -> Result<User, ServiceError> {
        let found = match user {
            UserRef::Id(id) => self.repository.by_id(*id).await?,
            UserRef::External(external) => self.repository.by_external_id(external).await?,
        };
        found.ok_or_else(ServiceError::user_not_found)
    }

    /// Returns up to `limit` users with ids greater than `after`, ordered by id.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "list_users", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn page(
        &self,
        call: &Call,
        after: i32,
        limit: i64,
    ) -> Result<Vec<User>, ServiceError> {
        Ok(self.repository.page(after, limit).await?)
    }

    /// Creates a user, or returns the existing one unchanged. The flag is `true` for a new user.
    ///
    /// # Errors
    ///
    /// `USER_CONFLICT` if the e-mail address or external id belongs to another user;
    /// `VALIDATION_ERROR` if the app's table requires a field that is missing;
    /// `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "create_user", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn create(&self, call: &Call, new: &NewUser) -> Result<(User, bool), ServiceError> {
        match self.repository.create(new, self.clock.now()).await? {
            CreatedUser::New(user) => Ok((user, true)),
            CreatedUser::Existing(user) => Ok((user, false)),
            CreatedUser::Taken => Err(taken(new)),
            CreatedUser::Incomplete(column) => Err(ServiceError::field(
                column,
                "is required by the users table of the app",
            )),
        }
    }

    /// Deletes a user with all connections, and revokes their grants in the background.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND` if the user does not exist; `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "delete_user", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn delete(&self, call: &Call, user: UserId) -> Result<(), ServiceError> {
        let queued = Mutex::new(Vec::new());
        let plan = |slug: &_, facts: &_| {
            let provider = self.providers.by_slug(slug)?;
            let plan = self
                .revocations
                .plan(provider.spec(), facts, &call.correlation_id)?;
            lock(&queued).push(plan.id.clone());
            Some(plan)
        };
        let stored = self
            .connections
            .of_user(user)
            .await?
            .ok_or_else(ServiceError::user_not_found)?;
        // Otherwise a revocation could send a spent token, and the grant would stay.
        let rows = &stored.connections;
        self.external_rows.repair_stale(call, rows).await?;
        let deleted = self
            .repository
            .delete(user, &call.correlation_id, self.clock.now(), plan);
        if !deleted.await? {
            return Err(ServiceError::user_not_found());
        }
        for connection in &stored.connections {
            self.caches.invalidate(&connection.into()).await;
        }
        self.caches.statuses.invalidate(&user).await;
        self.recorder.record(call, &Outcome::UserDeleted { user });
        let (revocations, call) = (Arc::clone(&self.revocations), call.clone());
        let queued = std::mem::take(&mut *lock(&queued));
        self.tasks
            .spawn_until_shutdown(async move { revocations.try_all(&call, &queued).await });
        Ok(())
    }
}

/// Returns the error for a unique value that another user has. The store does not report which of
/// them is taken, so the message names every value of the request.
fn taken(new: &NewUser) -> ServiceError {
    let values = match (&new.email, &new.external_id) {
        (Some(_), None) => "The e-mail address belongs",
        (None, Some(_)) => "The external id belongs",
        _ => "The e-mail address or the external id belongs",
    };
    ServiceError::new(
        ErrorCode::UserConflict,
        format!("{values} to another user. Nothing was changed."),
    )
}
