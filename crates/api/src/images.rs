//! `GET /images/{signature}/{target}`: pictures of accounts, passed on.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};

use crate::body::PathOf;
use crate::caller::Visitor;
use crate::problem::{ApiError, Problem};
use crate::state::ApiState;

/// As long as a platform names the same picture its address is the same.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=86400");
/// For whoever opens it as a page.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");
/// Apps that isolate themselves show it too.
const FOR_ALL: (HeaderName, HeaderValue) = (
    HeaderName::from_static("cross-origin-resource-policy"),
    HeaderValue::from_static("cross-origin"),
);

/// The picture at an address that Evergrant has given out, such as `avatarUrl`.
///
/// The address is signed, so it needs no credential. A raster image of at most 1 MiB: PNG, JPEG,
/// GIF, WebP or AVIF.
#[utoipa::path(get, path = "/images/{signature}/{target}", operation_id = "getImage", tag = "Images",
    params(("signature" = String, Path, description = "As given out"), ("target" = String, Path, description = "As given out")),
    responses(
        (status = 200, description = "The picture, good for a day", content_type = "image/*"),
        (status = 404, description = "`NOT_FOUND`: not an address of ours", body = Problem, content_type = "application/problem+json"),
        (status = 502, description = "`NETWORK_ERROR`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`PROVIDER_UNAVAILABLE`: the platform has no such picture", body = Problem, content_type = "application/problem+json"),
        (status = 504, description = "`TIMEOUT_ERROR`", body = Problem, content_type = "application/problem+json"),
    ), security(()))]
pub(crate) async fn image(
    State(state): State<ApiState>,
    Visitor(call): Visitor,
    PathOf((signature, target)): PathOf<(String, String)>,
) -> Result<Response, ApiError> {
    let picture = state
        .service
        .avatars()
        .fetch(&call, &signature, &target)
        .await?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static(picture.media_type),
        ),
        (header::CACHE_CONTROL, CACHED),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        FOR_ALL,
    ];
    Ok((headers, picture.bytes.clone()).into_response())
}
