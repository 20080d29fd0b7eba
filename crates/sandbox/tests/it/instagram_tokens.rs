use axum::http::StatusCode;
use evergrant_sandbox::{Fault, FaultKind, RevokeReply, Switch};
use serde_json::json;

use crate::harness::Stand;
use crate::meta::{CALLBACK, JUNIPER, codes};

#[tokio::test]
async fn a_code_buys_a_short_token_and_that_a_long_one() {
    let stand = Stand::new();
    let short = stand.fb_exchange(&stand.fb_code("juniper", &[]), &[]).await;
    assert_eq!(short.status, StatusCode::OK);
    assert_eq!(
        (
            short.json()["expires_in"].as_i64(),
            short.text("token_type")
        ),
        (Some(5400), "bearer".into())
    );
    let long = stand.fb_long(&short.text("access_token")).await;
    assert_eq!(long.json()["expires_in"], 5_184_000);
    assert!(
        long.text("access_token").len() > 255,
        "tokens do not fit into a short column"
    );
}

#[tokio::test]
async fn the_exchange_may_be_posted_too() {
    let stand = Stand::new();
    let code = stand.fb_code("juniper", &[]);
    let fields = [
        ("client_id", "1001"),
        ("client_secret", "sim-app-secret"),
        ("redirect_uri", CALLBACK),
        ("code", &code),
    ];
    let answer = stand
        .post("/facebook/graph/v25.0/oauth/access_token", &[], &fields)
        .await;
    assert_eq!(answer.json()["expires_in"], 5400);
}

#[tokio::test]
async fn a_code_works_once() {
    let stand = Stand::new();
    let code = stand.fb_code("juniper", &[]);
    assert_eq!(stand.fb_exchange(&code, &[]).await.status, StatusCode::OK);
    let again = stand.fb_exchange(&code, &[]).await;
    assert_eq!(
        (again.status, codes(&again)),
        (StatusCode::BAD_REQUEST, (100, 36009))
    );
    let challenge = again.header("www-authenticate").unwrap();
    assert!(
        challenge.starts_with("OAuth \"Facebook Platform\" \"invalid_code\" \""),
        "{challenge}"
    );
}

#[tokio::test]
async fn another_redirect_address_is_refused_and_burns_the_code() {
    let stand = Stand::new();
    let code = stand.fb_code("juniper", &[]);
    let other = format!("{CALLBACK}/");
    assert_eq!(
        codes(&stand.fb_exchange(&code, &[("redirect_uri", &other)]).await),
        (100, 36008)
    );
    assert_eq!(
        codes(&stand.fb_exchange(&code, &[]).await),
        (100, 36009),
        "the code is burnt"
    );
}

#[tokio::test]
async fn bad_exchanges_are_told_apart_by_code() {
    let stand = Stand::new();
    let code = stand.fb_code("juniper", &[]);
    for (extra, expected) in [
        (("client_secret", "wrong"), (1, 0)),
        (("client_secret", ""), (1, 0)),
        (("client_id", "999"), (101, 0)),
        (("client_id", ""), (101, 0)),
        (("redirect_uri", ""), (191, 0)),
        (("code", ""), (100, 0)),
        (("code", "unknown"), (100, 0)),
    ] {
        assert_eq!(
            codes(&stand.fb_exchange(&code, &[extra]).await),
            expected,
            "{extra:?}"
        );
    }
    assert_eq!(
        stand.fb_exchange(&code, &[]).await.status,
        StatusCode::OK,
        "none of them came to the code"
    );
    let foreign = [("client_id", "1002"), ("client_secret", "sim-other-secret")];
    let code = stand.fb_code("juniper", &[]);
    assert_eq!(codes(&stand.fb_exchange(&code, &foreign).await), (100, 0));
}

#[tokio::test]
async fn a_code_lives_for_ten_minutes() {
    let stand = Stand::new();
    let (young, old) = (stand.fb_code("juniper", &[]), stand.fb_code("juniper", &[]));
    stand.sandbox.advance_seconds(599);
    assert_eq!(stand.fb_exchange(&young, &[]).await.status, StatusCode::OK);
    stand.sandbox.advance_seconds(1);
    assert_eq!(codes(&stand.fb_exchange(&old, &[]).await), (100, 36007));
}

#[tokio::test]
async fn a_short_token_ends_and_then_buys_nothing() {
    let stand = Stand::new();
    let short = stand
        .fb_exchange(&stand.fb_code("juniper", &[]), &[])
        .await
        .text("access_token");
    stand.sandbox.advance_seconds(5399);
    assert_eq!(
        stand
            .graph("/v25.0/me", &[("access_token", &short)])
            .await
            .status,
        StatusCode::OK
    );
    stand.sandbox.advance_seconds(1);
    assert_eq!(codes(&stand.fb_long(&short).await), (190, 463));
    assert_eq!(
        codes(&stand.graph("/v25.0/me", &[("access_token", &short)]).await),
        (190, 463)
    );
    assert_eq!(codes(&stand.fb_long("nonsense").await), (190, 0));
}

#[tokio::test]
async fn a_long_token_renews_itself_while_it_works() {
    let stand = Stand::new();
    let first = stand.fb_connect("juniper").await;
    stand.sandbox.advance_seconds(50 * 86_400);
    let second = stand.fb_long(&first).await.text("access_token");
    assert_ne!(first, second);
    stand.sandbox.advance_seconds(20 * 86_400);
    assert_eq!(codes(&stand.fb_long(&first).await), (190, 463));
    assert_eq!(stand.fb_long(&second).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_string_may_stay_the_same() {
    let stand = Stand::new();
    stand
        .sandbox
        .set("instagram", Switch::SameToken(true))
        .unwrap();
    let token = stand.fb_connect("juniper").await;
    stand.sandbox.advance_seconds(50 * 86_400);
    assert_eq!(stand.fb_long(&token).await.text("access_token"), token);
    stand.sandbox.advance_seconds(50 * 86_400);
    assert_eq!(stand.debug(&token).await["is_valid"], true, "and lives on");
}

#[tokio::test]
async fn expires_in_may_be_missing_and_then_the_token_has_no_end() {
    let stand = Stand::new();
    stand
        .sandbox
        .set("instagram", Switch::ExpiresInReply(false))
        .unwrap();
    let short = stand.fb_exchange(&stand.fb_code("juniper", &[]), &[]).await;
    assert_eq!(short.json()["expires_in"], 5400);
    let long = stand.fb_long(&short.text("access_token")).await;
    assert_eq!(long.json().get("expires_in"), None);
    let data = stand.debug(&long.text("access_token")).await;
    assert_eq!(data["expires_at"], 0);
    assert_eq!(
        data["data_access_expires_at"],
        1_767_225_610_i64 + 90 * 86_400
    );
}

#[tokio::test]
async fn the_debugger_explains_a_token() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    let data = stand.debug(&token).await;
    assert_eq!(data["app_id"], "1001");
    assert_eq!(
        (&data["type"], &data["is_valid"]),
        (&json!("USER"), &json!(true))
    );
    assert_eq!(data["user_id"], "10150000000000001");
    assert_eq!(data["expires_at"], 1_767_225_610_i64 + 5_184_000);
    let granular = data["granular_scopes"].as_array().unwrap();
    assert!(
        granular.contains(&json!({ "scope": "instagram_basic", "target_ids": [JUNIPER] })),
        "{granular:?}"
    );
    assert!(
        granular.contains(&json!({ "scope": "pages_show_list", "target_ids": ["2001", "2002"] })),
        "{granular:?}"
    );
}

#[tokio::test]
async fn the_debugger_answers_200_for_a_dead_token_and_says_subcode() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    stand.sandbox.advance_seconds(5_184_000);
    let data = stand.debug(&token).await;
    assert_eq!(
        (&data["is_valid"], &data["scopes"]),
        (&json!(false), &json!([]))
    );
    assert_eq!(
        (&data["error"]["code"], &data["error"]["subcode"]),
        (&json!(190), &json!(463))
    );
    assert_eq!(data["error"].get("error_subcode"), None);
    let unknown = stand.debug("nonsense").await;
    assert_eq!(
        (&unknown["is_valid"], &unknown["error"]["code"]),
        (&json!(false), &json!(190))
    );
    let stranger = [
        ("input_token", token.as_str()),
        ("access_token", "1001|guess"),
    ];
    assert_eq!(
        codes(&stand.graph("/debug_token", &stranger).await),
        (190, 0)
    );
}

#[tokio::test]
async fn a_page_token_taken_with_a_long_one_has_no_end_of_its_own() {
    let stand = Stand::new();
    let short = stand
        .fb_exchange(&stand.fb_code("juniper", &[]), &[])
        .await
        .text("access_token");
    let long = stand.fb_long(&short).await.text("access_token");
    for (user, lasts) in [(short, false), (long, true)] {
        let fields = [("access_token", user.as_str()), ("fields", "access_token")];
        let list = || async { stand.graph("/v25.0/me/accounts", &fields).await.json() };
        let page = list().await["data"][0]["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(
            list().await["data"][0]["access_token"],
            page,
            "asking again changes nothing"
        );
        let data = stand.debug(&page).await;
        assert_eq!(
            (&data["type"], data["expires_at"] == 0),
            (&json!("PAGE"), lasts)
        );
    }
}

#[tokio::test]
async fn every_reason_for_a_dead_token_has_its_subcode() {
    let stand = Stand::new();
    for subcode in [458, 459, 460, 463, 464, 467, 492] {
        let token = stand.fb_connect("juniper").await;
        stand
            .sandbox
            .invalidate("instagram", "juniper", Some(subcode))
            .unwrap();
        let me = stand.graph("/v25.0/me", &[("access_token", &token)]).await;
        assert_eq!(codes(&me), (190, u64::from(subcode)));
        assert!(
            me.header("www-authenticate")
                .unwrap()
                .contains("\"invalid_token\"")
        );
        assert_eq!(
            codes(&stand.fb_long(&token).await),
            (190, u64::from(subcode))
        );
        assert_eq!(stand.debug(&token).await["error"]["subcode"], subcode);
    }
    assert!(
        stand
            .sandbox
            .invalidate("instagram", "juniper", Some(461))
            .is_err()
    );
}

#[tokio::test]
async fn a_checkpoint_can_be_passed_and_a_changed_password_cannot_be_undone() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    for (subcode, mends) in [(459, true), (464, true), (460, false)] {
        stand
            .sandbox
            .invalidate("instagram", "juniper", Some(subcode))
            .unwrap();
        stand
            .sandbox
            .invalidate("instagram", "juniper", None)
            .unwrap();
        let me = stand.graph("/v25.0/me", &[("access_token", &token)]).await;
        assert_eq!(me.status.is_success(), mends, "{subcode}");
    }
}

#[tokio::test]
async fn removing_the_app_ends_every_token_of_the_person_and_nobody_elses() {
    let stand = Stand::new();
    let (one, two, other) = (
        stand.fb_connect("juniper").await,
        stand.fb_connect("juniper").await,
        stand.fb_connect("wren").await,
    );
    let answer = stand
        .delete(&format!(
            "/facebook/graph/v25.0/me/permissions?access_token={one}"
        ))
        .await;
    assert_eq!(
        (answer.status, answer.json()),
        (StatusCode::OK, json!({ "success": true }))
    );
    for token in [&one, &two] {
        assert_eq!(
            codes(&stand.graph("/v25.0/me", &[("access_token", token)]).await),
            (190, 458)
        );
    }
    let again = stand
        .delete(&format!(
            "/facebook/graph/v25.0/me/permissions?access_token={one}"
        ))
        .await;
    assert_eq!(codes(&again), (190, 458));
    assert_eq!(
        stand
            .graph("/v25.0/me", &[("access_token", &other)])
            .await
            .status,
        StatusCode::OK
    );
    let anew = stand.fb_connect("juniper").await;
    assert_eq!(
        stand
            .graph("/v25.0/me", &[("access_token", &anew)])
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn an_older_version_answers_a_revocation_with_a_bare_true() {
    let stand = Stand::new();
    stand
        .sandbox
        .set("instagram", Switch::RevokeReply(RevokeReply::True))
        .unwrap();
    let token = stand.fb_connect("juniper").await;
    let answer = stand
        .delete(&format!(
            "/facebook/graph/v25.0/10150000000000001/permissions?access_token={token}"
        ))
        .await;
    assert_eq!(answer.body, "true");
    assert_eq!(
        codes(&stand.graph("/v25.0/me", &[("access_token", &token)]).await),
        (190, 458)
    );
}

#[tokio::test]
async fn one_permission_can_be_taken_back() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    stand
        .delete(&format!(
            "/facebook/graph/v25.0/me/permissions/instagram_basic?access_token={token}"
        ))
        .await;
    assert_eq!(
        codes(
            &stand
                .graph(&format!("/v25.0/{JUNIPER}"), &[("access_token", &token)])
                .await
        ),
        (10, 0)
    );
    assert_eq!(
        stand
            .graph("/v25.0/me", &[("access_token", &token)])
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_person_who_removes_the_app_in_the_settings_is_told_by_458() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    assert_eq!(
        stand.sandbox.revoke_user("instagram", "juniper").unwrap(),
        1
    );
    assert_eq!(
        codes(&stand.graph("/v25.0/me", &[("access_token", &token)]).await),
        (190, 458)
    );
}

#[tokio::test]
async fn a_proof_is_checked_always_and_demanded_by_a_switch() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    let me = async |proof: &str| {
        let fields = [("access_token", token.as_str()), ("appsecret_proof", proof)];
        stand
            .graph(
                "/v25.0/me",
                if proof.is_empty() {
                    &fields[..1]
                } else {
                    &fields
                },
            )
            .await
    };
    let right = proof(&token);
    assert_eq!(me(&right).await.status, StatusCode::OK);
    assert_eq!(
        codes(&me("0badc0de").await),
        (100, 0),
        "a wrong one is refused though none is demanded"
    );
    assert_eq!(me("").await.status, StatusCode::OK);
    stand
        .sandbox
        .set("instagram", Switch::RequireProof(true))
        .unwrap();
    assert_eq!(codes(&me("").await), (100, 0));
    assert_eq!(me(&right).await.status, StatusCode::OK);
}

fn proof(token: &str) -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mac = Hmac::<sha2::Sha256>::new_from_slice(b"sim-app-secret").unwrap();
    const_hex::encode(mac.chain_update(token).finalize().into_bytes())
}

#[tokio::test]
async fn after_ninety_days_the_token_is_valid_and_reads_nothing() {
    let stand = Stand::new();
    let first = stand.fb_connect("juniper").await;
    stand.sandbox.advance_seconds(50 * 86_400);
    let token = stand.fb_long(&first).await.text("access_token");
    stand.sandbox.advance_seconds(41 * 86_400);
    assert_eq!(stand.debug(&token).await["is_valid"], true);
    let read = stand
        .graph(&format!("/v25.0/{JUNIPER}"), &[("access_token", &token)])
        .await;
    assert_eq!(codes(&read), (10, 0));
}

#[tokio::test]
async fn misbehaviour_asked_for_at_consent_reaches_the_token_endpoint() {
    let stand = Stand::new();
    let limited = stand.fb_code("juniper", &[("misbehave", "rate-limited")]);
    assert_eq!(codes(&stand.fb_exchange(&limited, &[]).await), (4, 0));
    assert_eq!(
        stand.fb_exchange(&limited, &[]).await.status,
        StatusCode::OK
    );
    let broken = stand.fb_code("juniper", &[("misbehave", "server-error")]);
    let answer = stand.fb_exchange(&broken, &[]).await;
    assert_eq!(
        (answer.status, codes(&answer)),
        (StatusCode::INTERNAL_SERVER_ERROR, (2, 0))
    );
    assert_eq!(answer.json()["error"]["is_transient"], true);
    assert_eq!(stand.fb_exchange(&broken, &[]).await.status, StatusCode::OK);
    let expired = stand.fb_code("juniper", &[("misbehave", "code-expired")]);
    assert_eq!(codes(&stand.fb_exchange(&expired, &[]).await), (100, 36007));
    let stubborn = stand
        .fb_connect_with(&stand.fb_code("juniper", &[("misbehave", "refresh-refused")]))
        .await;
    assert_eq!(codes(&stand.fb_long(&stubborn).await), (190, 460));
    let other = stand
        .fb_connect_with(&stand.fb_code("juniper", &[("misbehave", "wrong-account")]))
        .await;
    assert_ne!(
        stand
            .graph("/v25.0/me", &[("access_token", &other)])
            .await
            .text("id"),
        "10150000000000001"
    );
}

#[tokio::test]
async fn any_answer_can_be_forced_be_it_json_or_not() {
    let stand = Stand::new();
    let token = stand.fb_connect("juniper").await;
    let me = async || stand.graph("/v25.0/me", &[("access_token", &token)]).await;
    let fault = |kind| Fault::new("instagram", "me", kind);
    for code in [1, 2] {
        let body =
            json!({ "error": { "code": code, "type": "OAuthException", "message": "later" } });
        stand
            .sandbox
            .force_next(fault(FaultKind::Respond).status(500).body(body))
            .unwrap();
        let answer = me().await;
        assert_eq!(
            (answer.status, codes(&answer)),
            (StatusCode::INTERNAL_SERVER_ERROR, (code, 0))
        );
    }
    stand
        .sandbox
        .force_next(fault(FaultKind::Respond).status(200).body(json!("true")))
        .unwrap();
    assert_eq!(me().await.body, "true");
    stand.sandbox.force_next(fault(FaultKind::Html)).unwrap();
    assert!(me().await.is_html());
    stand
        .sandbox
        .force_next(fault(FaultKind::Empty).status(502))
        .unwrap();
    assert_eq!(me().await.status, StatusCode::BAD_GATEWAY);
    assert_eq!(me().await.status, StatusCode::OK);
    for endpoint in [
        "token.authorization_code",
        "token.fb_exchange_token",
        "debug_token",
        "permissions",
        "revoke",
    ] {
        stand
            .sandbox
            .force_next(Fault::new("instagram", endpoint, FaultKind::Cut))
            .unwrap();
    }
}
