//! The console's own routes: sign-in and the current session. Its pages come from outside this
//! crate.

mod cookie;
pub(crate) mod dev;
pub(crate) mod portal;
pub(crate) mod session;

pub(crate) use cookie::ConsoleCookie;
