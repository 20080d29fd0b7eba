//! A wire between a program and a server, which a test can cut or hold.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the wire does to what comes along it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Everything passes.
    Open,
    /// Nothing passes, and nobody is told.
    Held,
    /// Every connection breaks, and no new one is made.
    Cut,
}

/// A listener on this machine that passes everything on to a server.
pub struct Wire {
    /// Where to connect to.
    pub address: SocketAddr,
    state: watch::Sender<State>,
    connections: Arc<AtomicU64>,
}

impl Wire {
    /// A wire to the server at `target`, such as `127.0.0.1:5432`, open.
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

    /// Puts the wire in this state, for every connection that there is and that comes.
    pub fn set(&self, state: State) {
        self.state.send_replace(state);
    }

    /// How many connections were made.
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

/// Copies until one side has ended, waiting while the wire is held.
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
