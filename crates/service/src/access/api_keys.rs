//! API keys, with which the app's server authenticates.

use std::sync::Arc;

use evergrant_encryption::digest::constant_time_eq;
use evergrant_model::{Actor, ApiKeyId, Call, Clock, CorrelationId, Timestamp};
use evergrant_store::{ApiKey, ApiKeyRepository, NewApiKey};

use crate::ServiceError;
use crate::access::caller::{Caller, KeyScope};
use crate::access::credential_text::{API_KEY, Issued, create};
use crate::cache::Caches;
use crate::database::DatabaseMonitor;
use crate::identifiers::Identifiers;
use crate::outcome::{Outcome, Recorder};
use crate::tasks::Tasks;

/// The maximum length of a key's name, in characters.
const MAX_NAME_LENGTH: usize = 100;

/// Creates, authenticates and revokes API keys.
pub struct ApiKeys {
    pub(crate) keys: ApiKeyRepository,
    pub(crate) caches: Arc<Caches>,
    pub(crate) database: Arc<DatabaseMonitor>,
    pub(crate) ids: Identifiers,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) tasks: Tasks,
    pub(crate) recorder: Arc<dyn Recorder>,
}

impl ApiKeys {
    /// Creates an API key with these scopes. An empty slice grants all scopes but `admin`.
    ///
    /// # Errors
    ///
    /// `VALIDATION_ERROR` if the name is blank, longer than 100 characters or contains a control
    /// character; `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "create_api_key", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn create(
        &self,
        call: &Call,
        name: &str,
        scopes: &[KeyScope],
    ) -> Result<Issued<ApiKeyId>, ServiceError> {
        check_name(name)?;
        let scopes = granted_scopes(scopes);
        let credential = create(&self.ids, API_KEY);
        let key = ApiKeyId::new(credential.public)
            .map_err(|error| ServiceError::internal().caused_by(error))?;
        let new = NewApiKey {
            id: &key,
            name,
            secret_hash: &credential.secret_hash,
            scopes: &scopes,
            created_at: self.clock.now(),
        };
        if !self.keys.insert(&new).await? {
            return Err(ServiceError::internal().caused_by("the generated id is taken"));
        }
        self.recorder.record(
            call,
            &Outcome::KeyCreated {
                key: &key,
                name,
                scopes: &scopes,
            },
        );
        Ok(Issued {
            secret: credential.text,
            stored: key,
        })
    }

    /// Returns all API keys, oldest first, revoked ones included. Their secrets are not stored.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "list_api_keys", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn list(&self, call: &Call) -> Result<Vec<ApiKey>, ServiceError> {
        Ok(self.keys.all().await?)
    }

    /// Revokes an API key. Returns `false` if no key has this id.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "revoke_api_key", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn revoke(&self, call: &Call, key: &ApiKeyId) -> Result<bool, ServiceError> {
        let exists = self.keys.revoke(key, self.clock.now()).await?;
        self.caches.api_keys.invalidate(key).await;
        if exists {
            self.recorder.record(call, &Outcome::KeyRevoked { key });
        }
        Ok(exists)
    }

    /// Returns the caller that a key authenticates; `None` if the key is unknown or revoked, or the
    /// secret is wrong.
    pub(crate) async fn caller(
        &self,
        public: &str,
        secret_hash: &[u8],
        correlation_id: &CorrelationId,
    ) -> Result<Option<Caller>, ServiceError> {
        let (Ok(id), now) = (ApiKeyId::new(public), self.clock.now()) else {
            return Ok(None);
        };
        let is_valid = |key: &Arc<ApiKey>| {
            constant_time_eq(&key.secret_hash, secret_hash) && key.revoked_at.is_none()
        };
        let key = self.cached(&id, now, correlation_id).await?;
        let key = key.filter(is_valid);
        let scopes = |key: Arc<ApiKey>| key.scopes.split(' ').filter_map(KeyScope::parse).collect();
        Ok(key.map(|key| Caller::App {
            key: id,
            scopes: scopes(key),
        }))
    }

    /// Returns the key from the cache, or by one query that also records the key's use.
    async fn cached(
        &self,
        id: &ApiKeyId,
        now: Timestamp,
        correlation_id: &CorrelationId,
    ) -> Result<Option<Arc<ApiKey>>, ServiceError> {
        let load = || async {
            let found = self
                .database
                .query(self.keys.by_id(id))
                .await?
                .map(Arc::new);
            if found.is_some() {
                self.record_use(id, now, correlation_id);
            }
            Ok(Some(found))
        };
        Ok(self
            .caches
            .api_keys
            .get_or_load(id.clone(), now, &self.database, load)
            .await?
            .flatten())
    }

    /// Reports the use of a key and stores its time in the background.
    fn record_use(&self, id: &ApiKeyId, now: Timestamp, correlation_id: &CorrelationId) {
        let (actor, correlation_id) = (Actor::ApiKey(id.clone()), correlation_id.clone());
        let call = Call {
            actor,
            correlation_id,
            at: now,
        };
        self.recorder.record(&call, &Outcome::KeyUsed { key: id });
        let (keys, id) = (self.keys.clone(), id.clone());
        self.tasks.spawn(async move {
            if let Err(error) = keys.record_use(&id, now).await {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(key.id = %id, error, "failed to store time of last API key use");
            }
        });
    }
}

/// Rejects a name that is blank, too long, or contains a control character.
fn check_name(name: &str) -> Result<(), ServiceError> {
    let is_too_long = name.chars().count() > MAX_NAME_LENGTH;
    if name.trim().is_empty() || is_too_long || name.chars().any(char::is_control) {
        let message = "must be 1 to 100 characters, without control characters";
        return Err(ServiceError::field("name", message));
    }
    Ok(())
}

/// Returns the scopes of a new key, separated by spaces: the requested ones, or all but `admin` if
/// none is requested.
fn granted_scopes(requested: &[KeyScope]) -> String {
    let is_default = |scope: &&KeyScope| **scope != KeyScope::Admin;
    let granted: Vec<_> = if requested.is_empty() {
        KeyScope::ALL.iter().filter(is_default).collect()
    } else {
        requested.iter().collect()
    };
    let granted: Vec<_> = granted.iter().map(|scope| scope.as_str()).collect();
    granted.join(" ")
}
