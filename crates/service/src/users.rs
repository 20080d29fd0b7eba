//! The people of the host application.

use evergrant_model::{CorrelationId, ExternalId, UserId};
use evergrant_store::{CreatedUser, NewUser, User};

use crate::ServiceError;
use crate::error::FieldFault;
use crate::service::IntegrationsService;

/// How a caller names a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserRef {
    /// By our number.
    Id(UserId),
    /// By the app's own id.
    External(ExternalId),
}

impl IntegrationsService {
    /// The user's number. One named by number is not looked up: every operation notices by itself whether it exists.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND` for an external id that nobody has.
    pub async fn resolve_user(&self, user: &UserRef) -> Result<UserId, ServiceError> {
        let external = match user {
            UserRef::Id(id) => return Ok(*id),
            UserRef::External(external) => external,
        };
        let load = || async {
            let found = self.ask(self.store.users().by_external_id(external)).await?;
            Ok(found.map(|user| user.id))
        };
        let (trust, now) = (self.feed.trust(), self.now());
        let found = self.caches.external_ids.get_or_load(external.clone(), now, trust, load).await?;
        found.ok_or_else(ServiceError::user_not_found)
    }

    /// The user.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND`.
    pub async fn user(&self, user: &UserRef) -> Result<User, ServiceError> {
        let found = match user {
            UserRef::Id(id) => self.store.users().by_id(*id).await?,
            UserRef::External(external) => self.store.users().by_external_id(external).await?,
        };
        found.ok_or_else(ServiceError::user_not_found)
    }

    /// Makes a user, or answers the one that is there unchanged; `true` with a new one.
    ///
    /// # Errors
    ///
    /// `VALIDATION_ERROR` where the e-mail address or external id belongs to somebody else.
    pub async fn create_user(&self, new: &NewUser) -> Result<(User, bool), ServiceError> {
        match self.store.users().create(new, self.now()).await? {
            CreatedUser::New(user) => Ok((user, true)),
            CreatedUser::Existing(user) => Ok((user, false)),
            CreatedUser::Taken => Err(taken(new)),
        }
    }

    /// Removes a user with all connections, and gives up their grants.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND`.
    pub async fn delete_user(&self, user: UserId, correlation_id: &CorrelationId) -> Result<(), ServiceError> {
        let plans = std::sync::Mutex::new(Vec::new());
        let plan = |provider: &_, facts: &_| {
            let platform = self.registry.platform(provider)?;
            let plan = self.plan_revocation(platform.spec(), facts, correlation_id)?;
            plans.lock().ok()?.push(plan.id.clone());
            Some(plan)
        };
        let held = self.store.connections().of_user(user).await?.ok_or_else(ServiceError::user_not_found)?;
        if !self.store.users().delete(user, correlation_id, self.now(), plan).await? {
            return Err(ServiceError::user_not_found());
        }
        for connection in &held.connections {
            self.caches.forget(&connection.into()).await;
        }
        self.caches.statuses.forget(&user).await;
        let service = self.clone();
        let queued = plans.into_inner().unwrap_or_default();
        self.tasks.spawn(async move {
            for id in queued {
                if let Err(error) = service.revoke_queued(&id, None).await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a revocation is left to the queue");
                }
            }
        });
        tracing::info!(user.id = user.get(), correlation_id = %correlation_id, "user deleted");
        Ok(())
    }
}

/// Which of the unique values was in the way is not told apart: the caller may mend either.
fn taken(new: &NewUser) -> ServiceError {
    let fault = |field: &str| FieldFault { field: field.to_owned(), message: "belongs to another user".to_owned() };
    let email = new.email.is_some().then(|| fault("email"));
    let external_id = new.external_id.is_some().then(|| fault("externalId"));
    ServiceError::fields(email.into_iter().chain(external_id).collect())
}
