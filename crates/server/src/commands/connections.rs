//! `evergrant connections`: the connections of all users.

use clap::{Args, Subcommand};
use evergrant_model::{ErrorCode, ProviderAccountId, ProviderSlug};
use evergrant_service::{Integration, IntegrationsService, UserRef};
use serde_json::{Value, json};

use super::context::{self, MissingFile, TokenAccess, parse_user, text_or_dash, time_or_dash};
use crate::failure::Failure;
use crate::output;

/// Number of connections per query.
const PAGE: i64 = 500;

#[derive(Subcommand)]
pub(super) enum Connections {
    /// List connections
    #[command(after_help = "Example:\n  evergrant connections list --user 42 --json")]
    List(List),
    /// Show a connection, without its tokens
    #[command(after_help = "Example:\n  evergrant connections show reddit abc123")]
    Show(Target),
    /// Refresh a connection's token now
    #[command(after_help = "Example:\n  evergrant connections refresh reddit abc123")]
    Refresh(Target),
    /// Delete a connection and revoke its grant at the platform
    #[command(after_help = "Example:\n  evergrant connections disconnect reddit abc123")]
    Disconnect(Target),
}

#[derive(Args)]
pub(super) struct List {
    /// List only the connections of this user: a user id, or ext: and your app's own id
    #[arg(long, value_parser = parse_user)]
    user: Option<UserRef>,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct Target {
    /// Platform, as shown by `evergrant providers list`
    provider: ProviderSlug,
    /// Id of the account at the platform
    account: ProviderAccountId,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

impl Connections {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let tokens = if matches!(self, Self::List(_) | Self::Show(_)) {
            TokenAccess::NotNeeded
        } else {
            TokenAccess::Needed
        };
        let service = context::open_service(tokens, MissingFile::Fail).await?;
        let outcome = match self {
            Self::List(list) => list.run(&service).await,
            Self::Show(account) => show(&service, &account).await,
            Self::Refresh(account) => refresh(&service, &account).await,
            Self::Disconnect(account) => disconnect(&service, &account).await,
        };
        context::close(&service).await;
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
            return output::print_json(&rows.iter().map(as_json).collect());
        }
        let cells = |row: &Integration| {
            [
                row.id.get().to_string(),
                row.user.get().to_string(),
                row.provider.clone(),
                row.provider_account_id.clone(),
                text_or_dash(row.username.as_deref()),
                status_text(row),
                time_or_dash(row.expires_at),
            ]
        };
        let rows: Vec<_> = rows.iter().map(cells).collect();
        output::print_table(
            [
                "ID",
                "USER",
                "PLATFORM",
                "ACCOUNT",
                "NAME",
                "STATUS",
                "TOKEN EXPIRES",
            ],
            &rows,
        )
    }
}

async fn of_user(
    service: &IntegrationsService,
    user: &UserRef,
) -> Result<Vec<Integration>, Failure> {
    let call = context::call(service);
    let user = service.users().get(&call, user).await?.id;
    Ok(service.connections().stored(&call, user).await?)
}

async fn all(service: &IntegrationsService) -> Result<Vec<Integration>, Failure> {
    let (mut rows, mut after, call) = (Vec::new(), 0, context::call(service));
    loop {
        let page = service.connections().page(&call, after, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(rows);
        };
        after = last.id.get();
        rows.extend(page);
    }
}

async fn find(service: &IntegrationsService, target: &Target) -> Result<Integration, Failure> {
    match service
        .connections()
        .find(&context::call(service), &target.provider, &target.account)
        .await
    {
        Err(error) if error.code() == ErrorCode::AccountNotFound => Err(Failure::new(
            format!(
                "the {} account {:?} is not connected",
                target.provider,
                target.account.as_str()
            ),
            "run `evergrant connections list` for the connected accounts",
        )),
        found => Ok(found?),
    }
}

async fn show(service: &IntegrationsService, target: &Target) -> Result<(), Failure> {
    let row = find(service, target).await?;
    if target.json {
        return output::print_json(&as_json(&row));
    }
    let missing_scopes = row.missing_scopes.join(" ");
    let missing_scopes = Some(missing_scopes.as_str()).filter(|text| !text.is_empty());
    let fields = [
        ("connection", row.id.get().to_string()),
        ("user", row.user.get().to_string()),
        ("platform", row.provider.clone()),
        ("account", row.provider_account_id.clone()),
        ("username", text_or_dash(row.username.as_deref())),
        ("display name", text_or_dash(row.display_name.as_deref())),
        ("status", status_text(&row)),
        ("scopes", text_or_dash(row.scope.as_deref())),
        ("missing scopes", text_or_dash(missing_scopes)),
        ("token expires", time_or_dash(row.expires_at)),
        ("last refreshed", time_or_dash(row.last_refreshed_at)),
        ("next refresh", time_or_dash(row.next_refresh_at)),
        ("connected", row.created_at.to_string()),
        ("updated", row.updated_at.to_string()),
    ];
    let rows = fields.map(|(name, value)| [name.to_owned(), value]);
    output::print_table(["FIELD", "VALUE"], &rows)
}

async fn refresh(service: &IntegrationsService, target: &Target) -> Result<(), Failure> {
    let user = find(service, target).await?.user;
    let (provider, account) = (&target.provider, &target.account);
    let expires_at = service
        .refresh_token(&context::call(service), user, provider, account)
        .await?;
    if target.json {
        return output::print_json(&json!({ "success": true, "expiresAt": expires_at }));
    }
    output::print_line(match expires_at {
        Some(expires_at) => format!("Refreshed. The new token expires at {expires_at}."),
        None => "Refreshed. The new token does not expire.".to_owned(),
    })
}

async fn disconnect(service: &IntegrationsService, target: &Target) -> Result<(), Failure> {
    let user = find(service, target).await?.user;
    let (provider, account) = (&target.provider, &target.account);
    let outcome = service
        .disconnect_integration(&context::call(service), user, provider, account)
        .await?;
    if target.json {
        return output::print_json(
            &json!({ "success": true, "revocation": outcome.revocation, "message": outcome.message }),
        );
    }
    output::print_line(outcome.message)
}

fn status_text(row: &Integration) -> String {
    match row.reason {
        Some(reason) => format!("{} ({})", row.status.as_str(), reason.as_str()),
        None => row.status.as_str().to_owned(),
    }
}

fn as_json(row: &Integration) -> Value {
    json!({
        "id": row.id, "userId": row.user, "provider": row.provider, "providerAccountId": row.provider_account_id,
        "status": row.status, "statusReason": row.reason, "remarks": row.remarks,
        "username": row.username, "displayName": row.display_name, "scope": row.scope, "missingScopes": row.missing_scopes,
        "expiresAt": row.expires_at, "metadata": row.metadata, "createdAt": row.created_at,
        "updatedAt": row.updated_at, "lastRefreshedAt": row.last_refreshed_at,
        "nextRefreshAt": row.next_refresh_at, "correlationId": row.correlation_id,
    })
}
