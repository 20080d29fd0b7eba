//! Consents and signs in without a browser.

use evergrant_model::ScopeSet;
use url::Url;

use super::Sandbox;
use crate::engine::{self, Approval, AuthorizationRequest, AuthorizationRequestError, Decision};
use crate::faults::ConsentFault;
use crate::options::SandboxError;
use crate::world::{Session, SignIn};

/// `User-Agent` of sessions that are created without a browser.
const DEFAULT_USER_AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Sandbox/1.0";

impl Sandbox {
    /// Consents as `person` to the authorization request in `auth_url` and returns the callback
    /// URL. Grants `scopes`, or all requested ones for `None`. The rules of the consent page apply,
    /// including `misbehave=` in the URL.
    ///
    /// # Errors
    ///
    /// Returns [`SandboxError::Authorization`] if the platform would show an error page.
    pub fn approve(
        &self,
        auth_url: &str,
        person: &str,
        scopes: Option<&[&str]>,
    ) -> Result<String, SandboxError> {
        self.approve_with_assets(auth_url, person, scopes, None)
    }

    /// Consents like [`approve`](Self::approve), sharing only the assets with these ids. `None`
    /// shares all of them.
    ///
    /// # Errors
    ///
    /// Returns [`SandboxError::Authorization`] if the platform would show an error page.
    pub fn approve_with_assets(
        &self,
        auth_url: &str,
        person: &str,
        scopes: Option<&[&str]>,
        assets: Option<&[&str]>,
    ) -> Result<String, SandboxError> {
        self.decide(auth_url, |request| {
            let scopes = scopes.map_or_else(
                || request.scopes.clone(),
                |ids| ids.iter().copied().collect::<ScopeSet>(),
            );
            let assets = assets.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect());
            Decision::Allow(Approval {
                person: person.to_owned(),
                scopes,
                consent_fault: request.consent_fault,
                assets,
            })
        })
    }

    /// Creates a grant of `person` with all scopes and returns its access and refresh token, for
    /// tests that need many grants.
    ///
    /// # Errors
    ///
    /// Returns [`SandboxError::UnknownPlatform`] or [`SandboxError::UnknownPerson`] if these do not
    /// exist, [`SandboxError::NoTokens`] if the platform has its own token endpoint, and
    /// [`SandboxError::StateFile`] if the state cannot be saved.
    pub fn tokens(&self, platform: &str, person: &str) -> Result<(String, String), SandboxError> {
        let context = self.context(self.platform_with_account(platform, person)?);
        let tokens =
            engine::issue_tokens(&context, person).ok_or(SandboxError::NoTokens(context.slug()))?;
        self.shared.save()?;
        Ok(tokens)
    }

    /// Denies the authorization request in `auth_url` and returns the callback URL.
    ///
    /// # Errors
    ///
    /// Returns [`SandboxError::Authorization`] if the platform would show an error page.
    pub fn deny(&self, auth_url: &str) -> Result<String, SandboxError> {
        self.decide(auth_url, |_| Decision::Deny)
    }

    fn decide(
        &self,
        url: &str,
        decision: impl FnOnce(&AuthorizationRequest) -> Decision,
    ) -> Result<String, SandboxError> {
        let url = Url::parse(url).map_err(|_| AuthorizationRequestError::NotAnEndpoint)?;
        let mut platforms = self
            .platforms
            .iter()
            .filter(|platform| platform.profile().oauth);
        let path = url.path().trim_end_matches('/');
        let matches = |route: &str| path_matches(path, route.trim_end_matches('/'));
        let platform = platforms.find(|platform| matches(platform.profile().paths.authorize));
        let context = self.context(platform.ok_or(AuthorizationRequestError::NotAnEndpoint)?);
        let request = AuthorizationRequest::parse(&context, url.query().unwrap_or_default())?;
        let decision = decision(&request);
        Ok(engine::complete(&context, request, decision)?.into())
    }

    /// Signs `person` in without a browser at a platform without OAuth.
    ///
    /// # Errors
    ///
    /// Returns [`SandboxError::UnknownPlatform`] or [`SandboxError::UnknownPerson`] if these do not
    /// exist, [`SandboxError::NoSessions`] if the platform has OAuth, and
    /// [`SandboxError::StateFile`] if the state cannot be saved.
    pub fn session(&self, platform: &str, person: &str) -> Result<Session, SandboxError> {
        let context = self.context(self.platform_with_account(platform, person)?);
        let sign_in = SignIn {
            person,
            user_agent: DEFAULT_USER_AGENT,
            consent_fault: ConsentFault::None,
        };
        let session = context
            .platform
            .sign_in(&context, &sign_in)
            .ok_or(SandboxError::NoSessions(context.slug()))?;
        self.shared.save()?;
        Ok(session)
    }
}

/// Returns whether the last segments of a path match `route`. A route segment in braces matches any
/// segment.
fn path_matches(path: &str, route: &str) -> bool {
    let mut segments = path.rsplit('/');
    let matches = |(expected, found): (&str, Option<&str>)| {
        expected.starts_with('{') || found == Some(expected)
    };
    route
        .trim_start_matches('/')
        .rsplit('/')
        .map(|expected| (expected, segments.next()))
        .all(matches)
}
