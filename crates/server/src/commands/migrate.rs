//! `evergrant migrate`: applies the migrations of the database schema, for example as a database
//! user with more privileges than the service has.

use clap::Args;

use super::context;
use crate::failure::Failure;
use crate::settings::DatabaseUrls;
use crate::{database, output};

#[derive(Args)]
pub(super) struct Migrate {
    /// Only list the pending migrations. Exit code 1 if there are any
    #[arg(long)]
    check: bool,
}

impl Migrate {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let urls = context::database_urls()?;
        if self.check {
            return check(&urls).await;
        }
        let store = database::open(&urls).await?;
        let outcome = migrate(&store).await;
        store.close().await;
        outcome
    }
}

async fn check(urls: &DatabaseUrls) -> Result<(), Failure> {
    let pending = database::pending_migrations_at(urls).await?;
    if pending.is_empty() {
        return output::print_line("The schema is up to date.");
    }
    for migration in &pending {
        output::print_line(format!("pending: {migration}"))?;
    }
    let message = match pending.len() {
        1 => "1 migration pending".to_owned(),
        number => format!("{number} migrations pending"),
    };
    Err(Failure::new(message, "run `evergrant migrate`"))
}

async fn migrate(store: &evergrant_store::Store) -> Result<(), Failure> {
    let applied = database::migrate(store).await?;
    if applied.is_empty() {
        return output::print_line("The schema was already up to date.");
    }
    for migration in &applied {
        output::print_line(format!("applied: {migration}"))?;
    }
    output::print_line("The schema is up to date.")
}
