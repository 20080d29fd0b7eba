//! The events of connections.

use evergrant_model::{CorrelationId, EventKind, Timestamp};

use crate::connections::row::Connection;
use crate::events::new_event::{About, NewEvent};

/// An event about one connection.
pub(crate) fn event<'a>(
    held: &'a Connection,
    version: i64,
    kind: EventKind,
    correlation_id: &'a CorrelationId,
    at: Timestamp,
) -> NewEvent<'a> {
    NewEvent {
        user: held.user,
        version,
        kind,
        about: About::Account(&held.provider, &held.account),
        correlation_id,
        at,
    }
}
