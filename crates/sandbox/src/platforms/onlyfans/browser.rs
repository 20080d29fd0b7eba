//! Browser sessions: created at sign-in, and verified against everything that the browser sends.
//!
//! A session is stored as a grant. Its only token is the cookie `sess`, and its client is the
//! browser.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evergrant_model::SignedDuration;
use sha2::{Digest, Sha256};

use super::account::Account;
use super::profile::PROFILE;
use crate::faults::ConsentFault;
use crate::platform::Card;
use crate::platform::PlatformContext;
use crate::world::grants::{Grant, GrantId, TokenKind};
use crate::world::{Session, SignIn};

/// Creates a session. Returns `None` if the person has no account.
pub(super) fn sign_in(
    context: &PlatformContext,
    cards: &[Card],
    accounts: &BTreeMap<String, Account>,
    sign_in: &SignIn<'_>,
) -> Option<Session> {
    let selected = cards
        .iter()
        .position(|card| card.person == sign_in.person)?;
    let (card, next) = (
        cards.get(selected)?,
        cards.get((selected + 1) % cards.len())?,
    );
    // The cookies always name the selected account; with this fault the session belongs to another
    // one.
    let owner = if sign_in.consent_fault == ConsentFault::WrongAccount {
        next
    } else {
        card
    };
    let account = accounts.get(sign_in.person)?;
    let session = Session {
        sess: context.shared.random(),
        auth_id: card.account_id.clone(),
        user_agent: sign_in.user_agent.to_owned(),
        x_bc: context.shared.random(),
        auth_uid_: account.two_factor.then(|| card.account_id.clone()),
    };
    store_session(context, &session, &owner.person, sign_in.consent_fault);
    Some(session)
}

/// Stores a session of `owner`, altered as `consent_fault` says.
fn store_session(
    context: &PlatformContext,
    session: &Session,
    owner: &str,
    consent_fault: ConsentFault,
) {
    let stored_x_bc = if consent_fault == ConsentFault::StateMangled {
        "another"
    } else {
        &session.x_bc
    };
    let client = client(&session.auth_id, &session.user_agent, stored_x_bc);
    let lifetime_seconds = if consent_fault == ConsentFault::CodeExpired {
        0
    } else {
        context.settings().expires_in
    };
    let now = context.shared.now();
    let expires_at = now + SignedDuration::from_secs(lifetime_seconds.into());
    let grant = Grant::new(PROFILE.slug, client, owner.to_owned(), consent_fault);
    let mut world = context.shared.world();
    let id = world.grants.create(grant);
    world
        .grants
        .add_access_token(id, &session.sess, expires_at, now);
}

/// Returns the client id of a session: the account number from the cookie and a hash of the
/// browser's headers.
fn client(auth_id: &str, user_agent: &str, x_bc: &str) -> String {
    format!(
        "{auth_id} {}",
        URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{user_agent}\n{x_bc}")))
    )
}

/// The caller, classified by the session and headers of the request.
pub(super) enum Caller {
    /// A program: the `User-Agent` header is missing or empty.
    Anonymous,
    /// No session, an expired session, or an `auth_id` cookie of another account.
    Guest,
    /// The `user-id` header differs from the `auth_id` cookie, or the session rejects every check.
    Mismatched,
    /// The session belongs to another browser: `User-Agent` or `x-bc` differs.
    OtherBrowser,
    /// The session's owner: the grant of the session and the person's handle.
    Owner(GrantId, String),
}

impl Caller {
    /// Classifies the caller of a request.
    pub(super) fn from_headers(context: &PlatformContext, headers: &HeaderMap) -> Self {
        let header = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let user_agent = header("user-agent");
        if user_agent.trim().is_empty() {
            return Self::Anonymous;
        }
        let (sess, auth_id) = (cookie(headers, "sess"), cookie(headers, "auth_id"));
        let now = context.shared.now();
        let world = context.shared.world();
        let found = world
            .grants
            .find(TokenKind::Access, sess.unwrap_or_default(), now);
        let Some((id, grant)) = found.filter(|(_, grant)| grant.platform == PROFILE.slug) else {
            return Self::Guest;
        };
        let known = grant.client.split_once(' ').map(|(auth_id, _)| auth_id);
        let Some(auth_id) = auth_id.filter(|auth_id| known == Some(auth_id)) else {
            return Self::Guest;
        };
        if header("user-id") != auth_id || grant.refuses_refresh {
            return Self::Mismatched;
        }
        if grant.client != client(auth_id, user_agent, header("x-bc")) {
            return Self::OtherBrowser;
        }
        Self::Owner(id, grant.person.clone())
    }
}

/// Returns the value of a request cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|line| line.to_str().ok());
    let mut pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}
