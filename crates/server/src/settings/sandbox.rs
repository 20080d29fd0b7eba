//! The address of the simulated platforms. Only `dev` and `sandbox` use it, never `serve`, so it is
//! not a key of the file.

use super::value::{Setting, Value};
use super::{Listen, Sources, key};
use crate::failure::Problems;

const DEFAULT_PORT: u16 = 8081;

/// The setting `EVERGRANT_SANDBOX_LISTEN`.
pub(crate) struct SandboxListen;

impl SandboxListen {
    /// Returns the address in the environment. Default: 127.0.0.1:8081.
    pub(crate) fn read(sources: &Sources, problems: &mut Problems) -> Listen {
        let text = sources
            .environment(key::SANDBOX_LISTEN)
            .filter(|text| !text.is_empty());
        let setting = text.map(|text| Setting {
            value: Value::Text(text),
            name: key::SANDBOX_LISTEN.to_owned(),
        });
        Listen::read(setting, DEFAULT_PORT, problems)
    }
}
