#![doc = include_str!("../README.md")]

mod access;
mod connections;
mod coordination;
mod db;
mod events;
mod flows;
mod store;
#[cfg(feature = "testing")]
pub mod testing;

pub use access::{
    ApiKey, ApiKeyRepository, CreatedUser, KeyCheck, KeyCheckRepository, NewApiKey, NewPortalLink,
    NewSession, NewUser, PortalLink, Session, SessionRepository, User, UserRepository,
};
pub use connections::{
    ChangedRow, Connection, ConnectionKey, ConnectionRepository, ExternalRow,
    ExternalRowRepository, FailedRefresh, Grant, LeaseAnswer, Leased, LockedRows, NewRevocation,
    RefreshRepository, RefreshedGrant, RejectionRepository, Rejections, Reported, Revocation,
    RevocationRepository, RowChange, RowChangeRepository, StatusTransition,
    StatusTransitionRepository, StoredGrant, StoredTokens, TokenCopy, TokenDigest, TokenDigests,
    TokenHistory, UserConnections,
};
pub use coordination::{
    CallRateRepository, NewRefusal, ProviderBlock, ProviderBlockRepository, RefusalRepository,
    Refusals, RefusedSubject, ReplicaRepository, StoredCallRate,
};
pub use db::backup::{BackupError, Restoration};
pub use db::connect_error::{ConnectError, ConnectFailure, ConnectFault};
pub use db::error::StoreError;
pub use db::file_error::{FileError, FileFault};
pub use db::postgres::listener::NotifyListener;
pub use db::schema_check::SchemaFault;
pub use events::{Event, EventRepository};
pub use flows::{
    Callback, Flow, FlowFailure, FlowOutcome, FlowRepository, FlowStatus, NewFlow, PendingGrant,
};
pub use store::Store;
