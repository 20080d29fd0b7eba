//! Stored connections: look-up, lists, deletion, and the jobs that keep their status up to date.

pub(crate) mod avatars;
pub(crate) mod compare_rows;
pub(crate) mod disconnect;
pub(crate) mod expiry;
pub(crate) mod external_rows;
pub(crate) mod import_rows;
pub(crate) mod list;
pub(crate) mod lookup;
pub(crate) mod remarks;
pub(crate) mod retry_revocations;
pub(crate) mod revocation_queue;
pub(crate) mod row_changes;
pub(crate) mod seen_ends;
pub(crate) mod session_checks;
pub(crate) mod stale_rows;
pub(crate) mod watched_users;
