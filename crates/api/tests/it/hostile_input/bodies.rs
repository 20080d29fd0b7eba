//! Request bodies: size, media type, JSON syntax, unknown fields and wrong types.

use axum::body::Body;
use axum::http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::harness::Harness;

const KIB: usize = 1024;

/// Every route with a JSON body.
const WITH_BODIES: [&str; 7] = [
    "/api/integrations/connect/reddit",
    "/api/integrations/callback/reddit",
    "/api/integrations/flows/f00/finish",
    "/api/integrations/flows/f00/credentials",
    "/api/integrations/tokens",
    "/api/users",
    "/api/sessions",
];

#[tokio::test]
async fn item_50_body_over_64_kib_is_413_with_or_without_length() {
    let harness = Harness::new().await;
    let (app, before) = (harness.app_for(1).await, harness.stored().await);
    let too_long = format!("{{}}{}", " ".repeat(64 * KIB - 1));
    for path in WITH_BODIES {
        let with_length = app.request(Method::POST, path).json(&too_long).send().await;
        assert_eq!(with_length.problem(), "413 PAYLOAD_TOO_LARGE", "{path}");
        // A streamed body has no Content-Length.
        let chunks = Body::from_stream(Body::from(too_long.clone()).into_data_stream());
        let without_length = app
            .request(Method::POST, path)
            .body("application/json", chunks)
            .send()
            .await;
        assert_eq!(
            without_length.without_request_id(),
            with_length.without_request_id(),
            "{path}"
        );
    }
    assert_eq!(harness.stored().await, before);
    let callback = harness
        .anonymous()
        .request(Method::POST, WITH_BODIES[1])
        .form(&[("state", &"x".repeat(64 * KIB))]);
    assert_eq!(callback.send().await.problem(), "413 PAYLOAD_TOO_LARGE");
}

#[tokio::test]
async fn body_of_exactly_64_kib_is_accepted() {
    let harness = Harness::new().await;
    let exact = format!("{{}}{}", " ".repeat(64 * KIB - 2));
    let response = harness
        .app_for(1)
        .await
        .request(Method::POST, WITH_BODIES[0])
        .json(&exact)
        .send()
        .await;
    assert_eq!(response.status, 200, "{response}");
}

#[tokio::test]
async fn invalid_json_is_400() {
    let harness = Harness::new().await;
    let (app, before) = (harness.app_for(1).await, harness.stored().await);
    let deep = format!(r#"{{"state":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    for invalid in [
        "{",
        "nonsense",
        "{}{}",
        "{'a':1}",
        r#"{"a":1,}"#,
        "\u{feff}{}",
        "NaN",
        "\0",
        &deep,
    ] {
        for path in WITH_BODIES {
            let response = app.request(Method::POST, path).json(invalid).send().await;
            assert_eq!(
                response.problem(),
                "400 INVALID_REQUEST",
                "{invalid:.20} at {path}"
            );
        }
    }
    let response = app
        .request(Method::POST, WITH_BODIES[0])
        .body("application/json", vec![b'"', 0xff, b'"'])
        .send()
        .await;
    assert_eq!(response.problem(), "400 INVALID_REQUEST");
    assert_eq!(harness.stored().await, before);
}

#[tokio::test]
async fn unsupported_media_type_is_400() {
    let harness = Harness::new().await;
    let (app, before) = (harness.app_for(1).await, harness.stored().await);
    for path in WITH_BODIES.iter().filter(|path| !path.contains("callback")) {
        for media_type in [
            "",
            "text/plain",
            "text/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "application/jsonp",
            "application/json+xml",
        ] {
            let response = app
                .request(Method::POST, path)
                .body(media_type, "{}")
                .send()
                .await;
            assert_eq!(
                response.problem(),
                "400 INVALID_REQUEST",
                "{media_type} at {path}"
            );
        }
    }
    assert_eq!(harness.stored().await, before);
    for media_type in [
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        " application/json ",
    ] {
        let response = app
            .request(Method::POST, "/api/users")
            .body(media_type, "{}")
            .send()
            .await;
        assert_eq!(response.status, 201, "{media_type:?}");
    }
}

#[tokio::test]
async fn json_other_than_an_object_is_422() {
    let harness = Harness::new().await;
    let (app, before) = (harness.app_for(1).await, harness.stored().await);
    for invalid in ["null", "1", "\"text\"", "[]", "true", "[{}]"] {
        for path in WITH_BODIES {
            let response = app.request(Method::POST, path).json(invalid).send().await;
            assert_eq!(
                response.problem(),
                "422 VALIDATION_ERROR",
                "{invalid} at {path}"
            );
        }
    }
    assert_eq!(harness.stored().await, before);
    let array = app
        .request(Method::POST, "/api/integrations/tokens")
        .json("[]");
    assert_snapshot!(array.send().await.problem_summary(), @"
    422 VALIDATION_ERROR
    retryable: false
    detail: Some fields of the request are invalid.
    body: must be a JSON object
    ");
}

#[tokio::test]
async fn item_26_unknown_field_is_named_without_its_value() {
    let harness = Harness::new().await;
    let (app, before) = (harness.app_for(1).await, harness.stored().await);
    for path in WITH_BODIES {
        for field in ["userId2", "metadata", "__proto__", "isAdmin"] {
            let response = app.post(path, json!({field: "hush"})).await;
            assert_eq!(
                response.problem(),
                "422 VALIDATION_ERROR",
                "{field} at {path}"
            );
            assert!(!response.body.contains("hush"), "{response}");
        }
    }
    assert_eq!(harness.stored().await, before);
    assert_snapshot!(app.post(WITH_BODIES[0], json!({"userId": 2})).await.problem_summary(), @"
    422 VALIDATION_ERROR
    retryable: false
    detail: Some fields of the request are invalid.
    userId: unknown field
    ");
}

/// Bodies with one field of the wrong type or missing, and the name of that field.
fn wrongly_typed_bodies() -> [(&'static str, Value, &'static str); 13] {
    let [
        connect,
        callback,
        finish,
        credentials,
        tokens,
        users,
        sessions,
    ] = WITH_BODIES;
    [
        (connect, json!({"redirectUrl": 7}), "redirectUrl"),
        (connect, json!({"scopes": "read"}), "scopes"),
        (connect, json!({"scopes": ["read", 7]}), "scopes[1]"),
        (connect, json!({"accountId": {"$ne": null}}), "accountId"),
        (callback, json!({"state": ["s"]}), "state"),
        (callback, json!({"code": "c"}), "state"),
        (finish, json!({"verifier": 7, "receipt": "r"}), "verifier"),
        (finish, json!({"verifier": "v"}), "receipt"),
        (
            credentials,
            json!({"values": {"cookie": 7}}),
            "values.cookie",
        ),
        (tokens, json!({"accounts": {}}), "accounts"),
        (
            tokens,
            json!({"accounts": [{"provider": "reddit", "accountId": 7}]}),
            "accounts[0].accountId",
        ),
        (users, json!({"email": ["a@b"]}), "email"),
        (
            sessions,
            json!({"userId": 1, "ttlSeconds": "900"}),
            "ttlSeconds",
        ),
    ]
}

#[tokio::test]
async fn field_of_wrong_type_is_named() {
    let harness = Harness::new().await;
    let app = harness.app_for(1).await;
    for (path, body, field) in wrongly_typed_bodies() {
        let response = app.post(path, body.clone()).await;
        assert_eq!(
            response.problem(),
            "422 VALIDATION_ERROR",
            "{body} at {path}"
        );
        assert_eq!(
            response.json()["fields"][0]["field"],
            field,
            "{body} at {path}"
        );
    }
}
