//! What the sandbox remembers: people, sessions, grants, calls, and the file that keeps grants over
//! a restart.

mod counters;
pub(crate) mod grants;
mod people;
mod session;
mod state_file;
mod windows;

pub use counters::CallCounts;
pub(crate) use people::{Person, everybody};
pub use session::Session;
pub(crate) use session::SignIn;
pub(crate) use state_file::StateFile;
pub(crate) use windows::{SlidingWindows, Window, Windows};
