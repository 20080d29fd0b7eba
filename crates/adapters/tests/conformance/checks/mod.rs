//! The checks, by what they are about.

mod account;
mod consent;
mod exchange;
mod meta;
mod pkce;
mod refresh;
mod revocation;
mod sessions;
mod trouble;

use crate::suite::Check;

/// Every check there is.
pub(crate) fn all() -> impl Iterator<Item = &'static Check> {
    [
        consent::CHECKS,
        pkce::CHECKS,
        exchange::CHECKS,
        account::CHECKS,
        refresh::CHECKS,
        revocation::CHECKS,
        trouble::CHECKS,
        meta::CHECKS,
        sessions::CHECKS,
    ]
    .into_iter()
    .flatten()
}
