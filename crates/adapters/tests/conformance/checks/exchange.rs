//! The code exchange: its tokens, and the codes that are rejected.

use evergrant_adapters::{CodeExchange, ErrorClass, ProviderKind};
use evergrant_model::{AuthorizationCode, Clock as _, ScopeSet, SignedDuration};

use crate::capability::Capability::{self, Kind, Refresh};
use crate::harness::{Harness, held_tokens, verifier};
use crate::suite::{Check, check};
use crate::verdict::{Verdict, ensure, expect_error, expect_ok};

const OAUTH: Capability = Kind(ProviderKind::OAuth2);

pub(super) const CHECKS: &[Check] = &[
    check!(
        "a code exchange returns a working access token",
        [OAUTH],
        returns_access_token
    ),
    check!(
        "a code exchange returns tokens that can be refreshed",
        [OAUTH, Refresh(true)],
        refreshable
    ),
    check!(
        "a code is rejected when it is used again",
        [OAUTH],
        single_use
    ),
    check!(
        "a code exchange with another redirect URI is rejected",
        [OAUTH],
        other_redirect_uri
    ),
    check!(
        "the token set lists every granted scope",
        [OAUTH],
        all_granted
    ),
    check!(
        "the token set omits the scopes that the person declined",
        [OAUTH],
        declined_scopes
    ),
    check!(
        "an access token works until its stated expiry and no longer",
        [OAUTH],
        expires
    ),
    check!(
        "a wrong client secret is never blamed on the user",
        [OAUTH],
        wrong_secret
    ),
];

/// Classes of a rejected code. None of them allows a retry.
const REJECTED_CODE: &[ErrorClass] = &[ErrorClass::NeedsReauth, ErrorClass::BadRequest];

async fn returns_access_token(harness: &Harness) -> Verdict {
    let accounts = harness.accounts_of(&harness.first_person().name).await?;
    ensure!(!accounts.is_empty(), "the token has no account");
    Ok(())
}

async fn refreshable(harness: &Harness) -> Verdict {
    let tokens = harness.authorize(&harness.first_person().name).await?;
    ensure!(
        harness.spec().can_refresh(tokens.refresh.is_some()),
        "the tokens cannot be refreshed"
    );
    Ok(())
}

async fn single_use(harness: &Harness) -> Verdict {
    let code = harness.code(&harness.first_person().name)?;
    expect_ok("the first exchange", harness.exchange(&code).await)?;
    expect_error(
        "the second exchange",
        harness.exchange(&code).await,
        REJECTED_CODE,
    )
    .map(drop)
}

async fn other_redirect_uri(harness: &Harness) -> Verdict {
    let (code, verifier) = (harness.code(&harness.first_person().name)?, verifier());
    let redirect_uri = "http://127.0.0.1:3000/another/callback";
    let exchange = CodeExchange {
        code: &code,
        redirect_uri,
        verifier: Some(&verifier),
    };
    let classes = [REJECTED_CODE, &[ErrorClass::ConfigError]].concat();
    expect_error(
        "the exchange",
        harness.adapter.exchange_code_for_token(&exchange).await,
        &classes,
    )
    .map(drop)
}

async fn all_granted(harness: &Harness) -> Verdict {
    let scope = harness.authorize(&harness.first_person().name).await?.scope;
    ensure!(
        scope == Some(harness.requested_scopes()),
        "the listed scopes are {scope:?}"
    );
    Ok(())
}

/// Returns the required scopes, or the first scope if none is required.
fn minimum_scopes(harness: &Harness) -> Vec<&str> {
    let scopes = &harness.spec().scopes;
    let nothing_required = scopes.iter().all(|scope| !scope.required);
    let minimum = scopes
        .iter()
        .enumerate()
        .filter(|(at, scope)| scope.required || nothing_required && *at == 0);
    minimum.map(|(_, scope)| scope.id.as_str()).collect()
}

async fn declined_scopes(harness: &Harness) -> Verdict {
    let minimum = minimum_scopes(harness);
    ensure!(
        minimum.len() < harness.spec().scopes.len(),
        "every scope is required, so none can be declined"
    );
    let code = harness.code_for(
        &harness.auth_url()?,
        &harness.first_person().name,
        Some(&minimum),
    )?;
    let tokens = expect_ok("the exchange", harness.exchange(&code).await)?;
    let granted: ScopeSet = minimum.into_iter().collect();
    ensure!(
        tokens.scope.as_ref() == Some(&granted),
        "the person granted {granted}, but the token set lists {:?}",
        tokens.scope
    );
    let accounts = expect_ok(
        "the profile",
        harness
            .accounts_within(&held_tokens(tokens), &granted)
            .await,
    )?;
    ensure!(
        !accounts.is_empty(),
        "the required scopes give access to no account"
    );
    Ok(())
}

async fn expires(harness: &Harness) -> Verdict {
    let tokens = harness.authorize(&harness.first_person().name).await?;
    let Some(expires_at) = tokens.expires_at else {
        return Err("the token set has no expiry".to_owned());
    };
    let lifetime = expires_at.since(harness.clock.now());
    let tokens = held_tokens(tokens);
    let margin = harness
        .spec()
        .refresh_margin(Some(lifetime))
        .unwrap_or_default();
    ensure!(
        (SignedDuration::ZERO..lifetime).contains(&margin),
        "the token is refreshed {margin} before its expiry, but its lifetime is {lifetime}"
    );
    harness
        .clock
        .advance(lifetime - SignedDuration::from_secs(1));
    expect_ok(
        "the profile before the expiry",
        harness.accounts(&tokens).await,
    )?;
    harness.clock.advance_seconds(1);
    expect_error(
        "the profile at the expiry",
        harness.accounts(&tokens).await,
        &[ErrorClass::TokenExpired],
    )
    .map(drop)
}

/// The class must be `ConfigError`. `BadRequest` is allowed only if the platform's response cannot
/// be distinguished from the one to a wrong code.
async fn wrong_secret(harness: &Harness) -> Verdict {
    let misconfigured = harness.adapter_with_secret("a-wrong-secret")?;
    let exchanged = harness
        .exchange_by(
            &*misconfigured,
            &harness.code(&harness.first_person().name)?,
        )
        .await;
    let error = expect_error(
        "the exchange",
        exchanged,
        &[ErrorClass::ConfigError, ErrorClass::BadRequest],
    )?;
    if error.class() == ErrorClass::ConfigError {
        return Ok(());
    }
    let wrong_code = harness
        .exchange(&AuthorizationCode::new("an-unknown-code"))
        .await;
    let wrong_code = expect_error("an unknown code", wrong_code, REJECTED_CODE)?;
    let indistinguishable = (wrong_code.http_status(), wrong_code.provider_code())
        == (error.http_status(), error.provider_code());
    ensure!(
        indistinguishable,
        "a wrong secret is {error:?}, but a wrong code is {wrong_code:?}"
    );
    Ok(())
}
