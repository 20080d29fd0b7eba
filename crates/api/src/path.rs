//! Ids in the path of a request. A malformed id is answered like an unknown one.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use evergrant_model::{FlowId, ProviderAccountId, ProviderSlug};
use evergrant_service::ServiceError;

use crate::body::PathOf;
use crate::problem::ApiError;
use crate::state::ApiState;

/// The provider in the path. A malformed slug is answered with `INVALID_PROVIDER`.
pub(crate) struct ProviderPath(pub(crate) ProviderSlug);

/// The provider and the account in the path. Malformed ids are answered with `INVALID_PROVIDER` and
/// `ACCOUNT_NOT_FOUND`.
pub(crate) struct AccountPath {
    /// The provider.
    pub(crate) provider: ProviderSlug,
    /// The account's id at the provider.
    pub(crate) account: ProviderAccountId,
}

/// The flow in the path. A malformed id is answered with `FLOW_NOT_FOUND`.
pub(crate) struct FlowPath(pub(crate) FlowId);

impl FromRequestParts<ApiState> for ProviderPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let PathOf::<String>(slug) = PathOf::from_request_parts(parts, state).await?;
        Ok(Self(parse_provider(state, &slug)?))
    }
}

impl FromRequestParts<ApiState> for AccountPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, ApiError> {
        let PathOf::<(String, String)>((slug, account)) =
            PathOf::from_request_parts(parts, state).await?;
        Ok(Self {
            provider: parse_provider(state, &slug)?,
            account: parse_account(&account)?,
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for FlowPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let PathOf::<String>(flow) = PathOf::from_request_parts(parts, state).await?;
        match FlowId::new(flow) {
            Ok(flow) => Ok(Self(flow)),
            Err(_) => Err(ServiceError::flow_not_found().into()),
        }
    }
}

/// Parses a provider that a caller named.
///
/// # Errors
///
/// `INVALID_PROVIDER` if no provider can have this slug.
pub(crate) fn parse_provider(state: &ApiState, text: &str) -> Result<ProviderSlug, ServiceError> {
    ProviderSlug::new(text).map_err(|_| state.service.providers().unknown(text))
}

/// Parses an account that a caller named.
///
/// # Errors
///
/// `ACCOUNT_NOT_FOUND` if no account can have this id.
pub(crate) fn parse_account(text: &str) -> Result<ProviderAccountId, ServiceError> {
    ProviderAccountId::new(text).map_err(|_| ServiceError::account_not_found())
}

/// Parses the provider of a callback or hosted form, whose flow it must match.
///
/// # Errors
///
/// `INVALID_STATE` if no provider can have this slug.
pub(crate) fn parse_flow_provider(text: &str) -> Result<ProviderSlug, ServiceError> {
    ProviderSlug::new(text).map_err(|_| ServiceError::invalid_state())
}
