#![doc = include_str!("../README.md")]

mod adapter;
mod call_endpoints;
mod definition;
mod errors;
mod oauth2;
mod platforms;
mod provider;
mod registry;
mod session_cookies;
mod spec;
mod vocabulary;

pub use adapter::{
    AuthorizationRequest, CodeExchange, HeldTokens, PlatformAdapter, RemoteRevocation,
};
pub use definition::{CustomProvider, DefinitionFault, parse_providers};
pub use errors::adapter_error::{AdapterError, Cause, ErrorClass};
pub use evergrant_outbound::{
    Block, BlockKind, Endpoint, HttpClient, HttpClientError, HttpLimits, Learned, NetworkPolicy,
    Permit, Picture, RequestClass, SharedBreakerState, SharedRate,
};
pub use provider::{AccountCalls, Provider};
pub use registry::Registry;
pub use registry::settings::Lookup;
pub use session_cookies::credentials::{
    AcceptedCredentials, CredentialError, CredentialFault, CredentialField, SessionCheck,
};
pub use session_cookies::session::read_pasted;
pub use session_cookies::site::SessionSite;
pub use session_cookies::texts::{CauseTexts, FORM_TEXTS, FormTexts, either, fill};
pub use spec::{
    Capabilities, Lifecycle, Pkce, ProviderKind, ProviderSpec, RefreshesWith, RevocationReach,
    ScopeSpec,
};
pub use vocabulary::Vocabulary;
