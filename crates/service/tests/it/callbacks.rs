use std::collections::HashSet;

use evergrant_model::{AuthorizationCode, ErrorCode, FlowState};
use evergrant_sandbox::{Fault, FaultKind};
use evergrant_service::{ConnectRequest, IntegrationsService};
use evergrant_testkit::{TestDatabase, on_both_databases, on_postgres};
use tokio::task::JoinSet;
use url::Url;

use crate::harness::{EXCHANGE, Stand};
use crate::outcomes::{again, call, connected, failed, params};

on_postgres!(item_1_ten_thousand_states_are_distinct_and_long);
on_both_databases!(
    item_2_twenty_callbacks_at_once_buy_once_and_agree,
    item_2_a_repeated_callback_is_answered_alike_for_a_minute,
    item_3_a_state_is_good_at_its_own_platform_alone,
    item_4_a_state_ends_after_ten_minutes,
    item_7_every_flow_has_a_challenge_of_its_own,
    item_9_a_code_is_sent_once_whatever_becomes_of_the_answer,
    a_code_that_surely_did_not_arrive_is_sent_again,
    item_11_a_denial_uses_the_state_up_and_buys_nothing,
    item_11_no_word_of_a_platforms_error_comes_through,
    item_12_a_flow_returns_to_allowed_addresses_alone,
    an_unknown_state_gets_no_redirect,
    a_code_that_the_platform_refuses_is_an_invalid_code,
    a_grant_that_names_no_account_is_given_up,
    a_caller_that_goes_away_does_not_stop_the_exchange,
);

async fn item_1_ten_thousand_states_are_distinct_and_long(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let mut states = HashSet::new();
    for _ in 0..100 {
        let mut flows = JoinSet::new();
        for _ in 0..100 {
            let service = stand.service.clone();
            flows.spawn(async move {
                service
                    .initiate_oauth_flow(&call(), "acme", user, ConnectRequest::default())
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

async fn item_2_twenty_callbacks_at_once_buy_once_and_agree(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let flow = stand.begin(user, "acme").await;
    let back = stand.consent(&flow, "juniper");
    let mut callbacks = JoinSet::new();
    for _ in 0..20 {
        let (service, back): (IntegrationsService, _) = (stand.service.clone(), again(&back));
        callbacks.spawn(async move {
            connected(
                &service
                    .handle_oauth_callback(&call(), "acme", back)
                    .await
                    .unwrap(),
            )
        });
    }
    assert_eq!(
        callbacks.join_all().await,
        vec![crate::harness::JUNIPER; 20]
    );
    assert_eq!(stand.calls("acme", EXCHANGE), 1);
    assert_eq!(stand.events().await, ["connected"]);
}

async fn item_2_a_repeated_callback_is_answered_alike_for_a_minute(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let flow = stand.begin(user, "acme").await;
    let back = stand.consent(&flow, "juniper");
    let with_code = |code: Option<&str>| {
        let mut other = again(&back);
        other.code = code.map(AuthorizationCode::new);
        other
    };
    let refused = async |params| {
        stand.callback("acme", params).await.unwrap_err().code() == ErrorCode::InvalidState
    };
    let first = connected(&stand.callback("acme", again(&back)).await.unwrap());
    stand.pass_seconds(59);
    assert_eq!(
        connected(&stand.callback("acme", again(&back)).await.unwrap()),
        first
    );
    assert!(refused(with_code(Some("another"))).await);
    assert!(refused(with_code(None)).await);
    stand.pass_seconds(1);
    assert!(refused(again(&back)).await, "later");
    assert_eq!(stand.calls("acme", EXCHANGE), 1);
}

async fn item_3_a_state_is_good_at_its_own_platform_alone(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let flow = stand.begin(user, "acme").await;
    let back = stand.consent(&flow, "juniper");
    for elsewhere in ["reddit", "nowhere", "ACME", ""] {
        let refused = stand.callback(elsewhere, again(&back)).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::InvalidState, "{elsewhere:?}");
    }
    assert_eq!(
        stand.calls("acme", EXCHANGE) + stand.calls("reddit", EXCHANGE),
        0
    );
    connected(&stand.callback("acme", back).await.unwrap());
}

async fn item_4_a_state_ends_after_ten_minutes(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let flow = stand.begin(user, "reddit").await;
    assert_eq!(flow.expires_at, stand.now().plus_seconds(600));
    let late = stand.consent(&flow, "juniper");
    stand.pass_seconds(600);
    for _ in 0..2 {
        assert_eq!(
            failed(&stand.callback("reddit", again(&late)).await.unwrap()),
            ErrorCode::InvalidState
        );
    }
    assert_eq!(stand.calls("reddit", EXCHANGE), 0);
    let flow = stand.begin(user, "reddit").await;
    let in_time = stand.consent(&flow, "juniper");
    stand.pass_seconds(599);
    connected(&stand.callback("reddit", in_time).await.unwrap());
}

async fn item_7_every_flow_has_a_challenge_of_its_own(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let mut challenges = HashSet::new();
    for _ in 0..10 {
        let url = Url::parse(&stand.begin(user, "acme").await.auth_url).unwrap();
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

async fn item_9_a_code_is_sent_once_whatever_becomes_of_the_answer(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
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
        let flow = stand.begin(user, "acme").await;
        stand.force(fault);
        assert_eq!(
            failed(
                &stand
                    .callback("acme", stand.consent(&flow, "juniper"))
                    .await
                    .unwrap()
            ),
            code
        );
        assert_eq!(stand.calls("acme", EXCHANGE), calls);
    }
    assert!(stand.events().await.is_empty());
}

async fn a_code_that_surely_did_not_arrive_is_sent_again(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let flow = stand.begin(user, "acme").await;
    stand.force(
        Fault::new("acme", EXCHANGE, FaultKind::Respond)
            .status(503)
            .header("retry-after", "0"),
    );
    connected(
        &stand
            .callback("acme", stand.consent(&flow, "juniper"))
            .await
            .unwrap(),
    );
    assert_eq!(stand.calls("acme", EXCHANGE), 2);
}

async fn item_11_a_denial_uses_the_state_up_and_buys_nothing(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let flow = stand.begin(user, "acme").await;
    let allowed = stand.consent(&flow, "juniper");
    let denied = params(&stand.sandbox.deny(&flow.auth_url).unwrap());
    for _ in 0..2 {
        assert_eq!(
            failed(&stand.callback("acme", again(&denied)).await.unwrap()),
            ErrorCode::OauthDenied
        );
    }
    assert_eq!(
        stand.callback("acme", allowed).await.unwrap_err().code(),
        ErrorCode::InvalidState
    );
    assert_eq!(stand.calls("acme", EXCHANGE), 0);
}

async fn item_11_no_word_of_a_platforms_error_comes_through(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    for hostile in [
        "<script>alert(1)</script>",
        "a&success=true",
        "a\r\nSet-Cookie: b=c",
        "server_error",
        "é",
        "",
    ] {
        let flow = stand.begin(user, "reddit").await;
        let mut back = params(&stand.sandbox.deny(&flow.auth_url).unwrap());
        back.error = Some(hostile.to_owned());
        let outcome = stand.callback("reddit", back).await.unwrap();
        assert_eq!(
            failed(&outcome),
            ErrorCode::OauthCallbackError,
            "{hostile:?}"
        );
        let told = format!("{outcome:?}");
        assert!(hostile.is_empty() || !told.contains(hostile), "{told}");
    }
}

async fn item_12_a_flow_returns_to_allowed_addresses_alone(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let begin = async |url: &str| {
        let request = ConnectRequest {
            redirect_url: Some(url.to_owned()),
            ..ConnectRequest::default()
        };
        stand
            .service
            .initiate_oauth_flow(&call(), "acme", user, request)
            .await
    };
    let refused = begin("https://evil.example/").await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidRedirectUrl);
    let flow = begin("http://localhost:8080/settings?tab=1").await.unwrap();
    let outcome = stand
        .callback("acme", stand.consent(&flow, "juniper"))
        .await
        .unwrap();
    assert_eq!(outcome.redirect_url, "http://localhost:8080/settings?tab=1");
}

async fn an_unknown_state_gets_no_redirect(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let flow = stand.begin(user, "acme").await;
    let mangled = format!("{}&misbehave=state-mangled", flow.auth_url);
    let mut back = params(&stand.sandbox.approve(&mangled, "juniper", None).unwrap());
    for state in [
        back.state.expose().to_owned(),
        String::new(),
        "a".repeat(43),
    ] {
        back.state = FlowState::new(state);
        let refused = stand.callback("acme", again(&back)).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::InvalidState);
    }
    assert_eq!(stand.calls("acme", EXCHANGE), 0);
}

async fn a_code_that_the_platform_refuses_is_an_invalid_code(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let flow = stand.begin(user, "acme").await;
    let late = format!("{}&misbehave=code-expired", flow.auth_url);
    let back = params(&stand.sandbox.approve(&late, "juniper", None).unwrap());
    assert_eq!(
        failed(&stand.callback("acme", back).await.unwrap()),
        ErrorCode::InvalidCode
    );
    let flow = stand.begin(user, "acme").await;
    let mut back = stand.consent(&flow, "juniper");
    back.code = None;
    assert_eq!(
        failed(&stand.callback("acme", back).await.unwrap()),
        ErrorCode::InvalidCode,
        "there was none"
    );
    assert_eq!(stand.calls("acme", EXCHANGE), 1);
}

async fn a_grant_that_names_no_account_is_given_up(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let nameless = Fault::new("acme", "userinfo", FaultKind::Respond)
        .status(200)
        .body(serde_json::json!({ "sub": 1.5 }));
    let forbidden = Fault::new("acme", "userinfo", FaultKind::Respond).status(404);
    for fault in [nameless.times(3), forbidden] {
        let flow = stand.begin(user, "acme").await;
        stand.force(fault);
        let outcome = stand
            .callback("acme", stand.consent(&flow, "juniper"))
            .await
            .unwrap();
        assert_eq!(failed(&outcome), ErrorCode::OauthCallbackError);
        assert_eq!(
            stand.sandbox.revoke_user("acme", "juniper").unwrap(),
            0,
            "no grant is left at the platform"
        );
    }
    assert!(stand.events().await.is_empty());
}

async fn a_caller_that_goes_away_does_not_stop_the_exchange(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let flow = stand.begin(user, "acme").await;
    let (service, back) = (stand.service.clone(), stand.consent(&flow, "juniper"));
    stand.fault("acme", EXCHANGE, FaultKind::Hold);
    let callback = tokio::spawn(async move {
        service
            .handle_oauth_callback(&call(), "acme", back)
            .await
            .map(drop)
    });
    stand.called("acme", EXCHANGE, 1).await;
    callback.abort();
    assert!(callback.await.unwrap_err().is_cancelled());
    stand.sandbox.release();
    stand.service.process().drain().await;
    assert!(
        stand
            .read(user, "acme", crate::harness::JUNIPER)
            .await
            .is_ok()
    );
}
