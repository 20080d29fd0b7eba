//! Sessions: opened when a person signs in, and recognised by everything that a browser sends
//! along.
//!
//! A session is a grant like any other: its one token is the cookie `sess`, and its client is the
//! browser.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::account::Account;
use super::facts::PROFILE;
use crate::faults::Misbehaviour;
use crate::platform::Card;
use crate::platform::Stage;
use crate::world::grants::{Grant, GrantId, TokenKind};
use crate::world::{Session, SignIn};

/// Opens a session, or tells that the person has no account.
pub(super) fn sign_in(
    stage: &Stage,
    cards: &[Card],
    accounts: &BTreeMap<String, Account>,
    sign_in: &SignIn<'_>,
) -> Option<Session> {
    let chosen = cards
        .iter()
        .position(|card| card.person == sign_in.person)?;
    let (card, next) = (cards.get(chosen)?, cards.get((chosen + 1) % cards.len())?);
    // The cookies name the chosen account in any case; with this misbehaviour they open another
    // one.
    let owner = if sign_in.misbehaviour == Misbehaviour::WrongAccount {
        next
    } else {
        card
    };
    let account = accounts.get(sign_in.person)?;
    let session = Session {
        sess: stage.shared.random(),
        auth_id: card.account_id.clone(),
        user_agent: sign_in.user_agent.to_owned(),
        x_bc: stage.shared.random(),
        auth_uid_: account.two_factor.then(|| card.account_id.clone()),
    };
    let known_x_bc = if sign_in.misbehaviour == Misbehaviour::StateMangled {
        "another"
    } else {
        &session.x_bc
    };
    let client = client(&session.auth_id, &session.user_agent, known_x_bc);
    let now = stage.shared.now();
    let life_s = if sign_in.misbehaviour == Misbehaviour::CodeExpired {
        0
    } else {
        stage.settings().expires_in
    };
    let mut world = stage.shared.world();
    let id = world.grants.open(Grant::new(
        PROFILE.slug,
        client,
        owner.person.clone(),
        sign_in.misbehaviour,
    ));
    world
        .grants
        .add_access(id, &session.sess, now.plus_seconds(life_s.into()), now);
    Some(session)
}

/// How a session names its browser: the number in its cookie, and what must come with it,
/// unreadable.
fn client(auth_id: &str, user_agent: &str, x_bc: &str) -> String {
    format!(
        "{auth_id} {}",
        URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{user_agent}\n{x_bc}")))
    )
}

/// What a call is, by the session that came with it.
pub(super) enum Caller {
    /// No browser calls itself by no name.
    Program,
    /// No session, one that has ended, or a cookie of another one.
    Guest,
    /// The header `user-id` is not the number in the cookie, or the account refuses every check.
    Confused,
    /// Another browser than the one that signed in.
    Stranger,
    Owner(GrantId, String),
}

impl Caller {
    pub(super) fn of(stage: &Stage, headers: &HeaderMap) -> Self {
        let header = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let user_agent = header("user-agent");
        if user_agent.trim().is_empty() {
            return Self::Program;
        }
        let (sess, auth_id) = (cookie(headers, "sess"), cookie(headers, "auth_id"));
        let now = stage.shared.now();
        let world = stage.shared.world();
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
            return Self::Confused;
        }
        if grant.client != client(auth_id, user_agent, header("x-bc")) {
            return Self::Stranger;
        }
        Self::Owner(id, grant.person.clone())
    }
}

/// The value of a cookie that came with a call.
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
