//! The sandbox as the program and the tests hold it: routes to serve, and the controls without HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use evergrant_model::ScopeSet;
use tokio::net::TcpListener;
use url::Url;

use crate::engine::{self, Answer, AuthorizationRequest, Choice};
use crate::shared::{Shared, Stage};
use crate::{AuthorizationFault, CallCounts, Fault, SandboxError, SandboxOptions, Switch, control, pages};

/// More than any request here needs.
const LONGEST_BODY: usize = 64 << 10;

/// A running simulator of every platform. Clones are handles to the same one.
#[derive(Clone)]
pub struct Sandbox(Arc<Shared>);

impl Sandbox {
    /// A sandbox as `options` say, with the grants of the last run if there is a state file.
    ///
    /// # Errors
    ///
    /// [`SandboxError::StateFile`] where the state file is there and does not read.
    pub fn new(options: SandboxOptions) -> Result<Self, SandboxError> {
        Shared::new(options).map(Arc::new).map(Self)
    }

    /// Every page and endpoint.
    pub fn router(&self) -> Router {
        let mut router = pages::routes(self.0.clone()).nest("/control", control::routes(self.clone()));
        for platform in self.0.platforms() {
            let stage = Stage { shared: self.0.clone(), platform: platform.clone() };
            router = router.merge(engine::routes(&stage).merge(platform.routes()).with_state(stage));
        }
        router
            .layer(DefaultBodyLimit::max(LONGEST_BODY))
            .layer(from_fn_with_state(self.0.clone(), save_before_answering))
    }

    /// Serves on `listener` until `shutdown` ends. Without a public address in the options, pages and answers name the
    /// listener's.
    ///
    /// # Errors
    ///
    /// As `axum::serve`: where the listener fails.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        self.0.serve_at(format!("http://{}", listener.local_addr()?));
        let service = self.router().into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).with_graceful_shutdown(shutdown).await
    }

    /// How often each endpoint was called since the start or the last reset.
    #[must_use]
    pub fn calls(&self) -> CallCounts {
        self.0.world().calls.clone()
    }

    /// Forgets everything: grants, counters, faults, the clock's shift; switches stand as delivered.
    ///
    /// # Errors
    ///
    /// [`SandboxError::StateFile`] where that cannot be written down.
    pub fn reset(&self) -> Result<(), SandboxError> {
        self.0.reset();
        self.0.save()
    }

    /// Moves the sandbox's clock against the given one; a negative number turns it back.
    pub fn advance_seconds(&self, seconds: i64) {
        self.0.advance_seconds(seconds);
    }

    /// Forces the next answers of an endpoint.
    ///
    /// # Errors
    ///
    /// [`SandboxError::UnknownPlatform`], [`SandboxError::UnknownEndpoint`] or [`SandboxError::BadFault`].
    pub fn force_next(&self, fault: Fault) -> Result<(), SandboxError> {
        let profile = self.0.platform(&fault.platform)?.profile();
        if fault.endpoint != "*" && !profile.endpoints.contains(&fault.endpoint.as_str()) {
            let known = format!("{}, *", profile.endpoints.join(", "));
            return Err(SandboxError::UnknownEndpoint { platform: profile.slug, endpoint: fault.endpoint, known });
        }
        if let Some(objection) = fault.objection() {
            return Err(SandboxError::BadFault(objection));
        }
        self.0.world().faults.push(fault);
        Ok(())
    }

    /// Lets go of every call that a [`FaultKind::Hold`](crate::FaultKind::Hold) holds at this moment.
    pub fn release(&self) {
        self.0.release();
    }

    /// Puts a switch of `platform` in a position.
    ///
    /// # Errors
    ///
    /// [`SandboxError::UnknownPlatform`].
    pub fn set(&self, platform: &str, switch: Switch) -> Result<(), SandboxError> {
        let profile = self.0.platform(platform)?.profile();
        self.0.world().settings.entry(profile.slug).or_insert(profile.settings).put(switch);
        Ok(())
    }

    /// Plays a person who withdraws every app's access at `platform`, and tells how many grants that ended.
    ///
    /// # Errors
    ///
    /// [`SandboxError::UnknownPlatform`], [`SandboxError::UnknownPerson`] or [`SandboxError::StateFile`].
    pub fn revoke_user(&self, platform: &str, person: &str) -> Result<usize, SandboxError> {
        let platform = self.0.platform(platform)?;
        let slug = platform.profile().slug;
        if !platform.cards().iter().any(|card| card.person == person) {
            let known = platform.cards().iter().map(|card| card.person.as_str()).collect::<Vec<_>>().join(", ");
            return Err(SandboxError::UnknownPerson { platform: slug, person: person.to_owned(), known });
        }
        let ended = self.0.world().grants.end_all_of(slug, person);
        self.0.save()?;
        Ok(ended)
    }

    /// Consents as `person` to what `auth_url` asks for, or to `scopes` of it, and tells where the browser would go.
    /// The same rules apply as on the consent page, `misbehave=` in the address included.
    ///
    /// # Errors
    ///
    /// [`SandboxError::Authorization`] where the platform would show an error page instead.
    pub fn approve(&self, auth_url: &str, person: &str, scopes: Option<&[&str]>) -> Result<String, SandboxError> {
        self.decide(auth_url, |request| {
            let scopes =
                scopes.map_or_else(|| request.scopes.clone(), |some| some.iter().copied().collect::<ScopeSet>());
            Answer::Allow(Choice { person: person.to_owned(), scopes, misbehaviour: request.misbehaviour })
        })
    }

    /// Refuses what `auth_url` asks for, and tells where the browser would go.
    ///
    /// # Errors
    ///
    /// [`SandboxError::Authorization`] where the platform would show an error page instead.
    pub fn deny(&self, auth_url: &str) -> Result<String, SandboxError> {
        self.decide(auth_url, |_| Answer::Deny)
    }

    fn decide(&self, url: &str, answer: impl Fn(&AuthorizationRequest) -> Answer) -> Result<String, SandboxError> {
        let url = Url::parse(url).map_err(|_| AuthorizationFault::NotAnEndpoint)?;
        let mut platforms = self.0.platforms().iter();
        let platform = platforms.find(|platform| url.path().ends_with(platform.profile().paths.authorize));
        let platform = platform.ok_or(AuthorizationFault::NotAnEndpoint)?.clone();
        let stage = Stage { shared: self.0.clone(), platform };
        let request = AuthorizationRequest::read(&stage, url.query().unwrap_or_default())?;
        let answer = answer(&request);
        Ok(engine::redirect(&stage, request, answer)?.into())
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }
}

/// The product's settings, by environment variable, that make it take a sandbox at `base_url` for the platforms.
///
/// ```
/// let settings = evergrant_sandbox::dev_settings("http://127.0.0.1:8081");
/// assert!(settings.contains(&("REDDIT_WWW_BASE", "http://127.0.0.1:8081/reddit/www".to_owned())));
/// ```
#[must_use]
pub fn dev_settings(base_url: &str) -> Vec<(&'static str, String)> {
    let base_url = base_url.trim_end_matches('/');
    crate::platforms::dev_settings(base_url)
}

/// An operator's own definition, for `evergrant.toml`, that takes a sandbox at `base_url` for the platform Acme: a plain
/// OAuth 2.0 server, to try custom platforms against.
///
/// ```
/// let definition = evergrant_sandbox::acme_definition("http://127.0.0.1:8081");
/// assert!(definition.contains("token_url = \"http://127.0.0.1:8081/acme/oauth/token\""));
/// ```
#[must_use]
pub fn acme_definition(base_url: &str) -> String {
    crate::platforms::acme_definition(base_url.trim_end_matches('/'))
}

/// Lets no answer out before what it promises is on disk.
async fn save_before_answering(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    match shared.save() {
        Ok(()) => response,
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
