//! The settings. Only this module reads the environment and `evergrant.toml`.
//!
//! Each section of the file is a struct in its own module, with its defaults. The environment takes
//! precedence over the file, and the file over the defaults. An invalid setting is added to the
//! problems and reading continues, so that one run reports all problems.

mod app;
mod custom_providers;
mod database;
mod encryption;
mod file;
mod flows;
mod key;
mod log;
mod provider_settings;
mod refresh;
mod sandbox;
mod server;
mod sources;
mod value;

pub(crate) use app::AppSettings;
pub(crate) use custom_providers::CustomProviders;
pub(crate) use database::{Database, DatabaseUrls};
pub(crate) use encryption::Encryption;
pub(crate) use flows::Flows;
pub(crate) use log::{Log, LogFormat};
pub(crate) use provider_settings::ProviderSettings;
pub(crate) use refresh::Refresh;
pub(crate) use sandbox::SandboxListen;
pub(crate) use server::{Listen, Server};
pub(crate) use sources::Sources;

use crate::failure::Problems;

/// All settings of the service.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) server: Server,
    pub(crate) app: AppSettings,
    pub(crate) database: Database,
    pub(crate) encryption: Encryption,
    pub(crate) flows: Flows,
    pub(crate) refresh: Refresh,
    pub(crate) log: Log,
    pub(crate) providers: ProviderSettings,
    pub(crate) custom_providers: CustomProviders,
}

impl Settings {
    /// Reads all sections. An invalid setting is added to `problems` and has its default value.
    pub(crate) fn read(sources: &Sources, problems: &mut Problems) -> Self {
        Self {
            server: Server::read(sources, problems),
            app: AppSettings::read(sources, problems),
            database: Database::read(sources),
            encryption: Encryption::read(sources, problems),
            flows: Flows::read(sources, problems),
            refresh: Refresh::read(sources, problems),
            log: Log::read(sources, problems),
            providers: ProviderSettings::read(sources),
            custom_providers: CustomProviders::read(sources, problems),
        }
    }
}

#[cfg(test)]
mod tests;
