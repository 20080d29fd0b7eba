//! `evergrant migrate`: the schema, when the service itself may not change it.

use clap::Args;

use super::tool;
use crate::failure::Failure;
use crate::{output, wiring};

#[derive(Args)]
pub(super) struct Migrate {
    /// Only tell what would be done; exit code 1 if there is something
    #[arg(long)]
    check: bool,
}

impl Migrate {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let store = tool::store().await?;
        let outcome = if self.check {
            check(&store).await
        } else {
            migrate(&store).await
        };
        store.close().await;
        outcome
    }
}

async fn check(store: &evergrant_store::Store) -> Result<(), Failure> {
    let pending = wiring::pending(store).await?;
    if pending.is_empty() {
        return output::line("The schema is up to date.");
    }
    for migration in &pending {
        output::line(format!("pending: {migration}"))?;
    }
    Err(Failure::new(
        format!("the schema misses {} migration(s)", pending.len()),
        "run `evergrant migrate`",
    ))
}

async fn migrate(store: &evergrant_store::Store) -> Result<(), Failure> {
    let applied = wiring::migrate(store).await?;
    if applied.is_empty() {
        return output::line("The schema was up to date already.");
    }
    for migration in &applied {
        output::line(format!("applied: {migration}"))?;
    }
    output::line("The schema is up to date.")
}
