//! `evergrant api-key`: credentials for the app's server.

use clap::{Args, Subcommand};
use evergrant_model::ApiKeyId;
use evergrant_service::{IntegrationsService, KeyScope};
use secrecy::ExposeSecret;
use serde_json::json;

use super::tool::{self, Needs, shown};
use crate::failure::Failure;
use crate::output;

#[derive(Subcommand)]
pub(super) enum ApiKey {
    /// Make a key; it is printed once, and only its hash is stored
    #[command(
        after_help = "Example: a key that can read tokens and nothing else\n  \
        evergrant api-key create --name worker --scope tokens:read"
    )]
    Create(Create),
    /// List the keys
    #[command(after_help = "Example:\n  evergrant api-key list --json")]
    List(List),
    /// End a key for good; running services notice within a second
    #[command(after_help = "Example:\n  evergrant api-key revoke 0123456789ab")]
    Revoke(Revoke),
}

#[derive(Args)]
pub(super) struct Create {
    /// What the key is for, as lists show it
    #[arg(long)]
    name: String,
    /// What the key may do; may be given several times. Without it: everything but admin
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
    /// The key's id, as the list shows it
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
        let service = tool::service(Needs::NoKey).await?;
        let outcome = match self {
            Self::Create(create) => create.run(&service).await,
            Self::List(list) => list.run(&service).await,
            Self::Revoke(revoke) => revoke.run(&service).await,
        };
        tool::close(&service).await;
        outcome
    }
}

impl Create {
    async fn run(self, service: &IntegrationsService) -> Result<(), Failure> {
        let call = tool::call(service);
        let issued = service
            .api_keys()
            .create(&call, &self.name, &self.scope)
            .await?;
        let key = issued.secret.expose_secret();
        if self.json {
            let made = service
                .api_keys()
                .list(&call)
                .await?
                .into_iter()
                .find(|made| made.id == issued.stored);
            let scopes: Vec<_> = made
                .iter()
                .flat_map(|made| made.scopes.split(' '))
                .collect();
            return output::json(
                &json!({ "id": issued.stored, "name": self.name, "scopes": scopes, "key": key }),
            );
        }
        output::line(key)
    }
}

impl List {
    async fn run(self, service: &IntegrationsService) -> Result<(), Failure> {
        let keys = service.api_keys().list(&tool::call(service)).await?;
        if self.json {
            let keys = keys.iter().map(|key| {
                json!({
                    "id": key.id, "name": key.name, "scopes": key.scopes.split(' ').collect::<Vec<_>>(),
                    "createdAt": key.created_at, "lastUsedAt": key.last_used_at, "revokedAt": key.revoked_at,
                })
            });
            return output::json(&keys.collect());
        }
        let rows: Vec<_> = keys
            .into_iter()
            .map(|key| {
                let state = key
                    .revoked_at
                    .map_or_else(|| "live".to_owned(), |at| format!("revoked {at}"));
                [
                    key.id.to_string(),
                    key.name,
                    key.scopes,
                    key.created_at.to_string(),
                    shown(key.last_used_at),
                    state,
                ]
            })
            .collect();
        output::table(
            ["ID", "NAME", "SCOPES", "CREATED", "LAST USED", "STATE"],
            &rows,
        )
    }
}

impl Revoke {
    async fn run(self, service: &IntegrationsService) -> Result<(), Failure> {
        let unknown = || {
            Failure::new(
                format!("there is no key {:?}", self.id),
                "`evergrant api-key list` shows the ids",
            )
        };
        let id = ApiKeyId::new(self.id.as_str()).map_err(|_| unknown())?;
        if !service.api_keys().revoke(&tool::call(service), &id).await? {
            return Err(unknown());
        }
        output::line(format!("Revoked {id}."))
    }
}
