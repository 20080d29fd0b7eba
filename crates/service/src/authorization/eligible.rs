//! Which accounts of a consent a flow may connect, and what a user can do if there is none.

use evergrant_adapters::ProviderSpec;
use evergrant_model::ErrorCode;
use evergrant_store::Flow;

use crate::ServiceError;
use crate::authorization::outcome::ReachedAccount;
use crate::error::SignedInAccount;

/// Returns the accounts that this flow may connect: all reached ones, or only the account to
/// reconnect, whose name is `expected`.
///
/// # Errors
///
/// `NO_ELIGIBLE_ACCOUNT` if `reached` is empty; `ACCOUNT_MISMATCH` if it lacks the account to
/// reconnect.
pub(crate) fn eligible(
    spec: &ProviderSpec,
    flow: &Flow,
    reached: Vec<ReachedAccount>,
    expected: Option<&str>,
) -> Result<Vec<ReachedAccount>, ServiceError> {
    if reached.is_empty() {
        return Err(no_eligible_account(spec));
    }
    let Some(account) = &flow.reconnect_account else {
        return Ok(reached);
    };
    let is_expected = |reached: &ReachedAccount| reached.id == account.as_str();
    let (matching, others): (Vec<_>, Vec<_>) = reached.into_iter().partition(is_expected);
    if matching.is_empty() {
        return Err(mismatch(spec, others, expected));
    }
    Ok(matching)
}

/// Returns the error for a consent that reaches no account, with what the user can do.
fn no_eligible_account(spec: &ProviderSpec) -> ServiceError {
    let name = &spec.name;
    let help = spec.account_help.clone().unwrap_or_else(|| {
        format!("Check the account type and the permissions at {name}, then try again.")
    });
    let detail = format!("This sign-in reaches no {name} account that can be connected. {help}");
    ServiceError::new(ErrorCode::NoEligibleAccount, detail)
}

/// Returns the error for a sign-in with other accounts than the one to reconnect.
fn mismatch(
    spec: &ProviderSpec,
    others: Vec<ReachedAccount>,
    expected: Option<&str>,
) -> ServiceError {
    let name = &spec.name;
    let used = others.first().and_then(ReachedAccount::mention);
    let signed_in = used.map_or_else(
        || format!("You signed in to a different {name} account."),
        |used| format!("You signed in to {name} as {used}."),
    );
    let wanted = expected.map_or_else(
        || format!("Sign in to {name} with the account to reconnect"),
        |expected| format!("Sign in to {name} as {expected} to reconnect it"),
    );
    let detail = format!("{signed_in} {wanted}, or connect the other account as a new one.");
    let accounts = others.into_iter().map(SignedInAccount::from).collect();
    ServiceError::new(ErrorCode::AccountMismatch, detail).with_accounts(accounts)
}
