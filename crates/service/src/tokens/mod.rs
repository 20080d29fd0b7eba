//! Access tokens: reads, encryption, refresh times, reports of rejected tokens.

pub(crate) mod access_token;
pub(crate) mod encryption;
pub(crate) mod last_used;
pub(crate) mod refresh_time;
pub(crate) mod report_rejected;
