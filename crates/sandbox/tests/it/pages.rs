//! Pages, pictures and development settings.

use axum::http::StatusCode;
use evergrant_sandbox::dev_settings;

use crate::harness::{BASE, BASIC, Harness, USER_AGENT, auth_url, path_of};

#[tokio::test]
async fn consent_page_has_strict_security_headers() {
    let harness = Harness::new();
    let page = harness.get(&path_of(&auth_url(&[])), &[]).await;
    let policy = page.header("content-security-policy").unwrap();
    for directive in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "style-src 'self'",
    ] {
        assert!(policy.contains(directive), "{policy}");
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
async fn form_action_allows_the_origin_of_the_redirect_uri() {
    let harness = Harness::new();
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
        let page = harness
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
async fn query_parameters_are_escaped_on_the_page() {
    let harness = Harness::new();
    let page = harness
        .get(
            &path_of(&auth_url(&[("state", "\"><script>alert(1)</script>")])),
            &[],
        )
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains("<script>"));
}

#[tokio::test]
async fn misbehave_coop_off_omits_the_opener_policy() {
    let harness = Harness::new();
    let page = harness
        .get(&path_of(&auth_url(&[("misbehave", "coop-off")])), &[])
        .await;
    assert_eq!(page.header("cross-origin-opener-policy"), None);
}

#[tokio::test]
async fn front_page_lists_people_controls_and_settings() {
    let harness = Harness::new();
    let page = harness.get("/", &[]).await;
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

/// Presses a button of the front page, and returns the page that the browser then shows.
async fn press(harness: &Harness, action: &str, fields: &[(&str, &str)]) -> String {
    let pressed = harness
        .post(&format!("/actions/{action}"), &[], fields)
        .await;
    assert_eq!(pressed.status, StatusCode::SEE_OTHER, "{}", pressed.body);
    harness
        .get(pressed.header("location").unwrap(), &[])
        .await
        .body
}

#[tokio::test]
async fn button_withdraws_the_grants_of_one_account() {
    let harness = Harness::new();
    let (_, juniper) = harness.connect("juniper").await;
    let (_, kiln) = harness.connect("kiln").await;
    let fields = [("account", "reddit/juniper")];
    let page = press(&harness, "withdraw", &fields).await;
    assert!(page.contains("Access withdrawn."), "{page}");
    assert_eq!(
        harness.refresh(&juniper).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(harness.refresh(&kiln).await.status, StatusCode::OK);
}

#[tokio::test]
async fn buttons_inject_and_clear_faults_and_keep_grants() {
    let harness = Harness::new();
    let (_, refresh) = harness.connect("juniper").await;
    let fields = [
        ("endpoint", "reddit/token.refresh_token"),
        ("fault", "rate-limit"),
    ];
    let page = press(&harness, "fault", &fields).await;
    let waiting = "reddit token.refresh_token: 1 × respond";
    assert!(page.contains(waiting), "{page}");
    let limited = harness.refresh(&refresh).await;
    assert_eq!(
        (limited.status, limited.header("retry-after")),
        (StatusCode::TOO_MANY_REQUESTS, Some("30"))
    );
    press(&harness, "fault", &fields).await;
    let page = press(&harness, "clear-faults", &[]).await;
    assert!(!page.contains(waiting), "{page}");
    assert_eq!(harness.refresh(&refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn buttons_reject_pages_of_other_sites_and_unknown_values() {
    let harness = Harness::new();
    let origin = [
        ("host", "127.0.0.1:8081"),
        ("origin", "https://evil.example"),
    ];
    let foreign = harness.post("/actions/clear-faults", &origin, &[]).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    for (action, fields) in [
        ("withdraw", [("account", "reddit/unknown")]),
        ("withdraw", [("account", "")]),
        ("fault", [("endpoint", "reddit/*")]),
    ] {
        let path = format!("/actions/{action}");
        let rejected = harness.post(&path, &[], &fields).await;
        assert_eq!(
            rejected.status,
            StatusCode::BAD_REQUEST,
            "{action} {fields:?}"
        );
    }
    let policy = harness.get("/", &[]).await;
    assert_eq!(policy.header("referrer-policy"), Some("same-origin"));
}

#[tokio::test]
async fn pictures_are_png_and_deterministic() {
    let harness = Harness::new();
    let png = harness.get("/images/juniper.png?width=256&s=x", &[]).await;
    assert_eq!(png.header("content-type"), Some("image/png"));
    assert!(png.body.contains("IHDR") && png.body.contains("IEND"));
    assert_eq!(harness.get("/images/juniper.png", &[]).await.body, png.body);
    assert_ne!(harness.get("/images/kiln.png", &[]).await.body, png.body);
    assert_eq!(
        harness.get("/images/juniper.svg", &[]).await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn dev_settings_point_to_working_reddit_endpoints() {
    let harness = Harness::new();
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
    assert_eq!(agent, USER_AGENT);
    let response = harness
        .post(
            &token,
            &[("user-agent", &agent), ("authorization", BASIC)],
            &[],
        )
        .await;
    assert_eq!(
        response.text("error"),
        "unsupported_grant_type",
        "credentials and user agent are accepted"
    );
}

/// Every development setting, sorted.
const DEV_SETTINGS: [&str; 22] = [
    "FACEBOOK_APP_ID",
    "FACEBOOK_APP_SECRET",
    "FACEBOOK_DIALOG_BASE",
    "FACEBOOK_GRAPH_BASE",
    "INSTAGRAM_API_BASE",
    "INSTAGRAM_APP_ID",
    "INSTAGRAM_APP_SECRET",
    "INSTAGRAM_AUTH_BASE",
    "INSTAGRAM_GRAPH_BASE",
    "ONLYFANS_ENABLED",
    "ONLYFANS_PROFILE_URL",
    "ONLYFANS_SIGN_IN_URL",
    "REDDIT_CLIENT_ID",
    "REDDIT_CLIENT_SECRET",
    "REDDIT_OAUTH_BASE",
    "REDDIT_USER_AGENT",
    "REDDIT_WWW_BASE",
    "TIKTOK_API_BASE",
    "TIKTOK_AUTH_BASE",
    "TIKTOK_CLIENT_KEY",
    "TIKTOK_CLIENT_SECRET",
    "TIKTOK_PKCE",
];

#[test]
fn dev_settings_cover_every_provider_and_point_only_at_the_sandbox() {
    let settings = dev_settings(BASE);
    let mut names: Vec<_> = settings.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(names, DEV_SETTINGS);
    for (name, value) in settings.iter().filter(|(_, value)| value.contains("://")) {
        assert!(value.starts_with(&format!("{BASE}/")), "{name}={value}");
    }
}
