//! What Instagram's two logins have in common: the Graph API with its errors, fields, cursors,
//! limits and insights, and the signatures of Meta's callbacks. The logins themselves are
//! `instagram` and `instagram_login`.

mod accounts;
mod answer;
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
mod signature;

pub(crate) use accounts::{Account, MetaPeople, MetaPerson, Page, everybody};
pub(crate) use answer::json;
pub(crate) use call::{Caller, GraphCall, Host};
pub(crate) use callbacks::{Subject, signed};
pub(crate) use error::GraphError;
pub(crate) use fields::{Fields, Node};
pub(crate) use multipart::read as multipart;
pub(crate) use nodes::{endpoint, instagram_node};
pub(crate) use paging::page;
pub(crate) use signature::appsecret_proof;

use crate::faults::Misbehaviour;
use crate::settings::{
    ClientKind, DeadRefreshBody, MetaSettings, RefreshExpiry, RefreshMode, RefreshReply,
    RevokeStatus, Settings,
};

/// 60 days, the life of a long-lived token.
pub(crate) const LONG_LIFE_S: u32 = 5_184_000;

/// How the switches of both logins stand at first.
pub(crate) const SETTINGS: Settings = Settings {
    refresh_token: RefreshMode::Keep,
    refresh_reply: RefreshReply::Repeat,
    refresh_expiry: RefreshExpiry::FromFirstIssue,
    client_kind: ClientKind::Web,
    oauth_errors_as_200: false,
    expires_in: LONG_LIFE_S,
    revoke_status: RevokeStatus::Ok,
    retry_after: true,
    dead_refresh_body: DeadRefreshBody::Message,
    quota: 1000,
    token_quota: 300,
    meta: Some(MetaSettings::USUAL),
};

/// The trouble that comes before the first exchange, where it was asked for at consent. The code
/// outlives it.
pub(crate) fn once_refused(misbehaviour: &mut Misbehaviour) -> Option<GraphError> {
    let error = match misbehaviour {
        Misbehaviour::RateLimited => GraphError::throttled(4),
        Misbehaviour::ServerError => GraphError::trouble(),
        _ => return None,
    };
    *misbehaviour = Misbehaviour::None;
    Some(error)
}
