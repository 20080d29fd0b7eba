//! Redirects, size limits, interrupted responses, timeouts and unreachable platforms.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use evergrant_adapters::{AdapterError, Cause, CodeExchange, ErrorClass, HttpLimits};
use evergrant_model::{AccessToken, PkceVerifier, ScopeSet};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{FakePlatform, acme, acme_with_limits, code, held_tokens, reddit, response};

const MEBIBYTE: usize = 1024 * 1024;

/// Starts a server that reads the head of each request and passes the connection to `behave`.
/// Returns its base URL.
async fn raw<F>(behave: impl Fn(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            tokio::spawn(behave(stream));
        }
    });
    base
}

/// Returns the error of a refresh at `base`.
async fn refresh_error(base: &str) -> AdapterError {
    acme(base, "")
        .refresh_access_token(&held_tokens("a", "r"))
        .await
        .unwrap_err()
}

#[tokio::test]
async fn item_65_redirects_are_not_followed_so_no_secret_leaks() {
    let second = FakePlatform::responding_with(response(200, r#"{"access_token":"a"}"#)).await;
    for status in [301, 302, 303, 307, 308] {
        let first =
            FakePlatform::responding_with(response(status, "").header("location", &second.base))
                .await;
        let adapter = acme(&first.base, "");
        let stored = held_tokens("a", "r");
        let access = stored.access.clone().unwrap();
        for error in [
            adapter.refresh_access_token(&stored).await.unwrap_err(),
            adapter
                .user_profile(&access, &ScopeSet::default())
                .await
                .unwrap_err(),
            adapter.revoke_access(&stored).await.unwrap_err(),
        ] {
            assert_eq!(
                (error.class(), error.http_status()),
                (ErrorClass::Blocked, Some(status))
            );
        }
    }
    assert!(second.requests().is_empty());
}

#[tokio::test]
async fn a18_reading_a_64_mib_response_stops_at_the_limit() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let base = raw(move |mut stream| {
        let sent = Arc::clone(&counter);
        async move {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
                64 * MEBIBYTE
            );
            let _ = stream.write_all(head.as_bytes()).await;
            while sent.load(Ordering::SeqCst) < 64
                && stream.write_all(&vec![b' '; MEBIBYTE]).await.is_ok()
            {
                sent.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let error = refresh_error(&base).await;
    assert_eq!(
        (error.class(), error.http_status()),
        (ErrorClass::Unknown, Some(200))
    );
    // The kernel's loopback buffers take some MiB beyond the 1 MiB that the client reads.
    assert!(sent.load(Ordering::SeqCst) < 32, "{sent:?} MiB were sent");
}

#[tokio::test]
async fn body_at_the_size_limit_is_read_and_one_byte_more_is_rejected() {
    let token = r#"{"access_token":"a"}"#;
    let platform = FakePlatform::responding_with(response(200, token)).await;
    let refresh = |body_bytes| {
        let limits = HttpLimits {
            body_bytes,
            ..HttpLimits::default()
        };
        let adapter = acme_with_limits(&platform.base, "", limits);
        async move { adapter.refresh_access_token(&held_tokens("a", "r")).await }
    };
    assert!(refresh(token.len()).await.is_ok());
    assert_eq!(
        refresh(token.len() - 1).await.unwrap_err().class(),
        ErrorClass::Unknown
    );
}

/// Starts a server that sends `bytes` and closes the connection. Returns its base URL.
async fn sending(bytes: Vec<u8>) -> String {
    raw(move |mut stream| {
        let bytes = bytes.clone();
        async move {
            let _ = stream.write_all(&bytes).await;
        }
    })
    .await
}

/// Returns responses with this body whose end is missing: one whose `Content-Length` is too long,
/// and a chunked one without its last chunk.
fn cut_responses(body: &[u8]) -> [Vec<u8>; 2] {
    let length = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
        body.len() + 9
    );
    let chunked = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n",
        body.len()
    );
    [length, chunked].map(|head| [head.as_bytes(), body, b"\r\n"].concat())
}

#[tokio::test]
async fn pair_is_read_if_only_the_end_of_the_transfer_is_missing() {
    let pair = br#"{"access_token":"new","refresh_token":"next"}"#;
    for sent in cut_responses(pair) {
        let adapter = acme(&sending(sent).await, "");
        let tokens = adapter.refresh_access_token(&held_tokens("a", "r")).await;
        let tokens = tokens.unwrap();
        assert_eq!(tokens.access.expose(), "new");
        assert_eq!(tokens.refresh.unwrap().expose(), "next");
    }
}

#[tokio::test]
async fn error_is_read_if_only_the_end_of_the_transfer_is_missing() {
    for sent in cut_responses(br#"{"error":"invalid_grant"}"#) {
        let error = refresh_error(&sending(sent).await).await;
        assert_eq!(error.class(), ErrorClass::NeedsReauth);
    }
}

#[tokio::test]
async fn truncated_response_is_unknown() {
    for body in [
        r#"{"access_token":"a""#,
        "access_token=a&refresh_token=r",
        "[{\"access_token\":\"a\"}",
    ] {
        for sent in cut_responses(body.as_bytes()) {
            let error = refresh_error(&sending(sent).await).await;
            assert_eq!(
                (error.class(), error.cause()),
                (ErrorClass::Unknown, Cause::Network),
                "{body}"
            );
            assert_eq!(error.http_status(), Some(200), "{body}");
            assert!(!error.is_known_unprocessed(), "{body}");
        }
    }
}

#[tokio::test]
async fn truncated_profile_is_unknown_even_if_its_json_is_complete() {
    for sent in cut_responses(br#"{"sub":"7"}"#) {
        let adapter = acme(&sending(sent).await, "");
        let access = AccessToken::new("a");
        let error = adapter.user_profile(&access, &ScopeSet::default()).await;
        assert_eq!(error.unwrap_err().cause(), Cause::Network);
    }
}

#[tokio::test]
async fn connection_closed_without_response_is_unknown_and_not_retried() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    let base = raw(move |stream| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move { drop(stream) }
    })
    .await;
    let error = refresh_error(&base).await;
    assert_eq!(
        (error.class(), error.cause()),
        (ErrorClass::Unknown, Cause::Network)
    );
    assert!(!error.is_known_unprocessed());
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn refused_connection_is_known_unprocessed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = refresh_error(&base).await;
    assert_eq!(
        (error.class(), error.cause()),
        (ErrorClass::Transient, Cause::Network)
    );
    assert!(error.is_known_unprocessed());
    assert_eq!(error.http_status(), None);
}

#[tokio::test]
async fn failed_tls_handshake_is_known_unprocessed() {
    let base = raw(|mut stream| async move {
        let _ = stream
            .write_all(b"HTTP/1.1 400 this is not TLS\r\n\r\n")
            .await;
    })
    .await;
    let error = refresh_error(&base.replace("http://", "https://")).await;
    assert_eq!(error.class(), ErrorClass::Transient);
    assert!(error.is_known_unprocessed());
}

#[tokio::test]
async fn call_without_response_times_out_after_the_total_time() {
    let base = raw(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let limits = HttpLimits {
        total: Duration::from_secs(1),
        ..HttpLimits::default()
    };
    let error = acme_with_limits(&base, "", limits)
        .user_profile(&AccessToken::new("a"), &ScopeSet::default())
        .await
        .unwrap_err();
    assert_eq!(
        (error.class(), error.cause()),
        (ErrorClass::Unknown, Cause::Timeout)
    );
    assert!(!error.is_known_unprocessed());
}

/// The response contains the only copy of a token.
#[tokio::test]
async fn token_requests_have_a_time_limit_of_their_own() {
    let token = r#"{"access_token":"a"}"#;
    let platform = FakePlatform::responding_with(response(200, token)).await;
    let limits = HttpLimits {
        total: Duration::ZERO,
        ..HttpLimits::default()
    };
    let adapter = acme_with_limits(&platform.base, "", limits);
    let profile = adapter
        .user_profile(&AccessToken::new("a"), &ScopeSet::default())
        .await;
    assert_eq!(profile.unwrap_err().cause(), Cause::Timeout);
    let refreshed = adapter.refresh_access_token(&held_tokens("a", "r")).await;
    assert!(refreshed.is_ok(), "{refreshed:?}");
    let exchange = CodeExchange {
        code: &code(),
        redirect_uri: "https://app.example/cb",
        verifier: Some(&PkceVerifier::new("v".repeat(43))),
    };
    let exchanged = adapter.exchange_code_for_token(&exchange).await;
    assert!(exchanged.is_ok(), "{exchanged:?}");
}

#[tokio::test]
async fn token_with_invalid_header_characters_is_not_sent() {
    let platform = FakePlatform::responding_with(response(200, "{}")).await;
    let token = AccessToken::new("a\r\nHost: elsewhere.example");
    let error = reddit(&platform.base)
        .user_profile(&token, &ScopeSet::default())
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::BadRequest);
    assert!(platform.requests().is_empty());
}
