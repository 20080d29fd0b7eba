//! `evergrant dev`: everything for a first look, on this machine only, without any setting.
//!
//! It is the same service as in production over a SQLite file, with the platforms' simulator beside
//! it, two people to try it as, and the console, which signs in whoever opens it.

mod data_folder;
mod people;
mod welcome;

use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::Args;
use evergrant_adapters::NetworkPolicy;
use evergrant_api::{ApiOptions, Console};
use evergrant_sandbox::{Sandbox, SandboxOptions, dev_settings};
use evergrant_service::IntegrationsService;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

use crate::failure::{Failure, Problems, innermost};
use crate::hardening::harden;
use crate::settings::{Listen, SandboxListen, Settings, Sources, parse_listen};
use crate::signals::Signals;
use crate::{console, listener, serve, telemetry, wiring};
use data_folder::DataFolder;
use welcome::{Urls, Welcome};

/// The options of `evergrant dev`.
#[derive(Args)]
pub(crate) struct DevArgs {
    /// Where to keep the data
    #[arg(long, value_name = "DIR", default_value = "./.evergrant")]
    data: PathBuf,
    /// Keep nothing: the data goes at the end
    #[arg(long, conflicts_with = "data")]
    ephemeral: bool,
    /// Where to listen; loopback addresses only
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
}

/// Serves until a signal asks for the end.
///
/// # Errors
///
/// All that keeps it from starting.
pub(crate) async fn run(args: DevArgs) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let (mut settings, sandbox_listen) = read_settings(&args)?;
    harden();
    let folder = if args.ephemeral {
        DataFolder::ephemeral()?
    } else {
        DataFolder::at(&args.data)?
    };
    let listeners = Listeners::bind(&settings, &sandbox_listen).await?;
    settings.platforms = settings
        .platforms
        .with_defaults(dev_settings(&listeners.urls.sandbox));
    let service = start_service(&mut settings, &folder, &listeners.public_url).await?;
    let people = people::make(&service).await?;
    let api_key = people::api_key(&service, &folder).await?;
    let simulation = start_simulator(&folder, listeners.sandbox)?;
    let simulated: Vec<_> = service
        .providers()
        .specs()
        .map(|(spec, _)| spec)
        .filter(|spec| settings.platforms.simulates(&spec.slug))
        .collect();
    Welcome {
        folder: &folder,
        urls: &listeners.urls,
        api_key: &api_key,
        simulated: &simulated,
    }
    .print()?;
    telemetry::start(
        settings.log.filter.take(),
        settings.log.format,
        telemetry::USUAL,
    );
    settings.encryption.warn_of_passphrases();
    let console = Some(Console {
        pages: console::router(),
        people,
    });
    let options = ApiOptions {
        allowed_origins: settings.server.origins(),
        console,
    };
    let router = evergrant_api::router(service.clone(), &options);
    let ended = serve::until_signalled(
        &service,
        (listeners.public, router),
        listeners.admin,
        &mut signals,
    )
    .await;
    simulation.abort();
    ended
}

/// The settings, and where the simulator listens.
fn read_settings(args: &DevArgs) -> Result<(Settings, Listen), Failure> {
    let mut problems = Problems::default();
    let sources = Sources::of_process(&mut problems);
    let mut settings = Settings::read(&sources, &mut problems);
    let sandbox = SandboxListen::read(&sources, &mut problems);
    if let Some(text) = &args.listen {
        match parse_listen(text) {
            Some(address) => {
                settings.server.listen = Listen {
                    address,
                    chosen_by: Some("--listen".to_owned()),
                }
            }
            None => problems.add(
                format!("--listen: {text:?} is not an address to listen on"),
                "write 127.0.0.1:8080",
            ),
        }
    }
    let public = [
        (&settings.server.listen, "EVERGRANT_LISTEN"),
        (&sandbox, "EVERGRANT_SANDBOX_LISTEN"),
    ];
    let admin = settings
        .server
        .admin_listen
        .as_ref()
        .map(|listen| (listen, "EVERGRANT_ADMIN_LISTEN"));
    for (listen, setting) in public
        .into_iter()
        .chain(admin)
        .filter(|(listen, _)| !listen.is_loopback())
    {
        let name = listen.chosen_by.as_deref().unwrap_or(setting);
        let what = format!(
            "{name}: `dev` listens on loopback only, and {} is not",
            listen.address
        );
        problems.add(what, "for others to reach it, run `evergrant serve`");
    }
    problems.finish().map(|()| (settings, sandbox))
}

/// Where everything listens.
struct Listeners {
    public: TcpListener,
    admin: Option<TcpListener>,
    sandbox: TcpListener,
    public_url: Url,
    urls: Urls,
}

impl Listeners {
    async fn bind(settings: &Settings, sandbox: &Listen) -> Result<Self, Failure> {
        let server = &settings.server;
        let public = listener::bind_near(&server.listen, "EVERGRANT_LISTEN").await?;
        let sandbox = listener::bind_near(sandbox, "EVERGRANT_SANDBOX_LISTEN").await?;
        let admin = match &server.admin_listen {
            Some(listen) => Some(listener::bind_near(listen, "EVERGRANT_ADMIN_LISTEN").await?),
            None => None,
        };
        let public_url = public_url(settings, &public)?;
        let admin_address = admin.as_ref().map(listener::local_address).transpose()?;
        let urls = Urls {
            public: public_url.as_str().trim_end_matches('/').to_owned(),
            sandbox: format!("http://{}", listener::local_address(&sandbox)?),
            admin: admin_address.map(|address| format!("http://{address}")),
        };
        Ok(Self {
            public,
            admin,
            sandbox,
            public_url,
            urls,
        })
    }
}

/// As people type it: `localhost`, where that is what we listen on.
fn public_url(settings: &Settings, listener: &TcpListener) -> Result<Url, Failure> {
    let bound = listener::local_address(listener)?;
    let spoken = format!("http://localhost:{}", bound.port());
    let usual = if bound.ip() == Ipv4Addr::LOCALHOST {
        Url::parse(&spoken).ok()
    } else {
        None
    };
    let given = settings.server.public_url.clone();
    let url = given
        .or(usual)
        .or_else(|| settings.server.public_url_at(bound));
    url.ok_or_else(|| Failure::new("EVERGRANT_PUBLIC_URL is not set", ""))
}

async fn start_service(
    settings: &mut Settings,
    folder: &DataFolder,
    public_url: &Url,
) -> Result<IntegrationsService, Failure> {
    if !settings.encryption.is_given() {
        settings
            .encryption
            .fall_back_to(folder.key()?, folder.file("key").display().to_string());
    }
    let mut problems = Problems::default();
    let policy = NetworkPolicy {
        allow_insecure_hosts: true,
    };
    let registry = wiring::registry(
        &settings.platforms,
        &settings.providers,
        policy,
        &mut problems,
    );
    let (ring, registry) = problems.finish_with(settings.encryption.take_ring().zip(registry))?;
    let cipher = wiring::cipher(ring);
    let own = format!("sqlite://{}", folder.file("evergrant.db").display());
    let store = wiring::open_store(settings.database.url.as_deref().unwrap_or(&own)).await?;
    wiring::prepare(&store, &cipher, &settings.encryption.name()).await?;
    let behaviour = wiring::service_settings(settings, public_url.clone());
    let service = wiring::service(store, cipher, registry, behaviour);
    let usual = folder.file("journal");
    wiring::keep_journal(
        &service,
        Some(settings.refresh.data_dir.as_deref().unwrap_or(&usual)),
    )?;
    Ok(service)
}

/// Begins to play the platforms, with the grants of the last run.
fn start_simulator(folder: &DataFolder, listener: TcpListener) -> Result<JoinHandle<()>, Failure> {
    let path = folder.file("sandbox.json");
    let options = SandboxOptions {
        state_file: Some(path.clone()),
        ..SandboxOptions::default()
    };
    let simulator = Sandbox::new(options).map_err(|error| {
        let what = format!("{error}: {}", innermost(&error));
        Failure::new(what, format!("remove {} to begin anew", path.display()))
    })?;
    Ok(tokio::spawn(async move {
        if let Err(error) = simulator.serve(listener, std::future::pending()).await {
            tracing::error!(%error, "the sandbox has ended");
        }
    }))
}
