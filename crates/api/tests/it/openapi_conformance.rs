//! Checks every response of every test against the OpenAPI document: its status is declared, and
//! its body matches the schema.

use std::sync::LazyLock;

use axum::http::Method;
use serde_json::Value;

use crate::response::TestResponse;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&evergrant_api::openapi_json()).unwrap());

/// Returns the documented operation for a request, if there is one.
fn documented_operation(method: &Method, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap();
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let mut items = paths.iter();
    let (_, item) = items.find(|(template, _)| matches_template(template, path))?;
    item.get(method.as_str().to_lowercase())
}

/// Asserts that the document declares this response. Ignores routes that are not in the document.
pub(crate) fn assert_documented(method: &Method, path: &str, response: &TestResponse) {
    if response.status == 405 {
        return;
    }
    let Some(operation) = documented_operation(method, path) else {
        return;
    };
    let declared = &operation["responses"][response.status.as_str()];
    assert!(
        !declared.is_null(),
        "{method} {path}: undeclared response {response}"
    );
    let Some(content) = declared["content"].as_object() else {
        assert_eq!(
            response.body, "",
            "{method} {path}: undeclared body {response}"
        );
        return;
    };
    let kind = response.header("content-type").unwrap();
    let Some((_, media)) = content
        .iter()
        .find(|(declared, _)| kind.starts_with(declared.as_str()))
    else {
        // A client that accepts JSON receives a problem document instead of the page.
        assert!(
            content.contains_key("text/html") && kind == "application/problem+json",
            "{method} {path}: {response}"
        );
        return;
    };
    if kind.ends_with("json") && !media["schema"].is_null() {
        matches_schema(&media["schema"], &response.json())
            .unwrap_or_else(|violation| panic!("{method} {path}: {violation}: {response}"));
    }
}

fn matches_template(template: &str, path: &str) -> bool {
    let (expected, actual): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    let matches = |(expected, actual): (&&str, &&str)| {
        expected == actual || (expected.starts_with('{') && !actual.is_empty())
    };
    expected.len() == actual.len() && expected.iter().zip(&actual).all(matches)
}

/// Validates `value` against the part of JSON Schema that the document uses. A property that the
/// schema does not declare is a violation too.
pub(crate) fn matches_schema(schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return matches_schema(DOCUMENT.pointer(&reference[1..]).unwrap(), value);
    }
    if let Some(all) = schema["allOf"].as_array() {
        // Each part declares only some of the properties.
        return all
            .iter()
            .try_for_each(|part| matches_declared_parts(part, value));
    }
    let result = matches_declared_parts(schema, value);
    match (&schema["properties"], value) {
        (Value::Object(declared), Value::Object(fields)) => {
            let undeclared = fields.keys().find(|name| !declared.contains_key(*name));
            undeclared.map_or(result, |name| Err(format!("`{name}` is not declared")))
        }
        _ => result,
    }
}

/// Validates `value` without the check for undeclared properties.
fn matches_declared_parts(schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return matches_declared_parts(DOCUMENT.pointer(&reference[1..]).unwrap(), value);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let matching = choices
            .iter()
            .filter(|choice| matches_declared_parts(choice, value).is_ok())
            .count();
        return if matching == 1 {
            Ok(())
        } else {
            Err(format!("{value} matches {matching} of the oneOf schemas"))
        };
    }
    if !has_type(&schema["type"], value) {
        return Err(format!("{value} is not of type {}", schema["type"]));
    }
    for name in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        value
            .get(name)
            .ok_or_else(|| format!("`{name}` is missing"))?;
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        value
            .get(name)
            .map_or(Ok(()), |field| matches_schema(property, field))?;
    }
    value
        .as_array()
        .into_iter()
        .flatten()
        .try_for_each(|item| matches_schema(&schema["items"], item))
}

fn has_type(declared: &Value, value: &Value) -> bool {
    match declared {
        Value::Array(types) => types.iter().any(|one| has_type(one, value)),
        Value::String(name) => match name.as_str() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            other => panic!("the schema type {other} is not supported by this test"),
        },
        _ => true,
    }
}

#[test]
fn schema_check_rejects_invalid_values() {
    let problem = &DOCUMENT["components"]["schemas"]["Problem"];
    let valid = serde_json::json!({
        "type": "t",
        "title": "t",
        "status": 400,
        "code": "c",
        "retryable": true,
        "correlationId": "i",
    });
    assert_eq!(matches_schema(problem, &valid), Ok(()));
    for (name, value) in [
        ("status", "400".into()),
        ("fields", serde_json::json!([{}])),
        ("undeclared", Value::Null),
    ] {
        let mut invalid = valid.clone();
        invalid[name] = value;
        assert!(matches_schema(problem, &invalid).is_err(), "{name}");
    }
    let mut invalid = valid.clone();
    invalid.as_object_mut().unwrap().remove("code");
    assert!(matches_schema(problem, &invalid).is_err());
}
