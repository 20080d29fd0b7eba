//! Instagram through Facebook Login, played by a small Graph.

use std::sync::Arc;

use evergrant_adapters::{
    AuthorizationRequest, CodeExchange, ErrorClass, HeldTokens, PlatformAdapter, RefreshesWith,
    RemoteRevocation, RevocationReach,
};
use evergrant_model::{AccessToken, FlowState, PkceVerifier, ScopeSet, StatusReason, Timestamp};

use crate::support::{NOW_S, Platform, catalogue, code, told};

const CALLBACK: &str = "https://app.example/api/integrations/callback/instagram";
const VERIFIER: &str = "evergrant-sim-verifier-0123456789-abcdefghijklmnop";
const SHORT: &str = r#"{"access_token":"EAAsimshort","token_type":"bearer","expires_in":5400}"#;
const LONG: &str = r#"{"access_token":"EAAsimlong","token_type":"bearer","expires_in":5184000}"#;
const PERMISSIONS: &str = r#"{"data":[{"permission":"instagram_basic","status":"granted"},
    {"permission":"pages_show_list","status":"declined"},{"permission":"business_management","status":"expired"}]}"#;
const DEBUG: &str = r#"{"data":{"app_id":"1001","type":"USER","expires_at":1772409600,
    "data_access_expires_at":1775001600,"is_valid":true,"user_id":"10150000000000001"}}"#;
const TOKENS: &str = "GET /v25.0/oauth/access_token";
const PAGES: &str = "GET /v25.0/me/accounts";

fn instagram(base: &str) -> Arc<dyn PlatformAdapter> {
    catalogue("instagram", base, &[])
}

async fn graph() -> Platform {
    let platform = Platform::telling(told(404, "{}")).await;
    platform
        .tell_at(TOKENS, told(200, SHORT))
        .tell_at("grant_type=fb_exchange_token", told(200, LONG))
        .tell_at(
            "GET /v25.0/me?",
            told(200, r#"{"id":"10150000000000001","name":"June"}"#),
        )
        .tell_at("GET /v25.0/me/permissions", told(200, PERMISSIONS))
        .tell_at("GET /debug_token", told(200, DEBUG));
    platform
}

fn holding(access: &str) -> HeldTokens {
    HeldTokens {
        access: Some(AccessToken::new(access)),
        refresh: None,
    }
}

async fn exchanged(
    platform: &Platform,
) -> Result<evergrant_model::TokenSet, evergrant_adapters::AdapterError> {
    let (code, verifier) = (code(), PkceVerifier::new(VERIFIER));
    let exchange = CodeExchange {
        code: &code,
        redirect_uri: CALLBACK,
        verifier: Some(&verifier),
    };
    instagram(&platform.base)
        .exchange_code_for_token(&exchange)
        .await
}

async fn accounts(
    platform: &Platform,
) -> Result<Vec<evergrant_model::AccountInfo>, evergrant_adapters::AdapterError> {
    instagram(&platform.base)
        .user_profile(&AccessToken::new("EAAsimtoken123"), &ScopeSet::default())
        .await
}

fn page(id: u64, instagram_id: &str) -> String {
    format!(
        r#"{{"id":"{id}","name":"Page {id}","instagram_business_account":{{"id":"{instagram_id}","username":"sim{id}",
        "name":"Sim {id}","profile_picture_url":"https://cdn.sim/{id}.jpg","followers_count":12,"media_count":3}}}}"#
    )
}

#[test]
fn the_consent_page_is_of_the_set_version_and_asks_which_scopes_were_granted() {
    let scopes = ScopeSet::parse("instagram_basic pages_show_list");
    let (state, verifier) = (FlowState::new("s"), PkceVerifier::new(VERIFIER));
    let request = AuthorizationRequest {
        redirect_uri: CALLBACK,
        state: &state,
        scopes: &scopes,
        verifier: Some(&verifier),
    };
    let adapter = catalogue(
        "instagram",
        "http://127.0.0.1:1/facebook",
        &[("FACEBOOK_GRAPH_VERSION", "v26.0")],
    );
    let address = adapter.auth_url(&request).unwrap();
    assert!(address.starts_with(
        "http://127.0.0.1:1/facebook/v26.0/dialog/oauth?response_type=code&client_id=app&"
    ));
    assert!(
        address.contains("&scope=instagram_basic%2Cpages_show_list&"),
        "{address}"
    );
    assert!(
        address.contains("&code_challenge=b3jssn5SXQGEMzKAHLVhPlWZfXId7nPEIklOVGmJPBo&"),
        "{address}"
    );
    assert!(address.ends_with("&return_scopes=true"), "{address}");
}

#[test]
fn a_version_that_would_leave_its_place_is_refused() {
    for bad in ["v25/../..", "v25?x=", "..", "v 25"] {
        let adapter = catalogue(
            "instagram",
            "http://127.0.0.1:1",
            &[("FACEBOOK_GRAPH_VERSION", bad)],
        );
        let problem =
            "FACEBOOK_GRAPH_VERSION may hold letters, digits, points, hyphens and underscores";
        assert_eq!(adapter.spec().problem.as_deref(), Some(problem), "{bad}");
    }
}

#[test]
fn its_spec_says_how_it_renews_and_how_far_a_revocation_reaches() {
    let adapter = instagram("http://127.0.0.1:1");
    let spec = adapter.spec();
    assert!(
        spec.is_configured()
            && spec.multi_account
            && spec.capabilities.revoke
            && spec.may_resend_refresh()
    );
    assert_eq!(spec.refreshes_with, RefreshesWith::AccessToken);
    assert!(spec.can_refresh(false));
    assert_eq!(spec.refresh_margin_seconds(Some(5_184_000)), Some(864_000));
    assert_eq!(spec.revocation_reach, RevocationReach::Person);
    assert_eq!(spec.person_key.as_deref(), Some("facebook_user_id"));
}

#[tokio::test]
async fn a_code_buys_a_short_token_that_is_traded_for_a_long_one() {
    let platform = graph().await;
    let tokens = exchanged(&platform).await.unwrap();
    let seen = platform.seen();
    assert_eq!(
        platform.routes_seen(),
        [
            TOKENS,
            TOKENS,
            "GET /v25.0/me/permissions",
            "GET /debug_token"
        ]
    );
    assert_eq!(
        (seen[0].query("code"), seen[0].query("redirect_uri")),
        ("sim-code*!%".to_owned(), CALLBACK.to_owned())
    );
    assert_eq!(
        (seen[0].query("client_id"), seen[0].query("client_secret")),
        ("app".into(), "sim-app-secret".into())
    );
    assert_eq!(seen[0].query("code_verifier"), VERIFIER);
    assert_eq!(seen[1].query("fb_exchange_token"), "EAAsimshort");
    assert_eq!(
        (seen[1].query("client_id"), seen[1].query("client_secret")),
        ("app".into(), "sim-app-secret".into())
    );
    assert_eq!(tokens.access.expose(), "EAAsimlong");
    assert!(tokens.refresh.is_none());
    assert_eq!(
        tokens.expires_at,
        Some(Timestamp::from_unix_seconds(NOW_S + 5_184_000))
    );
    assert_eq!(
        tokens.grant_expires_at,
        Some(Timestamp::from_unix_seconds(1_775_001_600))
    );
    assert_eq!(
        tokens.scope,
        Some(ScopeSet::parse("instagram_basic")),
        "what was unticked is not granted"
    );
}

#[tokio::test]
async fn a_list_of_scopes_that_cannot_be_read_loses_no_token() {
    for (status, body) in [
        (500, ""),
        (200, "{}"),
        (200, "<html>"),
        (400, r#"{"error":{"code":190}}"#),
    ] {
        let platform = graph().await;
        platform.tell_at("/me/permissions", told(status, body));
        let tokens = exchanged(&platform).await.unwrap();
        assert_eq!(
            (tokens.access.expose(), tokens.scope),
            ("EAAsimlong", None),
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn a_missing_lifetime_is_asked_of_the_debugger_and_zero_means_none() {
    for (stated, end) in [
        (
            "1772409600",
            Some(Timestamp::from_unix_seconds(1_772_409_600)),
        ),
        ("0", None),
    ] {
        let platform = graph().await;
        platform
            .tell_at(
                "grant_type=fb_exchange_token",
                told(200, r#"{"access_token":"EAAsimlong"}"#),
            )
            .tell_at(
                "GET /debug_token",
                told(200, &DEBUG.replace("1772409600", stated)),
            );
        assert_eq!(
            exchanged(&platform).await.unwrap().expires_at,
            end,
            "{stated}"
        );
        let seen = platform.seen();
        let debugged = seen.last().unwrap();
        assert_eq!(debugged.uri.path(), "/debug_token");
        assert_eq!(debugged.query("input_token"), "EAAsimlong");
        assert_eq!(debugged.query("access_token"), "app|sim-app-secret");
    }
}

#[tokio::test]
async fn once_the_code_is_spent_no_failure_lets_it_be_sent_again() {
    let platform = graph().await;
    platform.tell_at("grant_type=fb_exchange_token", told(429, "{}"));
    let error = exchanged(&platform).await.unwrap_err();
    assert_eq!(
        (error.class(), error.is_surely_unprocessed()),
        (ErrorClass::RateLimited, false)
    );
}

#[tokio::test]
async fn a_renewal_trades_the_access_token_and_the_same_one_again_is_success() {
    let platform = graph().await;
    let tokens = instagram(&platform.base)
        .refresh_access_token(&holding("EAAsimlong"))
        .await
        .unwrap();
    assert_eq!(
        platform.routes_seen(),
        [TOKENS, "GET /debug_token"],
        "and when the access to its data ends"
    );
    let seen = &platform.seen()[0];
    assert_eq!(seen.query("grant_type"), "fb_exchange_token");
    assert_eq!(
        (seen.query("fb_exchange_token"), tokens.access.expose()),
        ("EAAsimlong".to_owned(), "EAAsimlong")
    );
    let none = HeldTokens {
        access: None,
        refresh: None,
    };
    let error = instagram(&platform.base)
        .refresh_access_token(&none)
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::NeedsReauth);
}

#[tokio::test]
async fn a_person_who_removed_the_app_is_told_from_an_old_token() {
    for (subcode, reason) in [
        (458, StatusReason::RevokedByUser),
        (463, StatusReason::SessionEnded),
    ] {
        let platform = graph().await;
        let body =
            format!(r#"{{"error":{{"code":190,"error_subcode":{subcode},"message":"sim"}}}}"#);
        platform.tell_at(TOKENS, told(400, &body));
        platform.tell_at("grant_type=fb_exchange_token", told(400, &body));
        let error = instagram(&platform.base)
            .refresh_access_token(&holding("EAAsimlong"))
            .await
            .unwrap_err();
        assert_eq!(
            (error.class(), error.reason()),
            (ErrorClass::NeedsReauth, Some(reason))
        );
    }
}

#[tokio::test]
async fn every_graph_call_carries_the_proof_of_its_own_token() {
    let platform = graph().await;
    platform.tell_at(PAGES, told(200, r#"{"data":[]}"#));
    assert_eq!(
        accounts(&platform).await.unwrap(),
        [],
        "no professional account"
    );
    let seen = platform.seen();
    assert_eq!(
        platform.routes_seen(),
        ["GET /v25.0/me", "GET /debug_token", PAGES]
    );
    for call in [&seen[0], &seen[2]] {
        assert_eq!(call.query("access_token"), "EAAsimtoken123");
        let proof = "1de1a69ce068e005de390a197e71d9bfec0771b558a7abf536275fa32b4e5f34";
        assert_eq!(call.query("appsecret_proof"), proof);
    }
    assert_eq!(seen[1].query("appsecret_proof").len(), 64);
    assert_ne!(
        seen[1].query("appsecret_proof"),
        seen[0].query("appsecret_proof")
    );
}

#[tokio::test]
async fn every_page_of_pages_is_read_and_each_linked_account_is_one() {
    let platform = graph().await;
    let paging = r#""paging":{"cursors":{"before":"x","after":"QVFb"},"next":"https://graph.sim/?access_token=hush"}"#;
    let first = format!(
        r#"{{"data":[{},{{"id":"2002","name":"Page without"}}],{paging}}}"#,
        page(2001, "17841400000000001")
    );
    let last = format!(
        r#"{{"data":[{}],"paging":{{"cursors":{{"before":"x","after":"QVFc"}}}}}}"#,
        page(2003, "17841400000000003")
    );
    platform
        .tell_at(PAGES, told(200, &first))
        .tell_at("after=QVFb", told(200, &last));
    let accounts = accounts(&platform).await.unwrap();
    let ids: Vec<_> = accounts.iter().map(|account| account.id.as_str()).collect();
    assert_eq!(ids, ["17841400000000001", "17841400000000003"]);
    assert_eq!(accounts[0].username.as_deref(), Some("sim2001"));
    assert_eq!(
        serde_json::Value::Object(accounts[0].metadata.clone()),
        serde_json::json!({
            "username": "sim2001", "display_name": "Sim 2001", "avatar_url": "https://cdn.sim/2001.jpg",
            "ig_business_id": "17841400000000001", "followers_count": 12, "media_count": 3,
            "page_id": "2001", "page_name": "Page 2001",
            "facebook_user_id": "10150000000000001", "data_access_expires_at": 1_775_001_600,
        })
    );
}

#[tokio::test]
async fn a_list_that_never_ends_is_left_after_20_answers() {
    let platform = graph().await;
    for cursor in 0..30 {
        let body = format!(
            r#"{{"data":[],"paging":{{"cursors":{{"after":"c{}"}},"next":"https://x.sim"}}}}"#,
            cursor + 1
        );
        platform.tell_at(
            &if cursor == 0 {
                PAGES.to_owned()
            } else {
                format!("after=c{cursor}&")
            },
            told(200, &body),
        );
    }
    assert_eq!(accounts(&platform).await.unwrap(), []);
    assert_eq!(
        platform
            .routes_seen()
            .iter()
            .filter(|route| *route == PAGES)
            .count(),
        20
    );
}

#[tokio::test]
async fn a_cursor_that_repeats_ends_the_list() {
    let platform = graph().await;
    let body = r#"{"data":[],"paging":{"cursors":{"after":"same"},"next":"https://x.sim"}}"#;
    platform.tell_at(PAGES, told(200, body));
    accounts(&platform).await.unwrap();
    assert_eq!(
        platform
            .routes_seen()
            .iter()
            .filter(|route| *route == PAGES)
            .count(),
        2
    );
}

#[tokio::test]
async fn what_the_debugger_does_not_say_is_left_out_and_fails_nothing() {
    let platform = graph().await;
    platform.tell_at("GET /debug_token", told(500, "<html>"));
    platform.tell_at(
        PAGES,
        told(
            200,
            &format!(r#"{{"data":[{}]}}"#, page(2001, "17841400000000001")),
        ),
    );
    let accounts = accounts(&platform).await.unwrap();
    assert!(!accounts[0].metadata.contains_key("data_access_expires_at"));
    assert_eq!(
        accounts[0].metadata["facebook_user_id"],
        "10150000000000001"
    );
}

#[tokio::test]
async fn a_grant_without_a_person_or_a_list_of_pages_is_no_empty_one() {
    for route in ["GET /v25.0/me?", PAGES] {
        let platform = graph().await;
        platform
            .tell_at(PAGES, told(200, r#"{"data":[]}"#))
            .tell_at(route, told(200, "{}"));
        let error = accounts(&platform).await.unwrap_err();
        assert_eq!(
            (error.class(), error.http_status()),
            (ErrorClass::Unknown, Some(200)),
            "{route}"
        );
    }
}

#[tokio::test]
async fn no_token_or_secret_of_an_address_is_in_an_error() {
    let platform = Platform::telling(told(500, "EAAsimtoken123")).await;
    for base in [platform.base.as_str(), "http://127.0.0.1:1"] {
        let adapter = instagram(base);
        let held = holding("EAAsimtoken123");
        for error in [
            adapter.refresh_access_token(&held).await.unwrap_err(),
            adapter
                .user_profile(&AccessToken::new("EAAsimtoken123"), &ScopeSet::default())
                .await
                .unwrap_err(),
            adapter.revoke_access(&held).await.unwrap_err(),
        ] {
            let shown = format!("{error} {error:?}");
            assert!(
                !shown.contains("EAAsim")
                    && !shown.contains("secret")
                    && !shown.contains("127.0.0.1"),
                "{shown}"
            );
        }
    }
}

#[tokio::test]
async fn a_grant_is_ended_by_deleting_its_permissions() {
    for (status, body, outcome) in [
        (200, r#"{"success":true}"#, Some(RemoteRevocation::Revoked)),
        (200, "true", Some(RemoteRevocation::Revoked)),
        (
            400,
            r#"{"error":{"code":190,"error_subcode":458}}"#,
            Some(RemoteRevocation::Revoked),
        ),
        (
            400,
            r#"{"error":{"code":190}}"#,
            Some(RemoteRevocation::Revoked),
        ),
        (200, r#"{"success":false}"#, None),
        (200, "false", None),
        (200, "<html>true", None),
        (500, r#"{"error":{"code":2}}"#, None),
        (400, r#"{"error":{"code":190,"error_subcode":459}}"#, None),
    ] {
        let platform = graph().await;
        platform.tell_at("DELETE /v25.0/me/permissions", told(status, body));
        let ended = instagram(&platform.base)
            .revoke_access(&holding("EAAsimtoken123"))
            .await;
        assert_eq!(ended.ok(), outcome, "{status} {body}");
        let seen = platform.only();
        assert_eq!(seen.route(), "DELETE /v25.0/me/permissions");
        assert_eq!(seen.query("access_token"), "EAAsimtoken123");
        assert_eq!(seen.query("appsecret_proof").len(), 64);
    }
}
