//! The simulated state: people, browser sessions, grants, call counters and rate limits, and the
//! file that persists grants across restarts.

mod counters;
pub(crate) mod grants;
mod people;
mod session;
mod state_file;
mod windows;

pub use counters::CallCounts;
pub(crate) use people::{Person, load_people};
pub use session::Session;
pub(crate) use session::SignIn;
pub(crate) use state_file::StateFile;
pub(crate) use windows::{SlidingWindows, Window, Windows};
