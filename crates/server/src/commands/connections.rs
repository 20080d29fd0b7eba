//! `evergrant connections`: connected accounts by hand, whoever owns them.

use clap::{Args, Subcommand};
use evergrant_model::{ProviderAccountId, ProviderSlug};
use evergrant_service::{Integration, IntegrationsService, UserRef};
use evergrant_store::Connection;
use serde_json::{Value, json};

use super::tool::{self, Needs, or_dash, parse_user, shown};
use crate::failure::Failure;
use crate::{output, wiring};

/// How many connections are read at once.
const PAGE: i64 = 500;

#[derive(Subcommand)]
pub(super) enum Connections {
    /// List the connections
    #[command(after_help = "Example:\n  evergrant connections list --user 42 --json")]
    List(List),
    /// Show one connection; its tokens are never shown
    #[command(after_help = "Example:\n  evergrant connections show reddit abc123")]
    Show(One),
    /// Renew a connection's token now
    #[command(after_help = "Example:\n  evergrant connections refresh reddit abc123")]
    Refresh(One),
    /// Delete a connection, and end its grant at the platform
    #[command(after_help = "Example:\n  evergrant connections disconnect reddit abc123")]
    Disconnect(One),
}

#[derive(Args)]
pub(super) struct List {
    /// Only this user's: a number, or ext: and your app's own id
    #[arg(long, value_parser = parse_user)]
    user: Option<UserRef>,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct One {
    /// The platform, as `evergrant providers list` names it
    provider: ProviderSlug,
    /// The account's id at the platform
    account: ProviderAccountId,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl Connections {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let needs = if matches!(self, Self::List(_) | Self::Show(_)) { Needs::NoKey } else { Needs::Key };
        let service = tool::service(needs).await?;
        let outcome = match self {
            Self::List(list) => list.run(&service).await,
            Self::Show(one) => show(&service, &one).await,
            Self::Refresh(one) => refresh(&service, &one).await,
            Self::Disconnect(one) => disconnect(&service, &one).await,
        };
        tool::close(&service).await;
        outcome
    }
}

impl List {
    async fn run(self, service: &IntegrationsService) -> Result<(), Failure> {
        let rows = match &self.user {
            Some(user) => of_user(service, user).await?,
            None => all(service).await?,
        };
        if self.json {
            return output::json(&rows.iter().map(|row| as_json(service, row)).collect());
        }
        let cells = |row: &Connection| {
            let seen = service.view(row);
            let name = or_dash(seen.username.as_deref());
            let (status, expires_at) = (standing(&seen), shown(seen.expires_at));
            [
                row.id.get().to_string(),
                row.user.get().to_string(),
                seen.provider,
                seen.provider_account_id,
                name,
                status,
                expires_at,
            ]
        };
        let rows: Vec<_> = rows.iter().map(cells).collect();
        output::table(["ID", "USER", "PLATFORM", "ACCOUNT", "NAME", "STATUS", "TOKEN ENDS"], &rows)
    }
}

async fn of_user(service: &IntegrationsService, user: &UserRef) -> Result<Vec<Connection>, Failure> {
    let user = service.user(user).await?.id;
    let held = service.store().connections().of_user(user).await.map_err(|error| wiring::database_trouble(&error))?;
    Ok(held.map(|held| held.connections).unwrap_or_default())
}

async fn all(service: &IntegrationsService) -> Result<Vec<Connection>, Failure> {
    let (mut rows, mut after) = (Vec::new(), 0);
    loop {
        let page =
            service.store().connections().page(after, PAGE).await.map_err(|error| wiring::database_trouble(&error))?;
        let Some(last) = page.last() else { return Ok(rows) };
        after = last.id.get();
        rows.extend(page);
    }
}

async fn found(service: &IntegrationsService, one: &One) -> Result<Connection, Failure> {
    let row = service.store().connections().by_account(&one.provider, &one.account).await;
    row.map_err(|error| wiring::database_trouble(&error))?.ok_or_else(|| {
        let what = format!("nobody has connected the {} account {:?}", one.provider, one.account.as_str());
        Failure::new(what, "`evergrant connections list` shows what is connected")
    })
}

async fn show(service: &IntegrationsService, one: &One) -> Result<(), Failure> {
    let row = found(service, one).await?;
    if one.json {
        return output::json(&as_json(service, &row));
    }
    let seen = service.view(&row);
    let facts = [
        ("connection", seen.id.get().to_string()),
        ("user", row.user.get().to_string()),
        ("platform", seen.provider.clone()),
        ("account", seen.provider_account_id.clone()),
        ("username", or_dash(seen.username.as_deref())),
        ("display name", or_dash(seen.display_name.as_deref())),
        ("status", standing(&seen)),
        ("scopes", or_dash(seen.scope.as_deref())),
        ("missing scopes", or_dash(Some(seen.missing_scopes.join(" ").as_str()).filter(|text| !text.is_empty()))),
        ("token ends", shown(seen.expires_at)),
        ("last renewed", shown(seen.last_refreshed_at)),
        ("next renewal", shown(seen.next_refresh_at)),
        ("connected", seen.created_at.to_string()),
        ("changed", seen.updated_at.to_string()),
    ];
    let rows = facts.map(|(name, value)| [name.to_owned(), value]);
    output::table(["FACT", ""], &rows)
}

async fn refresh(service: &IntegrationsService, one: &One) -> Result<(), Failure> {
    let owner = found(service, one).await?.user;
    let id = wiring::correlation_id()?;
    let end = service.refresh_token(owner, one.provider.as_str(), one.account.as_str(), &id).await?;
    if one.json {
        return output::json(&json!({ "success": true, "expiresAt": end }));
    }
    output::line(format!("Renewed; the new token ends {}.", shown(end)))
}

async fn disconnect(service: &IntegrationsService, one: &One) -> Result<(), Failure> {
    let owner = found(service, one).await?.user;
    let id = wiring::correlation_id()?;
    let done = service.disconnect_integration(owner, one.provider.as_str(), one.account.as_str(), &id).await?;
    if one.json {
        return output::json(&json!({ "success": true, "revocation": done.revocation, "message": done.message }));
    }
    output::line(done.message)
}

fn standing(seen: &Integration) -> String {
    match seen.reason {
        Some(reason) => format!("{} ({})", seen.status.as_str(), reason.as_str()),
        None => seen.status.as_str().to_owned(),
    }
}

fn as_json(service: &IntegrationsService, row: &Connection) -> Value {
    let seen = service.view(row);
    json!({
        "id": seen.id, "userId": row.user, "provider": seen.provider, "providerAccountId": seen.provider_account_id,
        "status": seen.status, "statusReason": seen.reason, "username": seen.username,
        "displayName": seen.display_name, "scope": seen.scope, "missingScopes": seen.missing_scopes,
        "expiresAt": seen.expires_at, "metadata": seen.metadata, "createdAt": seen.created_at,
        "updatedAt": seen.updated_at, "lastRefreshedAt": seen.last_refreshed_at,
        "nextRefreshAt": seen.next_refresh_at, "correlationId": seen.correlation_id,
    })
}
