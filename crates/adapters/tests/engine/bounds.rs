//! What happens when a platform sends us elsewhere, sends too much, stops half-way, or is not
//! there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use evergrant_adapters::{AdapterError, Cause, ErrorClass, HttpLimits};
use evergrant_model::ScopeSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Platform, acme, acme_within, held, reddit, told};

const MEBIBYTE: usize = 1024 * 1024;

/// A server that reads the head of a request and then does what `behave` does with the connection.
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

async fn refused(base: &str) -> AdapterError {
    acme(base, "")
        .refresh_access_token(&held("a", "r"))
        .await
        .unwrap_err()
}

#[tokio::test]
async fn item_65_no_redirect_is_followed_so_no_secret_reaches_a_second_host() {
    let second = Platform::telling(told(200, r#"{"access_token":"a"}"#)).await;
    for status in [301, 302, 303, 307, 308] {
        let first = Platform::telling(told(status, "").with("location", &second.base)).await;
        let adapter = acme(&first.base, "");
        let held = held("a", "r");
        let access = held.access.clone().unwrap();
        for error in [
            adapter.refresh_access_token(&held).await.unwrap_err(),
            adapter
                .user_profile(&access, &ScopeSet::default())
                .await
                .unwrap_err(),
            adapter.revoke_access(&held).await.unwrap_err(),
        ] {
            assert_eq!(
                (error.class(), error.http_status()),
                (ErrorClass::Blocked, Some(status))
            );
        }
    }
    assert!(second.seen().is_empty());
}

#[tokio::test]
async fn a18_of_a_64_mb_answer_little_is_read() {
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
    let error = refused(&base).await;
    assert_eq!(
        (error.class(), error.http_status()),
        (ErrorClass::Unknown, Some(200))
    );
    // What the kernel's buffers hold on loopback comes on top of the one that we read.
    assert!(sent.load(Ordering::SeqCst) < 32, "{sent:?} MiB went out");
}

#[tokio::test]
async fn a_body_at_the_limit_is_read_and_one_byte_more_is_not() {
    let token = r#"{"access_token":"a"}"#;
    let platform = Platform::telling(told(200, token)).await;
    let refresh = |body_bytes| {
        let limits = HttpLimits {
            body_bytes,
            ..HttpLimits::default()
        };
        let adapter = acme_within(&platform.base, "", limits);
        async move { adapter.refresh_access_token(&held("a", "r")).await }
    };
    assert!(refresh(token.len()).await.is_ok());
    assert_eq!(
        refresh(token.len() - 1).await.unwrap_err().class(),
        ErrorClass::Unknown
    );
}

#[tokio::test]
async fn an_answer_cut_off_says_nothing() {
    let base = raw(|mut stream| async move {
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"access_token\":\"a\"")
            .await;
    })
    .await;
    let error = refused(&base).await;
    assert_eq!(
        (error.class(), error.cause()),
        (ErrorClass::Unknown, Cause::Network)
    );
    assert_eq!(error.http_status(), Some(200));
    assert!(!error.is_surely_unprocessed());
}

#[tokio::test]
async fn a_connection_closed_without_an_answer_says_nothing_and_is_not_tried_again() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    let base = raw(move |stream| {
        counter.fetch_add(1, Ordering::SeqCst);
        async move { drop(stream) }
    })
    .await;
    let error = refused(&base).await;
    assert_eq!(
        (error.class(), error.cause()),
        (ErrorClass::Unknown, Cause::Network)
    );
    assert!(!error.is_surely_unprocessed());
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_refused_connection_surely_changed_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = refused(&base).await;
    assert_eq!(
        (error.class(), error.cause()),
        (ErrorClass::Transient, Cause::Network)
    );
    assert!(error.is_surely_unprocessed());
    assert_eq!(error.http_status(), None);
}

#[tokio::test]
async fn a_failed_handshake_surely_changed_nothing() {
    let base = raw(|mut stream| async move {
        let _ = stream
            .write_all(b"HTTP/1.1 400 this is not TLS\r\n\r\n")
            .await;
    })
    .await;
    let error = refused(&base.replace("http://", "https://")).await;
    assert_eq!(error.class(), ErrorClass::Transient);
    assert!(error.is_surely_unprocessed());
}

#[tokio::test]
async fn a_platform_that_never_answers_is_left_after_the_total_time() {
    let base = raw(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let limits = HttpLimits {
        total_seconds: 1,
        ..HttpLimits::default()
    };
    let error = acme_within(&base, "", limits)
        .refresh_access_token(&held("a", "r"))
        .await
        .unwrap_err();
    assert_eq!(
        (error.class(), error.cause()),
        (ErrorClass::Unknown, Cause::Timeout)
    );
    assert!(!error.is_surely_unprocessed());
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_not_sent() {
    let platform = Platform::telling(told(200, "{}")).await;
    let token = evergrant_model::AccessToken::new("a\r\nHost: elsewhere.example");
    let error = reddit(&platform.base)
        .user_profile(&token, &ScopeSet::default())
        .await
        .unwrap_err();
    assert_eq!(error.class(), ErrorClass::BadRequest);
    assert!(platform.seen().is_empty());
}
