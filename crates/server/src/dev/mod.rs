//! `evergrant dev`: the whole system on this machine, with no configuration.
//!
//! It runs the same service as in production on a SQLite file, together with the simulated
//! platforms, two users, and the console. Opening the console signs in the first user.

mod data_folder;
mod listeners;
mod users;
mod welcome;

use std::path::PathBuf;

use clap::Args;
use evergrant_adapters::NetworkPolicy;
use evergrant_api::{ApiOptions, App, Console};
use evergrant_model::UserId;
use evergrant_sandbox::{Sandbox, SandboxOptions, dev_settings};
use evergrant_service::{IntegrationsService, PublicUrl};
use evergrant_store::{Store, StoreError};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::failure::{Failure, Problems, root_cause};
use crate::hardening::harden;
use crate::settings::{Listen, SandboxListen, Settings, Sources};
use crate::signals::Signals;
use crate::{console, database, shutdown, telemetry, wiring};
use data_folder::DataFolder;
use listeners::{Listeners, Urls};
use welcome::Welcome;

/// The options of `evergrant dev`.
#[derive(Args)]
pub(crate) struct DevArgs {
    /// Folder in which to keep the data
    #[arg(long, value_name = "DIR", default_value = "./.evergrant")]
    data: PathBuf,
    /// Delete all data on exit
    #[arg(long, conflicts_with = "data")]
    ephemeral: bool,
    /// Loopback address to listen on
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

/// Serves until a signal requests the shutdown.
///
/// # Errors
///
/// Every problem that prevents the start.
pub(crate) async fn run(args: DevArgs) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let (mut settings, app, sandbox_listen) = read_settings(&args)?;
    harden();
    let folder = if args.ephemeral {
        DataFolder::ephemeral()?
    } else {
        DataFolder::at(&args.data)?
    };
    let listeners = Listeners::bind(&settings, &sandbox_listen).await?;
    settings.providers = settings
        .providers
        .with_defaults(dev_settings(&listeners.urls.sandbox));
    let service = start_service(&mut settings, &folder, &listeners.public_url).await?;
    let dev_users = users::create(&service).await?;
    let api_key = users::api_key(&service, &folder).await?;
    let simulator = start_simulator(&folder, listeners.sandbox)?;
    print_welcome(&service, &settings, (&folder, &listeners.urls, &api_key))?;
    telemetry::start(
        settings.log.filter.take(),
        settings.log.format,
        telemetry::SERVICE_FILTER,
    );
    settings.encryption.warn_about_passphrases();
    let served = shutdown::Listeners {
        public: (
            listeners.public,
            router(&service, &settings, app, dev_users),
        ),
        admin: listeners.admin,
        shutdown_delay: settings.server.shutdown_delay,
    };
    let result = shutdown::until_signalled(&service, served, &mut signals).await;
    simulator.abort();
    // The data folder may be deleted only after the simulator has stopped writing to it.
    let _ = simulator.await;
    result
}

/// Returns the settings, the app, and the address of the simulator.
fn read_settings(args: &DevArgs) -> Result<(Settings, App, Listen), Failure> {
    let mut problems = Problems::default();
    let sources = Sources::from_process(&mut problems);
    let mut settings = Settings::read(&sources, &mut problems);
    let sandbox = SandboxListen::read(&sources, &mut problems);
    if let Some(text) = &args.listen
        && let Some(listen) = Listen::from_argument(text, "127.0.0.1:8080", &mut problems)
    {
        settings.server.listen = listen;
    }
    let server = &settings.server;
    let listens = [
        (Some(&server.listen), "EVERGRANT_LISTEN"),
        (Some(&sandbox), "EVERGRANT_SANDBOX_LISTEN"),
        (server.admin_listen.as_ref(), "EVERGRANT_ADMIN_LISTEN"),
    ];
    for (listen, setting) in listens {
        let remedy = "to make it reachable from other machines, run `evergrant serve`";
        if let Some(listen) = listen {
            listen.require_loopback("dev", setting, remedy, &mut problems);
        }
    }
    if args.ephemeral && settings.database.url.is_some() {
        problems.add(
            "--ephemeral cannot delete the data of the database that DATABASE_URL names",
            "remove the setting, or leave out --ephemeral",
        );
    }
    let app = settings.app.load(&mut problems);
    problems.finish().map(|()| (settings, app, sandbox))
}

async fn start_service(
    settings: &mut Settings,
    folder: &DataFolder,
    public_url: &PublicUrl,
) -> Result<IntegrationsService, Failure> {
    if !settings.encryption.has_current() {
        settings
            .encryption
            .set_default(folder.key()?, folder.file("key").display().to_string());
    }
    let mut problems = Problems::default();
    let policy = NetworkPolicy {
        allow_insecure_hosts: true,
    };
    let registry = wiring::registry(
        &settings.providers,
        &settings.custom_providers,
        policy,
        &mut problems,
    );
    let (ring, registry) = problems.finish_with(settings.encryption.take_ring().zip(registry))?;
    let cipher = wiring::cipher(ring);
    let store = open_store(settings, folder).await?;
    database::prepare(&store, &cipher, &settings.encryption.name()).await?;
    let service_settings = wiring::service_settings(settings, public_url.clone());
    let service = wiring::service(store, cipher, registry, service_settings);
    let default_folder = folder.file("journal");
    let journal = settings
        .refresh
        .data_dir
        .as_deref()
        .unwrap_or(&default_folder);
    wiring::open_journal(&service, Some(journal))?;
    Ok(service)
}

/// Opens the database of the settings, or by default the one in the data folder.
async fn open_store(settings: &Settings, folder: &DataFolder) -> Result<Store, Failure> {
    if let Some(urls) = settings.database.urls() {
        return database::open(&urls).await;
    }
    let file = folder.file("evergrant.db");
    match Store::open(&format!("sqlite://{}", file.display())).await {
        // A development version has created the data folder.
        Err(error @ StoreError::DevelopmentSchema) => Err(Failure::new(
            format!("{}: {error}", file.display()),
            format!(
                "delete the folder {}, or choose another one with --data DIR",
                folder.description()
            ),
        )),
        opened => opened.map_err(|error| database::open_failure(&error)),
    }
}

/// Starts the simulated platforms, with the grants of the last run.
fn start_simulator(folder: &DataFolder, listener: TcpListener) -> Result<JoinHandle<()>, Failure> {
    let path = folder.file("sandbox.json");
    let options = SandboxOptions {
        state_file: Some(path.clone()),
        ..SandboxOptions::default()
    };
    let simulator = Sandbox::new(options).map_err(|error| {
        Failure::new(
            format!("{error}: {}", root_cause(&error)),
            format!("delete {} to reset the simulated platforms", path.display()),
        )
    })?;
    Ok(tokio::spawn(async move {
        if let Err(error) = simulator.serve(listener, std::future::pending()).await {
            tracing::error!(%error, "sandbox stopped");
        }
    }))
}

fn print_welcome(
    service: &IntegrationsService,
    settings: &Settings,
    (folder, urls, api_key): (&DataFolder, &Urls, &SecretString),
) -> Result<(), Failure> {
    let simulated: Vec<_> = service
        .providers()
        .specs()
        .map(|(spec, _)| spec)
        .filter(|spec| settings.providers.is_simulated(&spec.slug))
        .collect();
    Welcome {
        folder,
        public_url: &service.settings().public_url,
        urls,
        api_key,
        simulated: &simulated,
    }
    .print()
}

fn router(
    service: &IntegrationsService,
    settings: &Settings,
    app: App,
    dev_users: Vec<UserId>,
) -> axum::Router {
    let console = Some(Console {
        pages: console::router(&service.settings().public_url, &app),
        dev_users,
    });
    let options = ApiOptions {
        allowed_origins: settings.server.origins(),
        app,
        console,
    };
    evergrant_api::router(service.clone(), &options)
}
