//! Whatever a caller sends is answered by a problem with a code: never by a 500, never stored,
//! never repeated.

use axum::body::Body;
use axum::http::Method;
use insta::assert_snapshot;
use serde_json::json;

use crate::stand::{JUNIPER, Stand};

const KIB: usize = 1024;

/// Every route that takes JSON.
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
async fn item_50_a_body_of_more_than_64_kib_is_413_however_it_is_sent() {
    let stand = Stand::new().await;
    let (app, before) = (stand.app_for(1).await, stand.stored().await);
    let too_long = format!("{{}}{}", " ".repeat(64 * KIB - 1));
    for path in WITH_BODIES {
        let counted = app.ask(Method::POST, path).json(&too_long).send().await;
        assert_eq!(
            counted.refusal(),
            (413, "PAYLOAD_TOO_LARGE".to_owned()),
            "{path}"
        );
        // A body that was a stream once has no length.
        let chunks = Body::from_stream(Body::from(too_long.clone()).into_data_stream());
        let chunked = app
            .ask(Method::POST, path)
            .body("application/json", chunks)
            .send()
            .await;
        assert_eq!(chunked.anonymous(), counted.anonymous(), "{path}");
    }
    assert_eq!(stand.stored().await, before);
    let callback = stand
        .anonymous()
        .ask(Method::POST, WITH_BODIES[1])
        .form(&[("state", &"x".repeat(64 * KIB))]);
    assert_eq!(
        callback.send().await.refusal(),
        (413, "PAYLOAD_TOO_LARGE".to_owned())
    );
}

#[tokio::test]
async fn a_body_of_exactly_64_kib_is_read() {
    let stand = Stand::new().await;
    let exact = format!("{{}}{}", " ".repeat(64 * KIB - 2));
    let answer = stand
        .app_for(1)
        .await
        .ask(Method::POST, WITH_BODIES[0])
        .json(&exact)
        .send()
        .await;
    assert_eq!(answer.status, 200, "{answer}");
}

#[tokio::test]
async fn what_is_not_json_is_400() {
    let stand = Stand::new().await;
    let (app, before) = (stand.app_for(1).await, stand.stored().await);
    let deep = format!(r#"{{"state":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    for bad in [
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
            let answer = app.ask(Method::POST, path).json(bad).send().await;
            assert_eq!(
                answer.refusal(),
                (400, "INVALID_REQUEST".to_owned()),
                "{bad:.20} at {path}"
            );
        }
    }
    let answer = app
        .ask(Method::POST, WITH_BODIES[0])
        .body("application/json", vec![b'"', 0xff, b'"'])
        .send()
        .await;
    assert_eq!(answer.refusal(), (400, "INVALID_REQUEST".to_owned()));
    assert_eq!(stand.stored().await, before);
}

#[tokio::test]
async fn what_is_not_sent_as_json_is_400() {
    let stand = Stand::new().await;
    let (app, before) = (stand.app_for(1).await, stand.stored().await);
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
            let answer = app
                .ask(Method::POST, path)
                .body(media_type, "{}")
                .send()
                .await;
            assert_eq!(
                answer.refusal(),
                (400, "INVALID_REQUEST".to_owned()),
                "{media_type} at {path}"
            );
        }
    }
    assert_eq!(stand.stored().await, before);
    for media_type in [
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        " application/json ",
    ] {
        let answer = app
            .ask(Method::POST, "/api/users")
            .body(media_type, "{}")
            .send()
            .await;
        assert_eq!(answer.status, 201, "{media_type:?}");
    }
}

#[tokio::test]
async fn what_is_json_of_another_shape_is_422() {
    let stand = Stand::new().await;
    let (app, before) = (stand.app_for(1).await, stand.stored().await);
    for bad in ["null", "1", "\"text\"", "[]", "true", "[{}]"] {
        for path in WITH_BODIES {
            let answer = app.ask(Method::POST, path).json(bad).send().await;
            assert_eq!(
                answer.refusal(),
                (422, "VALIDATION_ERROR".to_owned()),
                "{bad} at {path}"
            );
        }
    }
    assert_eq!(stand.stored().await, before);
    assert_snapshot!(app.ask(Method::POST, "/api/integrations/tokens").json("[]").send().await, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "VALIDATION_ERROR",
      "correlationId": "[correlationId]",
      "detail": "Some fields are not acceptable.",
      "fields": [
        {
          "field": "body",
          "message": "must be a JSON object"
        }
      ],
      "retryable": false,
      "status": 422,
      "title": "Validation error",
      "type": "/errors#VALIDATION_ERROR"
    }
    "#);
}

#[tokio::test]
async fn item_26_a_field_that_is_not_known_is_refused_by_name_and_its_value_not_repeated() {
    let stand = Stand::new().await;
    let (app, before) = (stand.app_for(1).await, stand.stored().await);
    for path in WITH_BODIES {
        for field in ["userId2", "metadata", "__proto__", "isAdmin"] {
            let answer = app.post(path, json!({field: "hush"})).await;
            assert_eq!(
                answer.refusal(),
                (422, "VALIDATION_ERROR".to_owned()),
                "{field} at {path}"
            );
            assert!(!answer.body.contains("hush"), "{answer}");
        }
    }
    assert_eq!(stand.stored().await, before);
    assert_snapshot!(app.post(WITH_BODIES[0], json!({"userId": 2})).await, @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    cache-control: no-store

    {
      "code": "VALIDATION_ERROR",
      "correlationId": "[correlationId]",
      "detail": "Some fields are not acceptable.",
      "fields": [
        {
          "field": "userId",
          "message": "is not known here"
        }
      ],
      "retryable": false,
      "status": 422,
      "title": "Validation error",
      "type": "/errors#VALIDATION_ERROR"
    }
    "#);
}

#[tokio::test]
async fn item_23_a_user_in_the_query_or_the_body_of_a_connect_is_nobody() {
    let stand = Stand::new().await;
    let app = stand.app_for(1).await;
    let path = "/api/integrations/connect/reddit?userId=2&user=2&Evergrant-User=2";
    assert_eq!(app.post(path, json!({})).await.status, 200);
    let owners = stand
        .database
        .texts("SELECT CAST(user_id AS TEXT) FROM evergrant_flows")
        .await;
    assert_eq!(owners, ["1"]);
    for field in ["userId", "user", "id"] {
        assert_eq!(
            app.post("/api/integrations/connect/reddit", json!({field: 2}))
                .await
                .status,
            422,
            "{field}"
        );
    }
}

#[tokio::test]
async fn a_field_of_the_wrong_type_is_named() {
    let stand = Stand::new().await;
    let app = stand.app_for(1).await;
    for (path, body, field) in [
        (WITH_BODIES[0], json!({"redirectUrl": 7}), "redirectUrl"),
        (WITH_BODIES[0], json!({"scopes": "read"}), "scopes"),
        (WITH_BODIES[0], json!({"scopes": ["read", 7]}), "scopes[1]"),
        (
            WITH_BODIES[0],
            json!({"accountId": {"$ne": null}}),
            "accountId",
        ),
        (WITH_BODIES[1], json!({"state": ["s"]}), "state"),
        (WITH_BODIES[1], json!({"code": "c"}), "state"),
        (
            WITH_BODIES[2],
            json!({"verifier": 7, "receipt": "r"}),
            "verifier",
        ),
        (WITH_BODIES[2], json!({"verifier": "v"}), "receipt"),
        (
            WITH_BODIES[3],
            json!({"values": {"cookie": 7}}),
            "values.cookie",
        ),
        (WITH_BODIES[4], json!({"accounts": {}}), "accounts"),
        (
            WITH_BODIES[4],
            json!({"accounts": [{"provider": "reddit", "accountId": 7}]}),
            "accounts[0].accountId",
        ),
        (WITH_BODIES[5], json!({"email": ["a@b"]}), "email"),
        (
            WITH_BODIES[6],
            json!({"userId": 1, "ttlSeconds": "900"}),
            "ttlSeconds",
        ),
    ] {
        let answer = app.post(path, body.clone()).await;
        assert_eq!(
            answer.refusal(),
            (422, "VALIDATION_ERROR".to_owned()),
            "{body} at {path}"
        );
        assert_eq!(
            answer.json()["fields"][0]["field"],
            field,
            "{body} at {path}"
        );
    }
}

const HOSTILE_IDS: [&str; 24] = [
    "'",
    "'%20OR%20'1'='1",
    "%22",
    "%25",
    "%25%25",
    "%27;DROP%20TABLE%20users;--",
    "_",
    "sim9_",
    "sim9%25",
    "%00",
    "sim9z%00",
    "%0d%0aSet-Cookie:x",
    "%2f..%2f..%2fetc%2fpasswd",
    "..",
    "%2e%2e",
    "\\",
    "%E2%80%AE",
    "SIM9Z",
    "%20sim9z",
    "sim9z%20",
    "{{7*7}}",
    "%3Cscript%3E",
    "null",
    "%F0%9F%92%A9",
];

#[tokio::test]
async fn item_53_no_platform_name_or_account_id_does_harm() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let (app, before, calls) = (
        stand.app_for(1).await,
        stand.stored().await,
        stand.platform_calls(),
    );
    let long = "x".repeat(5000);
    for id in HOSTILE_IDS.into_iter().chain([long.as_str()]) {
        for (path, code) in [
            (format!("reddit/{id}"), "ACCOUNT_NOT_FOUND"),
            (format!("{id}/sim9z"), "INVALID_PROVIDER"),
        ] {
            let answers = [
                app.get(&format!("/api/integrations/token/{path}")).await,
                app.post(&format!("/api/integrations/refresh/{path}"), json!({}))
                    .await,
                app.delete(&format!("/api/integrations/disconnect/{path}"))
                    .await,
            ];
            for answer in answers {
                assert_eq!(answer.refusal(), (404, code.to_owned()), "{path:.60}");
            }
        }
    }
    assert_eq!(
        (stand.stored().await, stand.platform_calls()),
        (before, calls)
    );
}

#[tokio::test]
async fn a_path_that_is_no_text_is_400() {
    let stand = Stand::new().await;
    let app = stand.app_for(1).await;
    for path in [
        "/api/integrations/token/reddit/%ff",
        "/api/integrations/flows/%c3%28",
        "/api/users/%ff",
    ] {
        assert_eq!(
            app.get(path).await.refusal(),
            (400, "INVALID_REQUEST".to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_account_id_may_hold_a_slash_and_any_script() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let app = stand.app_for(1).await;
    for (id, encoded) in [
        ("-000/a b%é", "-000%2Fa%20b%25%C3%A9"),
        ("世界?&#", "%E4%B8%96%E7%95%8C%3F%26%23"),
        ("a+b", "a+b"),
    ] {
        stand
            .database
            .execute(&format!(
                "UPDATE oauth_accounts SET provider_account_id = '{id}'"
            ))
            .await;
        let answer = app
            .get(&format!("/api/integrations/token/reddit/{encoded}"))
            .await;
        assert_eq!(answer.status, 200, "{encoded}: {answer}");
    }
}

#[tokio::test]
async fn a_flow_id_of_any_kind_is_not_found() {
    let stand = Stand::new().await;
    let app = stand.app_for(1).await;
    for id in ["x", "'", "%00", "..%2f", &"x".repeat(5000)] {
        let answer = app.get(&format!("/api/integrations/flows/{id}")).await;
        assert_eq!(
            answer.refusal(),
            (404, "FLOW_NOT_FOUND".to_owned()),
            "{id:.20}"
        );
    }
}

#[tokio::test]
async fn scopes_are_words() {
    let stand = Stand::new().await;
    let (app, before) = (stand.app_for(1).await, stand.stored().await);
    let many: Vec<_> = (0..101).map(|number| format!("s{number}")).collect();
    for bad in [
        json!([""]),
        json!(["a b"]),
        json!(["a,b"]),
        json!(["\r\n"]),
        json!(["é"]),
        json!(["x".repeat(256)]),
        json!(many),
    ] {
        let answer = app
            .post("/api/integrations/connect/reddit", json!({"scopes": bad}))
            .await;
        assert_eq!(
            answer.refusal(),
            (422, "VALIDATION_ERROR".to_owned()),
            "{bad}"
        );
        assert_eq!(answer.json()["fields"][0]["field"], "scopes");
    }
    assert_eq!(stand.stored().await, before);
}

#[tokio::test]
async fn an_account_to_reconnect_may_be_named_in_any_way_and_is_not_found() {
    let stand = Stand::new().await;
    stand.connect(1, "juniper").await;
    let app = stand.app_for(1).await;
    for id in [
        "",
        "'",
        "%",
        "\0",
        "a\r\nb",
        &JUNIPER.to_uppercase(),
        &"x".repeat(5000),
    ] {
        let answer = app
            .post("/api/integrations/connect/reddit", json!({"accountId": id}))
            .await;
        assert_eq!(
            answer.refusal(),
            (404, "ACCOUNT_NOT_FOUND".to_owned()),
            "{id:?}"
        );
    }
}
