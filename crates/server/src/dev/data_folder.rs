//! The data folder of `dev`, by default `.evergrant/`. Only its owner can read it.

use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use evergrant_encryption::EncryptionKey;
use secrecy::{ExposeSecret, SecretString};

use crate::failure::Failure;
use crate::wiring;

/// The files by which a data folder is recognized.
const DATA_FILES: [&str; 2] = ["key", "evergrant.db"];

/// A data folder. An ephemeral folder is deleted when this value is dropped.
pub(super) struct DataFolder {
    path: PathBuf,
    is_ephemeral: bool,
}

impl DataFolder {
    /// Opens the folder at `path`, creates it if it does not exist, and restricts it to its owner.
    ///
    /// # Errors
    ///
    /// A failure if the folder cannot be created or its mode cannot be changed.
    pub(super) fn at(path: &Path) -> Result<Self, Failure> {
        let folder = Self {
            path: path.to_owned(),
            is_ephemeral: false,
        };
        folder.create()?;
        Ok(folder)
    }

    /// Creates a folder in the system's folder for temporary files.
    ///
    /// # Errors
    ///
    /// A failure if the folder cannot be created.
    pub(super) fn ephemeral() -> Result<Self, Failure> {
        let name = evergrant_encryption::digest::hex(wiring::entropy().bytes::<8>());
        let folder = Self {
            path: std::env::temp_dir().join(format!("evergrant-{name}")),
            is_ephemeral: true,
        };
        folder.create()?;
        Ok(folder)
    }

    /// Returns the path for messages, with a note if the folder is ephemeral.
    pub(super) fn description(&self) -> String {
        let note = if self.is_ephemeral {
            " (deleted on exit)"
        } else {
            ""
        };
        format!("{}{note}", self.path.display())
    }

    /// Returns the path of a file in the folder.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns the encryption key, which is generated on the first run.
    ///
    /// # Errors
    ///
    /// A failure if the file of the key cannot be read or written, or its content is not a key.
    pub(super) fn key(&self) -> Result<EncryptionKey, Failure> {
        let path = self.file("key");
        if let Some(text) = self.read("key")? {
            return EncryptionKey::parse(text.expose_secret()).map_err(|error| {
                let remedy = format!(
                    "restore the file, or delete {} to start without the connected accounts",
                    self.path.display()
                );
                Failure::new(format!("{}: {error}", path.display()), remedy)
            });
        }
        let key = EncryptionKey::generate(&*wiring::entropy());
        self.write("key", key.to_base64().expose_secret())?;
        Ok(key)
    }

    /// Returns the content of a small file without trailing newlines; `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// A failure if the file exists but cannot be read.
    pub(super) fn read(&self, name: &str) -> Result<Option<SecretString>, Failure> {
        match std::fs::read_to_string(self.file(name)) {
            Ok(text) => Ok(Some(text.trim_end_matches(['\r', '\n']).into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::new(
                format!("cannot read {}: {error}", self.file(name).display()),
                "",
            )),
        }
    }

    /// Writes a file that only its owner can read.
    ///
    /// # Errors
    ///
    /// A failure if the file cannot be written.
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
                format!("cannot write {}: {error}", self.file(name).display()),
                "",
            )
        })
    }

    fn create(&self) -> Result<(), Failure> {
        let create = || {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&self.path)?;
            self.check_contents()?;
            std::fs::set_permissions(&self.path, std::fs::Permissions::from_mode(0o700))
        };
        create().map_err(|error| {
            Failure::new(
                format!("cannot use {} as data folder: {error}", self.path.display()),
                "choose another one with --data DIR, or use --ephemeral",
            )
        })
    }

    /// Refuses a folder of other programs, whose mode must not change: `/tmp`, for example.
    fn check_contents(&self) -> Result<(), std::io::Error> {
        let is_ours = DATA_FILES.iter().any(|name| self.file(name).exists());
        if is_ours || std::fs::read_dir(&self.path)?.next().is_none() {
            return Ok(());
        }
        Err(std::io::Error::other("it contains files of other programs"))
    }
}

impl DataFolder {
    /// Deletes the folder. The threads of closing SQLite connections may still write for a moment,
    /// which makes a deletion fail, so it is repeated. Files that remain after a second are in the
    /// system's temporary folder and readable by their owner only.
    fn delete(&self) {
        for _ in 0..50 {
            match std::fs::remove_dir_all(&self.path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                _ => return,
            }
        }
    }
}

impl Drop for DataFolder {
    fn drop(&mut self) {
        if self.is_ephemeral {
            self.delete();
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
    fn folder_of_other_programs_is_refused_and_keeps_its_mode() {
        let folder = DataFolder::ephemeral().unwrap();
        let other = folder.path.join("other");
        std::fs::create_dir_all(other.join("files")).unwrap();
        let before = mode(&other);
        assert!(DataFolder::at(&other).is_err());
        assert_eq!(mode(&other), before);
    }

    #[test]
    fn key_is_generated_once_and_readable_by_owner_only() {
        let folder = DataFolder::ephemeral().unwrap();
        let first = folder.key().unwrap().fingerprint();
        assert_eq!(folder.key().unwrap().fingerprint(), first);
        assert_eq!(
            (mode(&folder.path), mode(&folder.file("key"))),
            (0o700, 0o600)
        );
    }

    #[test]
    fn existing_folder_is_restricted_to_its_owner() {
        let outer = DataFolder::ephemeral().unwrap();
        let path = outer.file("data");
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        DataFolder::at(&path).unwrap();
        assert_eq!(mode(&path), 0o700);
    }

    #[test]
    fn only_ephemeral_folder_is_deleted_on_drop() {
        let (ephemeral, parent) = (
            DataFolder::ephemeral().unwrap(),
            DataFolder::ephemeral().unwrap(),
        );
        let (deleted, kept) = (ephemeral.path.clone(), parent.file("kept"));
        drop(ephemeral);
        drop(DataFolder::at(&kept).unwrap());
        assert!(!deleted.exists() && kept.exists());
    }
}
