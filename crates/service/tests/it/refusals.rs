//! A11: every kind of answer to a renewal, and what becomes of it: for the caller, for the
//! connection, for the next attempt. The token has ended and the platform rotates, unless a test
//! says otherwise.

use evergrant_model::{ConnectionStatus, ErrorCode, StatusReason};
use evergrant_sandbox::{Fault, FaultKind, acme_definition};
use evergrant_testkit::{TestDatabase, on_both_databases};

use crate::harness::{ACME_LIFE_S, REFRESH, Stand};
use crate::outcomes::call;

on_both_databases!(
    a11_each_answer_has_its_class,
    a_platform_that_never_rotates_is_asked_again,
    after_a_failure_the_pause_grows_up_to_an_hour,
    a_platform_that_asks_for_patience_gets_it_even_when_a_refresh_is_demanded,
    a_refused_connection_is_tried_three_times_and_does_no_harm,
    our_own_wrong_secret_marks_nobodys_connection,
    what_the_user_must_do_at_the_platform_is_not_tried_for_them,
    a_token_under_an_unknown_key_is_left_alone,
    an_access_token_that_no_key_decrypts_is_reported_with_its_connection,
    a_row_that_cannot_be_decoded_is_our_fault_and_no_outage,
);

/// An answer, and what is expected of it.
struct Case {
    name: &'static str,
    fault: Fault,
    calls: u64,
    code: ErrorCode,
    standing: (ConnectionStatus, Option<StatusReason>),
    /// In seconds.
    next: Option<i64>,
    event: Option<&'static str>,
}

fn respond(status: u16) -> Fault {
    Fault::new("acme", REFRESH, FaultKind::Respond)
        .status(status)
        .times(9)
}

fn error(status: u16, code: &str) -> Fault {
    respond(status).body(serde_json::json!({ "error": code }))
}

const UNAVAILABLE: (ConnectionStatus, Option<StatusReason>) = (
    ConnectionStatus::Error,
    Some(StatusReason::ProviderUnavailable),
);

/// The grant has ended.
fn terminal(name: &'static str, fault: Fault) -> Case {
    let standing = (
        ConnectionStatus::Expired,
        Some(StatusReason::RefreshTokenInvalid),
    );
    Case {
        name,
        fault,
        calls: 1,
        code: ErrorCode::ReconnectRequired,
        standing,
        next: None,
        event: Some("expired"),
    }
}

/// Our registration is wrong, which is no matter of the user.
fn config(name: &'static str, fault: Fault) -> Case {
    let standing = (ConnectionStatus::Connected, None);
    Case {
        name,
        fault,
        calls: 1,
        code: ErrorCode::TokenRefreshError,
        standing,
        next: Some(15),
        event: None,
    }
}

/// Sent, and nobody knows.
fn unknown(name: &'static str, fault: Fault) -> Case {
    let code = ErrorCode::ProviderUnavailable;
    Case {
        name,
        fault,
        calls: 1,
        code,
        standing: UNAVAILABLE,
        next: Some(20),
        event: Some("error"),
    }
}

/// Surely not processed.
fn unprocessed(name: &'static str, fault: Fault) -> Case {
    Case {
        calls: 3,
        next: Some(15),
        ..unknown(name, fault)
    }
}

fn cases() -> Vec<Case> {
    let page = Fault::new("acme", REFRESH, FaultKind::Html).times(9);
    let empty = Fault::new("acme", REFRESH, FaultKind::Empty).times(9);
    let cut = Fault::new("acme", REFRESH, FaultKind::Cut);
    let scope = (
        ConnectionStatus::Connected,
        Some(StatusReason::ScopeMissing),
    );
    let limited = |case| Case {
        code: ErrorCode::RateLimitError,
        ..case
    };
    vec![
        terminal("400 invalid_grant", error(400, "invalid_grant")),
        terminal("200 invalid_grant", error(200, "invalid_grant")),
        terminal(
            "403 interaction_required",
            error(403, "interaction_required"),
        ),
        config("400 invalid_client", error(400, "invalid_client")),
        config("401 invalid_client", error(401, "invalid_client")),
        config("401", respond(401)),
        config("404", respond(404)),
        config("400 invalid_request", error(400, "invalid_request")),
        config("400 something new", error(400, "something_new")),
        Case {
            standing: scope,
            event: Some("error"),
            ..config("403 scope", error(403, "insufficient_scope"))
        },
        unknown("408", respond(408)),
        unknown("500", respond(500)),
        unknown("502", page.clone().status(502)),
        unknown("503", respond(503)),
        unknown("200 with a page", page.clone().status(200)),
        unknown("200 and nothing", empty.clone().status(200)),
        unknown(
            "200 without a token",
            respond(200).body(serde_json::json!({ "token_type": "Bearer" })),
        ),
        unknown(
            "200 broken off",
            respond(200).body("{\"access_token\":\"abc".into()),
        ),
        unknown(
            "200 with doubled keys",
            respond(200).body("{\"access_token\":\"a\",\"access_token\":\"b\"}".into()),
        ),
        Case {
            code: ErrorCode::NetworkError,
            ..unknown("an answer cut off", cut)
        },
        Case {
            next: Some(300),
            ..unknown("403 with a page", page)
        },
        Case {
            next: Some(300),
            ..unknown(
                "a redirect",
                respond(307).header("location", "http://127.0.0.1:1/"),
            )
        },
        unprocessed(
            "503 with Retry-After",
            respond(503).header("retry-after", "0"),
        ),
        limited(unprocessed("429", respond(429))),
        Case {
            calls: 1,
            next: Some(600),
            ..limited(unknown(
                "429 for long",
                respond(429).header("retry-after", "600"),
            ))
        },
    ]
}

async fn a11_each_answer_has_its_class(database: TestDatabase) {
    let stand = Stand::new(database).await;
    for case in cases() {
        stand.sandbox.reset().unwrap();
        let (user, account) = stand.user_with("acme").await;
        stand.pass_seconds(ACME_LIFE_S);
        stand.force(case.fault);
        let error = stand
            .service
            .access_token(&call(), user, "acme", &account, 0)
            .await
            .unwrap_err();
        let (name, row) = (case.name, stand.row(user, "acme", &account).await);
        assert_eq!(
            (error.code(), stand.calls("acme", REFRESH)),
            (case.code, case.calls),
            "{name}"
        );
        assert_eq!((row.status, row.reason), case.standing, "{name}");
        assert_eq!(
            row.next_refresh_at,
            case.next.map(|seconds| stand.now().plus_seconds(seconds)),
            "{name}"
        );
        assert_eq!(
            error.retry_after_seconds(),
            case.next.filter(|_| case.code.is_retryable()),
            "{name}"
        );
        assert_eq!((row.lease.generation, row.failures), (1, 1), "{name}");
        assert_eq!(
            stand.events().await.last().map(String::as_str),
            Some(case.event.unwrap_or("connected")),
            "{name}"
        );
        stand
            .service
            .disconnect_integration(&call(), user, "acme", &account)
            .await
            .unwrap();
        // Whatever gate this has closed may be tried by now.
        stand.pass_seconds(3600);
    }
}

async fn a_platform_that_never_rotates_is_asked_again(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("reddit").await;
    let attempts = [
        (Fault::new("reddit", REFRESH, FaultKind::Cut), 2),
        (
            Fault::new("reddit", REFRESH, FaultKind::Respond)
                .status(500)
                .times(2),
            3,
        ),
        (
            Fault::new("reddit", REFRESH, FaultKind::Html).status(200),
            2,
        ),
    ];
    let mut calls = 0;
    for (fault, sendings) in attempts {
        stand.force(fault);
        assert!(stand.refresh(user, "reddit", &account).await.is_ok());
        calls += sendings;
        assert_eq!(stand.calls("reddit", REFRESH), calls);
    }
    stand.sandbox.revoke_user("reddit", "juniper").unwrap();
    assert_eq!(
        stand.refresh(user, "reddit", &account).await,
        Err(ErrorCode::ReconnectRequired)
    );
    assert_eq!(
        stand.calls("reddit", REFRESH),
        calls + 2,
        "a refusal that could mean something else is confirmed once"
    );
}

async fn after_a_failure_the_pause_grows_up_to_an_hour(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand.pass_seconds(ACME_LIFE_S);
    stand.force(respond(500).times(1000));
    let mut pauses = Vec::new();
    for attempt in 1..=11 {
        assert_eq!(
            stand.read(user, "acme", &account).await,
            Err(ErrorCode::ProviderUnavailable)
        );
        let pause = stand
            .row(user, "acme", &account)
            .await
            .next_refresh_at
            .unwrap()
            .seconds_since(stand.now());
        pauses.push(pause);
        stand.pass_seconds(pause - 1);
        assert_eq!(
            stand.read(user, "acme", &account).await,
            Err(ErrorCode::ProviderUnavailable)
        );
        assert_eq!(stand.calls("acme", REFRESH), attempt, "the pause is kept");
        stand.pass_seconds(1);
    }
    assert_eq!(
        pauses,
        [20, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    );
    assert_eq!(stand.events().await, ["connected", "error"], "told once");
}

async fn a_platform_that_asks_for_patience_gets_it_even_when_a_refresh_is_demanded(
    database: TestDatabase,
) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand.force(respond(429).header("retry-after", "600").times(1));
    assert_eq!(
        stand.refresh(user, "acme", &account).await,
        Err(ErrorCode::RateLimitError)
    );
    stand.pass_seconds(599);
    assert_eq!(
        stand.refresh(user, "acme", &account).await,
        Err(ErrorCode::RateLimitError)
    );
    assert_eq!(stand.calls("acme", REFRESH), 1);
    assert!(
        stand.read(user, "acme", &account).await.is_ok(),
        "the held token works all the while"
    );
    stand.pass_seconds(1);
    assert!(stand.refresh(user, "acme", &account).await.is_ok());
    assert_eq!(stand.calls("acme", REFRESH), 2);
}

async fn a_refused_connection_is_tried_three_times_and_does_no_harm(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let cut_off = stand.cut_off().await;
    let error = cut_off
        .refresh_token(&call(), user, "acme", &account)
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), stand.entropy.draws()),
        (ErrorCode::NetworkError, 3)
    );
    assert_eq!(stand.calls("acme", REFRESH), 0);
    assert!(
        stand.refresh(user, "acme", &account).await.is_ok(),
        "the grant is as it was"
    );
    assert_eq!(stand.row(user, "acme", &account).await.failures, 0);
}

async fn our_own_wrong_secret_marks_nobodys_connection(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    stand.pass_seconds(ACME_LIFE_S);
    let misled = stand
        .replica(&acme_definition(&stand.platforms_at).replace("simAcmeSecret", "wrong"))
        .await;
    let error = misled
        .access_token(&call(), user, "acme", &account, 0)
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::TokenRefreshError);
    let seen = stand.integration(user).await;
    assert_eq!(
        (seen.status, seen.reason),
        (ConnectionStatus::Connected, None)
    );
    assert!(
        stand.refresh(user, "acme", &account).await.is_ok(),
        "with the right secret all is well"
    );
}

/// Some platforms hold everything back until the owner has signed in there once more.
async fn what_the_user_must_do_at_the_platform_is_not_tried_for_them(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let rule =
        "errors = [{ on = \"refresh\", code = \"checkpoint\", class = \"needs_user_action\" }]";
    let service = stand
        .replica(&format!("{}{rule}\n", acme_definition(&stand.platforms_at)))
        .await;
    let read = async || crate::outcomes::read(&service, user, "acme", &account).await;
    stand.force(error(400, "checkpoint"));
    let refused = service
        .refresh_token(&call(), user, "acme", &account)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), ErrorCode::TokenRefreshError);
    let seen = stand.integration(user).await;
    assert_eq!(
        (seen.status, seen.reason),
        (
            ConnectionStatus::Error,
            Some(StatusReason::UserActionAtProvider)
        )
    );
    stand.pass_seconds(ACME_LIFE_S - 1);
    assert!(read().await.is_ok(), "the held token works to its end");
    stand.pass_seconds(1);
    assert_eq!(read().await, Err(ErrorCode::TokenRefreshError));
    service.process().drain().await;
    assert_eq!(
        stand.calls("acme", REFRESH),
        1,
        "nothing was tried meanwhile"
    );
    stand.connect(user, "acme", "juniper").await;
    // The replica believes its row for half a minute where no housekeeping tells it better.
    stand.pass_seconds(31);
    assert!(read().await.is_ok(), "the user has acted");
}

async fn a_token_under_an_unknown_key_is_left_alone(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let forged = format!("{}:{}:00", "00".repeat(16), "00".repeat(16));
    stand
        .database
        .execute(&format!(
            "UPDATE oauth_accounts SET refresh_token = '{forged}'"
        ))
        .await;
    stand.pass_seconds(ACME_LIFE_S);
    for _ in 0..3 {
        assert!(stand.read(user, "acme", &account).await.is_err());
    }
    let seen = stand.integration(user).await;
    assert_eq!(
        (seen.status, seen.reason),
        (ConnectionStatus::Error, Some(StatusReason::DecryptionError))
    );
    assert_eq!(
        stand.refresh(user, "acme", &account).await,
        Err(ErrorCode::DecryptionError)
    );
    assert_eq!(stand.calls("acme", REFRESH), 0);
    assert_eq!(
        stand
            .row(user, "acme", &account)
            .await
            .tokens
            .refresh
            .unwrap()
            .as_str(),
        forged,
        "nothing is lost"
    );
}

async fn an_access_token_that_no_key_decrypts_is_reported_with_its_connection(
    database: TestDatabase,
) {
    let stand = Stand::new(database).await;
    let (user, account) = stand.user_with("acme").await;
    let forged = format!("{}:{}:00", "00".repeat(16), "00".repeat(16));
    stand
        .database
        .execute(&format!(
            "UPDATE oauth_accounts SET access_token = '{forged}'"
        ))
        .await;
    let service = stand.twin().await;
    let read = service
        .access_token(&call(), user, "acme", &account, 0)
        .await;
    assert_eq!(read.unwrap_err().code(), ErrorCode::DecryptionError);
    assert_eq!(stand.recorder.count("TokenUnreadable"), 1);
}

async fn a_row_that_cannot_be_decoded_is_our_fault_and_no_outage(database: TestDatabase) {
    let stand = Stand::new(database).await;
    let user = stand.user().await;
    let flow = stand.begin(user, "acme").await;
    stand
        .database
        .execute("UPDATE evergrant_flows SET status = 'paused'")
        .await;
    let read = stand
        .service
        .authorizations()
        .state(&call(), user, flow.flow_id.as_str())
        .await;
    assert_eq!(read.unwrap_err().code(), ErrorCode::InternalError);
}
