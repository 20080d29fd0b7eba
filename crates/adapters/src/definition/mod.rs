//! What a platform's TOML says: one schema for the catalogue's files and an operator's
//! `[providers.*]` sections.

mod account;
pub(crate) mod catalogue;
mod check;
mod custom;
mod fault;
mod moved_keys;
mod place;
mod schema;
mod tables;
mod values;
mod words;

pub(crate) use account::Fact;
pub use check::parse_providers;
pub(crate) use check::read_file;
pub use custom::CustomProvider;
pub use fault::DefinitionFault;
pub(crate) use tables::{AccessTokenGrant, Definition, ErrorRule, Scope};
pub(crate) use values::{host_name, is_segment};
pub(crate) use words::{
    AccessTokenIn, CallKind, ClientAuth, ClientPart, ErrorCodes, FactKind, TokenKind, TokenRequest,
};
