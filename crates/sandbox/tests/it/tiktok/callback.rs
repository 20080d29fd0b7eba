use axum::http::StatusCode;
use evergrant_sandbox::{ClientKind, Switch};

use super::{
    AUTHORIZE, CALLBACK, CHALLENGE, RFC_CHALLENGE, SCOPES, TOKEN, VERIFIER, auth_url, call, code,
    exchange, flat,
};
use crate::harness::{Stand, path_of, query};

#[tokio::test]
async fn the_callback_says_scopes_and_the_token_says_scope() {
    let stand = Stand::new();
    let location = stand
        .sandbox
        .approve(&auth_url(&[]), "juniper", None)
        .unwrap();
    assert_eq!(query(&location, "scopes").as_deref(), Some(SCOPES));
    assert_eq!(query(&location, "scope"), None);
    assert_eq!(query(&location, "state").as_deref(), Some("st&te=1"));
    let tokens = exchange(&stand, &query(&location, "code").unwrap()).await;
    assert_eq!(tokens.text("scope"), SCOPES);
    assert_eq!(tokens.json().get("scopes"), None);
}

#[tokio::test]
async fn a_person_may_grant_less() {
    let stand = Stand::new();
    let some = ["user.info.basic", "video.list"];
    let location = stand
        .sandbox
        .approve(&auth_url(&[]), "juniper", Some(&some))
        .unwrap();
    assert_eq!(
        query(&location, "scopes").as_deref(),
        Some("user.info.basic,video.list")
    );
    let tokens = exchange(&stand, &query(&location, "code").unwrap()).await;
    assert_eq!(tokens.text("scope"), "user.info.basic,video.list");
}

#[tokio::test]
async fn denying_leads_back_with_access_denied_and_a_reason() {
    let stand = Stand::new();
    let location = stand.sandbox.deny(&auth_url(&[])).unwrap();
    assert_eq!(query(&location, "error").as_deref(), Some("access_denied"));
    assert!(query(&location, "error_description").is_some());
    assert_eq!(query(&location, "state").as_deref(), Some("st&te=1"));
}

#[tokio::test]
async fn a_code_works_decoded_once_and_neither_raw_nor_decoded_twice() {
    let stand = Stand::new();
    let location = stand
        .sandbox
        .approve(&auth_url(&[]), "juniper", None)
        .unwrap();
    let once = query(&location, "code").unwrap();
    assert!(
        ["*", "!", "%"].iter().all(|sign| once.contains(sign)),
        "{once}"
    );
    let (_, raw) = location.split_once("code=").unwrap();
    let raw = raw.split('&').next().unwrap();
    let twice = url::form_urlencoded::parse(format!("code={once}").as_bytes())
        .next()
        .unwrap()
        .1
        .into_owned();
    assert!(raw != once && twice != once, "{raw} {once} {twice}");
    for wrong in [raw, &twice] {
        assert_eq!(
            flat(&exchange(&stand, wrong).await),
            (400, "invalid_grant".into())
        );
    }
    assert_eq!(exchange(&stand, &once).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_bad_address_gets_a_page_and_no_redirect() {
    let stand = Stand::new();
    let long = format!("https://app.example/{}", "a".repeat(500));
    for bad in [
        vec![("client_key", ""), ("client_id", "simkey01")],
        vec![("client_key", "simkey99")],
        vec![("scope", "user.info.basic video.list")],
        vec![("scope", "user.info.everything")],
        vec![("redirect_uri", "https://app.example/cb?a=1")],
        vec![("redirect_uri", "https://app.example/cb#a")],
        vec![("redirect_uri", "http://app.example/cb")],
        vec![("redirect_uri", &long)],
        vec![("state", "")],
        vec![("code_challenge", "")],
        vec![("code_challenge_method", "plain")],
    ] {
        let answer = stand.get(&path_of(&auth_url(&bad)), &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad:?}");
        assert!(
            answer.is_html() && answer.header("location").is_none(),
            "{bad:?}"
        );
    }
}

#[tokio::test]
async fn the_authorization_page_opens_without_its_final_slash() {
    let stand = Stand::new();
    let bare = auth_url(&[]).replace("/authorize/?", "/authorize?");
    let moved = stand.get(&path_of(&bare), &[]).await;
    assert_eq!(moved.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(
        moved.header("location"),
        Some(path_of(&auth_url(&[])).as_str())
    );
    let page = stand.get(moved.header("location").unwrap(), &[]).await;
    assert!(page.status == StatusCode::OK && page.body.contains("not the real TikTok"));
    assert!(
        page.header("set-cookie")
            .unwrap()
            .contains(&format!("Path={AUTHORIZE}"))
    );
    assert!(stand.sandbox.approve(&bare, "juniper", None).is_ok());
}

/// An exchange with this challenge at consent and this verifier at the end, at the redirect
/// address.
async fn with_pkce(
    stand: &Stand,
    redirect_uri: &str,
    challenge: &str,
    verifier: &str,
) -> (u16, Option<String>) {
    let code = code(
        stand,
        "juniper",
        &[
            ("redirect_uri", redirect_uri),
            ("code_challenge", challenge),
        ],
    );
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", redirect_uri),
    ];
    let verifier = [("code_verifier", verifier)];
    let verifier = if verifier[0].1.is_empty() {
        &[][..]
    } else {
        &verifier
    };
    let answer = call(stand, TOKEN, &[&fields[..], verifier].concat()).await;
    (
        answer.status.as_u16(),
        answer.json()["error"].as_str().map(str::to_owned),
    )
}

#[tokio::test]
async fn an_app_on_a_desktop_proves_itself_in_hexadecimal() {
    let stand = Stand::new();
    let refused = (400, Some("invalid_request".to_owned()));
    assert_eq!(
        with_pkce(&stand, CALLBACK, CHALLENGE, VERIFIER).await,
        (200, None)
    );
    assert_eq!(
        with_pkce(&stand, CALLBACK, RFC_CHALLENGE, VERIFIER).await,
        refused
    );
    assert_eq!(
        with_pkce(&stand, CALLBACK, &CHALLENGE.to_uppercase(), VERIFIER).await,
        refused
    );
    assert_eq!(
        with_pkce(&stand, CALLBACK, CHALLENGE, &VERIFIER.replace('e', "f")).await,
        refused
    );
    assert_eq!(with_pkce(&stand, CALLBACK, CHALLENGE, "").await, refused);
    // The hash of "short" is right, but five characters are no verifier.
    let of_short = "f9b0078b5df596d2ea19010c001bbd009e651de2c57e8fb7e355f31eb9d3f739";
    assert_eq!(
        with_pkce(&stand, CALLBACK, of_short, "short").await,
        refused
    );
}

#[tokio::test]
async fn an_app_on_the_web_proves_nothing() {
    let stand = Stand::new();
    let web = "https://app.example/cb";
    assert_eq!(with_pkce(&stand, web, "", "").await, (200, None));
    assert_eq!(
        with_pkce(&stand, web, RFC_CHALLENGE, "anything").await,
        (200, None),
        "nor is it looked at"
    );
}

#[tokio::test]
async fn a_switch_takes_the_caller_for_one_on_the_web_or_on_a_desktop() {
    let stand = Stand::new();
    let be = |kind| {
        stand
            .sandbox
            .set("tiktok", Switch::ClientKind(kind))
            .unwrap()
    };
    be(ClientKind::Web);
    assert_eq!(with_pkce(&stand, CALLBACK, "", "").await, (200, None));
    be(ClientKind::Desktop);
    let url = auth_url(&[
        ("redirect_uri", "https://app.example/cb"),
        ("code_challenge", ""),
    ]);
    let refused = stand.sandbox.approve(&url, "juniper", None).unwrap_err();
    assert!(refused.to_string().contains("code challenge"), "{refused}");
    be(ClientKind::ByRedirect);
    assert!(stand.sandbox.approve(&url, "juniper", None).is_ok());
}
