//! `[providers.*]`: the operator's own platforms, whose form the adapters know.

use evergrant_adapters::{CustomProvider, DefinitionFault, parse_providers};

use super::Sources;
use crate::failure::Problems;

/// The operator's own platforms.
#[derive(Debug)]
pub(crate) struct Providers {
    /// What they are.
    pub(crate) custom: Vec<CustomProvider>,
    path: String,
}

impl Providers {
    pub(crate) fn read(sources: &Sources, problems: &mut Problems) -> Self {
        let path = sources.file().path().display().to_string();
        match parse_providers(sources.file().text()) {
            Ok(custom) => Self { custom, path },
            Err(faults) => {
                let providers = Self {
                    custom: Vec::new(),
                    path,
                };
                providers.note(&faults, problems);
                providers
            }
        }
    }

    /// Notes faults of the file's definitions.
    pub(crate) fn note(&self, faults: &[DefinitionFault], problems: &mut Problems) {
        for fault in faults {
            problems.add(format!("{}, {fault}", self.path), "");
        }
    }
}
