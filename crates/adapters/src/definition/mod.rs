//! Provider definitions in TOML. The files of the catalogue and an operator's `[providers.*]`
//! sections share one schema.

mod account;
pub(crate) mod catalogue;
mod check;
mod cross_checks;
mod custom;
mod enums;
mod fault;
mod moved_keys;
mod position;
mod schema;
mod tables;
mod values;

pub(crate) use account::Fact;
pub use check::parse_providers;
pub(crate) use check::read_file;
pub use custom::CustomProvider;
pub(crate) use enums::{
    AccessTokenIn, CallKind, ClientAuth, ClientPart, ErrorCodes, FactKind, TokenKind, TokenRequest,
};
pub use fault::DefinitionFault;
pub(crate) use tables::{AccessTokenGrant, Definition, ErrorRule, ExpiryTable, Scope};
pub(crate) use values::{host_placeholder, is_segment};
