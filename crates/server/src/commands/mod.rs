//! The command line. Each group of commands is a file and uses the same service as the API.

mod api_key;
mod backup;
mod connections;
mod context;
mod keys;
mod migrate;
mod openapi;
mod providers;
mod sandbox;
mod token;
mod users;

use clap::{Parser, Subcommand};

use crate::failure::Failure;
use crate::{dev, serve};

/// Connects the accounts of your users over OAuth, keeps their tokens fresh, and serves valid
/// access tokens
#[derive(Parser)]
#[command(
    name = "evergrant",
    version,
    after_help = "Example: try it locally\n  evergrant dev"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run everything locally with no configuration
    #[command(
        after_help = "Example: start without data, and delete it on exit\n  evergrant dev --ephemeral"
    )]
    Dev(dev::DevArgs),
    /// Run the service, with settings from the environment and evergrant.toml
    #[command(after_help = SERVE_EXAMPLE)]
    Serve,
    /// Apply pending migrations of the database schema
    #[command(
        after_help = "Example: list pending migrations (exit code 1 if there are any)\n  \
        evergrant migrate --check"
    )]
    Migrate(migrate::Migrate),
    /// Copy a SQLite database to a file while it is used
    #[command(after_help = "Example:\n  evergrant backup /backups/evergrant-$(date +%F).db")]
    Backup(backup::Backup),
    /// Replace a SQLite database by a backup, while no process uses it
    #[command(after_help = "Example:\n  evergrant restore /backups/evergrant.db --overwrite")]
    Restore(backup::Restore),
    /// Manage the API keys of your server
    #[command(
        after_help = "Example:\n  evergrant api-key create --name backend --scope tokens:read",
        subcommand
    )]
    ApiKey(api_key::ApiKey),
    /// Encrypt, decrypt or inspect stored tokens, one per line
    #[command(
        after_help = "Example:\n  echo plaintext | evergrant token encrypt | evergrant token decrypt",
        subcommand
    )]
    Token(token::Token),
    /// Manage the keys that encrypt tokens
    #[command(
        after_help = "Example:\n  export TOKEN_ENCRYPTION_KEY=$(evergrant keys generate)",
        subcommand
    )]
    Keys(keys::Keys),
    /// Manage users
    #[command(after_help = "Example:\n  evergrant users show ext:2f1c", subcommand)]
    Users(users::Users),
    /// Manage the connections of all users
    #[command(
        after_help = "Example:\n  evergrant connections list --user 42",
        subcommand
    )]
    Connections(connections::Connections),
    /// List platforms and check provider definitions
    #[command(
        after_help = "Example:\n  evergrant providers check evergrant.toml",
        subcommand
    )]
    Providers(providers::Providers),
    /// Run the simulated platforms alone, for tests of your app
    #[command(after_help = "Example:\n  evergrant sandbox --listen 127.0.0.1:8081")]
    Sandbox(sandbox::Sandbox),
    /// Print the OpenAPI document of the HTTP API
    #[command(after_help = "Example:\n  evergrant openapi > openapi.json")]
    Openapi,
}

const SERVE_EXAMPLE: &str = "Example:
  export DATABASE_URL=postgres://evergrant@localhost/evergrant
  export TOKEN_ENCRYPTION_KEY=$(evergrant keys generate)
  evergrant serve";

/// Parses the command line and runs the command.
///
/// # Errors
///
/// The failure of the command.
pub(crate) fn run() -> Result<(), Failure> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime
        .map_err(|error| Failure::new(format!("cannot start the async runtime: {error}"), ""))?;
    let outcome = runtime.block_on(dispatch(cli.command));
    // Tasks that still run were either given time to complete or are aborted on purpose.
    runtime.shutdown_background();
    outcome
}

async fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Dev(args) => dev::run(args).await,
        Command::Serve => serve::run().await,
        Command::Migrate(migrate) => migrate.run().await,
        Command::Backup(command) => command.run().await,
        Command::Restore(command) => command.run().await,
        Command::ApiKey(command) => command.run().await,
        Command::Token(command) => command.run(),
        Command::Keys(command) => command.run().await,
        Command::Users(command) => command.run().await,
        Command::Connections(command) => command.run().await,
        Command::Providers(command) => command.run(),
        Command::Sandbox(command) => command.run().await,
        Command::Openapi => openapi::run(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_definitions_are_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_help_shows_an_example() {
        fn without_example(command: &clap::Command, path: &str) -> Vec<String> {
            let path = format!("{path} {}", command.get_name());
            let has = command
                .get_after_help()
                .is_some_and(|help| help.to_string().contains("\n  "));
            let below = command
                .get_subcommands()
                .flat_map(|below| without_example(below, &path));
            (!has)
                .then(|| path.clone())
                .into_iter()
                .chain(below)
                .collect()
        }
        assert_eq!(without_example(&Cli::command(), ""), Vec::<String>::new());
    }
}
