//! Authorization: every route with every kind of caller. A rejection reveals nothing.

mod credentials;
mod ownership;
mod routes;
mod scopes;
mod user_header;
