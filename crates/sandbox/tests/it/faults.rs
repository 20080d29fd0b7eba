use axum::http::StatusCode;
use evergrant_sandbox::{Fault, FaultKind, RefreshMode, SandboxError, Switch};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{AGENT, BASIC, ME, Stand, TOKEN};

const REFRESH: &str = "token.refresh_token";

#[tokio::test]
async fn a_fault_takes_the_place_of_the_next_answers_and_then_is_gone() {
    let stand = Stand::new();
    let (_, refresh) = stand.connect("juniper").await;
    let fault = Fault::new("reddit", REFRESH, FaultKind::Respond)
        .times(2)
        .status(503)
        .header("retry-after", "7");
    stand
        .sandbox
        .force_next(fault.body(json!({ "message": "later" })))
        .unwrap();
    for _ in 0..2 {
        let answer = stand.refresh(&refresh).await;
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (StatusCode::SERVICE_UNAVAILABLE, Some("7"))
        );
        assert_eq!(answer.json(), json!({ "message": "later" }));
    }
    assert_eq!(stand.refresh(&refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_fault_hits_its_own_endpoint_alone_unless_it_is_for_all() {
    let stand = Stand::new();
    let (access, refresh) = stand.connect("juniper").await;
    stand
        .sandbox
        .force_next(Fault::new("reddit", REFRESH, FaultKind::Empty).status(520))
        .unwrap();
    assert_eq!(stand.data(ME, &access).await.status, StatusCode::OK);
    let empty = stand.refresh(&refresh).await;
    assert_eq!((empty.status.as_u16(), empty.body.as_str()), (520, ""));
    stand
        .sandbox
        .force_next(Fault::new("reddit", "*", FaultKind::Html).status(429))
        .unwrap();
    let html = stand.data(ME, &access).await;
    assert!(html.status == StatusCode::TOO_MANY_REQUESTS && html.is_html());
}

#[tokio::test]
async fn a_forced_answer_does_no_work() {
    let stand = Stand::new();
    stand
        .sandbox
        .set("reddit", Switch::RefreshToken(RefreshMode::RotateStrict))
        .unwrap();
    let (_, refresh) = stand.connect("juniper").await;
    stand
        .sandbox
        .force_next(Fault::new("reddit", REFRESH, FaultKind::Respond))
        .unwrap();
    assert_eq!(
        stand.refresh(&refresh).await.status,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert_eq!(stand.refresh(&refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_text_is_sent_as_it_is() {
    let stand = Stand::new();
    let half = Fault::new("reddit", REFRESH, FaultKind::Respond)
        .status(200)
        .header("content-type", "application/json");
    stand
        .sandbox
        .force_next(half.body(json!("{\"access_token\":")))
        .unwrap();
    assert_eq!(stand.refresh("any").await.body, "{\"access_token\":");
}

/// One request over a real connection; what came back before it broke.
async fn over_tcp(stand: &Stand, refresh: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let sandbox = stand.sandbox.clone();
    let server =
        tokio::spawn(async move { sandbox.serve(listener, async { drop(stopped.await) }).await });
    let body = format!("grant_type=refresh_token&refresh_token={refresh}");
    let request = format!(
        "POST {TOKEN} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: {AGENT}\r\nAuthorization: {BASIC}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Ends at once because the sandbox closes the connection; a reset is as good as an end.
    let _ = stream.read_to_end(&mut answer).await;
    drop(stop);
    server.await.unwrap().unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_cut_does_the_work_and_breaks_off_in_the_middle() {
    let stand = Stand::new();
    stand
        .sandbox
        .set("reddit", Switch::RefreshToken(RefreshMode::RotateStrict))
        .unwrap();
    let (_, refresh) = stand.connect("juniper").await;
    stand
        .sandbox
        .force_next(Fault::new("reddit", REFRESH, FaultKind::Cut))
        .unwrap();
    let answer = over_tcp(&stand, &refresh).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let promised = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .unwrap();
    assert_eq!(promised.parse::<usize>().unwrap() / 2, body.len());
    assert_eq!(
        stand.refresh(&refresh).await.status,
        StatusCode::BAD_REQUEST,
        "the token was rotated and is lost"
    );
}

#[tokio::test(start_paused = true)]
async fn latency_delays_a_good_answer() {
    let stand = Stand::new();
    let (access, _) = stand.connect("juniper").await;
    stand
        .sandbox
        .force_next(Fault::new("reddit", "me", FaultKind::Latency).latency_ms(1500))
        .unwrap();
    let before = tokio::time::Instant::now();
    assert_eq!(stand.data(ME, &access).await.status, StatusCode::OK);
    assert_eq!(before.elapsed().as_millis(), 1500);
}

#[tokio::test]
async fn a_fault_that_cannot_be_played_is_refused() {
    let sandbox = Stand::new().sandbox;
    let good = || Fault::new("reddit", "me", FaultKind::Respond);
    for bad in [
        good().times(0),
        good().status(99),
        good().header("bad name", "v"),
        good().header("x", "a\r\nb"),
        Fault::new("reddit", "me", FaultKind::Latency),
        Fault::new("reddit", "me", FaultKind::Cut).status(500),
        Fault::new("reddit", "me", FaultKind::Empty).body(json!(1)),
        good().latency_ms(600_001),
    ] {
        assert!(matches!(
            sandbox.force_next(bad),
            Err(SandboxError::BadFault(_))
        ));
    }
    let no_such = sandbox
        .force_next(Fault::new("reddit", "token", FaultKind::Cut))
        .unwrap_err();
    assert!(
        no_such.to_string().contains("token.refresh_token"),
        "{no_such}"
    );
    assert!(matches!(
        sandbox.force_next(Fault::new("orkut", "me", FaultKind::Cut)),
        Err(SandboxError::UnknownPlatform(..))
    ));
}

#[tokio::test]
async fn what_is_held_is_answered_once_it_is_let_go() {
    let stand = Stand::new();
    let (access, _) = stand.connect("juniper").await;
    stand
        .sandbox
        .force_next(Fault::new("reddit", "me", FaultKind::Hold))
        .unwrap();
    let held = async { stand.data(ME, &access).await.status };
    let let_go = async {
        while stand.sandbox.calls().get("reddit", "me") < 1 {
            tokio::task::yield_now().await;
        }
        stand.sandbox.release();
    };
    assert_eq!(tokio::join!(held, let_go).0, StatusCode::OK);
}
