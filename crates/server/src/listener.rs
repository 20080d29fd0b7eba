//! The accept loop: slow, silent and countless connections must not take the service away from the
//! others.
//!
//! `axum::serve` sets no time-out on a request's header. hyper does when asked, but tells HTTP/1
//! from HTTP/2 by the first bytes, and waits for those as long as it takes; so a connection that
//! has not brought a whole request within ten seconds is closed from outside.

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

/// How long a request's header may take, and how long a connection may lie idle between two
/// requests.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// How long requests that run at the end may go on.
const GRACE: Duration = Duration::from_secs(20);
/// The pause after a failed accept: most often there is no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How many connections may be open at once, where the system allows so many files.
const MOST_CONNECTIONS: u64 = 8192;
/// The most that a request's line and header may take.
const HEADER_BYTES: u32 = 16 * 1024;
/// How many requests one HTTP/2 connection may have under way.
const MOST_STREAMS: u32 = 128;
/// How many ports above the usual one are tried.
const PORTS_TRIED: u16 = 100;

/// Begins to listen at the address that `setting` is about.
///
/// # Errors
///
/// Where the address is in use or not ours to use.
pub(crate) async fn bind(listen: &Listen, setting: &str) -> Result<TcpListener, Failure> {
    let name = listen.chosen_by.as_deref().unwrap_or(setting);
    TcpListener::bind(listen.address)
        .await
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => Failure::new(
                format!("{name}: {} is in use by another program", listen.address),
                format!("end that program, or set {setting} to a free address"),
            ),
            _ => Failure::new(
                format!("{name}: cannot listen on {}: {error}", listen.address),
                format!(
                    "set {setting} to an address of this machine and a port that this user may open"
                ),
            ),
        })
}

/// The same, but an address that nobody chose gives way to the next free port.
///
/// # Errors
///
/// As [`bind`].
pub(crate) async fn bind_near(listen: &Listen, setting: &str) -> Result<TcpListener, Failure> {
    let usual = listen.address.port();
    if listen.chosen_by.is_none() {
        for port in usual..usual.saturating_add(PORTS_TRIED) {
            if let Ok(listener) = TcpListener::bind((listen.address.ip(), port)).await {
                return Ok(listener);
            }
        }
    }
    bind(listen, setting).await
}

/// The address that a listener has got.
///
/// # Errors
///
/// Where the system does not know it.
pub(crate) fn local_address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    listener
        .local_addr()
        .map_err(|error| Failure::new(format!("a listener has no address: {error}"), ""))
}

/// How many connections may be open at once; the next one waits in the system's queue. Half of the
/// files that this process may open are for the database, the platforms and the logs.
pub(crate) fn most_connections() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(MOST_CONNECTIONS.min(files / 2)).unwrap_or(1)
}

/// Serves `router` on so many `seats` until `stop`; then accepts nothing more and gives running
/// requests time to end.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    seats: usize,
    stop: CancellationToken,
) {
    let (graceful, seats) = (GracefulShutdown::new(), Arc::new(Semaphore::new(seats)));
    let builder = builder();
    while let Some((stream, peer, seat)) = next(&listener, &seats, &stop).await {
        let seen = Arc::new(AtomicBool::new(false));
        let service = service_fn(answer(router.clone(), peer, Arc::clone(&seen)));
        let connection = builder
            .serve_connection(TokioIo::new(stream), service)
            .into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            tokio::select! {
                served = connection => {
                    if let Err(error) = served {
                        tracing::debug!(error, "a connection ended early");
                    }
                }
                () = silence(&seen) => tracing::debug!("a connection brought no request in time"),
            }
            drop(seat);
        });
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            after_s = GRACE.as_secs(),
            "requests that still ran were cut off"
        );
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEADER_BYTES as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEADER_TIME)
        .keep_alive_timeout(HEADER_TIME)
        .max_header_list_size(HEADER_BYTES)
        .max_concurrent_streams(MOST_STREAMS);
    builder
}

/// The next connection and its seat; `None` once the program ends.
async fn next(
    listener: &TcpListener,
    seats: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let next = async {
        let seat = Arc::clone(seats).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    // Answers are short: waiting to fill a packet would only delay them.
                    let _ = stream.set_nodelay(true);
                    return Some((stream, peer, seat));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    stop.run_until_cancelled(next).await.flatten()
}

type Answer = <Router as Service<axum::extract::Request<Incoming>>>::Future;

/// Hands each request to the router, with the address that it came from.
fn answer(
    router: Router,
    peer: SocketAddr,
    seen: Arc<AtomicBool>,
) -> impl Fn(axum::extract::Request<Incoming>) -> Answer {
    move |mut request| {
        seen.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().call(request)
    }
}

/// Ends when a connection has been silent for too long, and never once it has brought a request.
async fn silence(seen: &AtomicBool) {
    tokio::time::sleep(HEADER_TIME).await;
    if seen.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn started() -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
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

    async fn answer_to(address: SocketAddr, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        // A connection that is closed without an answer may also be reset.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn tells_the_router_who_calls() {
        let (address, ..) = started().await;
        let answer = answer_to(
            address,
            b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
        )
        .await;
        assert!(
            answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("127.0.0.1"),
            "{answer}"
        );
    }

    /// Half a preface of HTTP/2 is what hyper alone would wait for without end.
    #[tokio::test(start_paused = true)]
    async fn item_49_closes_connections_that_bring_no_whole_request() {
        let (address, ..) = started().await;
        for bytes in [
            &b""[..],
            b"P",
            b"PRI * HTTP/2.0\r\n",
            b"GET / HTTP/1.1\r\nhost: a\r\nx-slow: ",
        ] {
            let answer = answer_to(address, bytes).await;
            assert!(!answer.contains("200 OK"), "{answer}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn closes_a_connection_that_lies_idle_after_its_first_request() {
        let (address, ..) = started().await;
        let answer = answer_to(address, b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }

    #[tokio::test]
    async fn item_50_refuses_a_header_without_end() {
        let (address, ..) = started().await;
        let request = format!(
            "GET / HTTP/1.1\r\nhost: a\r\nx-long: {}\r\n\r\n",
            "a".repeat(HEADER_BYTES as usize)
        );
        assert!(
            answer_to(address, request.as_bytes())
                .await
                .starts_with("HTTP/1.1 431")
        );
    }

    #[tokio::test]
    async fn ends_once_it_is_asked_to_and_nothing_runs() {
        let (address, stop, server) = started().await;
        let idle = TcpStream::connect(address).await.unwrap();
        stop.cancel();
        server.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
        drop(idle);
    }

    #[tokio::test]
    async fn an_address_that_somebody_chose_is_not_exchanged_for_another() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut listen = Listen {
            address: taken.local_addr().unwrap(),
            chosen_by: Some("EVERGRANT_LISTEN".into()),
        };
        let failure = bind_near(&listen, "EVERGRANT_LISTEN").await.unwrap_err();
        assert!(
            failure.problems()[0]
                .what
                .ends_with("is in use by another program"),
            "{failure:?}"
        );
        listen.chosen_by = None;
        let near = bind_near(&listen, "EVERGRANT_LISTEN")
            .await
            .unwrap()
            .local_addr()
            .unwrap();
        assert!(near.port() > listen.address.port());
    }
}
