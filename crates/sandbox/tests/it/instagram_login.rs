use axum::body::Body;
use axum::http::{Request, StatusCode};
use evergrant_sandbox::{PermissionsForm, Switch, UserIdForm, Wrapping};
use serde_json::{Value, json};

use crate::harness::{Answer, Stand, query};
use crate::meta::{CALLBACK, JUNIPER, codes, login};

const SLUG: &str = "instagram-login";

/// A flat error of the API host.
fn flat(answer: &Answer) -> (u16, Value) {
    let json = answer.json();
    assert!(
        json.get("error").is_none() && json["error_message"].is_string(),
        "{json}"
    );
    assert_eq!(json["error_type"], "OAuthException");
    (answer.status.as_u16(), json["code"].clone())
}

#[tokio::test]
async fn the_callback_ends_with_a_hash_and_an_underscore() {
    let stand = Stand::new();
    let location = stand
        .sandbox
        .approve(&login(&[("force_reauth", "true")]), "juniper", None)
        .unwrap();
    assert!(location.ends_with("#_"), "{location}");
    let denied = stand.sandbox.deny(&login(&[])).unwrap();
    assert_eq!(query(&denied, "error").as_deref(), Some("access_denied"));
    assert_eq!(
        query(&denied, "error_reason").as_deref(),
        Some("user_denied")
    );
    assert_eq!(query(&denied, "error_code"), None);
}

#[tokio::test]
async fn only_people_with_a_professional_account_can_sign_in() {
    let stand = Stand::new();
    assert!(stand.sandbox.approve(&login(&[]), "kiln", None).is_err());
    for person in ["juniper", "wren", "saffron"] {
        assert!(stand.sandbox.approve(&login(&[]), person, None).is_ok());
    }
}

#[tokio::test]
async fn a_code_buys_a_token_in_any_of_the_forms_that_were_seen() {
    let stand = Stand::new();
    let exchange = async || {
        stand
            .ig_exchange(&stand.ig_code("juniper", &[]), &[])
            .await
            .json()
    };
    let usual = exchange().await;
    assert_eq!(
        usual["user_id"], 17_841_400_000_000_001_u64,
        "a number past what a float can hold"
    );
    assert_eq!(
        usual["permissions"],
        json!([
            "instagram_business_basic",
            "instagram_business_manage_insights"
        ])
    );
    assert_eq!(usual.get("expires_in"), None);

    stand
        .sandbox
        .set(SLUG, Switch::Wrapping(Wrapping::Data))
        .unwrap();
    stand
        .sandbox
        .set(SLUG, Switch::UserId(UserIdForm::String))
        .unwrap();
    stand
        .sandbox
        .set(SLUG, Switch::Permissions(PermissionsForm::Text))
        .unwrap();
    let wrapped = exchange().await;
    let inner = &wrapped["data"][0];
    assert_eq!(inner["user_id"], JUNIPER);
    assert_eq!(
        inner["permissions"],
        "instagram_business_basic,instagram_business_manage_insights"
    );
    let token = inner["access_token"].as_str().unwrap();
    let me = stand
        .ig_graph(
            "/v25.0/me",
            &[("access_token", token), ("fields", "user_id,username")],
        )
        .await
        .json();
    assert_eq!(me["data"][0]["username"], "junipervale.clay");
}

#[tokio::test]
async fn the_form_may_be_multipart_and_may_have_to_be() {
    let stand = Stand::new();
    let multipart = async |code: &str| {
        let fields = [
            ("client_id", "2002"),
            ("client_secret", "sim-instagram-secret"),
            ("grant_type", "authorization_code"),
            ("redirect_uri", CALLBACK),
            ("code", code),
        ];
        let part = |(name, value): &(&str, &str)| {
            format!("--sim\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body = fields.iter().map(part).collect::<String>() + "--sim--\r\n";
        let request = Request::post("/instagram/api/oauth/access_token")
            .header("content-type", "multipart/form-data; boundary=sim")
            .body(Body::from(body));
        stand.send(request.unwrap()).await
    };
    assert_eq!(
        multipart(&stand.ig_code("juniper", &[])).await.status,
        StatusCode::OK
    );
    stand.sandbox.set(SLUG, Switch::Urlencoded(false)).unwrap();
    let code = stand.ig_code("juniper", &[]);
    assert_eq!(
        flat(&stand.ig_exchange(&code, &[]).await),
        (400, json!(400))
    );
    assert_eq!(multipart(&code).await.status, StatusCode::OK);
}

#[tokio::test]
async fn errors_of_the_api_host_are_flat() {
    let stand = Stand::new();
    for bad in [
        ("client_id", "1001"),
        ("client_secret", "sim-app-secret"),
        ("redirect_uri", "http://localhost:8080/"),
        ("code", "unknown"),
        ("grant_type", "password"),
    ] {
        let answer = stand
            .ig_exchange(&stand.ig_code("juniper", &[]), &[bad])
            .await;
        assert_eq!(flat(&answer), (400, json!(400)), "{bad:?}");
    }
    let meta_id = stand
        .ig_exchange(&stand.ig_code("juniper", &[]), &[("client_id", "1001")])
        .await;
    assert_eq!(meta_id.text("error_message"), "Invalid platform app");
    let code = stand.ig_code("juniper", &[]);
    assert_eq!(stand.ig_exchange(&code, &[]).await.status, StatusCode::OK);
    assert_eq!(
        flat(&stand.ig_exchange(&code, &[]).await),
        (400, json!(400)),
        "a code works once"
    );
}

#[tokio::test]
async fn errors_of_the_graph_host_are_graphs() {
    let stand = Stand::new();
    assert_eq!(
        codes(
            &stand
                .ig_graph("/v25.0/me", &[("access_token", "nonsense")])
                .await
        ),
        (190, 0)
    );
    assert_eq!(codes(&stand.ig_long("nonsense").await), (100, 0));
}

#[tokio::test]
async fn a_code_lives_for_an_hour_and_so_does_a_short_token() {
    let stand = Stand::new();
    let (young, old) = (stand.ig_code("juniper", &[]), stand.ig_code("juniper", &[]));
    stand.sandbox.advance_seconds(3599);
    let short = stand.ig_exchange(&young, &[]).await.text("access_token");
    stand.sandbox.advance_seconds(1);
    assert_eq!(flat(&stand.ig_exchange(&old, &[]).await), (400, json!(400)));
    stand.sandbox.advance_seconds(3599);
    assert_eq!(codes(&stand.ig_long(&short).await), (190, 463));
}

#[tokio::test]
async fn a_long_token_lasts_a_little_under_sixty_days_and_renews_itself_after_one() {
    let stand = Stand::new();
    let short = stand
        .ig_exchange(&stand.ig_code("juniper", &[]), &[])
        .await
        .text("access_token");
    let long = stand.ig_long(&short).await;
    assert_eq!(long.json()["expires_in"], 5_183_000);
    let long = long.text("access_token");
    assert_eq!(
        codes(&stand.ig_long(&long).await),
        (100, 0),
        "only a short one is exchanged"
    );
    let refresh = async |token: &str| {
        stand
            .ig_graph(
                "/refresh_access_token",
                &[("grant_type", "ig_refresh_token"), ("access_token", token)],
            )
            .await
    };
    stand.sandbox.advance_seconds(86_399);
    let early = refresh(&long).await;
    assert_eq!(
        (early.status, codes(&early)),
        (StatusCode::BAD_REQUEST, (100, 0))
    );
    stand.sandbox.advance_seconds(1);
    let renewed = refresh(&long).await.text("access_token");
    assert_ne!(renewed, long);
    stand.sandbox.set(SLUG, Switch::SameToken(true)).unwrap();
    stand.sandbox.advance_seconds(86_400);
    assert_eq!(refresh(&renewed).await.text("access_token"), renewed);
    stand.sandbox.advance_seconds(5_183_000);
    assert_eq!(codes(&refresh(&renewed).await), (190, 463));
}

#[tokio::test]
async fn a_changed_password_and_a_removed_app_say_so() {
    let stand = Stand::new();
    let token = stand.ig_connect("juniper").await;
    stand
        .sandbox
        .invalidate(SLUG, "juniper", Some(460))
        .unwrap();
    assert_eq!(
        codes(
            &stand
                .ig_graph("/v25.0/me", &[("access_token", &token)])
                .await
        ),
        (190, 460)
    );
    let token = stand.ig_connect("juniper").await;
    stand.sandbox.revoke_user(SLUG, "juniper").unwrap();
    assert_eq!(
        codes(
            &stand
                .ig_graph("/v25.0/me", &[("access_token", &token)])
                .await
        ),
        (190, 458)
    );
}

#[tokio::test]
async fn me_has_two_ids() {
    let stand = Stand::new();
    let token = stand.ig_connect("juniper").await;
    let fields = "id,user_id,username,name,account_type,profile_picture_url,followers_count,follows_count,media_count";
    let me = stand
        .ig_graph("/v25.0/me", &[("access_token", &token), ("fields", fields)])
        .await
        .json();
    assert_eq!(
        (&me["id"], &me["user_id"]),
        (&json!("24100000000000001"), &json!(JUNIPER))
    );
    assert_eq!(me["account_type"], "Business");
    let bare = stand
        .ig_graph("/v25.0/me", &[("access_token", &token)])
        .await;
    assert_eq!(bare.json(), json!({ "id": "24100000000000001" }));
}

#[tokio::test]
async fn media_and_insights_are_there_without_the_totals() {
    let stand = Stand::new();
    let token = stand.ig_connect("juniper").await;
    let with = |fields: &'static str| {
        [
            ("access_token", token.clone()),
            ("fields", fields.to_owned()),
        ]
    };
    for whose in ["me", JUNIPER] {
        let fields = with("id,timestamp,like_count");
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let list = stand
            .ig_graph(&format!("/v25.0/{whose}/media"), &fields)
            .await;
        assert_eq!(
            list.json()["data"].as_array().unwrap().len(),
            25,
            "{}",
            list.body
        );
        let insights = [
            ("access_token", token.as_str()),
            ("metric", "reach"),
            ("period", "day"),
        ];
        let reach = stand
            .ig_graph(&format!("/v25.0/{whose}/insights"), &insights)
            .await
            .json();
        assert_eq!(reach["data"][0]["name"], "reach");
    }
    let totals = [
        ("access_token", token.as_str()),
        ("fields", "total_views_count"),
    ];
    assert_eq!(
        codes(&stand.ig_graph("/v25.0/me/media", &totals).await),
        (100, 0)
    );
}

#[tokio::test]
async fn nothing_revokes() {
    let stand = Stand::new();
    let token = stand.ig_connect("juniper").await;
    let answer = stand
        .delete(&format!(
            "/instagram/graph/v25.0/me/permissions?access_token={token}"
        ))
        .await;
    assert_eq!(
        (answer.status, codes(&answer)),
        (StatusCode::NOT_FOUND, (100, 0))
    );
    assert_eq!(
        stand
            .ig_graph("/v25.0/me", &[("access_token", &token)])
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn tokens_of_one_login_mean_nothing_at_the_other() {
    let stand = Stand::new();
    let (facebook, instagram) = (
        stand.fb_connect("juniper").await,
        stand.ig_connect("juniper").await,
    );
    assert_eq!(
        codes(
            &stand
                .ig_graph("/v25.0/me", &[("access_token", &facebook)])
                .await
        ),
        (190, 0)
    );
    assert_eq!(
        codes(
            &stand
                .graph("/v25.0/me", &[("access_token", &instagram)])
                .await
        ),
        (190, 0)
    );
}
