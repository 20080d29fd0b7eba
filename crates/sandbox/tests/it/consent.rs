use axum::http::StatusCode;
use evergrant_sandbox::SandboxOptions;

use crate::harness::{Answer, CALLBACK, Stand, auth_url, path_of, query};

/// The page, its cookie and its two hidden fields, as a browser keeps them.
struct Page {
    cookie: String,
    csrf: String,
    request: String,
}

async fn open(stand: &Stand) -> Page {
    let url = auth_url(&[]);
    let answer = stand.get(&path_of(&url), &[]).await;
    assert_eq!(answer.status, StatusCode::OK);
    let cookie = answer
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let csrf = cookie.split_once('=').unwrap().1.to_owned();
    assert!(
        answer
            .body
            .contains(&format!("name=\"csrf\" value=\"{csrf}\""))
    );
    Page {
        cookie,
        csrf,
        request: url.split_once('?').unwrap().1.to_owned(),
    }
}

async fn submit(stand: &Stand, page: &Page, fields: &[(&str, &str)]) -> Answer {
    let all = [
        &[
            ("csrf", page.csrf.as_str()),
            ("request", page.request.as_str()),
        ],
        fields,
    ]
    .concat();
    stand
        .post(
            "/reddit/www/api/v1/authorize",
            &[("cookie", &page.cookie)],
            &all,
        )
        .await
}

#[tokio::test]
async fn allowing_leads_back_with_state_and_a_code_that_works() {
    let stand = Stand::new();
    let page = open(&stand).await;
    let fields = [
        ("person", "kiln"),
        ("scope", "identity"),
        ("decision", "allow"),
    ];
    let answer = submit(&stand, &page, &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let location = answer.header("location").unwrap();
    assert!(
        location.starts_with(&format!("{CALLBACK}?state=")),
        "{location}"
    );
    assert!(location.ends_with("#_"), "{location}");
    assert_eq!(query(location, "state").as_deref(), Some("st&te=1"));
    let tokens = stand.exchange(&query(location, "code").unwrap()).await;
    assert_eq!(tokens.text("scope"), "identity", "only what was ticked");
    assert!(
        tokens
            .text("access_token")
            .starts_with(&format!("{}-", u64::from_str_radix("sima4", 36).unwrap()))
    );
}

#[tokio::test]
async fn denying_leads_back_with_access_denied() {
    let stand = Stand::new();
    let page = open(&stand).await;
    let answer = submit(
        &stand,
        &page,
        &[
            ("person", "kiln"),
            ("scope", "identity"),
            ("decision", "deny"),
        ],
    )
    .await;
    let location = answer.header("location").unwrap();
    assert_eq!(query(location, "error").as_deref(), Some("access_denied"));
    assert_eq!(query(location, "state").as_deref(), Some("st&te=1"));
    assert_eq!(query(location, "code"), None);
}

#[tokio::test]
async fn unticking_everything_is_denying() {
    let stand = Stand::new();
    let page = open(&stand).await;
    let answer = submit(&stand, &page, &[("person", "kiln"), ("decision", "allow")]).await;
    assert_eq!(
        query(answer.header("location").unwrap(), "error").as_deref(),
        Some("access_denied")
    );
}

#[tokio::test]
async fn an_answer_from_another_browser_is_not_taken() {
    let stand = Stand::new();
    let (mine, theirs) = (open(&stand).await, open(&stand).await);
    let mixed = Page {
        cookie: theirs.cookie,
        csrf: mine.csrf,
        request: mine.request,
    };
    let fields = [
        ("person", "kiln"),
        ("scope", "identity"),
        ("decision", "allow"),
    ];
    assert_eq!(
        submit(&stand, &mixed, &fields).await.status,
        StatusCode::FORBIDDEN
    );
    for cookie in [
        "",
        "evergrant_sandbox_csrf=",
        "evergrant_sandbox_csrf=short",
    ] {
        let forged = Page {
            cookie: cookie.into(),
            csrf: "short".into(),
            request: mixed.request.clone(),
        };
        assert_eq!(
            submit(&stand, &forged, &fields).await.status,
            StatusCode::FORBIDDEN,
            "{cookie:?}"
        );
    }
}

#[tokio::test]
async fn two_tabs_share_the_cookie() {
    let stand = Stand::new();
    let first = open(&stand).await;
    let again = stand
        .get(&path_of(&auth_url(&[])), &[("cookie", &first.cookie)])
        .await;
    assert!(
        again
            .header("set-cookie")
            .unwrap()
            .starts_with(&first.cookie)
    );
}

#[tokio::test]
async fn an_answer_cannot_grant_more_than_was_asked() {
    let stand = Stand::new();
    let page = open(&stand).await;
    for fields in [
        [
            ("person", "kiln"),
            ("scope", "submit"),
            ("decision", "allow"),
        ],
        [
            ("person", "nobody"),
            ("scope", "identity"),
            ("decision", "allow"),
        ],
    ] {
        let answer = submit(&stand, &page, &fields).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert_eq!(answer.header("location"), None);
    }
}

#[tokio::test]
async fn a_bad_request_gets_a_page_and_no_redirect() {
    let stand = Stand::new();
    for bad in [
        ("client_id", "someoneElse"),
        ("client_id", ""),
        ("redirect_uri", "http://app.example/cb"),
        ("redirect_uri", "http://localhost.evil.example/cb"),
        ("redirect_uri", "https://app.example/cb#part"),
        ("redirect_uri", "javascript:alert(1)"),
        ("redirect_uri", ""),
        ("response_type", "token"),
        ("response_type", ""),
        ("scope", "identity everything"),
        ("scope", ""),
        ("state", ""),
    ] {
        let url = auth_url(&[bad]);
        let answer = stand.get(&path_of(&url), &[]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad:?}");
        assert!(
            answer.is_html() && answer.header("location").is_none(),
            "{bad:?}"
        );
        assert!(
            stand.sandbox.approve(&url, "juniper", None).is_err(),
            "{bad:?}"
        );
    }
}

#[tokio::test]
async fn scopes_may_be_divided_by_commas() {
    let stand = Stand::new();
    let code = stand.code("juniper", &[("scope", "read,identity")]);
    assert_eq!(stand.exchange(&code).await.text("scope"), "identity read");
}

#[tokio::test]
async fn a_registered_redirect_address_is_compared_byte_for_byte() {
    let stand = Stand::with(SandboxOptions {
        redirect_uris: vec![CALLBACK.to_owned()],
        ..SandboxOptions::default()
    });
    assert!(
        stand
            .sandbox
            .approve(&auth_url(&[]), "juniper", None)
            .is_ok()
    );
    for close in [
        format!("{CALLBACK}/"),
        CALLBACK.to_uppercase(),
        format!("{CALLBACK}?a=1"),
        "https://a.example".into(),
    ] {
        let answer = stand
            .get(&path_of(&auth_url(&[("redirect_uri", &close)])), &[])
            .await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{close}");
    }
}

#[tokio::test]
async fn a_redirect_address_keeps_its_own_query() {
    let stand = Stand::new();
    let location = stand
        .sandbox
        .approve(
            &auth_url(&[("redirect_uri", "https://app.example/cb?a=1")]),
            "wren",
            None,
        )
        .unwrap();
    assert!(
        location.starts_with("https://app.example/cb?a=1&state="),
        "{location}"
    );
}

#[tokio::test]
async fn misbehaviour_can_be_asked_for_in_the_address() {
    let stand = Stand::new();
    let mangled = stand
        .sandbox
        .approve(
            &auth_url(&[("misbehave", "state-mangled")]),
            "juniper",
            None,
        )
        .unwrap();
    assert_ne!(query(&mangled, "state").as_deref(), Some("st&te=1"));

    let expired = stand
        .exchange(&stand.code("juniper", &[("misbehave", "code-expired")]))
        .await;
    assert_eq!(expired.text("error"), "invalid_grant");

    let other = stand
        .exchange(&stand.code("juniper", &[("misbehave", "wrong-account")]))
        .await;
    let me = stand
        .data(crate::harness::ME, &other.text("access_token"))
        .await;
    assert_ne!(me.text("name"), "juniper_vale");

    let page = stand
        .get(&path_of(&auth_url(&[("misbehave", "rate-limited")])), &[])
        .await;
    assert!(page.body.contains("value=\"rate-limited\" selected"));
}
