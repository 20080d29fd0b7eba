//! `GET /images/{signature}/{target}`: proxied avatars.

use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::harness::Harness;

/// Returns the path of the connected account's avatar.
async fn avatar(harness: &Harness) -> String {
    let status = harness
        .browser(1)
        .await
        .get("/api/integrations/status")
        .await
        .json();
    let url = status["integrations"][0]["avatarUrl"]
        .as_str()
        .unwrap_or_else(|| panic!("{status}"))
        .to_owned();
    url.strip_prefix("http://localhost:8080")
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn signed_avatar_url_needs_no_credential() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let path = avatar(&harness).await;
    let response = harness
        .anonymous()
        .request(Method::GET, &path)
        .response()
        .await;
    assert_eq!(response.status(), StatusCode::OK);
    let header = |name: &str| response.headers()[name].to_str().unwrap();
    assert_eq!(header("content-type"), "image/png");
    assert_eq!(header("cache-control"), "public, max-age=86400");
    assert_eq!(
        header("content-security-policy"),
        "default-src 'none'; sandbox"
    );
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cross-origin-resource-policy"), "cross-origin");
    assert_eq!(
        avatar(&harness).await,
        path,
        "the URL is stable, so that browsers cache the image"
    );
}

#[tokio::test]
async fn unsigned_image_url_is_not_fetched() {
    let harness = Harness::new().await;
    harness.connect(1, "juniper").await;
    let path = avatar(&harness).await;
    let [_, images, signature, target] = path.split('/').collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(images, "images");
    let other = URL_SAFE_NO_PAD.encode("reddit http://127.0.0.1:1/secret");
    let wrong = [
        format!("/images/{signature}/{other}"),
        format!("/images/{}/{target}", "A".repeat(signature.len())),
        format!("/images/{signature}/{target}A"),
        format!("/images/{signature}/%00"),
        format!("/images//{target}"),
    ];
    for path in wrong {
        let response = harness.anonymous().get(&path).await;
        assert_eq!(response.problem(), "404 NOT_FOUND", "{path}");
    }
}
