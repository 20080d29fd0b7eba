use axum::http::StatusCode;
use evergrant_sandbox::Switch;
use serde_json::json;

use crate::harness::{AGENT, ALL_SCOPES, BASIC, CALLBACK, OTHER_BASIC, Stand, TOKEN};

#[tokio::test]
async fn a_code_buys_tokens() {
    let stand = Stand::new();
    let answer = stand.exchange(&stand.code("juniper", &[])).await;
    assert_eq!(answer.status, StatusCode::OK);
    let (json, number) = (answer.json(), u64::from_str_radix("sim9z", 36).unwrap());
    assert_eq!(json["token_type"], "bearer");
    assert_eq!(json["expires_in"], 86_400);
    let mut scopes: Vec<_> = ALL_SCOPES.split(' ').collect();
    scopes.sort_unstable();
    assert_eq!(json["scope"], scopes.join(" "));
    for token in ["access_token", "refresh_token"] {
        assert!(
            answer.text(token).starts_with(&format!("{number}-")),
            "{token}"
        );
    }
    assert_ne!(json["access_token"], json["refresh_token"]);
}

#[tokio::test]
async fn a_temporary_grant_has_no_refresh_token() {
    let stand = Stand::new();
    for duration in ["temporary", ""] {
        let answer = stand
            .exchange(&stand.code("juniper", &[("duration", duration)]))
            .await;
        assert!(answer.json().get("access_token").is_some());
        assert_eq!(answer.json().get("refresh_token"), None, "{duration:?}");
    }
}

#[tokio::test]
async fn a_refused_code_is_answered_with_200_and_an_error() {
    let stand = Stand::new();
    let code = stand.code("juniper", &[]);
    let grant = ("grant_type", "authorization_code");
    let elsewhere = format!("{CALLBACK}/");
    let unknown = [grant, ("code", "unknown"), ("redirect_uri", CALLBACK)];
    let other_redirect = [grant, ("code", &code), ("redirect_uri", &elsewhere)];
    for fields in [unknown, other_redirect] {
        let answer = stand.call(TOKEN, &fields).await;
        assert_eq!(
            (answer.status, answer.json()),
            (StatusCode::OK, json!({ "error": "invalid_grant" }))
        );
    }
    let mine = [grant, ("code", &code), ("redirect_uri", CALLBACK)];
    let foreign = stand
        .post(
            TOKEN,
            &[("user-agent", AGENT), ("authorization", OTHER_BASIC)],
            &mine,
        )
        .await;
    assert_eq!(
        (foreign.status, foreign.json()),
        (StatusCode::OK, json!({ "error": "invalid_grant" }))
    );
    assert!(
        stand
            .call(TOKEN, &mine)
            .await
            .json()
            .get("access_token")
            .is_some(),
        "refusals do not use the code up"
    );
}

#[tokio::test]
async fn a_code_works_once() {
    let stand = Stand::new();
    let code = stand.code("juniper", &[]);
    assert!(
        stand
            .exchange(&code)
            .await
            .json()
            .get("access_token")
            .is_some()
    );
    assert_eq!(
        stand.exchange(&code).await.json(),
        json!({ "error": "invalid_grant" })
    );
}

#[tokio::test]
async fn a_code_lives_for_ten_minutes() {
    let stand = Stand::new();
    let (young, old) = (stand.code("juniper", &[]), stand.code("juniper", &[]));
    stand.clock.advance_seconds(599);
    assert!(
        stand
            .exchange(&young)
            .await
            .json()
            .get("access_token")
            .is_some()
    );
    stand.sandbox.advance_seconds(1);
    assert_eq!(
        stand.exchange(&old).await.json(),
        json!({ "error": "invalid_grant" })
    );
}

#[tokio::test]
async fn malformed_calls_are_answered_with_200_and_an_error() {
    let stand = Stand::new();
    for (fields, error) in [
        (
            vec![
                ("grant_type", "authorization_code"),
                ("redirect_uri", CALLBACK),
            ],
            "invalid_request",
        ),
        (
            vec![("grant_type", "authorization_code"), ("code", "c")],
            "invalid_request",
        ),
        (vec![("grant_type", "magic")], "unsupported_grant_type"),
        (vec![], "unsupported_grant_type"),
        (
            vec![
                ("grant_type", "password"),
                ("username", "u"),
                ("password", "p"),
            ],
            "unauthorized_client",
        ),
        (
            vec![
                ("grant_type", "client_credentials"),
                ("scope", "no-such-scope"),
            ],
            "invalid_scope",
        ),
    ] {
        let answer = stand.call(TOKEN, &fields).await;
        assert_eq!(
            (answer.status, answer.text("error").as_str()),
            (StatusCode::OK, error),
            "{fields:?}"
        );
    }
    let described = stand.call(TOKEN, &[("grant_type", "password")]).await;
    assert!(described.json().get("error_description").is_some());
}

#[tokio::test]
async fn a_wrong_client_gets_401_a_basic_challenge_and_a_number_for_an_error() {
    let stand = Stand::new();
    let code = stand.code("juniper", &[]);
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
    ];
    let bodied = [
        &fields[..],
        &[
            ("client_id", "simRedditId"),
            ("client_secret", "simRedditSecret"),
        ],
    ]
    .concat();
    for authorization in [
        None,
        Some("Basic !"),
        Some("Basic c2ltUmVkZGl0SWQ6bm8="),
        Some("bearer x"),
    ] {
        let agent = [("user-agent", AGENT)];
        let headers = [
            &agent[..],
            authorization.map(|a| ("authorization", a)).as_slice(),
        ]
        .concat();
        for fields in [&fields[..], &bodied] {
            let answer = stand.post(TOKEN, &headers, fields).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            assert_eq!(
                answer.header("www-authenticate"),
                Some("Basic realm=\"reddit\"")
            );
            assert_eq!(
                answer.json(),
                json!({ "message": "Unauthorized", "error": 401 })
            );
        }
    }
    assert!(
        stand
            .exchange(&code)
            .await
            .json()
            .get("access_token")
            .is_some()
    );
}

#[tokio::test]
async fn a_body_that_is_no_form_has_no_parameters() {
    let stand = Stand::new();
    let request = axum::http::Request::post(TOKEN)
        .header("user-agent", AGENT)
        .header("authorization", BASIC)
        .header("content-type", "application/json")
        .body(r#"{"grant_type":"refresh_token","refresh_token":"x"}"#.into());
    assert_eq!(
        stand.send(request.unwrap()).await.text("error"),
        "unsupported_grant_type"
    );
}

#[tokio::test]
async fn the_life_of_a_token_is_a_switch_and_runs_by_the_sandboxs_clock() {
    let stand = Stand::new();
    stand
        .sandbox
        .set("reddit", Switch::ExpiresIn(3600))
        .unwrap();
    let answer = stand.exchange(&stand.code("juniper", &[])).await;
    assert_eq!(answer.json()["expires_in"], 3600);
    let token = answer.text("access_token");
    stand.sandbox.advance_seconds(3599);
    assert_eq!(
        stand.data(crate::harness::ME, &token).await.status,
        StatusCode::OK
    );
    stand.sandbox.advance_seconds(1);
    assert_eq!(
        stand.data(crate::harness::ME, &token).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn the_first_exchange_can_be_made_to_fail_and_the_second_works() {
    let stand = Stand::new();
    let limited = stand.code("juniper", &[("misbehave", "rate-limited")]);
    let answer = stand.exchange(&limited).await;
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (StatusCode::TOO_MANY_REQUESTS, Some("3"))
    );
    assert_eq!(stand.exchange(&limited).await.status, StatusCode::OK);

    let broken = stand.code("juniper", &[("misbehave", "server-error")]);
    let answer = stand.exchange(&broken).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (StatusCode::INTERNAL_SERVER_ERROR, "")
    );
    assert!(
        stand
            .exchange(&broken)
            .await
            .json()
            .get("access_token")
            .is_some()
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_token_takes_five_seconds() {
    let stand = Stand::new();
    let code = stand.code("juniper", &[("misbehave", "slow-token")]);
    let before = tokio::time::Instant::now();
    assert!(
        stand
            .exchange(&code)
            .await
            .json()
            .get("access_token")
            .is_some()
    );
    assert_eq!(before.elapsed().as_secs(), 5);
}
