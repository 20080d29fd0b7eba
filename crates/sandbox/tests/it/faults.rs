//! Faults that replace, delay or truncate responses.

use axum::http::StatusCode;
use evergrant_sandbox::{Fault, FaultKind, RefreshMode, SandboxError, Switch};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{BASIC, Harness, ME, TOKEN, USER_AGENT};

const REFRESH: &str = "token.refresh_token";

#[tokio::test]
async fn fault_replaces_the_next_n_responses() {
    let harness = Harness::new();
    let (_, refresh) = harness.connect("juniper").await;
    let fault = Fault::new("reddit", REFRESH, FaultKind::Respond)
        .times(2)
        .status(503)
        .header("retry-after", "7");
    harness.inject_fault(fault.body(json!({ "message": "later" })));
    for _ in 0..2 {
        let response = harness.refresh(&refresh).await;
        assert_eq!(
            (response.status, response.header("retry-after")),
            (StatusCode::SERVICE_UNAVAILABLE, Some("7"))
        );
        assert_eq!(response.json(), json!({ "message": "later" }));
    }
    assert_eq!(harness.refresh(&refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn fault_applies_to_one_endpoint_or_with_wildcard_to_all() {
    let harness = Harness::new();
    let (access, refresh) = harness.connect("juniper").await;
    harness.inject_fault(Fault::new("reddit", REFRESH, FaultKind::Empty).status(520));
    assert_eq!(harness.api_get(ME, &access).await.status, StatusCode::OK);
    let empty = harness.refresh(&refresh).await;
    assert_eq!((empty.status.as_u16(), empty.body.as_str()), (520, ""));
    harness.inject_fault(Fault::new("reddit", "*", FaultKind::Html).status(429));
    let html = harness.api_get(ME, &access).await;
    assert!(html.status == StatusCode::TOO_MANY_REQUESTS && html.is_html());
}

#[tokio::test]
async fn forced_response_skips_the_work_of_the_endpoint() {
    let harness = Harness::new();
    harness.set_switch("reddit", Switch::RefreshToken(RefreshMode::RotateStrict));
    let (_, refresh) = harness.connect("juniper").await;
    harness.inject_fault(Fault::new("reddit", REFRESH, FaultKind::Respond));
    assert_eq!(
        harness.refresh(&refresh).await.status,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert_eq!(harness.refresh(&refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn string_body_is_sent_verbatim() {
    let harness = Harness::new();
    let truncated = Fault::new("reddit", REFRESH, FaultKind::Respond)
        .status(200)
        .header("content-type", "application/json");
    harness.inject_fault(truncated.body(json!("{\"access_token\":")));
    assert_eq!(harness.refresh("any").await.body, "{\"access_token\":");
}

/// Sends a refresh request over TCP and returns what arrives before the connection closes.
async fn refresh_over_tcp(harness: &Harness, refresh: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let sandbox = harness.sandbox.clone();
    let server =
        tokio::spawn(async move { sandbox.serve(listener, async { drop(stopped.await) }).await });
    let body = format!("grant_type=refresh_token&refresh_token={refresh}");
    let request = format!(
        "POST {TOKEN} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: {USER_AGENT}\r\nAuthorization: {BASIC}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    // The sandbox closes the connection, possibly with a reset, which is not a failure here.
    let _ = stream.read_to_end(&mut response).await;
    drop(stop);
    server.await.unwrap().unwrap();
    String::from_utf8(response).unwrap()
}

#[tokio::test]
async fn cut_fault_rotates_the_token_and_truncates_the_response() {
    let harness = Harness::new();
    harness.set_switch("reddit", Switch::RefreshToken(RefreshMode::RotateStrict));
    let (_, refresh) = harness.connect("juniper").await;
    harness.inject_fault(Fault::new("reddit", REFRESH, FaultKind::Cut));
    let response = refresh_over_tcp(&harness, &refresh).await;
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let content_length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    assert_eq!(content_length.parse::<usize>().unwrap() / 2, body.len());
    assert_eq!(
        harness.refresh(&refresh).await.status,
        StatusCode::BAD_REQUEST,
        "the old token was rotated, and the new one is lost"
    );
}

#[tokio::test]
async fn unfinished_fault_sends_everything_but_the_last_chunk() {
    let harness = Harness::new();
    let (_, refresh) = harness.connect("juniper").await;
    harness.inject_fault(Fault::new("reddit", REFRESH, FaultKind::Unfinished));
    let response = refresh_over_tcp(&harness, &refresh).await;
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    assert!(body.trim_end().ends_with('}'), "{body}");
    assert!(!body.contains("\r\n0\r\n"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn latency_fault_delays_a_normal_response() {
    let harness = Harness::new();
    let (access, _) = harness.connect("juniper").await;
    harness.inject_fault(Fault::new("reddit", "me", FaultKind::Latency).latency_ms(1500));
    let before = tokio::time::Instant::now();
    assert_eq!(harness.api_get(ME, &access).await.status, StatusCode::OK);
    assert_eq!(before.elapsed().as_millis(), 1500);
}

#[tokio::test]
async fn invalid_fault_is_rejected() {
    let sandbox = Harness::new().sandbox;
    let valid = || Fault::new("reddit", "me", FaultKind::Respond);
    for invalid in [
        valid().times(0),
        valid().status(99),
        valid().header("bad name", "v"),
        valid().header("x", "a\r\nb"),
        Fault::new("reddit", "me", FaultKind::Latency),
        Fault::new("reddit", "me", FaultKind::Cut).status(500),
        Fault::new("reddit", "me", FaultKind::Empty).body(json!(1)),
        valid().latency_ms(600_001),
    ] {
        assert!(matches!(
            sandbox.inject_fault(invalid),
            Err(SandboxError::BadFault(_))
        ));
    }
    let unknown = sandbox
        .inject_fault(Fault::new("reddit", "token", FaultKind::Cut))
        .unwrap_err();
    assert!(
        unknown.to_string().contains("token.refresh_token"),
        "{unknown}"
    );
    assert!(matches!(
        sandbox.inject_fault(Fault::new("orkut", "me", FaultKind::Cut)),
        Err(SandboxError::UnknownPlatform(..))
    ));
}

#[tokio::test]
async fn held_request_completes_after_release() {
    let harness = Harness::new();
    let (access, _) = harness.connect("juniper").await;
    harness.inject_fault(Fault::new("reddit", "me", FaultKind::Hold));
    let held = async { harness.api_get(ME, &access).await.status };
    let release = async {
        while harness.sandbox.calls().get("reddit", "me") < 1 {
            tokio::task::yield_now().await;
        }
        harness.sandbox.release();
    };
    assert_eq!(tokio::join!(held, release).0, StatusCode::OK);
}
