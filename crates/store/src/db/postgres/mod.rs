//! Sessions of a PostgreSQL server: how many there are, what they may cost, and how they end.
//!
//! A query that the client gives up keeps running on the server: it may wait for a lock, or for a
//! standby. If its connection were merely closed and replaced, the number of server processes
//! would grow until the server accepts no more, from this program or any other. So a session
//! leaves its [`lane`] only when the server confirms that it ended; see [`give_up`].

mod commit;
mod control;
mod give_up;
mod history;
mod lane;
mod limits;
pub(crate) mod listener;
pub(crate) mod migrate;
mod pool;
mod pooled;
pub(crate) mod pooler_options;
pub(crate) mod replica_lock;
mod route;
pub(crate) mod server_time;
pub(crate) mod servers;
mod session;
#[cfg(test)]
mod tests;

pub(crate) use lane::LaneName;
pub(crate) use pool::PostgresPool;
pub(crate) use pooled::PooledConnection;
pub(crate) use route::Route;
pub(crate) use servers::Servers;
