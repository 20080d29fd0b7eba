//! `evergrant serve`: production, where every doubt about the settings is a reason not to start.

use evergrant_adapters::{NetworkPolicy, Registry};
use evergrant_api::{ApiOptions, Console};
use evergrant_encryption::KeyRing;
use evergrant_service::IntegrationsService;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::failure::{Failure, Problems};
use crate::hardening::harden;
use crate::settings::{Settings, Sources};
use crate::signals::Signals;
use crate::{console, listener, telemetry, wiring};

/// Serves until a signal asks for the end.
///
/// # Errors
///
/// All that keeps the service from starting, each with the setting's name.
pub(crate) async fn run() -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let ready = Ready::read()?;
    harden();
    let store = wiring::open_store(&ready.database_url).await?;
    let cipher = wiring::cipher(ready.ring);
    wiring::prepare(&store, &cipher, &ready.key_name).await?;
    let server = &ready.settings.server;
    let public = listener::bind(&server.listen, "EVERGRANT_LISTEN").await?;
    let bound = listener::local_address(&public)?;
    let admin = match &server.admin_listen {
        Some(listen) => Some(listener::bind(listen, "EVERGRANT_ADMIN_LISTEN").await?),
        None => None,
    };
    let public_url = server
        .public_url_at(bound)
        .ok_or_else(|| Failure::new("EVERGRANT_PUBLIC_URL is not set", ""))?;
    let behaviour = wiring::service_settings(&ready.settings, public_url.clone());
    let service = wiring::service(store, cipher, ready.registry, behaviour);
    wiring::keep_journal(&service, ready.settings.refresh.data_dir.as_deref())?;
    let admin_address = admin.as_ref().map(listener::local_address).transpose()?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        listen = format!("http://{bound}"),
        admin = admin_address.map(|address| format!("http://{address}")),
        public_url = public_url.as_str(),
        "evergrant is listening"
    );
    let console = Some(Console {
        pages: console::router(),
        people: Vec::new(),
    });
    let options = ApiOptions {
        allowed_origins: server.origins(),
        console,
    };
    let router = evergrant_api::router(service.clone(), &options);
    until_signalled(&service, (public, router), admin, &mut signals).await
}

/// Settings that the service can start with.
struct Ready {
    settings: Settings,
    database_url: String,
    key_name: String,
    ring: KeyRing,
    registry: Registry,
}

impl Ready {
    fn read() -> Result<Self, Failure> {
        let mut problems = Problems::default();
        let sources = Sources::of_process(&mut problems);
        let mut settings = Settings::read(&sources, &mut problems);
        telemetry::start(
            settings.log.filter.take(),
            settings.log.format,
            telemetry::USUAL,
        );
        let database_url = settings.database.required(&mut problems);
        settings.encryption.require(&mut problems);
        settings.encryption.warn_of_passphrases();
        settings.server.require_public_url(&mut problems);
        let policy = NetworkPolicy::default();
        let registry = wiring::registry(
            &settings.platforms,
            &settings.providers,
            policy,
            &mut problems,
        );
        let key_name = settings.encryption.name();
        let ring = settings.encryption.take_ring();
        let (ring, registry) = problems.finish_with(ring.zip(registry))?;
        Ok(Self {
            settings,
            database_url,
            key_name,
            ring,
            registry,
        })
    }
}

/// Serves on both listeners and runs the background work until a signal asks for shutdown; a second
/// signal forces it.
///
/// # Errors
///
/// Where a second signal came before everything had ended.
pub(crate) async fn until_signalled(
    service: &IntegrationsService,
    (public, router): (TcpListener, axum::Router),
    admin: Option<TcpListener>,
    signals: &mut Signals,
) -> Result<(), Failure> {
    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let seats = listener::most_connections();
    tasks.spawn(listener::serve(public, router, seats, stop.clone()));
    if let Some(admin) = admin {
        let admin_router = evergrant_api::admin_router(service.clone());
        tasks.spawn(listener::serve(
            admin,
            admin_router,
            seats / 8 + 1,
            stop.clone(),
        ));
    }
    let (background, stopped) = (service.clone(), stop.clone());
    tasks.spawn(async move { background.process().run(stopped.cancelled()).await });
    tasks.close();
    signals.next().await;
    tracing::info!("ending; a second signal ends at once");
    service.process().begin_shutdown();
    stop.cancel();
    let ended = async {
        tasks.wait().await;
        service.process().drain().await;
        service.process().close().await;
    };
    tokio::select! {
        () = ended => Ok(()),
        () = signals.next() => Err(Failure::new("ended at once; what was under way has been cut off", "")),
    }
}
