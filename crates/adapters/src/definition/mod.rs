//! What a platform's TOML says: one schema for the catalogue's files and an operator's `[providers.*]` sections.

pub(crate) mod catalogue;
mod check;
mod custom;
mod fault;
mod place;
mod schema;
mod tables;
mod words;

pub use check::parse_providers;
pub(crate) use check::{host_name, is_segment, read_file};
pub use custom::CustomProvider;
pub use fault::DefinitionFault;
pub(crate) use tables::{AccessTokenGrant, Definition, ErrorRule, Fact, Scope};
pub(crate) use words::{
    AccessTokenIn, CallKind, ClientAuth, ClientPart, ErrorCodes, FactKind, TokenKind, TokenRequest,
};
