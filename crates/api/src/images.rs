//! `GET /images/{signature}/{target}`: profile pictures, relayed from the platforms.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};

use crate::body::PathOf;
use crate::caller::AnonymousCall;
use crate::problem::ApiError;
use crate::state::ApiState;

/// One day. The URL changes when the platform's picture changes.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=86400");
/// The content security policy of a picture that is opened as a page.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");
/// Lets cross-origin isolated apps embed the picture.
const CROSS_ORIGIN: (HeaderName, HeaderValue) = (
    HeaderName::from_static("cross-origin-resource-policy"),
    HeaderValue::from_static("cross-origin"),
);

/// Get a profile picture
///
/// Serves the pictures of `avatarUrl`. The URL is signed, so no credential is required. The picture
/// is a PNG, JPEG, GIF, WebP or AVIF image of at most 1 MiB.
#[utoipa::path(get, path = "/images/{signature}/{target}", operation_id = "getImage",
    tag = "Images",
    params(("signature" = String, Path, description = "Signature of the URL, as in `avatarUrl`"),
        ("target" = String, Path, description = "Target of the URL, as in `avatarUrl`")),
    responses(
        (status = 200, description = "The picture, cacheable for a day", content_type = "image/*"),
        (status = 404, description = "`NOT_FOUND`: the signature is not valid"),
        (status = 502, description = "`NETWORK_ERROR`"),
        (status = 503,
            description = "`PROVIDER_UNAVAILABLE`: the platform does not serve the picture"),
        (status = 504, description = "`TIMEOUT_ERROR`"),
    ), security(()))]
pub(crate) async fn image(
    State(state): State<ApiState>,
    AnonymousCall(call): AnonymousCall,
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
        (header::CACHE_CONTROL, CACHE_CONTROL),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        CROSS_ORIGIN,
    ];
    Ok((headers, picture.bytes.clone()).into_response())
}
