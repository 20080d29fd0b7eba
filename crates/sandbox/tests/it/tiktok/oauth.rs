use axum::http::StatusCode;
use evergrant_sandbox::{Switch, dev_settings};
use serde_json::json;

use super::{
    APP, CALLBACK, OPEN_ID, OTHER_APP, REVOKE, SCOPES, TOKEN, VERIFIER, auth_url, call, code,
    connect, exchange, flat, get, refresh, verdict,
};
use crate::harness::{BASE, Stand, path_of, query};

#[tokio::test]
async fn a_code_buys_tokens() {
    let stand = Stand::new();
    let answer = exchange(&stand, &code(&stand, "juniper", &[])).await;
    assert_eq!(answer.status, StatusCode::OK);
    let json = answer.json();
    assert_eq!(json["open_id"], "-000simOpenId01");
    assert_eq!(
        (&json["expires_in"], &json["refresh_expires_in"]),
        (&json!(86_400), &json!(31_536_000))
    );
    assert_eq!(
        (&json["token_type"], &json["scope"]),
        (&json!("Bearer"), &json!(SCOPES))
    );
    assert_ne!(json["access_token"], json["refresh_token"]);
    assert_eq!(json.get("error"), None, "no envelope here");
}

#[tokio::test]
async fn client_id_is_not_a_name_for_client_key() {
    let stand = Stand::new();
    let (_, token) = connect(&stand, "juniper").await;
    let fields = [
        ("client_id", "simkey01"),
        ("client_secret", "sim-client-secret"),
    ];
    let refreshing = [
        &fields[..],
        &[("grant_type", "refresh_token"), ("refresh_token", &token)],
    ]
    .concat();
    let revoking = [&fields[..], &[("token", &token)]].concat();
    for (path, fields) in [(TOKEN, refreshing), (REVOKE, revoking)] {
        assert_eq!(
            flat(&stand.post(path, &[], &fields).await),
            (400, "invalid_request".into())
        );
    }
    assert_eq!(refresh(&stand, &token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn errors_are_flat_and_have_their_status() {
    let stand = Stand::new();
    let code = code(&stand, "juniper", &[]);
    let app =
        |key: &'static str, secret: &'static str| [("client_key", key), ("client_secret", secret)];
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
    ];
    let proof = [("code_verifier", VERIFIER)];
    for (fields, status, error) in [
        (
            [&app("simkey01", "wrong")[..], &grant, &proof].concat(),
            401,
            "invalid_client",
        ),
        (
            [&app("simkey99", "sim-client-secret")[..], &grant, &proof].concat(),
            401,
            "invalid_client",
        ),
        (
            [&OTHER_APP[..], &grant, &proof].concat(),
            400,
            "invalid_grant",
        ),
        ([&APP[..], &grant].concat(), 400, "invalid_request"),
        (
            [&APP[..], &grant[..2], &proof].concat(),
            400,
            "invalid_request",
        ),
        (
            [&APP[..], &[("grant_type", "magic")]].concat(),
            400,
            "unsupported_grant_type",
        ),
        (
            [&APP[..], &[("grant_type", "client_credentials")]].concat(),
            400,
            "unauthorized_client",
        ),
        (
            [
                &APP[..],
                &[("grant_type", "refresh_token"), ("refresh_token", "x")],
            ]
            .concat(),
            400,
            "invalid_grant",
        ),
        (Vec::new(), 400, "invalid_request"),
    ] {
        let answer = stand.post(TOKEN, &[], &fields).await;
        assert_eq!(flat(&answer), (status, error.to_owned()), "{fields:?}");
    }
    assert_eq!(
        exchange(&stand, &code).await.status,
        StatusCode::OK,
        "refusals do not use the code up"
    );
    assert_eq!(
        flat(&exchange(&stand, &code).await),
        (400, "invalid_grant".into()),
        "its use does"
    );
}

#[tokio::test]
async fn a_switch_sends_every_oauth_error_with_200() {
    let stand = Stand::new();
    stand
        .sandbox
        .set("tiktok", Switch::OauthErrorsAs200(true))
        .unwrap();
    assert_eq!(
        flat(&refresh(&stand, "dead").await),
        (200, "invalid_grant".into())
    );
    assert_eq!(
        flat(&stand.post(REVOKE, &[], &[]).await),
        (200, "invalid_request".into())
    );
    assert_eq!(
        verdict(&get(&stand, OPEN_ID, "dead").await),
        (401, "access_token_invalid".into()),
        "data as ever"
    );
}

#[tokio::test]
async fn without_its_final_slash_an_endpoint_is_not_there() {
    let stand = Stand::new();
    let (access, token) = connect(&stand, "juniper").await;
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token.as_str()),
    ];
    let bare = [
        call(&stand, TOKEN.trim_end_matches('/'), &fields).await,
        call(&stand, REVOKE.trim_end_matches('/'), &[("token", &access)]).await,
        get(&stand, "/tiktok/api/v2/user/info?fields=open_id", &access).await,
        get(&stand, "/tiktok/api/v2/video/list/?fields=id", &access).await,
    ];
    for answer in bare {
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert!(
            serde_json::from_str::<serde_json::Value>(&answer.body).is_err(),
            "{}",
            answer.body
        );
    }
    assert_eq!(stand.sandbox.calls().get("tiktok", "other"), 4);
    assert_eq!(get(&stand, OPEN_ID, &access).await.status, StatusCode::OK);
}

#[tokio::test]
async fn revoking_the_access_token_ends_the_grant_with_an_empty_200() {
    let stand = Stand::new();
    let (access, token) = connect(&stand, "juniper").await;
    for _ in 0..2 {
        let answer = call(&stand, REVOKE, &[("token", &access)]).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, ""));
    }
    assert_eq!(
        verdict(&get(&stand, OPEN_ID, &access).await),
        (401, "access_token_invalid".into())
    );
    assert_eq!(
        flat(&refresh(&stand, &token).await),
        (400, "invalid_grant".into())
    );
}

#[tokio::test]
async fn another_apps_token_is_not_revoked() {
    let stand = Stand::new();
    let (access, _) = connect(&stand, "juniper").await;
    let fields = [&OTHER_APP[..], &[("token", &access)]].concat();
    assert_eq!(
        flat(&stand.post(REVOKE, &[], &fields).await),
        (400, "invalid_request".into())
    );
    assert_eq!(get(&stand, OPEN_ID, &access).await.status, StatusCode::OK);
}

#[tokio::test]
async fn open_id_is_another_for_every_app_and_union_id_the_same() {
    let stand = Stand::new();
    let location = stand
        .sandbox
        .approve(&auth_url(&[("client_key", "simkey02")]), "juniper", None)
        .unwrap();
    let code = query(&location, "code").unwrap();
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
    ];
    let theirs = stand
        .post(
            TOKEN,
            &[],
            &[&OTHER_APP[..], &grant, &[("code_verifier", VERIFIER)]].concat(),
        )
        .await;
    let (mine, _) = connect(&stand, "juniper").await;
    let ids = "/tiktok/api/v2/user/info/?fields=open_id,union_id";
    let theirs = (
        theirs.text("open_id"),
        get(&stand, ids, &theirs.text("access_token")).await.json(),
    );
    let mine = get(&stand, ids, &mine).await.json();
    assert_eq!(theirs.1["data"]["user"]["open_id"], theirs.0);
    assert_ne!(mine["data"]["user"]["open_id"], theirs.0);
    assert_eq!(
        mine["data"]["user"]["union_id"],
        theirs.1["data"]["user"]["union_id"]
    );
}

#[tokio::test]
async fn consents_misbehave_on_request() {
    let stand = Stand::new();
    let misbehaving = |word: &'static str| code(&stand, "juniper", &[("misbehave", word)]);
    let limited = misbehaving("rate-limited");
    let answer = exchange(&stand, &limited).await;
    assert_eq!(answer.header("retry-after"), Some("3"));
    assert_eq!(flat(&answer), (429, "rate_limit_exceeded".into()));
    assert_eq!(exchange(&stand, &limited).await.status, StatusCode::OK);
    assert_eq!(
        flat(&exchange(&stand, &misbehaving("server-error")).await),
        (500, "server_error".into())
    );
    assert_eq!(
        flat(&exchange(&stand, &misbehaving("code-expired")).await),
        (400, "invalid_grant".into())
    );
    let refused = exchange(&stand, &misbehaving("refresh-refused"))
        .await
        .text("refresh_token");
    assert_eq!(
        flat(&refresh(&stand, &refused).await),
        (400, "invalid_grant".into())
    );
    let other = exchange(&stand, &misbehaving("wrong-account")).await;
    assert_ne!(other.text("open_id"), "-000simOpenId01");
    let location = stand
        .sandbox
        .approve(
            &auth_url(&[("misbehave", "state-mangled")]),
            "juniper",
            None,
        )
        .unwrap();
    assert_ne!(query(&location, "state").as_deref(), Some("st&te=1"));
}

#[tokio::test]
async fn the_dev_settings_lead_to_endpoints_that_answer() {
    let stand = Stand::new();
    let settings = dev_settings(BASE);
    let value = |name: &str| {
        settings
            .iter()
            .find(|(key, _)| *key == name)
            .unwrap()
            .1
            .clone()
    };
    assert_eq!(value("TIKTOK_PKCE"), "hex");
    let authorize = format!("{}/v2/auth/authorize/", value("TIKTOK_AUTH_BASE"));
    assert!(auth_url(&[]).starts_with(&format!("{authorize}?")));
    let token = path_of(&format!("{}/v2/oauth/token/", value("TIKTOK_API_BASE")));
    let (key, secret) = (value("TIKTOK_CLIENT_KEY"), value("TIKTOK_CLIENT_SECRET"));
    let answer = stand
        .post(
            &token,
            &[],
            &[("client_key", &key), ("client_secret", &secret)],
        )
        .await;
    assert_eq!(
        flat(&answer),
        (400, "unsupported_grant_type".into()),
        "key and secret are accepted"
    );
}
