//! Authorization flows, from the request for a consent page to the stored connection.

pub(crate) mod abandoned_flows;
pub(crate) mod authorizations;
pub(crate) mod callback;
pub(crate) mod consents;
pub(crate) mod eligible;
pub(crate) mod exchange;
pub(crate) mod failure;
pub(crate) mod finish;
pub(crate) mod kept_credentials;
pub(crate) mod outcome;
pub(crate) mod redirect_allowlist;
mod reported_error;
pub(crate) mod retry;
pub(crate) mod session_credentials;
pub(crate) mod start;
