//! `.evergrant/`: what `dev` keeps between two runs, readable by its owner alone.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use evergrant_encryption::EncryptionKey;
use secrecy::{ExposeSecret, SecretString};

use crate::failure::Failure;
use crate::wiring;

/// The folder, made where it is missing. An ephemeral one goes with this value.
pub(super) struct DataFolder {
    path: PathBuf,
    is_ephemeral: bool,
}

impl DataFolder {
    /// The folder at `path`.
    ///
    /// # Errors
    ///
    /// Where it cannot be made or closed to others.
    pub(super) fn at(path: &Path) -> Result<Self, Failure> {
        let folder = Self {
            path: path.to_owned(),
            is_ephemeral: false,
        };
        folder.make()?;
        Ok(folder)
    }

    /// A new folder among the system's temporary ones.
    ///
    /// # Errors
    ///
    /// As [`at`](Self::at).
    pub(super) fn ephemeral() -> Result<Self, Failure> {
        let name = evergrant_encryption::digest::hex(wiring::entropy().bytes::<8>());
        let folder = Self {
            path: std::env::temp_dir().join(format!("evergrant-{name}")),
            is_ephemeral: true,
        };
        folder.make()?;
        Ok(folder)
    }

    /// How the folder is spoken of.
    pub(super) fn shown(&self) -> String {
        let what = if self.is_ephemeral {
            " (removed at the end)"
        } else {
            ""
        };
        format!("{}{what}", self.path.display())
    }

    /// A file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The encryption key, made on the first run.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read or written, or holds no key.
    pub(super) fn key(&self) -> Result<EncryptionKey, Failure> {
        let path = self.file("key");
        if let Some(text) = self.read("key")? {
            return EncryptionKey::parse(text.expose_secret()).map_err(|error| {
                let remedy = format!(
                    "remove {} to begin anew without the connected accounts",
                    self.path.display()
                );
                Failure::new(format!("{}: {error}", path.display()), remedy)
            });
        }
        let key = EncryptionKey::generate(&*wiring::entropy());
        self.write("key", key.to_base64().expose_secret())?;
        Ok(key)
    }

    /// What a small file holds, without the newline at its end; `None` where there is no such file.
    ///
    /// # Errors
    ///
    /// Where it is there and cannot be read.
    pub(super) fn read(&self, name: &str) -> Result<Option<SecretString>, Failure> {
        match std::fs::read_to_string(self.file(name)) {
            Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::new(
                format!("{} cannot be read: {error}", self.file(name).display()),
                "",
            )),
        }
    }

    /// Writes a file that only its owner may read.
    ///
    /// # Errors
    ///
    /// Where it cannot be written.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let write = || {
            let mut options = std::fs::OpenOptions::new();
            let mut file = options
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(self.file(name))?;
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
            writeln!(file, "{text}")?;
            file.sync_all()
        };
        write().map_err(|error| {
            Failure::new(
                format!("{} cannot be written: {error}", self.file(name).display()),
                "",
            )
        })
    }

    fn make(&self) -> Result<(), Failure> {
        let make = || {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.path)?;
            std::fs::set_permissions(&self.path, std::fs::Permissions::from_mode(0o700))
        };
        make().map_err(|error| {
            let what = format!(
                "the data folder {} cannot be made: {error}",
                self.path.display()
            );
            Failure::new(
                what,
                "name another with --data DIR, or leave nothing behind with --ephemeral",
            )
        })
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        if self.is_ephemeral {
            // What stays behind is in the system's own folder for it, and closed to others.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_key_is_made_once_and_is_its_owners_alone() {
        let folder = DataFolder::ephemeral().unwrap();
        let first = folder.key().unwrap().fingerprint();
        assert_eq!(folder.key().unwrap().fingerprint(), first);
        assert_eq!(
            (mode(&folder.path), mode(&folder.file("key"))),
            (0o700, 0o600)
        );
    }

    #[test]
    fn a_folder_that_stood_open_is_closed() {
        let outer = DataFolder::ephemeral().unwrap();
        let path = outer.file("data");
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        DataFolder::at(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
    }

    #[test]
    fn an_ephemeral_folder_goes_and_another_stays() {
        let (gone, stays) = (
            DataFolder::ephemeral().unwrap(),
            DataFolder::ephemeral().unwrap(),
        );
        let (gone_path, kept) = (gone.path.clone(), stays.file("kept"));
        drop(gone);
        drop(DataFolder::at(&kept).unwrap());
        assert!(!gone_path.exists() && kept.exists());
    }
}
