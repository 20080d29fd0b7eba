//! Cover pictures, whose signed links die after six hours.

use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evergrant_model::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use crate::engine::Form;
use crate::picture;
use crate::platform::Stage;

const LIFE_S: i64 = 6 * 3600;
/// Below the sandbox's base address.
pub(super) const PATH: &str = "/tiktok/cdn/{file}";
/// The colour of every cover, in degrees.
const HUE: u16 = 344;

/// Where the cover of a video is from `now` on.
pub(super) fn link(base_url: &str, video: &str, now: Timestamp) -> String {
    let ends_s = now.plus_seconds(LIFE_S).unix_ms() / 1000;
    let signature = signature(video, &ends_s.to_string());
    format!("{base_url}/tiktok/cdn/{video}.png?x-expires={ends_s}&x-signature={signature}")
}

/// The picture, or 403 once the link is dead or where somebody lengthened its life.
pub(super) async fn show(
    State(stage): State<Stage>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let work = async {
        let query = Form::parse(query.unwrap_or_default().as_bytes());
        let (video, ends) = (
            file.trim_end_matches(".png"),
            query.get("x-expires").unwrap_or_default(),
        );
        let given = query.get("x-signature").unwrap_or_default();
        let is_ours: bool = signature(video, ends)
            .as_bytes()
            .ct_eq(given.as_bytes())
            .into();
        let ends_at = ends
            .parse()
            .map(Timestamp::from_unix_seconds)
            .unwrap_or_default();
        if !is_ours || stage.shared.now() >= ends_at {
            return (StatusCode::FORBIDDEN, "This link has ended.\n").into_response();
        }
        (
            [(header::CONTENT_TYPE, "image/png")],
            picture::landscape(video, HUE),
        )
            .into_response()
    };
    stage.attend("cover", work).await
}

/// No secret is needed: who can compute this can look at a drawing of hills a little longer.
fn signature(video: &str, ends: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("cover/{video}/{ends}")))
}
