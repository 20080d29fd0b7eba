//! The token endpoint: a code or a refresh token comes in, tokens go out.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use subtle::ConstantTimeEq as _;

use super::{Form, Refusal};
use crate::faults::Misbehaviour;
use crate::platform::Issued;
use crate::platform::Stage;
use crate::profile::{Client, ReusedRefresh};
use crate::settings::{RefreshExpiry, RefreshMode, RefreshReply};
use crate::shared::World;
use crate::world::grants::{Grant, GrantId, TokenKind};

/// `POST` of the token endpoint.
pub(super) async fn answer(
    State(stage): State<Stage>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::of_body(&headers, &body);
    let endpoint = match form.get("grant_type") {
        Some("authorization_code") => "token.authorization_code",
        Some("refresh_token") => "token.refresh_token",
        _ => "token.other",
    };
    stage.attend(endpoint, work(&stage, &headers, &form)).await
}

async fn work(stage: &Stage, headers: &HeaderMap, form: &Form) -> Response {
    let (platform, settings) = (&stage.platform, stage.settings());
    if let Some(away) = platform.turn_away(headers) {
        return away;
    }
    if !brings_everything(stage, form) {
        return platform.refused(Refusal::InvalidRequest, settings);
    }
    let Some(client) = client(stage, headers, form) else {
        return platform.refused(Refusal::InvalidClient, settings);
    };
    let window = stage.spend(&format!("token/{}", client.id), settings.token_quota);
    let outcome = if window.is_exceeded() {
        Err(Refusal::RateLimited {
            retry_after_s: window.reset_s,
        })
    } else {
        grant(stage, client, form)
    };
    let mut response = match outcome {
        Ok((issued, misbehaviour)) => {
            if misbehaviour == Misbehaviour::SlowToken {
                tokio::time::sleep(Duration::from_secs(Misbehaviour::SLOW_S)).await;
            }
            platform.issued(issued)
        }
        // A platform in trouble does not count calls.
        Err(Refusal::ServerError) => return platform.refused(Refusal::ServerError, settings),
        Err(refusal) => platform.refused(refusal, settings),
    };
    platform.state_limit(&mut response, window);
    response
}

/// Whether the form has every parameter that the platform wants of all calls.
pub(super) fn brings_everything(stage: &Stage, form: &Form) -> bool {
    stage
        .platform
        .profile()
        .required_params
        .iter()
        .all(|name| form.get(name).is_some())
}

/// The registered app that calls, if it proved to be one.
pub(super) fn client(stage: &Stage, headers: &HeaderMap, form: &Form) -> Option<&'static Client> {
    let (id, secret) = stage.platform.credentials(headers, form)?;
    let client = stage
        .platform
        .profile()
        .clients
        .iter()
        .find(|client| client.id == id)?;
    bool::from(client.secret.as_bytes().ct_eq(secret.as_bytes())).then_some(client)
}

type Outcome = Result<(Issued, Misbehaviour), Refusal>;

fn grant(stage: &Stage, client: &Client, form: &Form) -> Outcome {
    match form.get("grant_type") {
        Some("authorization_code") => exchange(stage, client, form),
        Some("refresh_token") => {
            refresh(stage, client, form).map(|issued| (issued, Misbehaviour::None))
        }
        Some(other) if stage.platform.profile().personless_grants.contains(&other) => {
            Err(without_a_person(stage, form))
        }
        _ => Err(Refusal::UnsupportedGrantType),
    }
}

/// Grants without a person's consent: the simulated apps are of the kind that signs people in.
fn without_a_person(stage: &Stage, form: &Form) -> Refusal {
    let profile = stage.platform.profile();
    let mut asked = form
        .get("scope")
        .unwrap_or_default()
        .split(profile.scope_separators)
        .filter(|id| !id.is_empty());
    let all_exist = asked.all(|id| profile.scopes.iter().any(|scope| scope.id == id));
    if all_exist {
        Refusal::UnauthorizedClient
    } else {
        Refusal::InvalidScope
    }
}

/// Uses a code up. One that is refused stays as it is: only its own client, with its own redirect
/// address, can use it.
fn exchange(stage: &Stage, client: &Client, form: &Form) -> Outcome {
    let (Some(code), Some(redirect_uri)) = (form.get("code"), form.get("redirect_uri")) else {
        return Err(Refusal::InvalidRequest);
    };
    let (now, settings) = (stage.shared.now(), stage.settings());
    let mut world = stage.shared.world();
    let waiting = world.grants.code(code).ok_or(Refusal::InvalidGrant)?;
    let fits = waiting.platform == stage.slug()
        && waiting.client == client.id
        && waiting.redirect_uri == redirect_uri;
    if !fits || now >= waiting.expires_at {
        return Err(Refusal::InvalidGrant);
    }
    if let Some(challenge) = &waiting.challenge {
        stage
            .platform
            .profile()
            .pkce
            .verify(form.get("code_verifier"), challenge)?;
    }
    let (lasting, misbehaviour) = (waiting.lasting, waiting.misbehaviour);
    if let Some(refusal) = once_refused(misbehaviour) {
        waiting.misbehaviour = Misbehaviour::None;
        return Err(refusal);
    }
    let id = world.grants.redeem(code).ok_or(Refusal::InvalidGrant)?;
    put_off_end(stage, &mut world, id);
    let mut issued =
        new_access(stage, &mut world, id, settings.expires_in).ok_or(Refusal::InvalidGrant)?;
    if lasting {
        let token = mint(stage, &world, id);
        world.grants.replace_refresh(id, &token, false, now);
        issued.refresh_token = Some(token);
    }
    Ok((issued, misbehaviour))
}

/// The tokens of a new grant of `person`'s to the platform's first app, as if all had been
/// consented to; `None` where the platform gives tokens out in a way of its own.
pub(crate) fn issue_to(stage: &Stage, person: &str) -> Option<(String, String)> {
    let (now, settings, profile) = (
        stage.shared.now(),
        stage.settings(),
        stage.platform.profile(),
    );
    let client = profile
        .clients
        .first()
        .filter(|_| !stage.platform.brings_tokens())?;
    let mut world = stage.shared.world();
    let mut grant = Grant::new(
        profile.slug,
        client.id.to_owned(),
        person.to_owned(),
        Misbehaviour::None,
    );
    grant.scopes = profile.scopes.iter().map(|scope| scope.id).collect();
    let id = world.grants.open(grant);
    put_off_end(stage, &mut world, id);
    let access = new_access(stage, &mut world, id, settings.expires_in)?.access_token;
    let refresh = mint(stage, &world, id);
    world.grants.replace_refresh(id, &refresh, false, now);
    Some((access, refresh))
}

/// The trouble that comes before the first exchange, where it was asked for at consent.
fn once_refused(misbehaviour: Misbehaviour) -> Option<Refusal> {
    match misbehaviour {
        Misbehaviour::RateLimited => Some(Refusal::RateLimited {
            retry_after_s: Misbehaviour::RETRY_AFTER_S,
        }),
        Misbehaviour::ServerError => Some(Refusal::ServerError),
        _ => None,
    }
}

fn refresh(stage: &Stage, client: &Client, form: &Form) -> Result<Issued, Refusal> {
    let presented = form.get("refresh_token").ok_or(Refusal::DeadRefreshToken)?;
    let (now, settings) = (stage.shared.now(), stage.settings());
    let mut world = stage.shared.world();
    let reused = world.grants.spent(presented);
    if let (Some(id), ReusedRefresh::EndsGrant) = (reused, stage.platform.profile().reused_refresh)
    {
        world.grants.end(id);
    }
    let (id, grant) = world
        .grants
        .find(TokenKind::Refresh, presented, now)
        .ok_or(Refusal::DeadRefreshToken)?;
    if grant.platform != stage.slug() || grant.client != client.id || grant.refuses_refresh {
        return Err(Refusal::DeadRefreshToken);
    }
    if settings.refresh_expiry == RefreshExpiry::Rolling {
        put_off_end(stage, &mut world, id);
    }
    let mut issued =
        new_access(stage, &mut world, id, settings.expires_in).ok_or(Refusal::DeadRefreshToken)?;
    issued.refresh_token = match (settings.refresh_token, settings.refresh_reply) {
        (RefreshMode::Keep, RefreshReply::Omit) => None,
        (RefreshMode::Keep, RefreshReply::Repeat) => Some(presented.to_owned()),
        (mode, _) => {
            let token = mint(stage, &world, id);
            world
                .grants
                .replace_refresh(id, &token, mode == RefreshMode::RotateGrace, now);
            Some(token)
        }
    };
    Ok(issued)
}

/// Lets the grant's refresh tokens end a whole life from now, where they end at all.
fn put_off_end(stage: &Stage, world: &mut World, id: GrantId) {
    if let Some(life_s) = stage.platform.profile().refresh_life_s {
        world
            .grants
            .end_refresh_at(id, stage.shared.now().plus_seconds(life_s));
    }
}

/// A new access token of a grant, its life measured from now.
fn new_access(stage: &Stage, world: &mut World, id: GrantId, expires_in: u32) -> Option<Issued> {
    let now = stage.shared.now();
    let access_token = mint(stage, world, id);
    let grant = world.grants.get(id)?;
    let (scopes, person, client) = (
        grant.scopes.clone(),
        grant.person.clone(),
        grant.client.clone(),
    );
    let refresh_expires_in = grant.refresh_ends_at.map(|end| end.seconds_since(now));
    world.grants.add_access(
        id,
        &access_token,
        now.plus_seconds(i64::from(expires_in)),
        now,
    );
    Some(Issued {
        access_token,
        refresh_token: None,
        expires_in,
        refresh_expires_in,
        scopes,
        person,
        client,
    })
}

fn mint(stage: &Stage, world: &World, id: GrantId) -> String {
    let person = world
        .grants
        .get(id)
        .map_or("", |grant| grant.person.as_str());
    format!(
        "{}{}",
        stage.platform.token_prefix(person),
        stage.shared.random()
    )
}
