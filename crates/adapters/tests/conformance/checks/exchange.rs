//! What a code buys, and when it buys nothing.

use evergrant_adapters::{CodeExchange, ErrorClass, ProviderKind};
use evergrant_model::{AuthorizationCode, Clock as _, ScopeSet};

use crate::capability::Capability::{self, Kind, Refresh};
use crate::stand::{Stand, held, verifier};
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, refused, works};

const OAUTH: Capability = Kind(ProviderKind::OAuth2);

pub(super) const CHECKS: &[Check] = &[
    check!("a code buys a token that works", [OAUTH], buys),
    check!(
        "the first tokens hold what a renewal is bought with",
        [OAUTH, Refresh(true)],
        renewable
    ),
    check!("a code is refused the second time", [OAUTH], once),
    check!("another callback is refused", [OAUTH], other_callback),
    check!(
        "everything asked for and granted is told",
        [OAUTH],
        all_granted
    ),
    check!("what the person unticked is told", [OAUTH], unticked),
    check!(
        "the token works up to its stated end and no longer",
        [OAUTH],
        ends
    ),
    check!(
        "a wrong secret is never the user's fault",
        [OAUTH],
        wrong_secret
    ),
];

/// How platforms call a code that buys nothing; nobody is asked to try it again.
const NO_CODE: &[ErrorClass] = &[ErrorClass::NeedsReauth, ErrorClass::BadRequest];

async fn buys(stand: &Stand) -> Verdict {
    let accounts = stand.accounts_of(&stand.someone().name).await?;
    ensure!(!accounts.is_empty(), "it reaches no account");
    Ok(())
}

async fn renewable(stand: &Stand) -> Verdict {
    let tokens = stand.bought(&stand.someone().name).await?;
    ensure!(
        stand.spec().can_refresh(tokens.refresh.is_some()),
        "they cannot be renewed"
    );
    Ok(())
}

async fn once(stand: &Stand) -> Verdict {
    let code = stand.code(&stand.someone().name)?;
    works("the first exchange", stand.exchange(&code).await)?;
    refused("the second exchange", stand.exchange(&code).await, NO_CODE).map(drop)
}

async fn other_callback(stand: &Stand) -> Verdict {
    let (code, verifier) = (stand.code(&stand.someone().name)?, verifier());
    let redirect_uri = "http://127.0.0.1:3000/another/callback";
    let exchange = CodeExchange {
        code: &code,
        redirect_uri,
        verifier: Some(&verifier),
    };
    let classes = [NO_CODE, &[ErrorClass::ConfigError]].concat();
    refused(
        "the exchange",
        stand.adapter.exchange_code_for_token(&exchange).await,
        &classes,
    )
    .map(drop)
}

async fn all_granted(stand: &Stand) -> Verdict {
    let told = stand.bought(&stand.someone().name).await?.scope;
    ensure!(
        told == Some(stand.wanted()),
        "the scopes are told as {told:?}"
    );
    Ok(())
}

/// What is required, or the first scope where nothing is said to be.
fn left_over(stand: &Stand) -> Vec<&str> {
    let scopes = &stand.spec().scopes;
    let nothing_required = scopes.iter().all(|scope| !scope.required);
    let left = scopes
        .iter()
        .enumerate()
        .filter(|(at, scope)| scope.required || nothing_required && *at == 0);
    left.map(|(_, scope)| scope.id.as_str()).collect()
}

async fn unticked(stand: &Stand) -> Verdict {
    let left = left_over(stand);
    ensure!(
        left.len() < stand.spec().scopes.len(),
        "every scope is required, so nothing can be unticked"
    );
    let code = stand.code_for(&stand.auth_url()?, &stand.someone().name, Some(&left))?;
    let tokens = works("the exchange", stand.exchange(&code).await)?;
    let granted: ScopeSet = left.into_iter().collect();
    ensure!(
        tokens.scope.as_ref() == Some(&granted),
        "granted was {granted}, told is {:?}",
        tokens.scope
    );
    let accounts = works(
        "the profile",
        stand.accounts_within(&held(tokens), &granted).await,
    )?;
    ensure!(!accounts.is_empty(), "the required scopes reach no account");
    Ok(())
}

async fn ends(stand: &Stand) -> Verdict {
    let tokens = stand.bought(&stand.someone().name).await?;
    let Some(end) = tokens.expires_at else {
        return Err("no end is told".to_owned());
    };
    let (life, held) = (end.seconds_since(stand.clock.now()), held(tokens));
    let margin = stand
        .spec()
        .refresh_margin_seconds(Some(life))
        .unwrap_or_default();
    ensure!(
        (0..life).contains(&margin),
        "it is renewed {margin} seconds before its end and lives {life}"
    );
    stand.clock.advance_seconds(life - 1);
    works("the profile before the end", stand.accounts(&held).await)?;
    stand.clock.advance_seconds(1);
    refused(
        "the profile at the end",
        stand.accounts(&held).await,
        &[ErrorClass::TokenExpired],
    )
    .map(drop)
}

/// `ConfigError`, unless the platform answers as it does to a wrong code, so that nobody could tell
/// the two apart.
async fn wrong_secret(stand: &Stand) -> Verdict {
    let operator = stand.adapter_with_secret("a-wrong-secret")?;
    let exchanged = stand
        .exchange_by(&*operator, &stand.code(&stand.someone().name)?)
        .await;
    let error = refused(
        "the exchange",
        exchanged,
        &[ErrorClass::ConfigError, ErrorClass::BadRequest],
    )?;
    if error.class() == ErrorClass::ConfigError {
        return Ok(());
    }
    let made_up = stand
        .exchange(&AuthorizationCode::new("a-code-that-nobody-gave"))
        .await;
    let made_up = refused("a made-up code", made_up, NO_CODE)?;
    let alike = (made_up.http_status(), made_up.provider_code())
        == (error.http_status(), error.provider_code());
    ensure!(
        alike,
        "a wrong secret is {error:?}, though a wrong code is {made_up:?}"
    );
    Ok(())
}
