use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, StatusCode};

use crate::harness::Harness;

/// Returns a reset request from the address `peer`, with the headers `Host` and `Origin`.
fn reset_request(peer: &str, host: &str, origin: Option<&str>) -> Request<Body> {
    let mut request = Request::post("/control/reset").header("host", host);
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    let peer: SocketAddr = peer.parse().unwrap();
    request
        .extension(ConnectInfo(peer))
        .body(Body::empty())
        .unwrap()
}

#[tokio::test]
async fn controls_accept_only_local_peers_hosts_and_origins() {
    let harness = Harness::new();
    let (local, host) = ("127.0.0.1:5", "127.0.0.1:8081");
    for (peer, host, origin, status) in [
        (local, host, None, StatusCode::OK),
        ("[::1]:5", "localhost:8081", None, StatusCode::OK),
        (local, host, Some("http://127.0.0.1:8081"), StatusCode::OK),
        ("192.168.0.9:5", host, None, StatusCode::FORBIDDEN),
        (local, "rebound.example:8081", None, StatusCode::FORBIDDEN),
        (
            local,
            host,
            Some("https://evil.example"),
            StatusCode::FORBIDDEN,
        ),
        (local, host, Some("null"), StatusCode::FORBIDDEN),
    ] {
        let request = reset_request(peer, host, origin);
        assert_eq!(
            harness.send(request).await.status,
            status,
            "{peer} {host} {origin:?}"
        );
    }
}

#[tokio::test]
async fn unknown_controls_and_methods_get_json_errors() {
    let harness = Harness::new();
    let unknown = harness.get("/control/nothing", &[]).await;
    assert!(unknown.text("error").contains("GET /"));
    let response = harness.get("/control/reset", &[]).await;
    assert_eq!(response.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(response.text("error").contains("another method"));
}
