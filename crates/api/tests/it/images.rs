//! Pictures at addresses of ours.

use axum::http::{Method, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::stand::Stand;

/// The path of the connected account's picture.
async fn avatar(stand: &Stand) -> String {
    let status = stand
        .browser(1)
        .await
        .get("/api/integrations/status")
        .await
        .json();
    let address = status["integrations"][0]["avatarUrl"]
        .as_str()
        .unwrap_or_else(|| panic!("{status}"))
        .to_owned();
    address
        .strip_prefix("http://localhost:8080")
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn an_accounts_picture_is_passed_on_to_anybody_who_has_its_address() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let path = avatar(&stand).await;
    let answer = stand.anonymous().ask(Method::GET, &path).response().await;
    assert_eq!(answer.status(), StatusCode::OK);
    let header = |name: &str| answer.headers()[name].to_str().unwrap();
    assert_eq!(header("content-type"), "image/png");
    assert_eq!(header("cache-control"), "public, max-age=86400");
    assert_eq!(
        header("content-security-policy"),
        "default-src 'none'; sandbox"
    );
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("cross-origin-resource-policy"), "cross-origin");
    assert_eq!(
        avatar(&stand).await,
        path,
        "the address stays, so that browsers keep the picture"
    );
}

#[tokio::test]
async fn nobody_makes_us_fetch_what_we_have_not_signed() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let path = avatar(&stand).await;
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
        let answer = stand.anonymous().get(&path).await;
        assert_eq!(answer.refusal(), (404, "NOT_FOUND".to_owned()), "{path}");
    }
}
