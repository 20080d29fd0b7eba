//! Serving until a signal requests the shutdown, and the shutdown in bounded time.

use std::time::Duration;

use evergrant_service::IntegrationsService;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::failure::Failure;
use crate::listener;
use crate::signals::Signals;

/// Maximum time for requests, refreshes and writes in progress. Together with
/// [`CLOSE_TIMEOUT`], the process exits within 20 seconds.
const WORK_TIMEOUT: Duration = Duration::from_secs(18);
/// Maximum time to close the database connections.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What the process serves.
pub(crate) struct Listeners {
    /// The public routes.
    pub(crate) public: (TcpListener, axum::Router),
    /// The private routes; `None` if they are switched off.
    pub(crate) admin: Option<TcpListener>,
    /// Time of normal service after the signal, so that load balancers notice that this process is
    /// not ready any more.
    pub(crate) shutdown_delay: Duration,
}

/// Serves on both listeners and runs the background work until a signal requests the shutdown. A
/// second signal forces the exit.
///
/// # Errors
///
/// A failure if refreshed tokens are lost, or if the second signal arrives before the shutdown is
/// complete.
pub(crate) async fn until_signalled(
    service: &IntegrationsService,
    listeners: Listeners,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let delay = listeners.shutdown_delay;
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    start(service, listeners, &stop, &tasks);
    signals.next().await;
    service.process().announce_shutdown();
    tracing::info!("shutting down; send the signal again to force exit");
    tokio::select! {
        result = shut_down(service, delay, &stop, &tasks) => result,
        () = signals.next() => {
            service.process().report_lost_tokens();
            Err(Failure::new("forced exit; work in progress was aborted", ""))
        }
    }
}

/// Starts the listeners and the background work.
fn start(
    service: &IntegrationsService,
    listeners: Listeners,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) {
    let max_connections = listener::max_connections();
    let (public, router) = listeners.public;
    tasks.spawn(listener::serve(
        public,
        router,
        max_connections,
        stop.clone(),
    ));
    if let Some(admin) = listeners.admin {
        let router = evergrant_api::admin_router(service.clone());
        tasks.spawn(listener::serve(
            admin,
            router,
            max_connections / 8 + 1,
            stop.clone(),
        ));
    }
    let (background, stopped) = (service.clone(), stop.clone());
    tasks.spawn(async move { background.process().run(stopped.cancelled()).await });
    tasks.close();
}

/// Serves normally for `delay`, reporting that this process is not ready. Then accepts no more
/// requests, and waits for the work in progress.
async fn shut_down(
    service: &IntegrationsService,
    delay: Duration,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> Result<(), Failure> {
    let process = service.process();
    sleep(delay).await;
    process.begin_shutdown();
    stop.cancel();
    let work = async {
        tasks.wait().await;
        process.drain().await;
    };
    if timeout(WORK_TIMEOUT, work).await.is_err() {
        let after_s = WORK_TIMEOUT.as_secs();
        tracing::warn!(after_s, "aborted work in progress at shutdown");
    }
    let lost = process.report_lost_tokens();
    let _ = timeout(CLOSE_TIMEOUT, process.close()).await;
    if lost == 0 {
        return Ok(());
    }
    Err(Failure::new(
        format!(
            "the refreshed tokens of {lost} connections are lost: the database did not accept \
             them, and no journal contains them; the log names the connections"
        ),
        "set EVERGRANT_DATA_DIR to a folder that outlives the process",
    ))
}
