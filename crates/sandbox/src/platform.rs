//! The interface of a simulated platform.
//!
//! One engine implements OAuth for all platforms. A platform provides a profile for the engine, its
//! own response formats and its data endpoints. A platform without OAuth does not use the engine.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use evergrant_model::{ScopeSet, Timestamp};

use crate::engine::{AuthorizationRequest, Form, OAuthError};
use crate::notifications::{CallbackRequest, Message, OutgoingWebhook, Webhook};
use crate::profile::PlatformProfile;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::world::grants::InvalidationReason;
use crate::world::{Session, SignIn, Window};

/// An account as the consent page lists it.
#[derive(Clone)]
pub(crate) struct Card {
    /// Handle of the person, such as `juniper`.
    pub(crate) person: String,
    pub(crate) account_id: String,
    pub(crate) username: String,
    /// Short description of what makes the account special.
    pub(crate) about: String,
}

/// A resource that a person can share with an app, such as a Page.
pub(crate) struct Asset {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Short description of its kind.
    pub(crate) about: String,
    /// Whether it belongs to the preceding asset.
    pub(crate) nested: bool,
}

/// Newly issued tokens, for the platform's token response.
pub(crate) struct IssuedTokens {
    pub(crate) access_token: String,
    /// `None` if the response contains none.
    pub(crate) refresh_token: Option<String>,
    /// Lifetime of the access token in seconds.
    pub(crate) expires_in: u32,
    /// Remaining lifetime of the refresh token in seconds. `None`: it does not expire.
    pub(crate) refresh_expires_in: Option<i64>,
    pub(crate) scopes: ScopeSet,
    /// Handle of the person who consented.
    pub(crate) person: String,
    /// Id of the client.
    pub(crate) client: String,
}

/// A simulated platform.
pub(crate) trait Platform: Send + Sync {
    /// Returns the static description of the platform.
    fn profile(&self) -> &'static PlatformProfile;

    /// Returns the accounts at this platform.
    fn cards(&self) -> &[Card];

    /// Returns the prefix of this person's tokens. Default: empty.
    fn token_prefix(&self, _: &str) -> String {
        String::new()
    }

    /// Returns the response to a blocked caller, before anything else is checked. `None`: the
    /// caller is not blocked.
    fn block(&self, _: &HeaderMap) -> Option<Response> {
        None
    }

    /// Returns the client id and secret of a call to the token endpoint. Default: from the form.
    fn credentials(&self, _: &HeaderMap, form: &Form) -> Option<(String, String)> {
        Some((
            form.get("client_id")?.to_owned(),
            form.get("client_secret")?.to_owned(),
        ))
    }

    /// Returns the response with new tokens.
    fn token_response(&self, _: IssuedTokens) -> Response {
        StatusCode::NOT_IMPLEMENTED.into_response()
    }

    /// Returns the error response of the token and revocation endpoints.
    fn error_response(&self, _: OAuthError, _: Settings) -> Response {
        StatusCode::NOT_IMPLEMENTED.into_response()
    }

    /// Adds the caller's rate limit at the token endpoint to a response. Default: adds nothing.
    fn set_rate_limit_headers(&self, _: &mut Response, _: Window) {}

    /// Creates a browser session. `None` if the platform has OAuth.
    fn sign_in(&self, _: &PlatformContext, _: &SignIn<'_>) -> Option<Session> {
        None
    }

    /// Returns the webhook that reports an event to an app. `None` if the platform sends none.
    fn webhook(&self, _: &Webhook, _: Timestamp) -> Option<OutgoingWebhook> {
        None
    }

    /// Returns the data endpoints and all other routes outside the engine.
    fn routes(&self) -> Router<PlatformContext>;

    /// Returns whether the platform implements its token and revocation endpoints itself, because
    /// they differ too much from the engine's. The engine then calls none of the methods that its
    /// own endpoints use. Default: `false`.
    fn has_own_token_endpoint(&self) -> bool {
        false
    }

    /// Returns the `response_type` of an authorization URL that has none. Default: `None`.
    fn default_response_type(&self) -> Option<&'static str> {
        None
    }

    /// Returns additional callback parameters of a granted consent. Default: none.
    fn extra_callback_params(
        &self,
        _: &AuthorizationRequest,
        _: &ScopeSet,
    ) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Returns the callback parameters of a failure at the platform. Default: `server_error` of
    /// RFC 6749 §4.1.2.1.
    fn dialog_error_params(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("error", "server_error"),
            ("error_description", "The sandbox injected this error."),
        ]
    }

    /// Returns the assets that a person can share on the consent page. Default: none.
    fn assets(&self, _: &str) -> Vec<Asset> {
        Vec::new()
    }

    /// Returns the invalidation reason of a removed app, at platforms that report one. `None`:
    /// grants are revoked without a reason.
    fn app_removal_reason(&self) -> Option<InvalidationReason> {
        None
    }

    /// Returns a signed callback to an app. `None` if the platform does not send this one.
    fn callback(&self, _: &PlatformContext, _: &CallbackRequest) -> Option<Message> {
        None
    }
}

/// The state of a platform's request handlers: the platform and the shared sandbox.
#[derive(Clone)]
pub(crate) struct PlatformContext {
    pub(crate) shared: Arc<Shared>,
    pub(crate) platform: Arc<dyn Platform>,
}

impl PlatformContext {
    pub(crate) fn slug(&self) -> &'static str {
        self.platform.profile().slug
    }

    /// Returns the current positions of the platform's switches.
    pub(crate) fn settings(&self) -> Settings {
        let profile = self.platform.profile();
        self.shared
            .world()
            .settings
            .get(profile.slug)
            .copied()
            .unwrap_or(profile.settings)
    }

    /// Counts a call and returns the response of `work`, or that of a queued fault.
    pub(crate) async fn serve_endpoint(
        &self,
        endpoint: &str,
        work: impl Future<Output = Response>,
    ) -> Response {
        // Subscribe before the call is counted. Otherwise a test that sees the count and releases
        // at once would be missed.
        let released = self.shared.subscribe_to_release();
        let fault = {
            let mut world = self.shared.world();
            world.calls.increment(self.slug(), endpoint);
            world.faults.take(self.slug(), endpoint)
        };
        match fault {
            None => work.await,
            Some(fault) => fault.apply(released, work).await,
        }
    }

    /// Counts a call of `caller` and returns its usage of the current window.
    pub(crate) fn count_call(&self, caller: &str, quota: u32) -> Window {
        self.shared
            .count_call(format!("{}/{caller}", self.slug()), quota)
    }

    /// Returns whether `caller` made fewer than `quota` calls in the last `span_seconds` seconds,
    /// and counts the call if so.
    pub(crate) fn within_limit(&self, caller: &str, quota: u32, span_seconds: i64) -> bool {
        self.shared
            .within_limit(format!("{}/{caller}", self.slug()), quota, span_seconds)
    }
}
