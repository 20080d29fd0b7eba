//! A TCP proxy between a program and a server that a test can pause or cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the proxy does with data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Data is forwarded.
    Open,
    /// Data is held back; connections stay open.
    Held,
    /// Connections are closed and new ones are refused.
    Cut,
}

/// A local listener that forwards connections to a server.
pub struct Wire {
    /// The address to connect to.
    pub address: SocketAddr,
    state: watch::Sender<State>,
    connections: Arc<AtomicU64>,
}

impl Wire {
    /// Creates an open proxy to the server at `target`, for example `127.0.0.1:5432`.
    pub async fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, state) = watch::channel(State::Open);
        let connections = Arc::new(AtomicU64::new(0));
        let (target, counter) = (target.to_owned(), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(pass(near, target.clone(), state.clone()));
            }
        });
        Self {
            address,
            state: sender,
            connections,
        }
    }

    /// Sets the state for existing and new connections.
    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }

    /// Returns the number of connections accepted so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn pass(near: TcpStream, target: String, state: watch::Receiver<State>) {
    if *state.borrow() == State::Cut {
        return;
    }
    let Ok(far) = TcpStream::connect(target).await else {
        return;
    };
    let ((near_reader, near_writer), (far_reader, far_writer)) =
        (near.into_split(), far.into_split());
    let mut cut = state.clone();
    tokio::select! {
        () = copy(near_reader, far_writer, state.clone()) => {}
        () = copy(far_reader, near_writer, state) => {}
        _ = cut.wait_for(|state| *state == State::Cut) => {}
    }
}

/// Copies until one side closes, and waits while the proxy is held.
async fn copy(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<State>) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let passes = state.wait_for(|state| *state != State::Held).await.is_ok();
        if !passes
            || to
                .write_all(buffer.get(..length).unwrap_or_default())
                .await
                .is_err()
        {
            return;
        }
    }
}
