//! Response types that several routes share.

use evergrant_model::{AccessToken, StatusReason, Timestamp};
use evergrant_service::{CredentialField, Integration, IntegrationList, ProviderSpec};
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// Serializes the text of an access token, for the responses whose purpose it is. Everywhere else
/// the type prevents that.
pub(crate) fn exposed<S: Serializer>(
    token: &AccessToken,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose())
}

/// A connected account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Integration)]
pub(crate) struct IntegrationView {
    /// Id of the connection. A reconnect keeps it.
    id: i32,
    /// Provider name, such as `reddit`.
    provider: String,
    /// The account's id at the platform, which routes call `accountId`.
    provider_account_id: String,
    /// Whether the connection has a valid token: true for `connected` and `expiring`.
    is_connected: bool,
    /// `connected`; `expiring`: the token expires soon and cannot be refreshed; `expired`: the user
    /// must reconnect the account; `error`: temporarily unavailable because of the platform or
    /// Evergrant.
    status: &'static str,
    /// Reason for the status, such as `REVOKED_BY_USER`, or the first of the remarks. Absent if
    /// there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<&'static str>,
    /// What the user should know although the connection works, the most important first:
    /// `SCOPE_MISSING`, `UNVERIFIED`, `REFRESH_RETRYING`. Empty for `expired` and `error`.
    remarks: Vec<&'static str>,
    /// The handle at the platform. Absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// The name shown at the platform. Absent if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    /// Public URL of the account's picture, served by Evergrant. Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<String>,
    /// The granted scopes, separated by spaces; null if unknown.
    scope: Option<String>,
    /// The scopes that were requested but not granted.
    missing_scopes: Vec<String>,
    /// When the access token expires; null if unknown.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Facts about the account from the platform, by the names of the provider's definition.
    #[schema(value_type = Object)]
    metadata: serde_json::Value,
    /// When the account was first connected.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When the connection last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// When the tokens were last refreshed. Absent if they never were.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_refreshed_at: Option<Timestamp>,
    /// When the tokens will be refreshed next. Absent if no refresh is scheduled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    next_refresh_at: Option<Timestamp>,
    /// Identifies the last change of status in the operator's log. Absent if there is none.
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
            status_reason: one.reason.map(StatusReason::as_str),
            remarks: one.remarks.into_iter().map(StatusReason::as_str).collect(),
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
    /// Increases with every change of the user's connections, across all replicas.
    version: i64,
    /// The accounts in the order in which they were connected.
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

/// The accounts that a flow connected.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IntegrationsView {
    /// The connected accounts.
    pub(crate) integrations: Vec<IntegrationView>,
}

/// A permission that a connection requests.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Scope)]
pub(crate) struct ScopeView {
    /// The platform's name for the scope.
    id: String,
    /// Description for users.
    label: String,
    /// Whether a connection needs the scope to work.
    required: bool,
}

/// A field that the account's owner fills in, for a platform without a consent page.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CredentialField)]
pub(crate) struct FieldView {
    /// Key of the field in `values`.
    name: &'static str,
    /// Label for the owner.
    label: &'static str,
    /// Whether the value is secret: mask the input and never show it again.
    secret: bool,
    /// Whether the field is required. The field `pasted` can replace all others.
    required: bool,
    /// Where the owner finds the value.
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

/// The site whose sessions a platform without a consent page accepts.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionSite)]
pub(crate) struct SessionSiteView {
    /// The page on which the owner signs in.
    sign_in_url: String,
    /// The domains of the site. Sessions of other hosts are rejected.
    domains: Vec<String>,
}

impl SessionSiteView {
    fn new(spec: &ProviderSpec) -> Option<Self> {
        let site = &spec.session_site;
        Some(Self {
            sign_in_url: site.sign_in_url.clone()?,
            domains: site.domains.clone(),
        })
    }
}

/// A platform that can be connected.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Provider)]
pub(crate) struct ProviderView {
    /// Provider name in routes, such as `reddit`.
    provider: String,
    /// Name of the platform for users, such as `Reddit`.
    name: String,
    /// `oauth2`: the user consents at the platform. `cookies`: the owner pastes a browser session.
    kind: &'static str,
    /// What the platform calls its accounts, such as `Reddit User`.
    account_type: String,
    /// The platform at which users sign in, such as `Facebook`. Absent if it is the same platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_in_with: Option<String>,
    /// How users sign in and which accounts they can connect, in a few words. Absent if the name
    /// and the account type say enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_summary: Option<String>,
    /// What a user does to get an account that can be connected, in full sentences. Absent if every
    /// account can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_help: Option<String>,
    /// URL of the platform's page about that. Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_help_url: Option<String>,
    /// Lifetime of the tokens in words, such as `Permanent (with refresh)`.
    token_type: String,
    /// Whether the operator has configured the platform.
    configured: bool,
    /// Whether one consent can cover several accounts.
    multi_account: bool,
    /// What the platform supports: any of `refresh`, `revoke` and `profile`.
    capabilities: Vec<&'static str>,
    /// The scopes that a connection can request.
    scopes: Vec<ScopeView>,
    /// The fields that the owner fills in. Present only for kind `cookies`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldView>,
    /// Where the owner's session comes from. Present only for kind `cookies`.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_site: Option<SessionSiteView>,
    /// What is missing from the configuration, for the operator. Absent if `configured` is true.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl ProviderView {
    pub(crate) fn new(spec: &ProviderSpec, fields: &[CredentialField]) -> Self {
        let supported = spec.capabilities;
        let capabilities = [
            ("refresh", supported.refresh),
            ("revoke", supported.revoke),
            ("profile", supported.profile),
        ];
        let scope = |scope: &evergrant_service::ScopeSpec| ScopeView {
            id: scope.id.clone(),
            label: scope.label.clone(),
            required: scope.required,
        };
        Self {
            provider: spec.slug.as_str().to_owned(),
            name: spec.name.clone(),
            session_site: SessionSiteView::new(spec),
            kind: spec.kind.as_str(),
            account_type: spec.account_type.clone(),
            sign_in_with: spec.sign_in_with.clone(),
            account_summary: spec.account_summary.clone(),
            account_help: spec.account_help.clone(),
            account_help_url: spec.account_help_url.clone(),
            token_type: spec.token_type.clone(),
            configured: spec.is_configured(),
            multi_account: spec.multi_account,
            capabilities: capabilities
                .into_iter()
                .filter_map(|(name, is_supported)| is_supported.then_some(name))
                .collect(),
            scopes: spec.scopes.iter().map(scope).collect(),
            fields: fields.iter().map(FieldView::from).collect(),
            problem: spec.problem.clone(),
        }
    }
}
