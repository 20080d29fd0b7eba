//! Control of tokio's clock, by which timeouts run.

use tokio::task::JoinHandle;

/// While it exists, tokio's time stands still, apart from `tokio::time::advance`. Needs the
/// runtime with one thread.
pub(crate) struct FrozenTime {
    /// A task that always runs: tokio advances a paused clock by itself once all tasks wait, even
    /// if they wait for a socket.
    busy: JoinHandle<()>,
}

impl FrozenTime {
    pub(crate) fn start() -> Self {
        tokio::time::pause();
        let busy = tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        Self { busy }
    }
}

impl Drop for FrozenTime {
    fn drop(&mut self) {
        self.busy.abort();
        tokio::time::resume();
    }
}
