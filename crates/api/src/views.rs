//! The shapes of answers: names, units and emptiness as the OpenAPI document states them.

use evergrant_model::Timestamp;
use evergrant_service::{CredentialField, Integration, IntegrationList, ProviderSpec};
use serde::Serialize;
use utoipa::ToSchema;

/// A connected account, as the app sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Integration)]
pub(crate) struct IntegrationView {
    /// The connection's number; a reconnect keeps it.
    id: i32,
    /// The platform, such as `reddit`.
    provider: String,
    /// The account's id at the platform; `accountId` in routes means this one.
    provider_account_id: String,
    /// Whether a token can be had now: true for `connected` and `expiring`.
    is_connected: bool,
    /// `connected`, `expiring`, `expired` or `error`.
    status: &'static str,
    /// Why it stands so, such as `REVOKED_BY_USER`; absent where there is nothing to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<&'static str>,
    /// The handle at the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// The name that people see there.
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    /// Where the account's picture is: an address of Evergrant's own, which anybody may show.
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<String>,
    /// The granted scopes, divided by spaces; null if unknown.
    scope: Option<String>,
    /// The scopes that were asked for and not granted.
    missing_scopes: Vec<String>,
    /// When the access token ends (RFC 3339 UTC, milliseconds); null if unknown.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// What the platform says of the account, by the names of its catalogue entry.
    #[schema(value_type = Object)]
    metadata: serde_json::Value,
    /// When it was first connected.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// When it was last renewed; absent for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_refreshed_at: Option<Timestamp>,
    /// When it is next renewed; absent for never.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    next_refresh_at: Option<Timestamp>,
    /// Finds the last change of status in the operator's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
}

impl From<Integration> for IntegrationView {
    fn from(one: Integration) -> Self {
        Self {
            id: one.id.get(),
            provider: one.provider,
            provider_account_id: one.provider_account_id,
            is_connected: one.status.is_connected(),
            status: one.status.as_str(),
            status_reason: one.reason.map(evergrant_model::StatusReason::as_str),
            username: one.username,
            display_name: one.display_name,
            avatar_url: one.avatar_url,
            scope: one.scope,
            missing_scopes: one.missing_scopes,
            expires_at: one.expires_at,
            metadata: one.metadata,
            created_at: one.created_at,
            updated_at: one.updated_at,
            last_refreshed_at: one.last_refreshed_at,
            next_refresh_at: one.next_refresh_at,
            correlation_id: one.correlation_id,
        }
    }
}

/// A user's connected accounts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IntegrationList)]
pub(crate) struct StatusView {
    /// Rises with every change of the user's connections, over all replicas.
    version: i64,
    /// In the order in which they were connected.
    integrations: Vec<IntegrationView>,
}

impl From<IntegrationList> for StatusView {
    fn from(list: IntegrationList) -> Self {
        let integrations = list
            .integrations
            .into_iter()
            .map(IntegrationView::from)
            .collect();
        Self {
            version: list.version,
            integrations,
        }
    }
}

/// Connected accounts, without a version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IntegrationsView {
    /// The accounts.
    pub(crate) integrations: Vec<IntegrationView>,
}

/// A permission, in plain words.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Scope)]
pub(crate) struct ScopeView {
    /// As the platform calls it.
    id: String,
    /// As a user is told of it.
    label: String,
    /// Whether a connection is useless without it.
    required: bool,
}

/// What an account's owner fills in, for a platform without a consent page.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CredentialField)]
pub(crate) struct FieldView {
    /// Its key in `values`.
    name: &'static str,
    /// As its owner is told of it.
    label: &'static str,
    /// Whether it must be hidden as it is typed, and never shown again.
    secret: bool,
    /// Whether it is needed; one `pasted` text may stand for all others.
    required: bool,
    /// Where its owner finds it.
    help: &'static str,
}

impl From<&CredentialField> for FieldView {
    fn from(field: &CredentialField) -> Self {
        let CredentialField {
            name,
            label,
            secret,
            required,
            help,
        } = *field;
        Self {
            name,
            label,
            secret,
            required,
            help,
        }
    }
}

/// A platform, as a user sees it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Provider)]
pub(crate) struct ProviderView {
    /// Its name in routes, such as `reddit`.
    provider: String,
    /// Its name for people.
    name: String,
    /// `oauth2` or `cookies`.
    kind: &'static str,
    /// What an account there is called, such as `Reddit User`.
    account_type: String,
    /// With whom its users sign in, where that is another platform, such as `Facebook`.
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_in_with: Option<String>,
    /// What its tokens are like, such as `Permanent (with refresh)`.
    token_type: String,
    /// Whether the operator has registered a client with it.
    configured: bool,
    /// Whether one consent may reach several accounts.
    multi_account: bool,
    /// What can be done with a grant: any of `refresh`, `revoke`, `profile`.
    capabilities: Vec<&'static str>,
    /// The permissions that are asked for.
    scopes: Vec<ScopeView>,
    /// What is filled in at platforms of kind `cookies`; absent for others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldView>,
    /// Why it is not configured, for the operator; absent where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl ProviderView {
    pub(crate) fn new(spec: &ProviderSpec, fields: &[CredentialField]) -> Self {
        let able = spec.capabilities;
        let capabilities = [
            ("refresh", able.refresh),
            ("revoke", able.revoke),
            ("profile", able.profile),
        ];
        let scope = |scope: &evergrant_service::ScopeSpec| ScopeView {
            id: scope.id.clone(),
            label: scope.label.clone(),
            required: scope.required,
        };
        Self {
            provider: spec.slug.as_str().to_owned(),
            name: spec.name.clone(),
            kind: spec.kind.as_str(),
            account_type: spec.account_type.clone(),
            sign_in_with: spec.sign_in_with.clone(),
            token_type: spec.token_type.clone(),
            configured: spec.is_configured(),
            multi_account: spec.multi_account,
            capabilities: capabilities
                .into_iter()
                .filter_map(|(name, can)| can.then_some(name))
                .collect(),
            scopes: spec.scopes.iter().map(scope).collect(),
            fields: fields.iter().map(FieldView::from).collect(),
            problem: spec.problem.clone(),
        }
    }
}
