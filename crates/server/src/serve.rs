//! `evergrant serve`: the service in production, which does not start if any setting is missing or
//! invalid.

use evergrant_adapters::{NetworkPolicy, Registry};
use evergrant_api::{ApiOptions, App, Console};
use evergrant_encryption::KeyRing;
use evergrant_service::PublicUrl;

use crate::failure::{Failure, Problems};
use crate::hardening::harden;
use crate::settings::{DatabaseUrls, Server, Settings, Sources};
use crate::shutdown::{Listeners, until_signalled};
use crate::signals::Signals;
use crate::{console, database, listener, telemetry, wiring};

/// Serves until a signal requests the shutdown.
///
/// # Errors
///
/// Every problem that prevents the start, each with the name of its setting.
pub(crate) async fn run() -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let config = Config::read()?;
    harden();
    let store = database::open(&config.database).await?;
    let cipher = wiring::cipher(config.ring);
    database::prepare(&store, &cipher, &config.key_name).await?;
    let server = &config.settings.server;
    let public = listener::bind(&server.listen, "EVERGRANT_LISTEN").await?;
    let bound = listener::local_address(&public)?;
    let admin = match &server.admin_listen {
        Some(listen) => Some(listener::bind(listen, "EVERGRANT_ADMIN_LISTEN").await?),
        None => None,
    };
    let public_url = server
        .public_url_at(bound)
        .ok_or_else(|| Failure::new("EVERGRANT_PUBLIC_URL is not set", ""))?;
    let service_settings = wiring::service_settings(&config.settings, public_url.clone());
    let service = wiring::service(store, cipher, config.registry, service_settings);
    wiring::open_journal(&service, config.settings.refresh.data_dir.as_deref())?;
    let admin_address = admin.as_ref().map(listener::local_address).transpose()?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        listen = format!("http://{bound}"),
        admin = admin_address.map(|address| format!("http://{address}")),
        %public_url,
        "evergrant is listening"
    );
    let options = api_options(server, config.app, &public_url);
    let router = evergrant_api::router(service.clone(), &options);
    let listeners = Listeners {
        public: (public, router),
        admin,
        shutdown_delay: server.shutdown_delay,
    };
    until_signalled(&service, listeners, &mut signals).await
}

fn api_options(server: &Server, app: App, public_url: &PublicUrl) -> ApiOptions {
    ApiOptions {
        allowed_origins: server.origins(),
        console: Some(Console {
            pages: console::router(public_url, &app),
            dev_users: Vec::new(),
        }),
        app,
    }
}

/// Valid settings, with everything that is required.
struct Config {
    settings: Settings,
    app: App,
    database: DatabaseUrls,
    key_name: String,
    ring: KeyRing,
    registry: Registry,
}

impl Config {
    fn read() -> Result<Self, Failure> {
        let mut problems = Problems::default();
        let sources = Sources::from_process(&mut problems);
        let mut settings = Settings::read(&sources, &mut problems);
        telemetry::start(
            settings.log.filter.take(),
            settings.log.format,
            telemetry::SERVICE_FILTER,
        );
        let database = settings.database.required(&mut problems);
        settings.encryption.require(&mut problems);
        settings.encryption.warn_about_passphrases();
        settings.server.require_public_url(&mut problems);
        let app = settings.app.load(&mut problems);
        let policy = NetworkPolicy::default();
        let registry = wiring::registry(
            &settings.providers,
            &settings.custom_providers,
            policy,
            &mut problems,
        );
        let key_name = settings.encryption.name();
        let ring = settings.encryption.take_ring();
        let (ring, registry) = problems.finish_with(ring.zip(registry))?;
        Ok(Self {
            settings,
            app,
            database,
            key_name,
            ring,
            registry,
        })
    }
}
