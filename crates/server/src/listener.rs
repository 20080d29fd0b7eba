//! The accept loop, with limits that keep slow, idle or numerous connections from blocking others.
//!
//! `axum::serve` sets no timeout on a request's header. hyper has such a timeout, but it starts
//! only after the bytes that distinguish HTTP/1 from HTTP/2, for which hyper waits without limit.
//! Therefore [`serve`] itself closes a connection that has not sent a complete request header
//! within [`HEADER_TIMEOUT`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use rustix::process::{Resource, getrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::failure::Failure;
use crate::settings::Listen;

/// Maximum time for a request's header, and maximum time that a connection may be idle between two
/// requests.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum time for requests in progress to complete during shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(15);
/// Pause after a failed accept. The usual cause is that no file descriptor is free.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);
/// Maximum number of open connections, if the limit on open files permits it.
const MAX_CONNECTIONS: u64 = 8192;
/// The first bytes of an HTTP/2 connection (RFC 9113, section 3.4), and of no HTTP/1 request.
const HTTP2_PREFACE: &[u8] = b"PRI";
/// Maximum size of a request's first line and header, in bytes.
const MAX_HEADER_BYTES: u32 = 16 * 1024;
/// Maximum number of concurrent requests on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// Number of ports that [`bind_or_next_port`] tries, the default port included.
const PORT_ATTEMPTS: u16 = 100;

/// Listens on the address of `setting`.
///
/// # Errors
///
/// A failure that names the setting if the address is in use, does not belong to this machine, or
/// needs more privileges.
pub(crate) async fn bind(listen: &Listen, setting: &str) -> Result<TcpListener, Failure> {
    let name = listen.set_by.as_deref().unwrap_or(setting);
    TcpListener::bind(listen.address)
        .await
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => Failure::new(
                format!("{name}: {} is in use by another program", listen.address),
                format!("stop that program, or set {setting} to a free address"),
            ),
            _ => Failure::new(
                format!("{name}: cannot listen on {}: {error}", listen.address),
                format!(
                    "set {setting} to an address of this machine and a port that this user may use"
                ),
            ),
        })
}

/// Listens on the address of `setting`. If that is the default and its port is in use, the next
/// free port is used instead.
///
/// # Errors
///
/// The failures of [`bind`].
pub(crate) async fn bind_or_next_port(
    listen: &Listen,
    setting: &str,
) -> Result<TcpListener, Failure> {
    let default_port = listen.address.port();
    if listen.set_by.is_none() {
        for port in default_port..default_port.saturating_add(PORT_ATTEMPTS) {
            if let Ok(listener) = TcpListener::bind((listen.address.ip(), port)).await {
                return Ok(listener);
            }
        }
    }
    bind(listen, setting).await
}

/// Returns the address that a listener is bound to.
///
/// # Errors
///
/// A failure if the operating system does not report it.
pub(crate) fn local_address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener.local_addr().map_err(|error| {
        Failure::new(
            format!("cannot read the address of a listener: {error}"),
            "",
        )
    })
}

/// Returns the maximum number of open connections. Further connections wait in the operating
/// system's queue. Half of the files that this process may open are reserved for the database, the
/// platforms and the logs.
pub(crate) fn max_connections() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(MAX_CONNECTIONS.min(files / 2)).unwrap_or(1)
}

/// Serves `router` on at most `max_connections` connections until `stop` is cancelled. Then accepts
/// no more connections and waits up to [`SHUTDOWN_TIMEOUT`] for requests in progress.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    max_connections: usize,
    stop: CancellationToken,
) {
    let graceful = GracefulShutdown::new();
    let permits = Arc::new(Semaphore::new(max_connections));
    while let Some((stream, peer, permit)) = accept(&listener, &permits, &stop).await {
        let has_request = Arc::new(AtomicBool::new(false));
        let service = service_fn(handler(router.clone(), peer, Arc::clone(&has_request)));
        let (watcher, stop) = (graceful.watcher(), stop.clone());
        let connection = async move {
            let Some(builder) = stop.run_until_cancelled(builder_for(&stream)).await else {
                return Ok(());
            };
            let connection = builder.serve_connection(TokioIo::new(stream), service);
            watcher.watch(connection.into_owned()).await
        };
        tokio::spawn(async move {
            tokio::select! {
                result = connection => if let Err(error) = result {
                    tracing::debug!(error, "connection failed");
                },
                () = first_request_timeout(&has_request) => {
                    tracing::debug!("connection closed: no complete request header in time");
                }
            }
            drop(permit);
        });
    }
    drop(listener);
    finish(graceful).await;
}

/// Waits for requests in progress, up to [`SHUTDOWN_TIMEOUT`].
async fn finish(graceful: GracefulShutdown) {
    if tokio::time::timeout(SHUTDOWN_TIMEOUT, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            after_s = SHUTDOWN_TIMEOUT.as_secs(),
            "aborted requests in progress at shutdown"
        );
    }
}

/// Waits for the first bytes of a connection and returns a builder for it. A builder that detects
/// the version of HTTP reads the first bytes separately, so that hyper allocates a second read
/// buffer of 8 KiB for as long as the connection lasts. Thus it is used only for HTTP/2.
async fn builder_for(stream: &TcpStream) -> auto::Builder<TokioExecutor> {
    let mut first = [0; HTTP2_PREFACE.len()];
    let read = stream.peek(&mut first).await.unwrap_or(0);
    if HTTP2_PREFACE.starts_with(first.get(..read).unwrap_or_default()) {
        builder()
    } else {
        builder().http1_only()
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADER_BYTES as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEADER_TIMEOUT)
        .keep_alive_timeout(HEADER_TIMEOUT)
        .max_header_list_size(MAX_HEADER_BYTES)
        .max_concurrent_streams(MAX_STREAMS);
    builder
}

/// Accepts the next connection once a permit is free. Returns `None` once `stop` is cancelled.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let next = async {
        let permit = Arc::clone(permits).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    // Responses are short: Nagle's algorithm would only delay them.
                    let _ = stream.set_nodelay(true);
                    return Some((stream, peer, permit));
                }
                Err(error) => {
                    tracing::warn!(%error, "failed to accept a connection");
                    tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                }
            }
        }
    };
    stop.run_until_cancelled(next).await.flatten()
}

type ResponseFuture = <Router as Service<axum::extract::Request<Incoming>>>::Future;

/// Returns a function that passes each request to the router together with the client's address,
/// and sets `has_request`.
fn handler(
    router: Router,
    peer: SocketAddr,
    has_request: Arc<AtomicBool>,
) -> impl Fn(axum::extract::Request<Incoming>) -> ResponseFuture {
    move |mut request| {
        has_request.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().call(request)
    }
}

/// Completes if a connection has no complete request header within [`HEADER_TIMEOUT`], and never
/// otherwise: later requests have hyper's own timeouts.
async fn first_request_timeout(has_request: &AtomicBool) {
    tokio::time::sleep(HEADER_TIMEOUT).await;
    if has_request.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn start_server() -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let router = Router::new().route(
            "/",
            get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }),
        );
        (
            address,
            stop.clone(),
            tokio::spawn(serve(listener, router, 100, stop)),
        )
    }

    async fn send(address: SocketAddr, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut response = Vec::new();
        // A connection that is closed without a response may also be reset.
        let _ = stream.read_to_end(&mut response).await;
        String::from_utf8_lossy(&response).into_owned()
    }

    #[tokio::test]
    async fn router_receives_the_address_of_the_client() {
        let (address, ..) = start_server().await;
        let response = send(
            address,
            b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        )
        .await;
        assert!(
            response.starts_with("HTTP/1.1 200 OK") && response.ends_with("127.0.0.1"),
            "{response}"
        );
    }

    /// hyper alone would wait without limit for the rest of an HTTP/2 preface.
    #[tokio::test(start_paused = true)]
    async fn item_49_connection_without_complete_request_header_is_closed() {
        let (address, ..) = start_server().await;
        for bytes in [
            &b""[..],
            b"P",
            b"PRI * HTTP/2.0\r\n",
            b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: ",
        ] {
            let response = send(address, bytes).await;
            assert!(!response.contains("200 OK"), "{response}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn connection_that_is_idle_after_a_request_is_closed() {
        let (address, ..) = start_server().await;
        let response = send(address, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
    }

    #[tokio::test]
    async fn item_50_oversized_header_is_rejected() {
        let (address, ..) = start_server().await;
        let request = format!(
            "GET / HTTP/1.1\r\nhost: a\r\nx-long: {}\r\n\r\n",
            "a".repeat(MAX_HEADER_BYTES as usize)
        );
        assert!(
            send(address, request.as_bytes())
                .await
                .starts_with("HTTP/1.1 431")
        );
    }

    #[tokio::test]
    async fn idle_connections_do_not_delay_shutdown() {
        let (address, stop, server) = start_server().await;
        let idle = TcpStream::connect(address).await.unwrap();
        stop.cancel();
        server.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
        drop(idle);
    }

    #[tokio::test]
    async fn next_port_is_used_only_for_a_default_address() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut listen = Listen {
            address: taken.local_addr().unwrap(),
            set_by: Some("EVERGRANT_LISTEN".into()),
        };
        let failure = bind_or_next_port(&listen, "EVERGRANT_LISTEN")
            .await
            .unwrap_err();
        assert!(
            failure.problems()[0]
                .message
                .ends_with("is in use by another program"),
            "{failure:?}"
        );
        listen.set_by = None;
        let bound = bind_or_next_port(&listen, "EVERGRANT_LISTEN")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        assert!(bound.port() > listen.address.port());
    }
}
