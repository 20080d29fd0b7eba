//! The OpenAPI document and the two generated files under `docs/`.

use std::collections::BTreeSet;
use std::path::Path;

use evergrant_api::{errors_markdown, openapi_json};
use serde_json::Value;

use crate::harness::Harness;
use crate::openapi_conformance::matches_schema;

fn document() -> Value {
    serde_json::from_str(&openapi_json()).unwrap()
}

/// Returns the path, method and definition of every operation.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let operations = methods.as_object().unwrap().iter();
        all.extend(
            operations.map(|(method, operation)| (path.clone(), method.clone(), operation.clone())),
        );
    }
    assert!(all.len() > 20, "{} operations", all.len());
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
    let harness = Harness::new().await;
    let answer = harness.anonymous().get("/openapi.json").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let (mut served, mut printed) = (answer.json(), document());
    let cookie = "/components/securitySchemes/console/name";
    // The name of the cookie depends on the public URL, which the printed document does not know.
    assert_eq!(take(&mut served, cookie), "evergrant-8080");
    assert_eq!(take(&mut printed, cookie), "__Host-evergrant");
    assert_eq!(served, printed);
    assert!(document()["openapi"].as_str().unwrap().starts_with("3.1."));
}

fn take(document: &mut Value, pointer: &str) -> Value {
    document.pointer_mut(pointer).unwrap().take()
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
    post /api/integrations/flows/{flowId}/accounts
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
        assert_eq!(missing(&operation), Vec::<String>::new(), "{place}");
        let id = operation["operationId"].as_str().unwrap().to_owned();
        assert!(ids.insert(id), "{place}: another operation has the same id");
    }
}

/// Returns the parts that an operation must have and does not have.
fn missing(operation: &Value) -> Vec<String> {
    let mut missing = Vec::new();
    let mut require = |name: &str, value: &Value| {
        if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
            missing.push(name.to_owned());
        }
    };
    for name in ["operationId", "summary", "description"] {
        require(name, &operation[name]);
    }
    if operation["tags"].as_array().map(Vec::len) != Some(1) {
        require("one tag", &Value::Null);
    }
    for parameter in own_parameters(operation) {
        let name = parameter["name"].as_str().unwrap();
        require(&format!("description of {name}"), &parameter["description"]);
        if parameter["required"] == true {
            require(&format!("example of {name}"), &parameter["example"]);
        }
    }
    for (media_type, content) in fields(&operation["requestBody"]["content"]) {
        require(
            &format!("example of the {media_type} body"),
            &content["example"],
        );
    }
    for (status, response) in fields(&operation["responses"]) {
        require(
            &format!("description of {status}"),
            &response["description"],
        );
    }
    missing.extend(missing_example_of_success(operation));
    missing
}

/// Returns the parameters that only this operation has.
fn own_parameters(operation: &Value) -> impl Iterator<Item = &Value> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters.filter(|parameter| parameter["$ref"].is_null())
}

/// Returns the problem if a successful response has no example of its body or its `Location`.
/// Pictures and empty responses need none.
fn missing_example_of_success(operation: &Value) -> Option<String> {
    let successes: Vec<_> = fields(&operation["responses"])
        .filter(|(status, _)| status.starts_with('2') || *status == "303")
        .collect();
    let is_shown = |response: &Value| {
        !response["headers"]["Location"]["example"].is_null()
            || fields(&response["content"]).any(|(_, content)| !content["example"].is_null())
    };
    let has_no_text = |response: &Value| {
        fields(&response["content"]).all(|(media_type, _)| media_type == "image/*")
    };
    let needs_none = successes
        .iter()
        .all(|(status, response)| *status != "303" && has_no_text(response));
    let is_complete = needs_none || successes.iter().any(|(_, response)| is_shown(response));
    (!is_complete).then(|| "example of the successful response".to_owned())
}

/// Returns the members of an object; none of any other value.
fn fields(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let members = value.as_object().into_iter().flatten();
    members.map(|(name, value)| (name.as_str(), value))
}

#[test]
fn missing_part_of_an_operation_is_noticed() {
    let document = document();
    let operation = &document["paths"]["/api/integrations/connect/{provider}"]["post"];
    assert_eq!(missing(operation), Vec::<String>::new());
    for (pointer, part) in [
        ("/operationId", "operationId"),
        ("/summary", "summary"),
        ("/description", "description"),
        ("/tags", "one tag"),
        ("/parameters/0/description", "description of provider"),
        ("/parameters/0/example", "example of provider"),
        (
            "/requestBody/content/application~1json/example",
            "example of the application/json body",
        ),
        ("/responses/404/description", "description of 404"),
        (
            "/responses/200/content/application~1json/example",
            "example of the successful response",
        ),
    ] {
        let mut incomplete = operation.clone();
        *incomplete.pointer_mut(pointer).unwrap() = Value::Null;
        assert_eq!(missing(&incomplete), [part], "{pointer}");
    }
}

#[test]
fn every_property_and_schema_has_a_description() {
    let document = document();
    let mut undescribed = Vec::new();
    for (name, schema) in fields(&document["components"]["schemas"]) {
        if schema["description"].is_null() {
            undescribed.push(name.to_owned());
        }
        collect_undescribed(name, schema, &mut undescribed);
    }
    assert_eq!(undescribed, Vec::<String>::new());
}

fn collect_undescribed(path: &str, schema: &Value, undescribed: &mut Vec<String>) {
    for (name, property) in fields(&schema["properties"]) {
        let path = format!("{path}.{name}");
        // The description of a nullable reference is beside the reference.
        let variants = property["oneOf"].as_array().into_iter().flatten();
        if property["description"].is_null()
            && variants.clone().all(|one| one["description"].is_null())
        {
            undescribed.push(path.clone());
        }
        collect_undescribed(&path, property, undescribed);
    }
    for parts in ["allOf", "oneOf"] {
        for part in schema[parts].as_array().into_iter().flatten() {
            collect_undescribed(path, part, undescribed);
        }
    }
    if schema["items"].is_object() {
        collect_undescribed(path, &schema["items"], undescribed);
    }
}

#[test]
fn json_examples_match_their_schemas() {
    let document = document();
    let mut checked = 0;
    for (path, method, operation) in operations(&document) {
        let bodies = fields(&operation["responses"])
            .map(|(_, response)| &response["content"])
            .chain([&operation["requestBody"]["content"]]);
        for (media_type, content) in bodies.flat_map(fields) {
            if media_type == "application/json" && !content["example"].is_null() {
                let result = matches_schema(&content["schema"], &content["example"]);
                assert_eq!(result, Ok(()), "{method} {path}");
                checked += 1;
            }
        }
    }
    assert!(checked > 20, "{checked}");
}

#[test]
fn declared_path_parameters_are_those_of_the_path() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let declared: BTreeSet<_> = own_parameters(&operation)
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap().to_owned())
            .collect();
        let used: BTreeSet<_> = path
            .split(['{', '}'])
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect();
        assert_eq!(declared, used, "{method} {path}");
    }
}

#[test]
fn every_operation_declares_success_and_errors() {
    let document = document();
    for (path, method, operation) in operations(&document) {
        let place = format!("{method} {path}");
        let responses = operation["responses"].as_object().unwrap();
        assert!(
            responses
                .keys()
                .any(|status| status.starts_with('2') || status.starts_with('3')),
            "{place}"
        );
        let open = operation["security"] == serde_json::json!([{}]);
        assert_eq!(responses.contains_key("401"), !open, "{place}");
        for (status, response) in fields(&operation["responses"]) {
            let problem = &response["content"]["application/problem+json"];
            assert!(status < "400" || problem.is_object(), "{place} {status}");
            let id = &response["headers"]["X-Request-Id"];
            assert!(id.is_object(), "{place} {status}");
        }
    }
}

#[test]
fn every_referenced_security_scheme_is_defined() {
    let document = document();
    let schemes = document["components"]["securitySchemes"]
        .as_object()
        .unwrap();
    let operations = operations(&document);
    let requirements = operations
        .iter()
        .flat_map(|(_, _, operation)| operation["security"].as_array().unwrap());
    for requirement in requirements {
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
