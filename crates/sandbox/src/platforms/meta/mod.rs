//! The parts that both Instagram logins share: the Graph API with its errors, fields, cursors,
//! limits and insights, and the signatures of Meta's callbacks.
//!
//! The logins themselves are the modules `instagram` and `instagram_login`.

mod accounts;
mod call;
mod callbacks;
mod days;
mod error;
mod fields;
mod insights;
mod media;
mod media_insights;
mod multipart;
mod nodes;
mod paging;
mod response;
mod signature;

pub(crate) use accounts::{Account, MetaPeople, MetaPerson, Page, load_people};
pub(crate) use call::{Caller, GraphCall, Host};
pub(crate) use callbacks::{Subject, signed_callback};
pub(crate) use error::GraphError;
pub(crate) use fields::{Fields, Node};
pub(crate) use multipart::read as multipart;
pub(crate) use nodes::{endpoint, instagram_node};
pub(crate) use paging::page;
pub(crate) use response::json;
pub(crate) use signature::appsecret_proof;

use crate::faults::ConsentFault;
use crate::settings::{
    ClientKind, DeadRefreshBody, MetaSettings, RefreshExpiry, RefreshMode, RefreshReply,
    RevokeStatus, Settings,
};

/// Lifetime of a long-lived token: 60 days.
pub(crate) const LONG_LIFETIME_SECONDS: u32 = 5_184_000;

/// Default settings of both logins.
pub(crate) const SETTINGS: Settings = Settings {
    refresh_token: RefreshMode::Keep,
    refresh_reply: RefreshReply::Repeat,
    refresh_expiry: RefreshExpiry::FromFirstIssue,
    client_kind: ClientKind::Web,
    oauth_errors_as_200: false,
    expires_in: LONG_LIFETIME_SECONDS,
    revoke_status: RevokeStatus::Ok,
    retry_after: true,
    dead_refresh_body: DeadRefreshBody::Message,
    quota: 1000,
    token_quota: 300,
    meta: Some(MetaSettings::DEFAULT),
};

/// Returns the error that the consent requested for the first exchange, and clears it.
///
/// The code is not consumed.
pub(crate) fn injected_error(consent_fault: &mut ConsentFault) -> Option<GraphError> {
    let error = match consent_fault {
        ConsentFault::RateLimited => GraphError::throttled(4),
        ConsentFault::ServerError => GraphError::unavailable(),
        _ => return None,
    };
    *consent_fault = ConsentFault::None;
    Some(error)
}
