//! Persists grants to disk, so that connected accounts keep working after a restart.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::grants::Grant;
use crate::options::SandboxError;

/// Version of the file format. Files of other versions are rejected.
const VERSION: u32 = 1;

#[derive(Deserialize)]
struct StoredState {
    version: u32,
    grants: Vec<Grant>,
}

#[derive(Serialize)]
struct StateToStore<'a> {
    version: u32,
    grants: Vec<&'a Grant>,
}

/// Path of the file that stores the grants.
pub(crate) struct StateFile(PathBuf);

impl StateFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Returns the grants of the previous run. Empty if the file does not exist yet.
    pub(crate) fn load(&self) -> Result<Vec<Grant>, SandboxError> {
        let text = match std::fs::read(&self.0) {
            Ok(text) => text,
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.error("read", source)),
        };
        let state: StoredState =
            serde_json::from_slice(&text).map_err(|error| self.error("read", error.into()))?;
        if state.version != VERSION {
            return Err(self.error(
                "read",
                std::io::Error::other(format!("unsupported version {}", state.version)),
            ));
        }
        Ok(state.grants)
    }

    /// Replaces the file atomically, by writing a temporary file beside it and renaming that. A
    /// crash leaves either the old file or the new one.
    pub(crate) fn write(&self, grants: Vec<&Grant>) -> Result<(), SandboxError> {
        let text = serde_json::to_vec(&StateToStore {
            version: VERSION,
            grants,
        });
        let text = text.map_err(|error| self.error("written", error.into()))?;
        let temporary = self.0.with_extension("new");
        write_private(&temporary, &text)
            .and_then(|()| std::fs::rename(&temporary, &self.0))
            .map_err(|source| self.error("written", source))
    }

    fn error(&self, action: &'static str, source: std::io::Error) -> SandboxError {
        SandboxError::StateFile {
            path: self.0.clone(),
            action,
            source,
        }
    }
}

/// Writes a file with mode 0600 and syncs it to disk.
fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text)?;
    file.sync_all()
}
