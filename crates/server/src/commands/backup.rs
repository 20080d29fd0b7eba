//! `evergrant backup` and `evergrant restore`: copy a SQLite database to a file, and back.

use std::path::{Path, PathBuf};

use clap::Args;
use evergrant_store::{BackupError, Restoration};

use crate::failure::{Failure, Problems};
use crate::settings::{Database, DatabaseUrls, Encryption, Sources};
use crate::{database, output, wiring};

#[derive(Args)]
pub(super) struct Backup {
    /// The file to write
    file: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    overwrite: bool,
}

#[derive(Args)]
pub(super) struct Restore {
    /// The file that `evergrant backup` has written
    file: PathBuf,
    /// Replace the database if it exists
    #[arg(long)]
    overwrite: bool,
}

impl Backup {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let urls = super::context::database_urls()?;
        check_sqlite(
            &urls,
            "pg_dump --format=custom --file=FILE \"$DATABASE_URL\"",
        )?;
        let store = database::open_existing(&urls).await?;
        let written = store.back_up(&self.file, self.overwrite).await;
        store.close().await;
        written.map_err(|error| failure(&error))?;
        output::print_line(format!("Wrote {}.", self.file.display()))
    }
}

impl Restore {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let mut problems = Problems::default();
        let sources = Sources::from_process(&mut problems);
        let urls = Database::read(&sources).required(&mut problems);
        let mut encryption = Encryption::read(&sources, &mut problems);
        encryption.require(&mut problems);
        let key_name = encryption.name();
        let ring = problems.finish_with(encryption.take_ring())?;
        check_sqlite(
            &urls,
            "pg_restore --clean --if-exists --dbname=\"$DATABASE_URL\" FILE",
        )?;
        let restoration = Restoration::prepare(&urls.url, &self.file, self.overwrite).await;
        let restoration = restoration.map_err(|error| failure(&error))?;
        let opened = restoration.open().await;
        let store = opened.map_err(|error| database::open_failure(&error))?;
        let prepared = database::prepare(&store, &wiring::cipher(ring), &key_name).await;
        store.close().await;
        prepared?;
        restoration
            .finish()
            .await
            .map_err(|error| failure(&error))?;
        output::print_line(format!("Restored {}.", self.file.display()))
    }
}

/// Returns the failure for a database of PostgreSQL, which has a program of its own.
fn check_sqlite(urls: &DatabaseUrls, command: &str) -> Result<(), Failure> {
    if urls.url.starts_with("sqlite:") {
        return Ok(());
    }
    Err(Failure::new(
        "this command is for SQLite; nothing was written",
        format!("use PostgreSQL's own program: {command}; docs/database.md has the procedure"),
    ))
}

fn failure(error: &BackupError) -> Failure {
    let remedy = match error {
        BackupError::NotSqlite => "use PostgreSQL's own programs; see docs/database.md",
        BackupError::Exists(path) if is_partial(path) => {
            "remove it if no other backup or restore is running"
        }
        BackupError::Exists(_) => "choose another file, or pass --overwrite to replace it",
        BackupError::SameFile(_) => "choose another file",
        BackupError::InUse(_) => "stop every process that uses the database, and try again",
        BackupError::Damaged { .. } => "use another backup; nothing was changed",
        BackupError::File(_) => "correct the path or the permissions; nothing was changed",
        BackupError::Store(error) => return database::open_failure(error),
        _ => "nothing was changed",
    };
    Failure::new(error.to_string(), remedy)
}

/// Returns whether this is the file that is written before it takes its place.
fn is_partial(path: &Path) -> bool {
    path.extension().is_some_and(|name| name == "partial")
}
