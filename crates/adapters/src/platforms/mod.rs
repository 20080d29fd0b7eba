//! Adapters of providers whose departures from RFC 6749 no definition can express.

pub(crate) mod instagram;
pub(crate) mod onlyfans;
