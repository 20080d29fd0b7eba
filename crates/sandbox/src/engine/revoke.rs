//! The revocation endpoint: the same answer for every token of the caller's, known or not (RFC 7009
//! §2.2).

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::token::{brings_everything, client};
use super::{Form, Refusal};
use crate::platform::Stage;
use crate::profile::{Client, RevokingAccess};
use crate::world::grants::TokenKind;

/// `POST` of the revocation endpoint.
pub(super) async fn answer(
    State(stage): State<Stage>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::of_body(&headers, &body);
    let work = async {
        let settings = stage.settings();
        if let Some(away) = stage.platform.turn_away(&headers) {
            return away;
        }
        if !brings_everything(&stage, &form) {
            return stage.platform.refused(Refusal::InvalidRequest, settings);
        }
        let caller = client(&stage, &headers, &form).ok_or(Refusal::InvalidClient);
        match caller.and_then(|client| revoke(&stage, client, &form)) {
            Ok(()) => StatusCode::from_u16(settings.revoke_status.into())
                .unwrap_or_default()
                .into_response(),
            Err(refusal) => stage.platform.refused(refusal, settings),
        }
    };
    stage.attend("revoke", work).await
}

/// A refresh token takes the whole grant with it, an access token at most platforms only itself.
/// The hint is not needed: a token's kind is known.
fn revoke(stage: &Stage, client: &Client, form: &Form) -> Result<(), Refusal> {
    let token = form.get("token").ok_or(Refusal::InvalidRequest)?;
    let mut world = stage.shared.world();
    let Some((id, kind, grant)) = world.grants.trace(token) else {
        return Ok(());
    };
    if grant.platform != stage.slug() || grant.client != client.id {
        return Err(Refusal::ForeignToken);
    }
    match kind {
        TokenKind::Refresh => world.grants.end(id),
        TokenKind::Access
            if stage.platform.profile().revoking_access == RevokingAccess::EndsGrant =>
        {
            world.grants.end(id);
        }
        TokenKind::Access => world.grants.end_access(id, token),
    }
    Ok(())
}
