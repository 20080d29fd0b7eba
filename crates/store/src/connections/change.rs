//! The outbox events that changes of a connection write.

use evergrant_model::{CorrelationId, EventKind, Timestamp};

use crate::connections::row::Connection;
use crate::events::new_event::{About, NewEvent};

/// Returns an event about a connection.
pub(crate) fn event<'a>(
    connection: &'a Connection,
    version: i64,
    kind: EventKind,
    correlation_id: &'a CorrelationId,
    at: Timestamp,
) -> NewEvent<'a> {
    NewEvent {
        user: connection.user,
        version,
        kind,
        about: About::Account(&connection.provider, &connection.account),
        correlation_id,
        at,
    }
}
