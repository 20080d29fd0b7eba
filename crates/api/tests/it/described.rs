//! Holds every answer of every test against the OpenAPI document: its status is described, and its
//! body has the shape.

use std::sync::LazyLock;

use axum::http::Method;
use serde_json::Value;

use crate::answer::Answer;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(&evergrant_api::openapi_json()).unwrap());

/// Checks an answer to a request of the document; others have nothing to be held against.
pub(crate) fn check(method: &Method, path: &str, answer: &Answer) {
    let path = path.split('?').next().unwrap();
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let Some((_, item)) = paths.iter().find(|(template, _)| is_of(template, path)) else {
        return;
    };
    let operation = &item[method.as_str().to_lowercase()];
    if operation.is_null() || answer.status == 405 {
        return;
    }
    let response = &operation["responses"][answer.status.as_str()];
    assert!(
        !response.is_null(),
        "{method} {path} is not said to answer {answer}"
    );
    let Some(content) = response["content"].as_object() else {
        assert_eq!(
            answer.body, "",
            "{method} {path} is not said to have a body: {answer}"
        );
        return;
    };
    let kind = answer.header("content-type").unwrap();
    let Some((_, media)) = content
        .iter()
        .find(|(described, _)| kind.starts_with(described.as_str()))
    else {
        // A program that asks for it gets a problem in the place of the page.
        assert!(
            content.contains_key("text/html") && kind == "application/problem+json",
            "{method} {path}: {answer}"
        );
        return;
    };
    if kind.ends_with("json") && !media["schema"].is_null() {
        fits(&media["schema"], &answer.json())
            .unwrap_or_else(|fault| panic!("{method} {path}: {fault}: {answer}"));
    }
}

fn is_of(template: &str, path: &str) -> bool {
    let (wanted, given): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    let fits = |(wanted, given): (&&str, &&str)| {
        wanted == given || (wanted.starts_with('{') && !given.is_empty())
    };
    wanted.len() == given.len() && wanted.iter().zip(&given).all(fits)
}

/// As much of JSON Schema as the document uses; a property that is not described is a fault too.
fn fits(schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return fits(DOCUMENT.pointer(&reference[1..]).unwrap(), value);
    }
    if let Some(all) = schema["allOf"].as_array() {
        // Each part describes some of the properties.
        return all.iter().try_for_each(|part| has_shape(part, value));
    }
    let shaped = has_shape(schema, value);
    match (&schema["properties"], value) {
        (Value::Object(described), Value::Object(fields)) => {
            let stranger = fields.keys().find(|name| !described.contains_key(*name));
            stranger.map_or(shaped, |name| Err(format!("`{name}` is not described")))
        }
        _ => shaped,
    }
}

fn has_shape(schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return has_shape(DOCUMENT.pointer(&reference[1..]).unwrap(), value);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fitting = choices
            .iter()
            .filter(|choice| has_shape(choice, value).is_ok())
            .count();
        return if fitting == 1 {
            Ok(())
        } else {
            Err(format!("{fitting} of the choices fit {value}"))
        };
    }
    if !is_of_type(&schema["type"], value) {
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
            .map_or(Ok(()), |field| fits(property, field))?;
    }
    value
        .as_array()
        .into_iter()
        .flatten()
        .try_for_each(|item| fits(&schema["items"], item))
}

fn is_of_type(described: &Value, value: &Value) -> bool {
    match described {
        Value::Array(types) => types.iter().any(|one| is_of_type(one, value)),
        Value::String(name) => match name.as_str() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            other => panic!("the document uses the type {other}, which this test does not know"),
        },
        _ => true,
    }
}

#[test]
fn notices_what_does_not_fit() {
    let problem = &DOCUMENT["components"]["schemas"]["Problem"];
    let good = serde_json::json!({"type": "t", "title": "t", "status": 400, "code": "c", "retryable": true, "correlationId": "i"});
    assert_eq!(fits(problem, &good), Ok(()));
    for (name, value) in [
        ("status", "400".into()),
        ("fields", serde_json::json!([{}])),
        ("stranger", Value::Null),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        assert!(fits(problem, &bad).is_err(), "{name}");
    }
    let mut bad = good.clone();
    bad.as_object_mut().unwrap().remove("code");
    assert!(fits(problem, &bad).is_err());
}
