//! Where the platforms' simulator listens: for `dev` and `sandbox`, never for `serve`, so it is no
//! key of the file.

use super::value::{Given, Value};
use super::{Listen, Sources, key};
use crate::failure::Problems;

const USUAL_PORT: u16 = 8081;

/// Where the simulator listens.
pub(crate) struct SandboxListen;

impl SandboxListen {
    /// What the environment says, or else port 8081 of the loopback address.
    pub(crate) fn read(sources: &Sources, problems: &mut Problems) -> Listen {
        let text = sources
            .environment(key::SANDBOX_LISTEN)
            .filter(|text| !text.is_empty());
        let given = text.map(|text| Given {
            value: Value::Text(text),
            name: key::SANDBOX_LISTEN.to_owned(),
        });
        Listen::read(given, USUAL_PORT, problems)
    }
}
