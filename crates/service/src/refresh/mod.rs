//! Token refresh: at most one attempt per token generation across all replicas, and no loss of
//! issued tokens.

pub(crate) mod attempt;
pub(crate) mod context;
pub(crate) mod coordinator;
pub(crate) mod failure;
pub(crate) mod journal;
pub(crate) mod journal_writer;
pub(crate) mod kept_tokens;
pub(crate) mod lost_tokens;
pub(crate) mod mass_rejection;
pub(crate) mod next_attempt;
pub(crate) mod outcome;
pub(crate) mod pending_write;
pub(crate) mod pending_writes;
pub(crate) mod permission;
pub(crate) mod record;
pub(crate) mod refusals;
pub(crate) mod scheduler;
pub(crate) mod unsaved_tokens;
