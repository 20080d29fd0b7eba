//! Reddit.

mod limits;
mod listings;
mod profile;
mod refresh;
mod revoke;
mod token;
