use axum::http::StatusCode;
use evergrant_sandbox::dev_settings;

use crate::harness::{AGENT, BASE, BASIC, Stand, auth_url, path_of};

#[tokio::test]
async fn the_consent_page_is_closed_to_everything_but_itself() {
    let stand = Stand::new();
    let page = stand.get(&path_of(&auth_url(&[])), &[]).await;
    let policy = page.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "style-src 'self'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert_eq!(
        page.header("cross-origin-opener-policy"),
        Some("same-origin")
    );
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert!(!page.body.contains("<script") && !page.body.contains(" style="));
    assert!(page.body.contains("SANDBOX") && page.body.contains("not the real Reddit"));
    let cookie = page.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite"));
}

#[tokio::test]
async fn the_form_may_lead_to_the_flows_redirect_origin() {
    let stand = Stand::new();
    for (redirect_uri, sources) in [
        (
            "https://app.example/cb",
            "form-action 'self' https://app.example",
        ),
        (
            "http://localhost:9/cb",
            "form-action 'self' http://localhost:* http://127.0.0.1:*",
        ),
        ("http://[::1]:9/cb", "form-action 'self' http:"),
    ] {
        let page = stand
            .get(&path_of(&auth_url(&[("redirect_uri", redirect_uri)])), &[])
            .await;
        assert!(
            page.header("content-security-policy")
                .unwrap()
                .ends_with(sources),
            "{redirect_uri}"
        );
    }
}

#[tokio::test]
async fn what_the_address_says_is_escaped_on_the_page() {
    let stand = Stand::new();
    let page = stand
        .get(
            &path_of(&auth_url(&[("state", "\"><script>alert(1)</script>")])),
            &[],
        )
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains("<script>"));
}

#[tokio::test]
async fn the_opener_policy_can_be_left_out() {
    let stand = Stand::new();
    let page = stand
        .get(&path_of(&auth_url(&[("misbehave", "coop-off")])), &[])
        .await;
    assert_eq!(page.header("cross-origin-opener-policy"), None);
}

#[tokio::test]
async fn the_front_page_explains_people_controls_and_settings() {
    let stand = Stand::new();
    let page = stand.get("/", &[]).await;
    for text in [
        "juniper",
        "saffron",
        "/control/faults",
        "token.refresh_token",
        "REDDIT_WWW_BASE",
        "curl -X POST",
        BASE,
    ] {
        assert!(page.body.contains(text), "{text}");
    }
}

#[tokio::test]
async fn pictures_are_raster_and_repeat_themselves() {
    let stand = Stand::new();
    let png = stand.get("/images/juniper.png?width=256&s=x", &[]).await;
    assert_eq!(png.header("content-type"), Some("image/png"));
    assert!(png.body.contains("IHDR") && png.body.contains("IEND"));
    assert_eq!(stand.get("/images/juniper.png", &[]).await.body, png.body);
    assert_ne!(stand.get("/images/kiln.png", &[]).await.body, png.body);
    assert_eq!(
        stand.get("/images/juniper.svg", &[]).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn the_dev_settings_lead_to_endpoints_that_answer() {
    let stand = Stand::new();
    let settings = dev_settings(&format!("{BASE}/"));
    let value = |name: &str| {
        settings
            .iter()
            .find(|(key, _)| *key == name)
            .unwrap()
            .1
            .clone()
    };
    assert_eq!(value("REDDIT_OAUTH_BASE"), format!("{BASE}/reddit/oauth"));
    let token = path_of(&format!("{}/api/v1/access_token", value("REDDIT_WWW_BASE")));
    let agent = value("REDDIT_USER_AGENT");
    assert_eq!(agent, AGENT);
    let answer = stand
        .post(
            &token,
            &[("user-agent", &agent), ("authorization", BASIC)],
            &[],
        )
        .await;
    assert_eq!(
        answer.text("error"),
        "unsupported_grant_type",
        "client and agent are accepted"
    );
}

#[test]
fn the_dev_settings_name_every_platform_once_and_lead_nowhere_else() {
    let settings = dev_settings(BASE);
    let mut names: Vec<_> = settings.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    let known = [
        [
            "FACEBOOK_APP_ID",
            "FACEBOOK_APP_SECRET",
            "FACEBOOK_DIALOG_BASE",
            "FACEBOOK_GRAPH_BASE",
        ]
        .as_slice(),
        &[
            "INSTAGRAM_API_BASE",
            "INSTAGRAM_APP_ID",
            "INSTAGRAM_APP_SECRET",
            "INSTAGRAM_AUTH_BASE",
        ],
        &[
            "INSTAGRAM_GRAPH_BASE",
            "ONLYFANS_ENABLED",
            "ONLYFANS_PROFILE_URL",
            "REDDIT_CLIENT_ID",
        ],
        &[
            "REDDIT_CLIENT_SECRET",
            "REDDIT_OAUTH_BASE",
            "REDDIT_USER_AGENT",
            "REDDIT_WWW_BASE",
            "TIKTOK_API_BASE",
        ],
        &[
            "TIKTOK_AUTH_BASE",
            "TIKTOK_CLIENT_KEY",
            "TIKTOK_CLIENT_SECRET",
            "TIKTOK_PKCE",
        ],
    ];
    assert_eq!(names, known.concat());
    for (name, value) in settings.iter().filter(|(_, value)| value.contains("://")) {
        assert!(value.starts_with(&format!("{BASE}/")), "{name}={value}");
    }
}
