//! Consents and sign-ins without a browser.

use evergrant_model::ScopeSet;
use url::Url;

use super::Sandbox;
use crate::engine::{self, Answer, AuthorizationFault, AuthorizationRequest, Choice};
use crate::faults::Misbehaviour;
use crate::options::SandboxError;
use crate::world::{Session, SignIn};

/// The browser of those who sign in without one.
const USUAL_BROWSER: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Sandbox/1.0";

impl Sandbox {
    /// Consents as `person` to what `auth_url` asks for, or to `scopes` of it, and tells where the
    /// browser would go. The same rules apply as on the consent page, `misbehave=` in the address
    /// included.
    ///
    /// # Errors
    ///
    /// [`SandboxError::Authorization`] where the platform would show an error page instead.
    pub fn approve(
        &self,
        auth_url: &str,
        person: &str,
        scopes: Option<&[&str]>,
    ) -> Result<String, SandboxError> {
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
            let scopes = scopes.map_or_else(
                || request.scopes.clone(),
                |some| some.iter().copied().collect::<ScopeSet>(),
            );
            let assets = assets.map(|some| some.iter().map(|id| (*id).to_owned()).collect());
            Answer::Allow(Choice {
                person: person.to_owned(),
                scopes,
                misbehaviour: request.misbehaviour,
                assets,
            })
        })
    }

    /// Access and refresh token of a new grant of `person`'s, as if they had consented to
    /// everything: for tests that need a thousand of them.
    ///
    /// # Errors
    ///
    /// [`SandboxError::UnknownPlatform`], [`SandboxError::UnknownPerson`],
    /// [`SandboxError::StateFile`], or [`SandboxError::NoTokens`] where the platform has steps of
    /// its own.
    pub fn tokens(&self, platform: &str, person: &str) -> Result<(String, String), SandboxError> {
        let stage = self.stage(self.platform_of(platform, person)?);
        let tokens =
            engine::issue_to(&stage, person).ok_or(SandboxError::NoTokens(stage.slug()))?;
        self.shared.save()?;
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

    fn decide(
        &self,
        url: &str,
        answer: impl Fn(&AuthorizationRequest) -> Answer,
    ) -> Result<String, SandboxError> {
        let url = Url::parse(url).map_err(|_| AuthorizationFault::NotAnEndpoint)?;
        let mut platforms = self
            .platforms
            .iter()
            .filter(|platform| platform.profile().oauth);
        let path = url.path().trim_end_matches('/');
        let is_there = |route: &str| leads_to(path, route.trim_end_matches('/'));
        let platform = platforms.find(|platform| is_there(platform.profile().paths.authorize));
        let stage = self.stage(platform.ok_or(AuthorizationFault::NotAnEndpoint)?);
        let request = AuthorizationRequest::read(&stage, url.query().unwrap_or_default())?;
        let answer = answer(&request);
        Ok(engine::redirect(&stage, request, answer)?.into())
    }

    /// Signs `person` in without a browser, at a platform that has no OAuth.
    ///
    /// # Errors
    ///
    /// [`SandboxError::UnknownPlatform`], [`SandboxError::NoSessions`],
    /// [`SandboxError::UnknownPerson`] or [`SandboxError::StateFile`].
    pub fn session(&self, platform: &str, person: &str) -> Result<Session, SandboxError> {
        let stage = self.stage(self.platform_of(platform, person)?);
        let sign_in = SignIn {
            person,
            user_agent: USUAL_BROWSER,
            misbehaviour: Misbehaviour::None,
        };
        let session = stage
            .platform
            .sign_in(&stage, &sign_in)
            .ok_or(SandboxError::NoSessions(stage.slug()))?;
        self.shared.save()?;
        Ok(session)
    }
}

/// Whether a path ends as `route` says; what stands in braces there may be anything.
fn leads_to(path: &str, route: &str) -> bool {
    let mut segments = path.rsplit('/');
    let fits =
        |(wanted, found): (&str, Option<&str>)| wanted.starts_with('{') || found == Some(wanted);
    route
        .trim_start_matches('/')
        .rsplit('/')
        .map(|wanted| (wanted, segments.next()))
        .all(fits)
}
