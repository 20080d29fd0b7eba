//! COMMIT, and whether its result is durable.
//!
//! If a COMMIT that waits for a synchronous standby is cancelled, PostgreSQL reports success with a
//! warning: the transaction is committed on the primary, and lost if a standby takes over. sqlx
//! passes warnings only to `tracing`, so they are collected there.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::LazyLock;

use sqlx::{Executor, PgConnection};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

/// The target of the events that sqlx emits for warnings of the server.
const NOTICE: &str = "sqlx::postgres::notice";

/// What the server said about a COMMIT that it did not reject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Committed {
    /// The transaction is durable.
    Durably,
    /// The server warned: the transaction is not replicated, or was not open.
    WithWarning,
}

/// Commits the open transaction.
pub(super) async fn commit(connection: &mut PgConnection) -> Result<Committed, sqlx::Error> {
    let (result, warned) = watch(connection.execute("COMMIT")).await;
    result.map(|_| {
        if warned {
            Committed::WithWarning
        } else {
            Committed::Durably
        }
    })
}

/// Two, of which one is used: while `tracing` knows a single subscriber, it asks only the current
/// one whether an event is of interest, and remembers the answer. A warning that arrives elsewhere
/// would then disable the event for good.
static WATCHERS: LazyLock<[Dispatch; 2]> =
    LazyLock::new(|| [Dispatch::new(Watcher), Dispatch::new(Watcher)]);

thread_local! {
    /// Whether a warning arrived during the current poll.
    static WARNED: Cell<bool> = const { Cell::new(false) };
}

/// Returns the output of `future`, and whether the server sent a warning meanwhile.
async fn watch<T>(future: impl Future<Output = T>) -> (T, bool) {
    let (mut future, mut warned) = (pin!(future), false);
    poll_fn(move |context| {
        let [watcher, _] = &*WATCHERS;
        let polled = tracing::dispatcher::with_default(watcher, || future.as_mut().poll(context));
        warned |= WARNED.take();
        polled.map(|output| (output, warned))
    })
    .await
}

/// Receives the warnings of the server, and nothing else.
struct Watcher;

impl Watcher {
    /// sqlx asks whether the event is enabled before it emits it, so this is not only about events.
    fn is_warning(metadata: &Metadata<'_>) -> bool {
        !metadata.is_span() && metadata.target() == NOTICE && *metadata.level() <= Level::WARN
    }
}

impl Subscriber for Watcher {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if Self::is_warning(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        Self::is_warning(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::WARN)
    }

    fn event(&self, _event: &Event<'_>) {
        WARNED.set(true);
    }

    // No span is enabled.
    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}
