//! The shutdown signals: the first starts a graceful shutdown, the second forces the exit. Also the
//! signal of a file that exceeds its limit, which would end the process.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// Receives SIGTERM, which service managers send, and SIGINT, which Ctrl-C sends.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// Sent by a write beyond the limit on the size of files. With a handler, the write fails with
    /// an error instead, as on a full disk.
    _file_size: Signal,
}

impl Signals {
    /// Registers the handlers. From then on none of the signals kills the process.
    ///
    /// # Errors
    ///
    /// A failure if the operating system rejects a handler.
    pub(crate) fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind)
                .map_err(|error| Failure::new(format!("cannot handle signals: {error}"), ""))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            _file_size: listen(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?,
        })
    }

    /// Waits for the next signal of either kind.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
