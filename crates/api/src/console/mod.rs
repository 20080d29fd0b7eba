//! The console's own routes: who is signed in, and how one comes to be. Its pages come from outside
//! this crate.

mod cookie;
pub(crate) mod dev;
pub(crate) mod portal;
pub(crate) mod session;

pub(crate) use cookie::ConsoleCookie;
