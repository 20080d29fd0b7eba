//! Connections: rows of `oauth_accounts` with their state in `evergrant_connections`. Storing,
//! refreshing, importing, rejecting and revoking their grants.

pub(crate) mod change;
pub(crate) mod deleted_copies;
pub(crate) mod due;
pub(crate) mod external;
pub(crate) mod import;
pub(crate) mod lease;
pub(crate) mod lock;
pub(crate) mod locked_rows;
pub(crate) mod rejections;
pub(crate) mod repair;
pub(crate) mod report;
pub(crate) mod repository;
pub(crate) mod revocations;
pub(crate) mod row;
pub(crate) mod row_changes;
pub(crate) mod row_events;
pub(crate) mod session_check;
pub(crate) mod status_transitions;
pub(crate) mod store_again;
pub(crate) mod store_grant;
pub(crate) mod store_refresh;
pub(crate) mod token_copies;
pub(crate) mod tokens;

pub use external::ExternalRowRepository;
pub use import::ExternalRow;
pub use lease::{LeaseAnswer, Leased, RefreshRepository};
pub use locked_rows::LockedRows;
pub use rejections::{RejectionRepository, Rejections};
pub use repair::TokenHistory;
pub use report::Reported;
pub use repository::ConnectionRepository;
pub use revocations::{NewRevocation, Revocation, RevocationRepository};
pub use row::{Connection, ConnectionKey, UserConnections};
pub use row_changes::{ChangedRow, RowChange, RowChangeRepository};
pub use status_transitions::{StatusTransition, StatusTransitionRepository};
pub use store_grant::{Grant, StoredGrant};
pub use store_refresh::{FailedRefresh, RefreshedGrant};
pub use token_copies::{TokenCopy, TokenDigest, TokenDigests};
pub use tokens::StoredTokens;
