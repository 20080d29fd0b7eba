//! Cover pictures, whose signed links expire after six hours.

use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evergrant_model::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use crate::engine::Form;
use crate::picture;
use crate::platform::PlatformContext;

const LINK_LIFETIME_SECONDS: i64 = 6 * 3600;
/// Route of the cover pictures below the sandbox's base URL.
pub(super) const PATH: &str = "/tiktok/cdn/{file}";
/// The hue of every cover, in degrees.
const HUE: u16 = 344;

/// Returns a signed link to the cover of a video, valid from `now`.
pub(super) fn link(base_url: &str, video: &str, now: Timestamp) -> String {
    let expires_seconds = (now + SignedDuration::from_secs(LINK_LIFETIME_SECONDS)).unix_ms() / 1000;
    let signature = signature(video, &expires_seconds.to_string());
    format!("{base_url}/tiktok/cdn/{video}.png?x-expires={expires_seconds}&x-signature={signature}")
}

/// Responds with the picture, or with 403 if the link has expired or was altered.
pub(super) async fn show(
    State(context): State<PlatformContext>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let work = async {
        let query = Form::parse(query.unwrap_or_default().as_bytes());
        let (video, expires) = (
            file.trim_end_matches(".png"),
            query.get("x-expires").unwrap_or_default(),
        );
        let signature_param = query.get("x-signature").unwrap_or_default();
        let is_authentic: bool = signature(video, expires)
            .as_bytes()
            .ct_eq(signature_param.as_bytes())
            .into();
        let expires_at = expires
            .parse()
            .map(Timestamp::from_unix_seconds)
            .unwrap_or_default();
        if !is_authentic || context.shared.now() >= expires_at {
            return (StatusCode::FORBIDDEN, "This link has expired.\n").into_response();
        }
        (
            [(header::CONTENT_TYPE, "image/png")],
            picture::landscape(video, HUE),
        )
            .into_response()
    };
    context.serve_endpoint("cover", work).await
}

/// Returns the link's signature. It is unkeyed: forging it only extends access to a generated
/// picture.
fn signature(video: &str, expires: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("cover/{video}/{expires}")))
}
