//! The operator's settings: the only place that reads the environment and `evergrant.toml`.
//!
//! Each section is a struct in a file of its own that states the defaults, over them goes
//! `evergrant.toml`, over that the environment. Whatever is wrong is noted and reading goes on, so
//! that one run names every problem.

mod database;
mod encryption;
mod file;
mod flows;
mod key;
mod log;
mod platforms;
mod providers;
mod refresh;
mod sandbox;
mod server;
mod sources;
mod value;

pub(crate) use database::Database;
pub(crate) use encryption::Encryption;
pub(crate) use flows::Flows;
pub(crate) use log::{Log, LogFormat};
pub(crate) use platforms::Platforms;
pub(crate) use providers::Providers;
pub(crate) use refresh::Refresh;
pub(crate) use sandbox::SandboxListen;
pub(crate) use server::{Listen, Server, parse_listen};
pub(crate) use sources::Sources;

use crate::failure::Problems;

/// Everything that a running service is told.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) server: Server,
    pub(crate) database: Database,
    pub(crate) encryption: Encryption,
    pub(crate) flows: Flows,
    pub(crate) refresh: Refresh,
    pub(crate) log: Log,
    pub(crate) platforms: Platforms,
    pub(crate) providers: Providers,
}

impl Settings {
    /// Reads every section; what is wrong is noted in `problems` and stands at its default.
    pub(crate) fn read(sources: &Sources, problems: &mut Problems) -> Self {
        Self {
            server: Server::read(sources, problems),
            database: Database::read(sources),
            encryption: Encryption::read(sources, problems),
            flows: Flows::read(sources, problems),
            refresh: Refresh::read(sources, problems),
            log: Log::read(sources, problems),
            platforms: Platforms::read(sources),
            providers: Providers::read(sources, problems),
        }
    }
}

#[cfg(test)]
mod tests;
