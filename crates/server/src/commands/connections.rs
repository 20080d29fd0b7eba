//! `evergrant connections`: connected accounts by hand, whoever owns them.

use clap::{Args, Subcommand};
use evergrant_model::{ErrorCode, ProviderAccountId, ProviderSlug};
use evergrant_service::{Integration, IntegrationsService, UserRef};
use serde_json::{Value, json};

use super::tool::{self, Needs, or_dash, parse_user, shown};
use crate::failure::Failure;
use crate::output;

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
        let needs = if matches!(self, Self::List(_) | Self::Show(_)) {
            Needs::NoKey
        } else {
            Needs::Key
        };
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
            return output::json(&rows.iter().map(as_json).collect());
        }
        let cells = |row: &Integration| {
            [
                row.id.get().to_string(),
                row.user.get().to_string(),
                row.provider.clone(),
                row.provider_account_id.clone(),
                or_dash(row.username.as_deref()),
                standing(row),
                shown(row.expires_at),
            ]
        };
        let rows: Vec<_> = rows.iter().map(cells).collect();
        output::table(
            [
                "ID",
                "USER",
                "PLATFORM",
                "ACCOUNT",
                "NAME",
                "STATUS",
                "TOKEN ENDS",
            ],
            &rows,
        )
    }
}

async fn of_user(
    service: &IntegrationsService,
    user: &UserRef,
) -> Result<Vec<Integration>, Failure> {
    let call = tool::call(service);
    let user = service.users().get(&call, user).await?.id;
    Ok(service.connections().stored(&call, user).await?)
}

async fn all(service: &IntegrationsService) -> Result<Vec<Integration>, Failure> {
    let (mut rows, mut after, call) = (Vec::new(), 0, tool::call(service));
    loop {
        let page = service.connections().page(&call, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(rows);
        };
        after = last.id.get();
        rows.extend(page);
    }
}

async fn found(service: &IntegrationsService, one: &One) -> Result<Integration, Failure> {
    match service
        .connections()
        .find(&tool::call(service), &one.provider, &one.account)
        .await
    {
        Err(error) if error.code() == ErrorCode::AccountNotFound => {
            let what = format!(
                "no user has connected the {} account {:?}",
                one.provider,
                one.account.as_str()
            );
            Err(Failure::new(
                what,
                "`evergrant connections list` shows what is connected",
            ))
        }
        found => Ok(found?),
    }
}

async fn show(service: &IntegrationsService, one: &One) -> Result<(), Failure> {
    let seen = found(service, one).await?;
    if one.json {
        return output::json(&as_json(&seen));
    }
    let facts = [
        ("connection", seen.id.get().to_string()),
        ("user", seen.user.get().to_string()),
        ("platform", seen.provider.clone()),
        ("account", seen.provider_account_id.clone()),
        ("username", or_dash(seen.username.as_deref())),
        ("display name", or_dash(seen.display_name.as_deref())),
        ("status", standing(&seen)),
        ("scopes", or_dash(seen.scope.as_deref())),
        (
            "missing scopes",
            or_dash(Some(seen.missing_scopes.join(" ").as_str()).filter(|text| !text.is_empty())),
        ),
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
    let (provider, account) = (one.provider.as_str(), one.account.as_str());
    let end = service
        .refresh_token(&tool::call(service), owner, provider, account)
        .await?;
    if one.json {
        return output::json(&json!({ "success": true, "expiresAt": end }));
    }
    output::line(format!("Renewed; the new token ends {}.", shown(end)))
}

async fn disconnect(service: &IntegrationsService, one: &One) -> Result<(), Failure> {
    let owner = found(service, one).await?.user;
    let (provider, account) = (one.provider.as_str(), one.account.as_str());
    let done = service
        .disconnect_integration(&tool::call(service), owner, provider, account)
        .await?;
    if one.json {
        return output::json(
            &json!({ "success": true, "revocation": done.revocation, "message": done.message }),
        );
    }
    output::line(done.message)
}

fn standing(seen: &Integration) -> String {
    match seen.reason {
        Some(reason) => format!("{} ({})", seen.status.as_str(), reason.as_str()),
        None => seen.status.as_str().to_owned(),
    }
}

fn as_json(seen: &Integration) -> Value {
    json!({
        "id": seen.id, "userId": seen.user, "provider": seen.provider, "providerAccountId": seen.provider_account_id,
        "status": seen.status, "statusReason": seen.reason, "username": seen.username,
        "displayName": seen.display_name, "scope": seen.scope, "missingScopes": seen.missing_scopes,
        "expiresAt": seen.expires_at, "metadata": seen.metadata, "createdAt": seen.created_at,
        "updatedAt": seen.updated_at, "lastRefreshedAt": seen.last_refreshed_at,
        "nextRefreshAt": seen.next_refresh_at, "correlationId": seen.correlation_id,
    })
}
