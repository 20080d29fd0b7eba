//! The SQL texts of the frequent queries, for tests that examine how the databases carry them out.

use crate::access::users;
use crate::connections::{
    due, external, lease, rejections, repository, revocations, status_transitions, store_grant,
};
use crate::events;
use crate::flows::repository as flows;

/// A query whose parameters are `$1`, `$2` and so on.
#[derive(Clone, Copy, Debug)]
pub struct Query {
    /// What it does.
    pub name: &'static str,
    /// Its text on SQLite.
    pub sqlite: &'static str,
    /// Its text on PostgreSQL.
    pub postgres: &'static str,
}

const fn one(name: &'static str, text: &'static str) -> Query {
    Query {
        name,
        sqlite: text,
        postgres: text,
    }
}

/// Claims the connections of a provider that are due.
pub const CLAIM_DUE: Query = Query {
    name: "claim due",
    sqlite: due::CLAIM_SQLITE,
    postgres: due::CLAIM_POSTGRES,
};

/// The queries behind requests and frequent jobs.
pub const FREQUENT: &[Query] = &[
    one("user by id", users::BY_ID),
    one("user by external id", users::BY_EXTERNAL_ID),
    one("user by e-mail", users::BY_EMAIL),
    one("connection of user", repository::OWNED),
    one("connection by account", repository::BY_ACCOUNT),
    one("connections of user", repository::OF_USER),
    one("consume flow", flows::CONSUME),
    one("flow by state", flows::BY_STATE),
    one("flow of user", flows::OWNED),
    one("unfinished flows", flows::UNFINISHED),
    one("delete connection", store_grant::DELETE),
    Query {
        name: "claim revocation",
        sqlite: revocations::CLAIM_ALONE,
        postgres: revocations::CLAIM_AMONG_OTHERS,
    },
    CLAIM_DUE,
    Query {
        name: "lock connection",
        sqlite: lease::LOCKED_SQLITE,
        postgres: lease::LOCKED_POSTGRES,
    },
    one("due status transitions", status_transitions::DUE),
    one("rejections", rejections::REJECTED),
    one("ended by rejections", rejections::ENDED),
    one("events after", events::repository::AFTER),
    one("events of user", events::repository::OF_USER),
    one("external rows in range", external::IN_RANGE),
];
