//! The SQL texts of the frequent queries, for tests of their query plans.

use crate::access::users;
use crate::connections::{
    due, external, lease, rejections, repository, revocations, status_transitions, store_grant,
};
use crate::events;
use crate::flows::repository as flows;

/// A query with the parameters `$1`, `$2` and so on.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// A short description.
    pub name: &'static str,
    /// The SQL text for SQLite.
    pub sqlite: &'static str,
    /// The SQL text for PostgreSQL.
    pub postgres: &'static str,
}

const fn both(name: &'static str, text: &'static str) -> Query {
    Query {
        name,
        sqlite: text,
        postgres: text,
    }
}

/// Claims due connections of a provider.
pub const CLAIM_DUE: Query = Query {
    name: "claim due",
    sqlite: due::CLAIM_SQLITE,
    postgres: due::CLAIM_POSTGRES,
};

/// Reads one connection of a user.
pub const CONNECTION_OF_USER: Query = both("connection of user", repository::OWNED);

/// Reads all connections of a user.
pub const CONNECTIONS_OF_USER: Query = both("connections of user", repository::OF_USER);

/// The queries of requests and frequent jobs.
pub const FREQUENT: &[Query] = &[
    both("user by id", users::BY_ID),
    both("user by external id", users::BY_EXTERNAL_ID),
    both("user by e-mail", users::BY_EMAIL),
    CONNECTION_OF_USER,
    both("connection by account", repository::BY_ACCOUNT),
    CONNECTIONS_OF_USER,
    both("consume flow", flows::CONSUME),
    both("flow by state", flows::BY_STATE),
    both("flow of user", flows::OWNED),
    both("unfinished flows", flows::UNFINISHED),
    both("delete connection", store_grant::DELETE),
    Query {
        name: "claim revocation",
        sqlite: revocations::CLAIM_SQLITE,
        postgres: revocations::CLAIM_POSTGRES,
    },
    CLAIM_DUE,
    Query {
        name: "lock connection",
        sqlite: lease::LOCKED_SQLITE,
        postgres: lease::LOCKED_POSTGRES,
    },
    both("due status transitions", status_transitions::DUE),
    both("rejections", rejections::REJECTED),
    both("ended by rejections", rejections::ENDED),
    both("events after", events::repository::AFTER),
    both("events of user", events::repository::OF_USER),
    both("external rows in range", external::IN_RANGE),
];
