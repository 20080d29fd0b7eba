//! Callbacks: state, PKCE, code exchange, denial and redirect of an authorization flow.

use std::collections::HashSet;

use evergrant_model::{AuthorizationCode, ErrorCode, FlowState, ProviderSlug, SignedDuration};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::{ConnectRequest, IntegrationsService};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};
use tokio::task::JoinSet;
use url::Url;

use crate::harness::{EXCHANGE, JUNIPER, TestEnv, call, connected, failed, params, repeated, slug};

on_postgres!(item_1_ten_thousand_states_are_distinct_and_256_bits_long);
on_both_databases!(
    item_2_twenty_concurrent_callbacks_exchange_the_code_once,
    item_2_repeated_callback_gets_same_result_for_one_minute,
    item_3_state_is_valid_only_at_its_own_provider,
    item_4_state_expires_after_ten_minutes,
    item_7_every_flow_has_its_own_pkce_challenge,
    item_9_code_is_sent_once_when_exchange_outcome_is_unknown,
    known_unprocessed_code_exchange_is_retried,
    item_11_denial_consumes_state_without_code_exchange,
    item_11_provider_error_text_is_not_passed_on,
    item_12_flow_redirects_only_to_allowed_urls,
    unknown_state_gets_no_redirect,
    rejected_or_missing_code_is_reported_as_invalid_code,
    grant_without_account_id_is_revoked,
    cancelled_caller_does_not_stop_code_exchange,
);

async fn item_1_ten_thousand_states_are_distinct_and_256_bits_long(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let mut states = HashSet::new();
    for _ in 0..100 {
        let mut flows = JoinSet::new();
        for _ in 0..100 {
            let service = env.service.clone();
            flows.spawn(async move {
                service
                    .initiate_oauth_flow(&call(), &slug("acme"), user, ConnectRequest::default())
                    .await
                    .unwrap()
                    .state
            });
        }
        states.extend(
            flows
                .join_all()
                .await
                .iter()
                .map(|state| state.expose().to_owned()),
        );
    }
    assert_eq!(states.len(), 10_000);
    assert!(
        states.iter().all(|state| state.len() == 43),
        "256 bits as base64url"
    );
}

async fn item_2_twenty_concurrent_callbacks_exchange_the_code_once(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_flow(user, "acme").await;
    let redirect = env.consent(&flow, "juniper");
    let mut callbacks = JoinSet::new();
    for _ in 0..20 {
        let (service, redirect): (IntegrationsService, _) =
            (env.service.clone(), repeated(&redirect));
        callbacks.spawn(async move {
            connected(
                &service
                    .handle_oauth_callback(&call(), &slug("acme"), redirect)
                    .await
                    .unwrap(),
            )
        });
    }
    assert_eq!(callbacks.join_all().await, vec![JUNIPER; 20]);
    assert_eq!(env.calls("acme", EXCHANGE), 1);
    assert_eq!(env.events().await, ["connected"]);
}

async fn item_2_repeated_callback_gets_same_result_for_one_minute(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_flow(user, "acme").await;
    let redirect = env.consent(&flow, "juniper");
    let with_code = |code: Option<&str>| {
        let mut other = repeated(&redirect);
        other.code = code.map(AuthorizationCode::new);
        other
    };
    let is_rejected = async |params| {
        env.callback("acme", params).await.unwrap_err().code() == ErrorCode::InvalidState
    };
    let first = connected(&env.callback("acme", repeated(&redirect)).await.unwrap());
    env.advance_seconds(59);
    assert_eq!(
        connected(&env.callback("acme", repeated(&redirect)).await.unwrap()),
        first
    );
    assert!(is_rejected(with_code(Some("another"))).await);
    assert!(is_rejected(with_code(None)).await);
    env.advance_seconds(1);
    assert!(is_rejected(repeated(&redirect)).await, "after one minute");
    assert_eq!(env.calls("acme", EXCHANGE), 1);
}

async fn item_3_state_is_valid_only_at_its_own_provider(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_flow(user, "acme").await;
    let redirect = env.consent(&flow, "juniper");
    for invalid in ["ACME", ""] {
        assert!(
            ProviderSlug::new(invalid).is_err(),
            "no callback can name {invalid:?}"
        );
    }
    for other_provider in ["reddit", "nowhere"] {
        let error = env
            .callback(other_provider, repeated(&redirect))
            .await
            .unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidState, "{other_provider:?}");
    }
    assert_eq!(
        env.calls("acme", EXCHANGE) + env.calls("reddit", EXCHANGE),
        0
    );
    connected(&env.callback("acme", redirect).await.unwrap());
}

async fn item_4_state_expires_after_ten_minutes(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_flow(user, "reddit").await;
    assert_eq!(flow.expires_at, env.now() + SignedDuration::from_secs(600));
    let late = env.consent(&flow, "juniper");
    env.advance_seconds(600);
    for _ in 0..2 {
        assert_eq!(
            failed(&env.callback("reddit", repeated(&late)).await.unwrap()),
            ErrorCode::InvalidState
        );
    }
    assert_eq!(env.calls("reddit", EXCHANGE), 0);
    let flow = env.start_flow(user, "reddit").await;
    let in_time = env.consent(&flow, "juniper");
    env.advance_seconds(599);
    connected(&env.callback("reddit", in_time).await.unwrap());
}

async fn item_7_every_flow_has_its_own_pkce_challenge(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let mut challenges = HashSet::new();
    for _ in 0..10 {
        let url = Url::parse(&env.start_flow(user, "acme").await.auth_url).unwrap();
        let value = |name: &str| {
            url.query_pairs()
                .find(|(key, _)| key == name)
                .unwrap()
                .1
                .into_owned()
        };
        assert_eq!(
            (
                value("code_challenge").len(),
                value("code_challenge_method").as_str()
            ),
            (43, "S256")
        );
        challenges.insert(value("code_challenge"));
    }
    assert_eq!(challenges.len(), 10);
}

async fn item_9_code_is_sent_once_when_exchange_outcome_is_unknown(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let broken = Fault::new("acme", EXCHANGE, FaultKind::Respond);
    let faults = [
        (
            Fault::new("acme", EXCHANGE, FaultKind::Cut),
            ErrorCode::NetworkError,
        ),
        (broken.clone().status(500), ErrorCode::ProviderUnavailable),
        (broken.clone().status(503), ErrorCode::ProviderUnavailable),
        (
            broken.status(200).body("{".into()),
            ErrorCode::ProviderUnavailable,
        ),
    ];
    for (calls, (fault, code)) in (1..).zip(faults) {
        let flow = env.start_flow(user, "acme").await;
        env.force(fault);
        assert_eq!(
            failed(
                &env.callback("acme", env.consent(&flow, "juniper"))
                    .await
                    .unwrap()
            ),
            code
        );
        assert_eq!(env.calls("acme", EXCHANGE), calls);
    }
    assert!(env.events().await.is_empty());
}

async fn known_unprocessed_code_exchange_is_retried(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_flow(user, "acme").await;
    env.force(
        Fault::new("acme", EXCHANGE, FaultKind::Respond)
            .status(503)
            .header("retry-after", "0"),
    );
    connected(
        &env.callback("acme", env.consent(&flow, "juniper"))
            .await
            .unwrap(),
    );
    assert_eq!(env.calls("acme", EXCHANGE), 2);
}

async fn item_11_denial_consumes_state_without_code_exchange(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_flow(user, "acme").await;
    let allowed = env.consent(&flow, "juniper");
    let denied = params(&env.sandbox.deny(&flow.auth_url).unwrap());
    for _ in 0..2 {
        assert_eq!(
            failed(&env.callback("acme", repeated(&denied)).await.unwrap()),
            ErrorCode::OauthDenied
        );
    }
    assert_eq!(
        env.callback("acme", allowed).await.unwrap_err().code(),
        ErrorCode::InvalidState
    );
    assert_eq!(env.calls("acme", EXCHANGE), 0);
}

async fn item_11_provider_error_text_is_not_passed_on(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    for hostile in [
        "<script>alert(1)</script>",
        "a&success=true",
        "a\r\nSet-Cookie: b=c",
        "server_error",
        "é",
        "",
    ] {
        let flow = env.start_flow(user, "reddit").await;
        let mut redirect = params(&env.sandbox.deny(&flow.auth_url).unwrap());
        redirect.error = Some(hostile.to_owned());
        let outcome = env.callback("reddit", redirect).await.unwrap();
        assert_eq!(
            failed(&outcome),
            ErrorCode::OauthCallbackError,
            "{hostile:?}"
        );
        let shown = format!("{outcome:?}");
        assert!(hostile.is_empty() || !shown.contains(hostile), "{shown}");
    }
}

async fn item_12_flow_redirects_only_to_allowed_urls(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let start = async |url: &str| {
        let request = ConnectRequest {
            redirect_url: Some(url.to_owned()),
            ..ConnectRequest::default()
        };
        env.service
            .initiate_oauth_flow(&call(), &slug("acme"), user, request)
            .await
    };
    let error = start("https://evil.example/").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidRedirectUrl);
    let flow = start("http://localhost:8080/settings?tab=1").await.unwrap();
    let outcome = env
        .callback("acme", env.consent(&flow, "juniper"))
        .await
        .unwrap();
    assert_eq!(outcome.redirect_url, "http://localhost:8080/settings?tab=1");
}

async fn unknown_state_gets_no_redirect(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_flow(user, "acme").await;
    let mangled = format!("{}&misbehave=state-mangled", flow.auth_url);
    let mut redirect = params(&env.sandbox.approve(&mangled, "juniper", None).unwrap());
    for state in [
        redirect.state.expose().to_owned(),
        String::new(),
        "a".repeat(43),
    ] {
        redirect.state = FlowState::new(state);
        let error = env.callback("acme", repeated(&redirect)).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidState);
    }
    assert_eq!(env.calls("acme", EXCHANGE), 0);
}

async fn rejected_or_missing_code_is_reported_as_invalid_code(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_flow(user, "acme").await;
    let late = format!("{}&misbehave=code-expired", flow.auth_url);
    let redirect = params(&env.sandbox.approve(&late, "juniper", None).unwrap());
    assert_eq!(
        failed(&env.callback("acme", redirect).await.unwrap()),
        ErrorCode::InvalidCode
    );
    let flow = env.start_flow(user, "acme").await;
    let mut redirect = env.consent(&flow, "juniper");
    redirect.code = None;
    assert_eq!(
        failed(&env.callback("acme", redirect).await.unwrap()),
        ErrorCode::InvalidCode,
        "the code is missing"
    );
    assert_eq!(env.calls("acme", EXCHANGE), 1);
}

async fn grant_without_account_id_is_revoked(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let nameless = Fault::new("acme", "userinfo", FaultKind::Respond)
        .status(200)
        .body(serde_json::json!({ "sub": 1.5 }));
    let forbidden = Fault::new("acme", "userinfo", FaultKind::Respond).status(404);
    for fault in [nameless.times(3), forbidden] {
        let flow = env.start_flow(user, "acme").await;
        env.force(fault);
        let outcome = env
            .callback("acme", env.consent(&flow, "juniper"))
            .await
            .unwrap();
        assert_eq!(failed(&outcome), ErrorCode::OauthCallbackError);
        assert_eq!(
            env.sandbox.revoke_user("acme", "juniper").unwrap(),
            0,
            "no grant is left at the provider"
        );
    }
    assert!(env.events().await.is_empty());
}

async fn cancelled_caller_does_not_stop_code_exchange(database: TestDatabase) {
    let env = TestEnv::new(database).await;
    let user = env.user().await;
    let flow = env.start_flow(user, "acme").await;
    let (service, redirect) = (env.service.clone(), env.consent(&flow, "juniper"));
    env.fault("acme", EXCHANGE, FaultKind::Hold);
    let callback = tokio::spawn(async move {
        service
            .handle_oauth_callback(&call(), &slug("acme"), redirect)
            .await
            .map(drop)
    });
    env.wait_for_calls("acme", EXCHANGE, 1).await;
    callback.abort();
    assert!(callback.await.unwrap_err().is_cancelled());
    env.sandbox.release();
    env.service.process().drain().await;
    assert!(env.read(user, "acme", JUNIPER).await.is_ok());
}
