//! The OpenAPI document and the two generated files under `docs/`.

use std::collections::BTreeSet;
use std::path::Path;

use evergrant_api::{errors_markdown, openapi_json};
use serde_json::Value;

use crate::stand::Stand;

fn document() -> Value {
    serde_json::from_str(&openapi_json()).unwrap()
}

/// Every operation: path, method and what stands there.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let operations = methods.as_object().unwrap().iter();
        all.extend(
            operations.map(|(method, operation)| (path.clone(), method.clone(), operation.clone())),
        );
    }
    all
}

/// Every `$ref` below `value`.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(
                fields
                    .get("$ref")
                    .and_then(Value::as_str)
                    .map(str::to_owned),
            );
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn is_served_as_it_is_printed() {
    let stand = Stand::new().await;
    let answer = stand.anonymous().get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json(), document());
    assert!(document()["openapi"].as_str().unwrap().starts_with("3.1."));
}

#[test]
fn lists_every_route() {
    let document = document();
    let operations = operations(&document);
    let routes: Vec<_> = operations
        .iter()
        .map(|(path, method, _)| format!("{method} {path}"))
        .collect();
    insta::assert_snapshot!(routes.join("\n"), @"
    get /api/integrations/callback/{provider}
    post /api/integrations/callback/{provider}
    post /api/integrations/connect/{provider}
    delete /api/integrations/disconnect/{provider}/{accountId}
    get /api/integrations/events
    get /api/integrations/flows/{flowId}
    post /api/integrations/flows/{flowId}/credentials
    post /api/integrations/flows/{flowId}/finish
    get /api/integrations/providers
    post /api/integrations/refresh/{provider}/{accountId}
    post /api/integrations/report-401
    get /api/integrations/status
    get /api/integrations/token/{provider}/{accountId}
    post /api/integrations/tokens
    delete /api/sessions
    post /api/sessions
    post /api/users
    delete /api/users/{userId}
    get /api/users/{userId}
    get /connect/{provider}
    post /connect/{provider}
    post /connect/{provider}/choose
    delete /console/session
    get /console/session
    post /console/session
    get /images/{signature}/{target}
    get /portal/{code}
    ");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 10);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn every_operation_is_complete() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let place = format!("{method} {path}");
        assert!(
            ids.insert(operation["operationId"].as_str().unwrap().to_owned()),
            "{place}: its id is another's"
        );
        assert!(
            !operation["summary"].as_str().unwrap_or_default().is_empty(),
            "{place} has no summary"
        );
        assert_eq!(
            operation["tags"].as_array().map(Vec::len),
            Some(1),
            "{place}"
        );
        let declared: BTreeSet<_> = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect();
        let used: BTreeSet<_> = path
            .split(['{', '}'])
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        assert_eq!(declared, used, "{place}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(
            responses
                .keys()
                .any(|status| status.starts_with('2') || status.starts_with('3')),
            "{place}"
        );
        let open = operation["security"] == serde_json::json!([{}]);
        assert_eq!(responses.contains_key("401"), !open, "{place}");
        for (status, response) in responses
            .iter()
            .filter(|(status, _)| status.as_str() >= "400")
        {
            let kinds: Vec<_> = response["content"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(kind, _)| kind.as_str())
                .collect();
            let is_page = open && !path.starts_with("/images/");
            assert!(
                kinds.contains(&if is_page {
                    "text/html"
                } else {
                    "application/problem+json"
                }),
                "{place} {status}"
            );
        }
    }
}

#[test]
fn every_security_scheme_that_is_asked_for_exists() {
    let document = document();
    let schemes = document["components"]["securitySchemes"]
        .as_object()
        .unwrap();
    let mut asked = document["security"].as_array().unwrap().clone();
    asked.extend(operations(&document).iter().flat_map(|(_, _, operation)| {
        operation["security"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }));
    for requirement in asked {
        for name in requirement.as_object().unwrap().keys() {
            assert!(schemes.contains_key(name), "{name}");
        }
    }
}

#[test]
fn docs_openapi_json_is_current() {
    assert_current("openapi.json", &format!("{}\n", openapi_json()));
}

#[test]
fn docs_errors_md_is_current() {
    assert_current("errors.md", &errors_markdown());
}

/// Compares a generated file under `docs/` with what the program says, or writes it where
/// `UPDATE_DOCS` is set.
#[expect(clippy::disallowed_methods, reason = "the one switch of the tests")]
fn assert_current(name: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name);
    if std::env::var("UPDATE_DOCS").is_ok() {
        std::fs::write(&path, expected).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == expected,
        "docs/{name} is not what the program says; make it anew with: UPDATE_DOCS=1 cargo test -p evergrant-api --test it"
    );
}
