//! Forms that are rejected: missing consent, invalid fields, provider failures and forged requests.

use axum::http::Method;
use serde_json::json;

use crate::credential_form::{FORM, curl, open_page, send};
use crate::error_log::ErrorLog;
use crate::fake_providers::{OWNER, SESS, USER_AGENT, X_BC};
use crate::harness::Harness;

#[tokio::test]
async fn missing_consent_keeps_the_session_encrypted() {
    let harness = Harness::new().await;
    let page = open_page(&harness).await;
    let again = send(&harness, &page, &[("pasted", &curl(SESS))]).await;
    assert!(again.status == 422 && again.is_page(), "{again}");
    assert!(
        again.body.contains(r#"aria-describedby="consent-fault""#),
        "{again}"
    );
    assert!(
        again
            .body
            .contains(r#"<p class="fault" id="consent-fault">"#),
        "{again}"
    );
    assert!(
        !again.body.contains(SESS) && !again.body.contains(X_BC),
        "secrets are not echoed: {again}"
    );
    assert!(again.body.contains("are kept until you leave"), "{again}");
    assert!(again.body.contains("<li>sess: found</li>"), "{again}");
    again.check_form_policy();
    assert!(harness.stored().await["oauth_accounts"].is_empty());
    let kept = again.field("kept");
    let redirect = send(&harness, &again, &[("consent", "yes"), ("kept", kept)]).await;
    assert_eq!(
        redirect.query_param("status").as_deref(),
        Some("connected"),
        "the flow stays open"
    );
}

#[tokio::test]
async fn kept_values_are_completed_by_single_fields() {
    let harness = Harness::new().await;
    let page = open_page(&harness).await;
    let cookies = format!("sess={SESS}; auth_id={OWNER}");
    let again = send(&harness, &page, &[("consent", "yes"), ("pasted", &cookies)]).await;
    assert!(
        again.status == 422
            && again
                .body
                .contains("The pasted text contains no User-Agent or x-bc.")
            && again
                .body
                .contains(r#"<li class="lacking">x-bc: missing</li>"#)
            && again.body.contains("<details open"),
        "{again}"
    );
    let agent = ("user_agent", USER_AGENT);
    let kept = ("kept", again.field("kept"));
    let again = send(&harness, &page, &[("consent", "yes"), kept, agent]).await;
    assert!(
        again.status == 422 && again.body.contains("Please fill in x-bc."),
        "{again}"
    );
    let kept = ("kept", again.field("kept"));
    let redirect = send(&harness, &page, &[("consent", "yes"), kept, ("x_bc", X_BC)]).await;
    assert_eq!(redirect.query_param("status").as_deref(), Some("connected"));
}

#[tokio::test]
async fn kept_values_end_with_their_flow_and_with_another_session() {
    let harness = Harness::new().await;
    let (page, other) = (open_page(&harness).await, open_page(&harness).await);
    let again = send(&harness, &page, &[("pasted", &curl(SESS))]).await;
    let kept = ("kept", again.field("kept"));
    for (page, kept) in [(&other, kept), (&page, ("kept", "tampered"))] {
        let rejected = send(&harness, page, &[("consent", "yes"), kept]).await;
        assert!(
            rejected.status == 422 && rejected.body.contains("Please fill in sess."),
            "{rejected}"
        );
    }
    let another = ("pasted", "sess=another; auth_id=900002");
    let rejected = send(&harness, &page, &[("consent", "yes"), kept, another]).await;
    assert!(
        rejected.status == 422 && rejected.body.contains("contains no User-Agent or x-bc"),
        "the new text is not mixed with the kept one: {rejected}"
    );
}

#[tokio::test]
async fn ended_session_that_was_kept_is_reported_at_the_pasted_field() {
    let harness = Harness::new().await;
    let page = open_page(&harness).await;
    let again = send(&harness, &page, &[("pasted", &curl("another-cookie"))]).await;
    let kept = ("kept", again.field("kept"));
    let again = send(&harness, &page, &[("consent", "yes"), kept]).await;
    assert!(
        again.status == 422
            && again.body.contains(r#"id="pasted-fault""#)
            && !again.body.contains(r#"id="sess-fault""#),
        "{again}"
    );
}

#[tokio::test]
async fn errors_are_shown_per_field_and_secrets_are_not_kept() {
    let harness = Harness::new().await;
    let page = open_page(&harness).await;
    let fields = [
        ("sess", SESS),
        ("auth_id", "not a number"),
        ("user_agent", USER_AGENT),
        ("consent", "yes"),
    ];
    let again = send(&harness, &page, &fields).await;
    assert!(again.status == 422 && again.is_page(), "{again}");
    for name in ["auth_id", "x_bc"] {
        assert!(
            again
                .body
                .contains(&format!(r#"aria-describedby="{name}-fault {name}-help""#)),
            "{name}: {again}"
        );
        assert!(
            again
                .body
                .contains(&format!(r#"<p class="fault" id="{name}-fault">"#)),
            "{name}: {again}"
        );
    }
    assert_eq!(
        again.content().matches(r#"aria-invalid="true""#).count(),
        2,
        "{again}"
    );
    assert_eq!(again.body.matches("autofocus").count(), 1, "{again}");
    assert!(
        again.body.contains("<details open") && again.body.contains("not a number"),
        "{again}"
    );
    assert!(again.body.contains("the owner's browser"), "{again}");
    assert!(!again.body.contains(SESS), "{again}");
    again.check_form_policy();
}

#[tokio::test]
async fn session_rejected_by_provider_is_shown_at_pasted_field() {
    let harness = Harness::new().await;
    let page = open_page(&harness).await;
    let again = send(
        &harness,
        &page,
        &[("consent", "yes"), ("pasted", &curl("another-cookie"))],
    )
    .await;
    assert!(
        again.status == 422 && again.body.contains(r#"id="pasted-fault""#),
        "{again}"
    );
    assert!(!again.body.contains("another-cookie"), "{again}");
    assert!(harness.stored().await["oauth_accounts"].is_empty());
}

#[tokio::test]
async fn provider_failure_is_shown_and_flow_stays_open() {
    let harness = Harness::new().await;
    let page = open_page(&harness).await;
    for status in [503, 429] {
        harness.fake_providers.set_profile_status(status);
        let log = ErrorLog::start();
        let pasted = curl(SESS);
        let fields = [("consent", "yes"), ("pasted", pasted.as_str())];
        let again = send(&harness, &page, &fields).await;
        assert!(again.status == status && again.is_page(), "{again}");
        if status == 503 {
            assert!(log.failure().contains("(status 503"));
        }
        assert!(
            again
                .body
                .contains(r#"<p class="error-summary" role="alert">"#),
            "{again}"
        );
        assert!(
            !again.content().contains("aria-invalid") && !again.body.contains(SESS),
            "{again}"
        );
        again.check_form_policy();
    }
    harness.fake_providers.set_profile_status(200);
    let redirect = send(
        &harness,
        &page,
        &[("consent", "yes"), ("pasted", &curl(SESS))],
    )
    .await;
    assert_eq!(redirect.query_param("status").as_deref(), Some("connected"));
}

#[tokio::test]
async fn form_without_valid_csrf_token_is_rejected() {
    let harness = Harness::new().await;
    let (page, other) = (open_page(&harness).await, open_page(&harness).await);
    let pasted = curl(SESS);
    let (consent, pasted) = (("consent", "yes"), ("pasted", pasted.as_str()));
    let state = ("state", page.field("state"));
    for csrf in ["", "guessed", other.field("csrf")] {
        let rejected = harness
            .anonymous()
            .request(Method::POST, FORM)
            .form(&[state, ("csrf", csrf), consent, pasted])
            .send()
            .await;
        assert!(
            rejected.status == 400 && rejected.is_page(),
            "{csrf}: {rejected}"
        );
    }
    let csrf = ("csrf", page.field("csrf"));
    let repeated = send(&harness, &page, &[csrf, consent, pasted]).await;
    assert_eq!(repeated.status, 400);
    assert!(harness.stored().await["oauth_accounts"].is_empty());
    let accepted = send(&harness, &page, &[consent, pasted]).await;
    assert_eq!(accepted.status, 303);
}

#[tokio::test]
async fn callback_does_not_accept_the_form() {
    let harness = Harness::new().await;
    let page = open_page(&harness).await;
    let pasted = curl(SESS);
    let form = [
        ("state", page.field("state")),
        ("csrf", page.field("csrf")),
        ("consent", "yes"),
        ("pasted", &pasted),
    ];
    let path = "/api/integrations/callback/onlyfans";
    let redirect = harness
        .anonymous()
        .request(Method::POST, path)
        .form(&form)
        .send()
        .await;
    assert_eq!(
        redirect.query_param("code").as_deref(),
        Some("INVALID_CODE"),
        "the callback lacks a code: {redirect}"
    );
    assert!(harness.stored().await["oauth_accounts"].is_empty());
}

#[tokio::test]
async fn json_body_is_rejected() {
    let harness = Harness::new().await;
    let page = open_page(&harness).await;
    let body = json!({
        "state": page.field("state"),
        "csrf": page.field("csrf"),
        "consent": "yes",
        "pasted": curl(SESS),
    });
    let rejected = harness.anonymous().post(FORM, body).await;
    assert!(
        rejected.status == 400 && rejected.is_page() && rejected.body.contains("INVALID_REQUEST"),
        "{rejected}"
    );
    assert!(harness.stored().await["oauth_accounts"].is_empty());
}

#[tokio::test]
async fn form_is_limited_to_64_kib() {
    let harness = Harness::new().await;
    let page = open_page(&harness).await;
    let long = "x".repeat(60 * 1024);
    let again = send(&harness, &page, &[("consent", "yes"), ("pasted", &long)]).await;
    assert!(
        again.status == 422 && again.body.contains("pasted-fault") && again.body.len() < 20_000
    );
}

#[tokio::test]
async fn larger_form_is_answered_with_what_to_paste_instead() {
    let harness = Harness::new().await;
    let page = open_page(&harness).await;
    let larger = "x".repeat(1024 * 1024);
    let rejected = send(&harness, &page, &[("consent", "yes"), ("pasted", &larger)]).await;
    assert!(
        rejected.status == 413
            && rejected
                .body
                .contains("is longer than 64 KB. Paste a single request: choose Copy as cURL")
            && rejected.body.contains(r#"id="pasted-fault""#)
            && rejected.body.len() < 20_000,
        "{rejected}"
    );
    let redirect = send(
        &harness,
        &rejected,
        &[("consent", "yes"), ("pasted", &curl(SESS))],
    )
    .await;
    assert_eq!(
        redirect.query_param("status").as_deref(),
        Some("connected"),
        "the form with the error can be submitted"
    );
    let unknown = [("state", "guessed"), ("pasted", &larger)];
    let rejected = harness
        .anonymous()
        .request(Method::POST, FORM)
        .form(&unknown)
        .send()
        .await;
    assert!(
        rejected.status == 400 && rejected.is_page(),
        "{}",
        rejected.status
    );
}
