//! API keys of the app's server.

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

/// Creates, checks and revokes API keys.
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
    /// Creates an API key with these scopes, or with all but `admin` if there are none.
    ///
    /// # Errors
    ///
    /// `VALIDATION_ERROR` for a name that is empty or longer than 100 characters.
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
        let has_control = name.chars().any(char::is_control);
        if name.trim().is_empty() || name.chars().count() > 100 || has_control {
            return Err(ServiceError::field("name", "must be 1 to 100 characters"));
        }
        let default = KeyScope::ALL
            .iter()
            .filter(|scope| **scope != KeyScope::Admin);
        let granted: Vec<_> = if scopes.is_empty() {
            default.collect()
        } else {
            scopes.iter().collect()
        };
        let scopes = granted
            .iter()
            .map(|scope| scope.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        let credential = create(&self.ids, API_KEY);
        let key = ApiKeyId::new(credential.public).map_err(|_| ServiceError::internal())?;
        let (secret_hash, created_at) = (credential.secret_hash, self.clock.now());
        let new = NewApiKey {
            id: &key,
            name,
            secret_hash: &secret_hash,
            scopes: &scopes,
            created_at,
        };
        if !self.keys.insert(&new).await? {
            return Err(ServiceError::internal());
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

    /// All API keys, oldest first, without their secret halves.
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

    /// Revokes an API key; `false` if there is none with this id.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    #[tracing::instrument(
        name = "revoke_api_key", skip_all,
        fields(actor = %call.actor, correlation_id = %call.correlation_id)
    )]
    pub async fn revoke(&self, call: &Call, key: &ApiKeyId) -> Result<bool, ServiceError> {
        let known = self.keys.revoke(key, self.clock.now()).await?;
        self.caches.api_keys.invalidate(key).await;
        if known {
            self.recorder.record(call, &Outcome::KeyRevoked { key });
        }
        Ok(known)
    }

    /// The caller behind a key's two halves; `None` if the key is unknown, revoked or has another
    /// secret.
    pub(crate) async fn caller(
        &self,
        public: &str,
        secret_hash: &[u8],
        correlation_id: &CorrelationId,
    ) -> Result<Option<Caller>, ServiceError> {
        let (Ok(id), now) = (ApiKeyId::new(public), self.clock.now()) else {
            return Ok(None);
        };
        let valid = |key: &Arc<ApiKey>| {
            constant_time_eq(&key.secret_hash, secret_hash) && key.revoked_at.is_none()
        };
        let key = self.cached(&id, now, correlation_id).await?.filter(valid);
        let scopes = |key: Arc<ApiKey>| key.scopes.split(' ').filter_map(KeyScope::parse).collect();
        Ok(key.map(|key| Caller::App {
            key: id,
            scopes: scopes(key),
        }))
    }

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
        let feed = self.database.feed_state();
        Ok(self
            .caches
            .api_keys
            .get_or_load(id.clone(), now, feed, load)
            .await?
            .flatten())
    }

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
                tracing::debug!(error, "failed to store when an API key was last used");
            }
        });
    }
}
