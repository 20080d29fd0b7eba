//! Authentication of bearer tokens.

use std::sync::Arc;

use evergrant_model::CorrelationId;

use crate::ServiceError;
use crate::access::api_keys::ApiKeys;
use crate::access::caller::Caller;
use crate::access::credential_text::{API_KEY, SESSION, parse};
use crate::access::sessions::Sessions;

/// Authenticates API keys and session tokens.
pub struct Authenticator {
    pub(crate) api_keys: Arc<ApiKeys>,
    pub(crate) sessions: Arc<Sessions>,
}

impl Authenticator {
    /// Returns the caller that a bearer token authenticates; `None` if the token is malformed,
    /// unknown, revoked or expired. The result does not reveal which.
    ///
    /// # Errors
    ///
    /// `DATABASE_ERROR`.
    pub async fn authenticate(
        &self,
        bearer: &str,
        correlation_id: &CorrelationId,
    ) -> Result<Option<Caller>, ServiceError> {
        if let Some((public, secret_hash)) = parse(API_KEY, bearer) {
            return self
                .api_keys
                .caller(public, &secret_hash, correlation_id)
                .await;
        }
        match parse(SESSION, bearer) {
            Some((public, secret_hash)) => self.sessions.caller(public, &secret_hash).await,
            None => Ok(None),
        }
    }
}
