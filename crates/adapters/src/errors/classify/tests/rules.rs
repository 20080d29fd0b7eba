//! Rules with a pointer or a text.

use super::*;

/// Parses the rules of a custom definition.
fn provider(rules: &str) -> Provider {
    Provider::from_toml(&format!(
        r#"
        name = "Acme"
        authorization_url = "https://acme.example/authorize"
        token_url = "https://acme.example/token"
        userinfo_url = "https://acme.example/userinfo"
        client_id = "id"
        client_secret = "s"
        errors = [{rules}]
        "#
    ))
}

#[test]
fn rule_reads_code_at_its_pointer() {
    let provider = provider(
        r#"{ on = "refresh", status = 400, code_at = "/errors/0/errorType", code = "gone", class = "needs_reauth" },
           { on = "revoke", code_at = "/state", code = "4", class = "needs_reauth" }"#,
    );
    let class = |call, status, body| {
        let page = response(status, &[], body);
        provider
            .failure(call, &page, &[])
            .map(|error| error.class())
    };
    let gone = r#"{"errors":[{"errorType":"gone"}]}"#;
    assert_eq!(class(CallKind::Refresh, 400, gone), Some(C::NeedsReauth));
    for (call, status, body) in [
        (CallKind::Exchange, 400, gone),
        (CallKind::Refresh, 500, gone),
        (
            CallKind::Refresh,
            400,
            r#"{"errors":[{"errorType":"gone?"}]}"#,
        ),
        (CallKind::Refresh, 400, r#"{"error":"gone"}"#),
        (
            CallKind::Refresh,
            400,
            r#"{"errors":[{"errorType":"gone","errorType":"x"}]}"#,
        ),
    ] {
        assert_ne!(
            class(call, status, body),
            Some(C::NeedsReauth),
            "{status} {body}"
        );
    }
    assert_eq!(
        class(CallKind::Revoke, 200, r#"{"state":4}"#),
        Some(C::NeedsReauth)
    );
    assert_eq!(class(CallKind::Revoke, 200, r#"{"state":1}"#), None);
}

/// Classifies a response by two rules with a text.
fn class_by_text(call: CallKind, status: u16, headers: &[&str], body: &str) -> Option<ErrorClass> {
    let provider = provider(
        r#"{ on = "refresh", text = "Zugriff widerrufen", class = "needs_reauth" },
           { on = "revoke", text = "already gone", class = "needs_reauth" }"#,
    );
    let page = response(status, headers, body);
    let failure = provider.failure(call, &page, &[]);
    failure.map(|error| error.class())
}

#[test]
fn rule_finds_text_in_any_case_and_at_any_depth() {
    let class = class_by_text;
    for body in [
        r#"{"data":[{"hint":"ZUGRIFF WIDERRUFEN (7)"}]}"#,
        "Fehler: zugriff widerrufen",
        r#"{"error":"invalid_client","error_description":"Zugriff widerrufen"}"#,
    ] {
        assert_eq!(
            class(CallKind::Refresh, 400, &[], body),
            Some(C::NeedsReauth),
            "{body}"
        );
    }
}

#[test]
fn text_is_not_searched_where_it_proves_nothing() {
    let class = class_by_text;
    let html: &[&str] = &["content-type: text/html"];
    for (status, headers, body) in [
        (400, html, "zugriff widerrufen"),
        (502, &[][..], r#"{"hint":"zugriff widerrufen"}"#),
        (400, &[][..], r#"{"zugriff widerrufen":1}"#),
    ] {
        assert_ne!(
            class(CallKind::Refresh, status, headers, body),
            Some(C::NeedsReauth),
            "{body}"
        );
    }
    let tokens = r#"{"access_token":"a","name":"zugriff widerrufen"}"#;
    assert_eq!(class(CallKind::Refresh, 200, &[], tokens), None);
    let denied = r#"{"revoked":false,"why":"Already gone"}"#;
    assert_eq!(
        class(CallKind::Revoke, 200, &[], denied),
        Some(C::NeedsReauth)
    );
}
