//! `OnlyFans` has neither a public API nor OAuth: the account's owner pastes their session
//! credentials.
//!
//! Evergrant stores the session and, if the operator set `ONLYFANS_PROFILE_URL`, requests the
//! profile there to check it. Without that setting nothing is sent. Evergrant never logs in and
//! never computes request signatures.

use std::collections::BTreeMap;

use async_trait::async_trait;
use evergrant_model::{AccessToken, AccountInfo, ScopeSet, StatusReason, TokenSet};
use evergrant_outbound::{Reach, Request};
use http::header::COOKIE;
use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use crate::oauth2::engine::OAuth2;
use crate::oauth2::userinfo;
use crate::session_cookies::session::{self, Session, Submitted};
use crate::{
    AcceptedCredentials, AdapterError, AuthorizationRequest, CodeExchange, CredentialError,
    CredentialFault, CredentialField, ErrorClass, HeldTokens, PlatformAdapter, ProviderSpec,
    RemoteRevocation, SessionCheck,
};

/// The adapter for `OnlyFans`.
pub(crate) struct OnlyFans {
    engine: OAuth2,
}

/// The owner of a session, as the provider reports it.
enum Owner {
    /// The account that the session names.
    Expected(AccountInfo),
    /// A different account.
    Other,
    /// No account: the provider responds as to a visitor who is not logged in.
    LoggedOut,
}

impl OnlyFans {
    pub(crate) fn new(engine: OAuth2) -> Self {
        Self { engine }
    }

    /// Requests the profile with the session.
    async fn owner(&self, url: &Url, session: &Session) -> Result<Owner, AdapterError> {
        let invalid_header = |_| {
            AdapterError::unsent(
                ErrorClass::BadRequest,
                "the session contains characters that an HTTP header cannot carry",
            )
        };
        let user_agent =
            HeaderValue::from_str(session.get(session::USER_AGENT)).map_err(invalid_header)?;
        let secret = |field| Zeroizing::new(session.get(field).to_owned());
        let request = Request {
            credentials: vec![
                (COOKIE, session.cookies()),
                (HeaderName::from_static("x-bc"), secret(session::X_BC)),
                (HeaderName::from_static("user-id"), secret(session::AUTH_ID)),
            ],
            user_agent: Some(&user_agent),
            ..Request::new(Method::GET, url, Reach::Anywhere)
        };
        let response = self.engine.api().send(request).await?;
        let cookies = session.cookies();
        let values = cookies.split("; ").filter_map(|one| one.split_once('='));
        let secrets: Vec<_> = values
            .map(|(_, value)| value)
            .chain([session.get(session::X_BC)])
            .collect();
        let document = self.engine.api().profile_document(&response, &secrets)?;
        if document.get("isAuth") == Some(&Value::Bool(false))
            || document.get("id").is_none_or(Value::is_null)
        {
            return Ok(Owner::LoggedOut);
        }
        let account = userinfo::account_in(&document, self.engine.api().definition())?;
        Ok(if account.id.as_str() == session.get(session::AUTH_ID) {
            Owner::Expected(account)
        } else {
            Owner::Other
        })
    }

    fn submitted<'v>(&self, values: &'v BTreeMap<String, String>) -> Submitted<'v> {
        let api = self.engine.api();
        Submitted::read(values, &api.spec.session_site, api.clock.now())
    }

    /// Returns the URL that checks a session; `None` if the operator set none.
    fn check_url(&self) -> Result<Option<&Url>, AdapterError> {
        let api = self.engine.api();
        if api.spec.is_configured() {
            Ok(api.config.session_check.as_ref())
        } else {
            Err(not_configured())
        }
    }
}

#[async_trait]
impl PlatformAdapter for OnlyFans {
    fn spec(&self) -> &ProviderSpec {
        self.engine.spec()
    }

    fn auth_url(&self, _request: &AuthorizationRequest<'_>) -> Result<String, AdapterError> {
        Err(no_consent_page())
    }

    async fn exchange_code_for_token(
        &self,
        _exchange: &CodeExchange<'_>,
    ) -> Result<TokenSet, AdapterError> {
        Err(no_consent_page())
    }

    async fn refresh_access_token(&self, _held: &HeldTokens) -> Result<TokenSet, AdapterError> {
        Err(no_consent_page())
    }

    async fn user_profile(
        &self,
        access: &AccessToken,
        _granted: &ScopeSet,
    ) -> Result<Vec<AccountInfo>, AdapterError> {
        match self.check_session(access).await? {
            SessionCheck::Alive(account) => Ok(vec![*account]),
            SessionCheck::Unverified => Session::stored(access)?
                .account()
                .map(|account| vec![account]),
            SessionCheck::Ended => {
                let ended = AdapterError::new(ErrorClass::NeedsReauth, "the session has ended");
                Err(ended.with_reason(Some(StatusReason::SessionEnded)))
            }
        }
    }

    async fn revoke_access(&self, _held: &HeldTokens) -> Result<RemoteRevocation, AdapterError> {
        Ok(RemoteRevocation::Unsupported)
    }

    fn credential_fields(&self) -> &[CredentialField] {
        session::FIELDS
    }

    fn read_credentials(&self, values: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        self.submitted(values).parts()
    }

    async fn accept_credentials(
        &self,
        values: &BTreeMap<String, String>,
    ) -> Result<AcceptedCredentials, CredentialError> {
        let check = self.check_url()?;
        let spec = self.engine.spec();
        let session = self
            .submitted(values)
            .session(&spec.name, &spec.session_site)
            .map_err(CredentialError::Fields)?;
        let confirmed = match check {
            Some(url) => self.owner(url, &session).await,
            None => return session.accepted(None).map_err(CredentialError::Provider),
        };
        let sentence = match confirmed {
            Ok(Owner::Expected(account)) => return Ok(session.accepted(Some(account))?),
            // A blocked call proves nothing about the session.
            Err(error) if error.class() == ErrorClass::Blocked => {
                return Ok(session.accepted(None)?);
            }
            Ok(Owner::Other) => "This session belongs to a different account than auth_id.",
            Ok(Owner::LoggedOut) => {
                "OnlyFans says that this session has ended. Log in there and copy it again."
            }
            Err(error) if error.class() == ErrorClass::NeedsReauth => {
                "OnlyFans does not accept this session. Log in there and copy it again."
            }
            Err(error) => return Err(error.into()),
        };
        Err(CredentialError::Fields(vec![CredentialFault::new(
            session.fault_field(),
            sentence,
        )]))
    }

    async fn check_session(&self, session: &AccessToken) -> Result<SessionCheck, AdapterError> {
        let Some(url) = self.check_url()? else {
            return Ok(SessionCheck::Unverified);
        };
        match self.owner(url, &Session::stored(session)?).await? {
            Owner::Expected(account) => Ok(SessionCheck::Alive(Box::new(account))),
            Owner::Other | Owner::LoggedOut => Ok(SessionCheck::Ended),
        }
    }
}

fn not_configured() -> AdapterError {
    AdapterError::unsent(ErrorClass::ConfigError, "the provider is not configured")
}

fn no_consent_page() -> AdapterError {
    AdapterError::unsent(
        ErrorClass::BadRequest,
        "the provider has no consent page and uses session credentials",
    )
}
