//! `evergrant users`: the people of the host application, by hand.

use clap::{Args, Subcommand};
use evergrant_model::{ExternalId, UserId};
use evergrant_service::{IntegrationsService, NewUser, User, UserRef};
use serde_json::{Value, json};

use super::tool::{self, Needs, or_dash, parse_user};
use crate::failure::Failure;
use crate::output;

/// How many users are read at once.
const PAGE: i64 = 500;

#[derive(Subcommand)]
pub(super) enum Users {
    /// Make a user, or find the one that is there
    #[command(after_help = "Example:\n  evergrant users create --external-id 2f1c --name Juniper")]
    Create(Create),
    /// List all users
    #[command(after_help = "Example:\n  evergrant users list --json")]
    List(Json),
    /// Show one user
    #[command(after_help = "Example:\n  evergrant users show 42")]
    Show(One),
    /// Delete a user with all connections, and end their grants at the platforms
    #[command(after_help = "Example:\n  evergrant users delete ext:2f1c")]
    Delete(One),
}

#[derive(Args)]
pub(super) struct Create {
    /// The user's number; the next free one if left out
    #[arg(long)]
    id: Option<UserId>,
    /// Unique where there is one
    #[arg(long)]
    email: Option<String>,
    /// As your app knows the person
    #[arg(long)]
    name: Option<String>,
    /// Your app's own id of the person
    #[arg(long)]
    external_id: Option<ExternalId>,
    #[command(flatten)]
    json: Json,
}

#[derive(Args)]
pub(super) struct One {
    /// The user's number, or ext: and your app's own id
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
        let needs = if matches!(self, Self::Delete(_)) {
            Needs::Key
        } else {
            Needs::NoKey
        };
        let service = tool::service(needs).await?;
        let outcome = match self {
            Self::Create(create) => create.run(&service).await,
            Self::List(json) => list(&service, &json).await,
            Self::Show(one) => show(&service, &one).await,
            Self::Delete(one) => delete(&service, &one).await,
        };
        tool::close(&service).await;
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
        let (user, is_new) = service.users().create(&tool::call(service), &new).await?;
        if self.json.json {
            return output::json(&as_json(&user));
        }
        output::line(if is_new {
            format!("Made user {}.", user.id.get())
        } else {
            format!("User {} was there.", user.id.get())
        })
    }
}

async fn list(service: &IntegrationsService, json: &Json) -> Result<(), Failure> {
    let (mut users, mut after, call) = (Vec::new(), 0, tool::call(service));
    loop {
        let page = service.users().page(&call, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id.get();
        users.extend(page);
    }
    if json.json {
        return output::json(&users.iter().map(as_json).collect());
    }
    print(&users, json)
}

async fn show(service: &IntegrationsService, one: &One) -> Result<(), Failure> {
    let user = service.users().get(&tool::call(service), &one.user).await?;
    print(&[user], &one.json)
}

async fn delete(service: &IntegrationsService, one: &One) -> Result<(), Failure> {
    let user = service.users().resolve(&one.user).await?;
    service.users().delete(&tool::call(service), user).await?;
    if one.json.json {
        return output::json(&json!({ "deleted": user }));
    }
    output::line(format!("Deleted user {} and all connections.", user.get()))
}

fn print(users: &[User], json: &Json) -> Result<(), Failure> {
    if json.json {
        let [user] = users else {
            return output::json(&users.iter().map(as_json).collect());
        };
        return output::json(&as_json(user));
    }
    let row = |user: &User| {
        let texts =
            [&user.external_id, &user.name, &user.email].map(|text| or_dash(text.as_deref()));
        let [external_id, name, email] = texts;
        [
            user.id.get().to_string(),
            external_id,
            name,
            email,
            user.created_at.to_string(),
        ]
    };
    output::table(
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
