//! The sections `[providers.NAME]`: custom providers. The adapters define their keys.

use evergrant_adapters::{CustomProvider, DefinitionFault, parse_providers};

use super::Sources;
use crate::failure::Problems;

/// The custom providers.
#[derive(Debug)]
pub(crate) struct CustomProviders {
    pub(crate) providers: Vec<CustomProvider>,
    /// Path of the file, for messages.
    path: String,
}

impl CustomProviders {
    /// Reads the definitions. If any is invalid, adds the faults to `problems` and returns none.
    pub(crate) fn read(sources: &Sources, problems: &mut Problems) -> Self {
        let parsed = parse_providers(sources.file().text());
        let mut custom = Self {
            providers: Vec::new(),
            path: sources.file().path().display().to_string(),
        };
        match parsed {
            Ok(providers) => custom.providers = providers,
            Err(faults) => custom.report(&faults, problems),
        }
        custom
    }

    /// Adds the faults of definitions to `problems`, each with the path of the file.
    pub(crate) fn report(&self, faults: &[DefinitionFault], problems: &mut Problems) {
        for fault in faults {
            problems.add(format!("{}, {fault}", self.path), "");
        }
    }
}
