//! The command line: one file a group of commands, each over the same service code as the API.

mod api_key;
mod connections;
mod keys;
mod migrate;
mod openapi;
mod providers;
mod sandbox;
mod token;
mod tool;
mod users;

use clap::{Parser, Subcommand};

use crate::failure::Failure;
use crate::{dev, serve};

/// Keeps OAuth tokens for your users: connects accounts, renews their tokens in time, hands out
/// ones that work.
#[derive(Parser)]
#[command(
    name = "evergrant",
    version,
    after_help = "Example: a first look, without any setting\n  evergrant dev"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything for a first look, on this machine only, without any setting
    #[command(
        after_help = "Example: start afresh, and leave nothing behind\n  evergrant dev --ephemeral"
    )]
    Dev(dev::DevArgs),
    /// The service, with settings from the environment and evergrant.toml
    #[command(after_help = SERVE_EXAMPLE)]
    Serve,
    /// Bring the database's schema up to date
    #[command(
        after_help = "Example: tell whether there is something to do (exit code 1 if so)\n  \
        evergrant migrate --check"
    )]
    Migrate(migrate::Migrate),
    /// The keys with which your server calls the API
    #[command(
        after_help = "Example:\n  evergrant api-key create --name backend --scope tokens:read",
        subcommand
    )]
    ApiKey(api_key::ApiKey),
    /// Encrypt, decrypt or look at stored tokens, one a line
    #[command(
        after_help = "Example:\n  echo plaintext | evergrant token encrypt | evergrant token decrypt",
        subcommand
    )]
    Token(token::Token),
    /// The keys that tokens are encrypted with
    #[command(
        after_help = "Example:\n  export TOKEN_ENCRYPTION_KEY=$(evergrant keys generate)",
        subcommand
    )]
    Keys(keys::Keys),
    /// Your users, as far as Evergrant knows them
    #[command(after_help = "Example:\n  evergrant users show ext:2f1c", subcommand)]
    Users(users::Users),
    /// The connected accounts of all users
    #[command(
        after_help = "Example:\n  evergrant connections list --user 42",
        subcommand
    )]
    Connections(connections::Connections),
    /// The platforms: which there are, and what each still needs
    #[command(
        after_help = "Example:\n  evergrant providers check evergrant.toml",
        subcommand
    )]
    Providers(providers::Providers),
    /// The platforms' simulator alone, for your own tests
    #[command(after_help = "Example:\n  evergrant sandbox --listen 127.0.0.1:8081")]
    Sandbox(sandbox::Sandbox),
    /// The OpenAPI document of the HTTP interface
    #[command(after_help = "Example:\n  evergrant openapi > openapi.json")]
    Openapi,
}

const SERVE_EXAMPLE: &str = "Example:
  export DATABASE_URL=postgres://evergrant@localhost/evergrant
  export TOKEN_ENCRYPTION_KEY=$(evergrant keys generate)
  evergrant serve";

/// Does what the command line says.
///
/// # Errors
///
/// Whatever kept it from being done.
pub(crate) fn run() -> Result<(), Failure> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| {
        Failure::new(format!("the program's threads cannot start: {error}"), "")
    })?;
    let outcome = runtime.block_on(dispatch(cli.command));
    // What still runs has been given its time, or has been cut off on purpose.
    runtime.shutdown_background();
    outcome
}

async fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Dev(args) => dev::run(args).await,
        Command::Serve => serve::run().await,
        Command::Migrate(migrate) => migrate.run().await,
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
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_help_shows_an_example() {
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
