//! `evergrant users`: the users of the host application.

use clap::{Args, Subcommand};
use evergrant_model::{ExternalId, UserId};
use evergrant_service::{IntegrationsService, NewUser, User, UserRef};
use serde_json::{Value, json};

use super::context::{self, MissingFile, TokenAccess, parse_user, text_or_dash};
use crate::failure::Failure;
use crate::output;

/// Number of users per query.
const PAGE: i64 = 500;

#[derive(Subcommand)]
pub(super) enum Users {
    /// Create a user. An existing user with the same id or external id is left unchanged
    #[command(after_help = "Example:\n  evergrant users create --external-id 2f1c --name Juniper")]
    Create(Create),
    /// List all users
    #[command(after_help = "Example:\n  evergrant users list --json")]
    List(Json),
    /// Show a user
    #[command(after_help = "Example:\n  evergrant users show 42")]
    Show(Target),
    /// Delete a user and all connections, and revoke their grants at the platforms
    #[command(after_help = "Example:\n  evergrant users delete ext:2f1c")]
    Delete(Target),
}

#[derive(Args)]
pub(super) struct Create {
    /// Id of the user. Default: the next free id
    #[arg(long)]
    id: Option<UserId>,
    /// Email address, which must be unique
    #[arg(long)]
    email: Option<String>,
    /// Name of the user
    #[arg(long)]
    name: Option<String>,
    /// Your app's own id for the user
    #[arg(long)]
    external_id: Option<ExternalId>,
    #[command(flatten)]
    json: Json,
}

#[derive(Args)]
pub(super) struct Target {
    /// User id, or ext: and your app's own id
    #[arg(value_parser = parse_user)]
    user: UserRef,
    #[command(flatten)]
    json: Json,
}

#[derive(Args)]
pub(super) struct Json {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Users {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let tokens = if matches!(self, Self::Delete(_)) {
            TokenAccess::Needed
        } else {
            TokenAccess::NotNeeded
        };
        let missing = match self {
            Self::Create(_) => MissingFile::Create,
            Self::List(_) | Self::Show(_) | Self::Delete(_) => MissingFile::Fail,
        };
        let service = context::open_service(tokens, missing).await?;
        let outcome = match self {
            Self::Create(create) => create.run(&service).await,
            Self::List(json) => list(&service, &json).await,
            Self::Show(target) => show(&service, &target).await,
            Self::Delete(target) => delete(&service, &target).await,
        };
        context::close(&service).await;
        outcome
    }
}

impl Create {
    async fn run(self, service: &IntegrationsService) -> Result<(), Failure> {
        let new = NewUser {
            id: self.id,
            email: self.email,
            name: self.name,
            external_id: self.external_id,
        };
        let (user, is_new) = service
            .users()
            .create(&context::call(service), &new)
            .await?;
        if self.json.json {
            return output::print_json(&as_json(&user));
        }
        output::print_line(if is_new {
            format!("Created user {}.", user.id.get())
        } else {
            format!("User {} already exists.", user.id.get())
        })
    }
}

async fn list(service: &IntegrationsService, json: &Json) -> Result<(), Failure> {
    let (mut users, mut after, call) = (Vec::new(), 0, context::call(service));
    loop {
        let page = service.users().page(&call, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id.get();
        users.extend(page);
    }
    if json.json {
        return output::print_json(&users.iter().map(as_json).collect());
    }
    print_table(&users)
}

async fn show(service: &IntegrationsService, target: &Target) -> Result<(), Failure> {
    let call = context::call(service);
    let user = service.users().get(&call, &target.user).await?;
    if target.json.json {
        return output::print_json(&as_json(&user));
    }
    print_table(&[user])
}

async fn delete(service: &IntegrationsService, target: &Target) -> Result<(), Failure> {
    let user = service.users().resolve(&target.user).await?;
    service
        .users()
        .delete(&context::call(service), user)
        .await?;
    if target.json.json {
        return output::print_json(&json!({ "deleted": user }));
    }
    output::print_line(format!("Deleted user {} and all connections.", user.get()))
}

fn print_table(users: &[User]) -> Result<(), Failure> {
    let row = |user: &User| {
        [
            user.id.get().to_string(),
            text_or_dash(user.external_id.as_deref()),
            text_or_dash(user.name.as_deref()),
            text_or_dash(user.email.as_deref()),
            user.created_at.to_string(),
        ]
    };
    output::print_table(
        ["ID", "EXTERNAL ID", "NAME", "EMAIL", "CREATED"],
        &users.iter().map(row).collect::<Vec<_>>(),
    )
}

fn as_json(user: &User) -> Value {
    json!({
        "id": user.id, "email": user.email, "name": user.name, "externalId": user.external_id,
        "createdAt": user.created_at, "updatedAt": user.updated_at,
    })
}
