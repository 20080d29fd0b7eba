//! Codes, grants and tokens: who allowed what to whom, and what still works.

mod grant;
mod index;
mod remembered;

pub(crate) use grant::{Code, Ending, Grant, GrantId, Selection, TokenKind};
pub(crate) use index::Grants;
pub(crate) use remembered::{Presented, Remembered, Whose};
