//! `evergrant api-key`: the API keys with which the app's server calls the API.

use clap::{Args, Subcommand};
use evergrant_model::ApiKeyId;
use evergrant_service::{IntegrationsService, KeyScope};
use secrecy::ExposeSecret;
use serde_json::json;

use super::context::{self, MissingFile, TokenAccess, time_or_dash};
use crate::failure::Failure;
use crate::output;

#[derive(Subcommand)]
pub(super) enum ApiKey {
    /// Create a key and print it. Only its hash is stored, so it cannot be shown again
    #[command(after_help = "Example: a key that can only read tokens\n  \
        evergrant api-key create --name worker --scope tokens:read")]
    Create(Create),
    /// List all keys
    #[command(after_help = "Example:\n  evergrant api-key list --json")]
    List(List),
    /// Revoke a key permanently. Running services reject it within a second
    #[command(after_help = "Example:\n  evergrant api-key revoke 0123456789ab")]
    Revoke(Revoke),
}

#[derive(Args)]
pub(super) struct Create {
    /// Name of the key in lists
    #[arg(long)]
    name: String,
    /// Scope of the key; may be repeated. Default: all scopes except admin
    #[arg(long, value_parser = parse_scope)]
    scope: Vec<KeyScope>,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct List {
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Revoke {
    /// Id of the key, as shown by `list`
    id: String,
}

fn parse_scope(text: &str) -> Result<KeyScope, String> {
    let known = || {
        KeyScope::ALL
            .iter()
            .map(|scope| scope.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    KeyScope::parse(text).ok_or_else(|| format!("the scopes are: {}", known()))
}

impl ApiKey {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let missing = match self {
            Self::Create(_) => MissingFile::Create,
            Self::List(_) | Self::Revoke(_) => MissingFile::Fail,
        };
        let service = context::open_service(TokenAccess::NotNeeded, missing).await?;
        let outcome = match self {
            Self::Create(create) => create.run(&service).await,
            Self::List(list) => list.run(&service).await,
            Self::Revoke(revoke) => revoke.run(&service).await,
        };
        context::close(&service).await;
        outcome
    }
}

impl Create {
    async fn run(self, service: &IntegrationsService) -> Result<(), Failure> {
        let call = context::call(service);
        let issued = service
            .api_keys()
            .create(&call, &self.name, &self.scope)
            .await?;
        let key = issued.secret.expose_secret();
        if self.json {
            let stored = service
                .api_keys()
                .list(&call)
                .await?
                .into_iter()
                .find(|stored| stored.id == issued.stored);
            let scopes: Vec<_> = stored
                .iter()
                .flat_map(|stored| stored.scopes.split(' '))
                .collect();
            return output::print_json(
                &json!({ "id": issued.stored, "name": self.name, "scopes": scopes, "key": key }),
            );
        }
        output::print_line(key)
    }
}

impl List {
    async fn run(self, service: &IntegrationsService) -> Result<(), Failure> {
        let keys = service.api_keys().list(&context::call(service)).await?;
        if self.json {
            let keys = keys.iter().map(|key| {
                json!({
                    "id": key.id, "name": key.name, "scopes": key.scopes.split(' ').collect::<Vec<_>>(),
                    "createdAt": key.created_at, "lastUsedAt": key.last_used_at, "revokedAt": key.revoked_at,
                })
            });
            return output::print_json(&keys.collect());
        }
        let rows: Vec<_> = keys
            .into_iter()
            .map(|key| {
                let state = key
                    .revoked_at
                    .map_or_else(|| "active".to_owned(), |at| format!("revoked {at}"));
                [
                    key.id.to_string(),
                    key.name,
                    key.scopes,
                    key.created_at.to_string(),
                    time_or_dash(key.last_used_at),
                    state,
                ]
            })
            .collect();
        output::print_table(
            ["ID", "NAME", "SCOPES", "CREATED", "LAST USED", "STATE"],
            &rows,
        )
    }
}

impl Revoke {
    async fn run(self, service: &IntegrationsService) -> Result<(), Failure> {
        let not_found = || {
            Failure::new(
                format!("API key {:?} not found", self.id),
                "run `evergrant api-key list` for the ids",
            )
        };
        let id = ApiKeyId::new(self.id.as_str()).map_err(|_| not_found())?;
        let call = context::call(service);
        if !service.api_keys().revoke(&call, &id).await? {
            return Err(not_found());
        }
        output::print_line(format!("Revoked {id}."))
    }
}
