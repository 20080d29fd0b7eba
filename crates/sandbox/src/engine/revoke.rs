//! The revocation endpoint. Unknown tokens get the same response as revoked ones (RFC 7009 §2.2).

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::token::{authenticated_client, has_required_params};
use super::{Form, OAuthError};
use crate::platform::PlatformContext;
use crate::profile::{AccessTokenRevocation, Client};
use crate::world::grants::TokenKind;

/// Handles `POST` of the revocation endpoint.
pub(super) async fn handle(
    State(context): State<PlatformContext>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::from_body(&headers, &body);
    let work = async {
        let settings = context.settings();
        if let Some(blocked) = context.platform.block(&headers) {
            return blocked;
        }
        if !has_required_params(&context, &form) {
            return context
                .platform
                .error_response(OAuthError::InvalidRequest, settings);
        }
        let client =
            authenticated_client(&context, &headers, &form).ok_or(OAuthError::InvalidClient);
        match client.and_then(|client| revoke(&context, client, &form)) {
            Ok(()) => StatusCode::from_u16(settings.revoke_status.into())
                .unwrap_or_default()
                .into_response(),
            Err(error) => context.platform.error_response(error, settings),
        }
    };
    context.serve_endpoint("revoke", work).await
}

/// Revokes a token. A refresh token revokes the whole grant; an access token does so at some
/// platforms only. `token_type_hint` is ignored, because the index knows the kind of a token.
fn revoke(context: &PlatformContext, client: &Client, form: &Form) -> Result<(), OAuthError> {
    let token = form.get("token").ok_or(OAuthError::InvalidRequest)?;
    let mut world = context.shared.world();
    let Some((id, kind, grant)) = world.grants.find_token(token) else {
        return Ok(());
    };
    if grant.platform != context.slug() || grant.client != client.id {
        return Err(OAuthError::TokenOfOtherClient);
    }
    match kind {
        TokenKind::Refresh => world.grants.revoke(id),
        TokenKind::Access
            if context.platform.profile().access_token_revocation
                == AccessTokenRevocation::RevokesGrant =>
        {
            world.grants.revoke(id);
        }
        TokenKind::Access => world.grants.revoke_access_token(id, token),
    }
    Ok(())
}
