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

use crate::callbacks::{self, CallbackOrder};
use crate::delivery::CallbackAnswer;
use crate::engine::{self, Answer, AuthorizationRequest, Choice};
use crate::grants::{Ending, Whose};
use crate::platforms::Platform;
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
    /// [`SandboxError::UnknownPlatform`] or [`SandboxError::UnknownSwitch`].
    pub fn set(&self, platform: &str, switch: Switch) -> Result<(), SandboxError> {
        let profile = self.0.platform(platform)?.profile();
        let known = self.0.world().settings.entry(profile.slug).or_insert(profile.settings).put(switch);
        if known { Ok(()) } else { Err(SandboxError::UnknownSwitch(profile.slug)) }
    }

    /// Plays a person who withdraws every app's access at `platform`, and tells how many grants that ended.
    ///
    /// # Errors
    ///
    /// [`SandboxError::UnknownPlatform`], [`SandboxError::UnknownPerson`] or [`SandboxError::StateFile`].
    pub fn revoke_user(&self, platform: &str, person: &str) -> Result<usize, SandboxError> {
        let platform = self.platform_of(platform, person)?;
        let slug = platform.profile().slug;
        let whose = Whose { platform: slug, person, client: None };
        let ended = match platform.app_removed() {
            Some(ending) => self.0.world().grants.close_all_of(&whose, Some(ending)),
            None => self.0.world().grants.end_all_of(slug, person),
        };
        self.0.save()?;
        Ok(ended)
    }

    /// Plays what makes Meta refuse a person's tokens with this subcode of 190, and tells how many grants it hit. `None`
    /// is the person's visit to the platform, which mends 459 and 464.
    ///
    /// # Errors
    ///
    /// As [`revoke_user`](Self::revoke_user), or [`SandboxError::UnknownSubcode`].
    pub fn invalidate(&self, platform: &str, person: &str, subcode: Option<u32>) -> Result<usize, SandboxError> {
        let slug = self.platform_of(platform, person)?.profile().slug;
        let ending = subcode.map(|code| Ending::of_subcode(code).ok_or(SandboxError::UnknownSubcode)).transpose()?;
        let hit = self.0.world().grants.close_all_of(&Whose { platform: slug, person, client: None }, ending);
        self.0.save()?;
        Ok(hit)
    }

    /// Sends what `order` says to an app on this machine, and tells how each delivery was answered.
    ///
    /// # Errors
    ///
    /// As [`revoke_user`](Self::revoke_user), or [`SandboxError::Callback`] where it could not be sent.
    pub async fn send_callback(&self, order: &CallbackOrder) -> Result<Vec<CallbackAnswer>, SandboxError> {
        let platform = self.platform_of(&order.platform, &order.person)?.clone();
        let stage = Stage { shared: self.0.clone(), platform };
        callbacks::send(&stage, order).await.map_err(SandboxError::Callback)
    }

    /// The platform, if `person` has an account there.
    pub(crate) fn platform_of(&self, platform: &str, person: &str) -> Result<&Arc<dyn Platform>, SandboxError> {
        let platform = self.0.platform(platform)?;
        if platform.cards().iter().any(|card| card.person == person) {
            return Ok(platform);
        }
        let known = platform.cards().iter().map(|card| card.person.as_str()).collect::<Vec<_>>().join(", ");
        Err(SandboxError::UnknownPerson { platform: platform.profile().slug, person: person.to_owned(), known })
    }

    /// Consents as `person` to what `auth_url` asks for, or to `scopes` of it, and tells where the browser would go.
    /// The same rules apply as on the consent page, `misbehave=` in the address included.
    ///
    /// # Errors
    ///
    /// [`SandboxError::Authorization`] where the platform would show an error page instead.
    pub fn approve(&self, auth_url: &str, person: &str, scopes: Option<&[&str]>) -> Result<String, SandboxError> {
        self.approve_sharing(auth_url, person, scopes, None)
    }

    /// The same, sharing only these assets of the person's where the platform lets them choose.
    ///
    /// # Errors
    ///
    /// As [`approve`](Self::approve).
    pub fn approve_sharing(
        &self,
        auth_url: &str,
        person: &str,
        scopes: Option<&[&str]>,
        assets: Option<&[&str]>,
    ) -> Result<String, SandboxError> {
        self.decide(auth_url, |request| {
            let scopes =
                scopes.map_or_else(|| request.scopes.clone(), |some| some.iter().copied().collect::<ScopeSet>());
            let assets = assets.map(|some| some.iter().map(|id| (*id).to_owned()).collect());
            Answer::Allow(Choice { person: person.to_owned(), scopes, misbehaviour: request.misbehaviour, assets })
        })
    }

    /// Access and refresh token of a new grant of `person`'s, as if they had consented to everything: for tests that need
    /// a thousand of them.
    ///
    /// # Errors
    ///
    /// [`SandboxError::UnknownPlatform`], [`SandboxError::UnknownPerson`], [`SandboxError::StateFile`], or
    /// [`SandboxError::NoTokens`] where the platform has steps of its own.
    pub fn tokens(&self, platform: &str, person: &str) -> Result<(String, String), SandboxError> {
        let platform = self.platform_of(platform, person)?.clone();
        let slug = platform.profile().slug;
        let stage = Stage { shared: self.0.clone(), platform };
        let tokens = engine::issue_to(&stage, person).ok_or(SandboxError::NoTokens(slug))?;
        self.0.save()?;
        Ok(tokens)
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
        let mut platforms = self.0.platforms().iter().filter(|platform| platform.profile().oauth);
        let path = url.path().trim_end_matches('/');
        let is_there = |route: &str| leads_to(path, route.trim_end_matches('/'));
        let platform = platforms.find(|platform| is_there(platform.profile().paths.authorize));
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

/// Whether a path ends as `route` says; what stands in braces there may be anything.
fn leads_to(path: &str, route: &str) -> bool {
    let mut segments = path.rsplit('/');
    let fits = |(wanted, found): (&str, Option<&str>)| wanted.starts_with('{') || found == Some(wanted);
    route.trim_start_matches('/').rsplit('/').map(|wanted| (wanted, segments.next())).all(fits)
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
