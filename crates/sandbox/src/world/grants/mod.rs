//! Authorization codes, grants and their tokens, with validity and expiry.

mod grant;
mod index;
mod records;

pub(crate) use grant::{
    Code, Grant, GrantFilter, GrantId, InvalidationReason, Selection, TokenKind,
};
pub(crate) use index::Grants;
pub(crate) use records::{CodeLookup, TokenRecord};
