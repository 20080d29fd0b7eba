//! Captures log lines of every level from all threads, including those of other tests.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once};

use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

static IS_CAPTURING: AtomicBool = AtomicBool::new(false);
static CAPTURED: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Starts capturing. The first call installs the global subscriber.
pub(super) fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let lines = fmt::layer().with_ansi(false).with_writer(|| CaptureWriter);
        let filter = dynamic_filter_fn(|_, _| IS_CAPTURING.load(Ordering::SeqCst));
        registry().with(lines.with_filter(filter)).init();
    });
    IS_CAPTURING.store(true, Ordering::SeqCst);
}

/// Stops capturing and returns the captured lines.
pub(super) fn stop() -> String {
    IS_CAPTURING.store(false, Ordering::SeqCst);
    String::from_utf8_lossy(&std::mem::take(&mut *CAPTURED.lock().unwrap())).into_owned()
}

struct CaptureWriter;

impl io::Write for CaptureWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        CAPTURED.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
