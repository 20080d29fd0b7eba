#![doc = include_str!("../README.md")]

mod adapter;
mod catalogue;
mod classify;
mod definition;
mod engine;
mod error;
mod http;
mod json;
mod network;
mod oauth2;
mod pkce;
mod profile;
mod registry;
mod resolve;
mod spec;
mod token_reply;

pub use adapter::{AuthorizationRequest, CodeExchange, HeldTokens, PlatformAdapter, RemoteRevocation};
pub use definition::{CustomProvider, DefinitionFault, parse_providers};
pub use error::{AdapterError, Cause, ErrorClass};
pub use http::{HttpClient, HttpClientError, HttpLimits};
pub use network::NetworkPolicy;
pub use registry::{Lookup, Registry};
pub use spec::{Capabilities, Pkce, ProviderKind, ProviderSpec, ScopeSpec};
