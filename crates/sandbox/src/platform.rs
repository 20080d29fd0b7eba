//! What a platform does in its own way, and what its handlers work with.
//!
//! OAuth itself is played by one engine; a platform is the data that the engine works with, and the
//! few answers that no other platform gives. One that has no OAuth leaves the engine out.

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use evergrant_model::{ScopeSet, Timestamp};

use crate::engine::{AuthorizationRequest, Form, Refusal};
use crate::notifications::{CallbackOrder, Message, Notice, Webhook};
use crate::profile::PlatformProfile;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::world::grants::Ending;
use crate::world::{Session, SignIn, Window};

/// A person as the consent page offers them.
#[derive(Clone)]
pub(crate) struct Card {
    /// The name in control calls.
    pub(crate) person: String,
    pub(crate) account_id: String,
    pub(crate) username: String,
    /// What is special about the account, in a few words.
    pub(crate) about: String,
}

/// Something of a person's that they can share or keep back.
pub(crate) struct Asset {
    pub(crate) id: String,
    pub(crate) name: String,
    /// What kind of thing it is, in a few words.
    pub(crate) about: String,
    /// Whether it belongs to the asset before it.
    pub(crate) nested: bool,
}

/// New tokens, for the platform to put into words.
pub(crate) struct Issued {
    pub(crate) access_token: String,
    /// `None` where the answer names none.
    pub(crate) refresh_token: Option<String>,
    pub(crate) expires_in: u32,
    /// `None` where refresh tokens have no end.
    pub(crate) refresh_expires_in: Option<i64>,
    pub(crate) scopes: ScopeSet,
    /// Whose tokens these are.
    pub(crate) person: String,
    /// Whom they were given to.
    pub(crate) client: String,
}

/// What one platform does in its own way.
pub(crate) trait Platform: Send + Sync {
    fn profile(&self) -> &'static PlatformProfile;

    /// Who has an account here.
    fn cards(&self) -> &[Card];

    /// What the tokens of this person begin with.
    fn token_prefix(&self, _: &str) -> String {
        String::new()
    }

    /// The answer to a caller that the platform does not want at all, before anything else is
    /// looked at.
    fn turn_away(&self, _: &HeaderMap) -> Option<Response> {
        None
    }

    /// The client id and secret that came with a call to the token endpoint.
    fn credentials(&self, _: &HeaderMap, form: &Form) -> Option<(String, String)> {
        Some((
            form.get("client_id")?.to_owned(),
            form.get("client_secret")?.to_owned(),
        ))
    }

    /// The answer that carries new tokens.
    fn issued(&self, _: Issued) -> Response {
        StatusCode::NOT_IMPLEMENTED.into_response()
    }

    /// The answer that refuses, at the token and revocation endpoints.
    fn refused(&self, _: Refusal, _: Settings) -> Response {
        StatusCode::NOT_IMPLEMENTED.into_response()
    }

    /// Tells the caller how it stands in its window at the token endpoint.
    fn state_limit(&self, _: &mut Response, _: Window) {}

    /// Opens a session as a browser would that this person signs in with; `None` at a platform with
    /// OAuth.
    fn sign_in(&self, _: &Stage, _: &SignIn<'_>) -> Option<Session> {
        None
    }

    /// What the platform would send to tell an app what happened; `None` where it sends nothing.
    fn webhook(&self, _: &Webhook, _: Timestamp) -> Option<Notice> {
        None
    }

    /// The platform's data endpoints, and whatever else it has.
    fn routes(&self) -> Router<Stage>;

    /// Whether the platform answers at its token and revocation endpoints itself, because too
    /// little there is OAuth as the engine knows it. What the engine's endpoints ask of a platform
    /// is then never asked.
    fn brings_tokens(&self) -> bool {
        false
    }

    /// What an authorization address without `response_type` means, if anything.
    fn usual_response_type(&self) -> Option<&'static str> {
        None
    }

    /// What the callback gets beside the code.
    fn callback_extras(
        &self,
        _: &AuthorizationRequest,
        _: &ScopeSet,
    ) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// What the callback gets when the platform fails on the way (RFC 6749 §4.1.2.1, where it keeps
    /// to that).
    fn dialog_failure(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("error", "server_error"),
            ("error_description", "The sandbox was asked to fail here."),
        ]
    }

    /// What a person can tick on the consent page beside the permissions.
    fn assets(&self, _: &str) -> Vec<Asset> {
        Vec::new()
    }

    /// What tokens are told of a person who removed the app, at a platform that remembers them.
    fn app_removed(&self) -> Option<Ending> {
        None
    }

    /// Signed messages that the platform sends to apps, if it does.
    fn callback(&self, _: &Stage, _: &CallbackOrder) -> Option<Message> {
        None
    }
}

/// One platform with the sandbox around it: what its handlers work with.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) shared: Arc<Shared>,
    pub(crate) platform: Arc<dyn Platform>,
}

impl Stage {
    pub(crate) fn slug(&self) -> &'static str {
        self.platform.profile().slug
    }

    /// How the platform's switches stand.
    pub(crate) fn settings(&self) -> Settings {
        let profile = self.platform.profile();
        self.shared
            .world()
            .settings
            .get(profile.slug)
            .copied()
            .unwrap_or(profile.settings)
    }

    /// Counts a call, and answers it with `work` unless a fault waits for it.
    pub(crate) async fn attend(
        &self,
        endpoint: &str,
        work: impl Future<Output = Response>,
    ) -> Response {
        // Before the call is counted: whoever sees it counted and lets go must be heard.
        let gate = self.shared.gate();
        let fault = {
            let mut world = self.shared.world();
            world.calls.count(self.slug(), endpoint);
            world.faults.take(self.slug(), endpoint)
        };
        match fault {
            None => work.await,
            Some(fault) => fault.play(gate, work).await,
        }
    }

    /// Counts one call of `caller` in the window that is open now.
    pub(crate) fn spend(&self, caller: &str, quota: u32) -> Window {
        self.shared
            .spend(format!("{}/{caller}", self.slug()), quota)
    }

    /// Counts one call of `caller` in the `span_s` seconds just gone by, and tells whether it may
    /// go on.
    pub(crate) fn has_room(&self, caller: &str, quota: u32, span_s: i64) -> bool {
        self.shared
            .has_room(format!("{}/{caller}", self.slug()), quota, span_s)
    }
}
