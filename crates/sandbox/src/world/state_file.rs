//! The grants on disk, so that an account connected yesterday still works after a restart.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::grants::Grant;
use crate::options::SandboxError;

/// The form of the file; another number is refused rather than misread.
const VERSION: u32 = 1;

#[derive(Deserialize)]
struct Read {
    version: u32,
    grants: Vec<Grant>,
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    grants: Vec<&'a Grant>,
}

/// Where the grants are kept.
pub(crate) struct StateFile(PathBuf);

impl StateFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// The grants of the last run; none where there is no file yet.
    pub(crate) fn load(&self) -> Result<Vec<Grant>, SandboxError> {
        let text = match std::fs::read(&self.0) {
            Ok(text) => text,
            Err(missing) if missing.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.error("read", source)),
        };
        let read: Read =
            serde_json::from_slice(&text).map_err(|bad| self.error("read", bad.into()))?;
        if read.version != VERSION {
            return Err(self.error(
                "read",
                std::io::Error::other(format!("it is of version {}", read.version)),
            ));
        }
        Ok(read.grants)
    }

    /// Replaces the file in one step: whoever stops the program midway finds the old file or the
    /// new one.
    pub(crate) fn write(&self, grants: Vec<&Grant>) -> Result<(), SandboxError> {
        let text = serde_json::to_vec(&Written {
            version: VERSION,
            grants,
        });
        let text = text.map_err(|bad| self.error("written", bad.into()))?;
        let beside = self.0.with_extension("new");
        write_private(&beside, &text)
            .and_then(|()| std::fs::rename(&beside, &self.0))
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

/// Writes a file that only its owner can read.
fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text)?;
    file.sync_all()
}
