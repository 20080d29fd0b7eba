#![doc = include_str!("../README.md")]

mod adapter;
mod body;
mod calls;
mod catalogue;
mod classify;
mod credentials;
mod definition;
mod engine;
mod error;
mod instagram;
mod json;
mod oauth2;
mod onlyfans;
mod pasted;
mod pkce;
mod platform;
mod profile;
mod registry;
mod resolve;
mod session;
mod spec;
mod token_reply;

pub use adapter::{AuthorizationRequest, CodeExchange, HeldTokens, PlatformAdapter, RemoteRevocation};
pub use credentials::{AcceptedCredentials, CredentialError, CredentialFault, CredentialField, SessionCheck};
pub use definition::{CustomProvider, DefinitionFault, parse_providers};
pub use error::{AdapterError, Cause, ErrorClass};
pub use evergrant_outbound::{
    Block, BlockKind, HttpClient, HttpClientError, HttpLimits, NetworkPolicy, Permit, Picture, SharedBreakerState,
};
pub use platform::{AccountCalls, Platform};
pub use registry::{Lookup, Registry};
pub use spec::{Capabilities, Pkce, ProviderKind, ProviderSpec, RenewsWith, RevocationReach, ScopeSpec};
