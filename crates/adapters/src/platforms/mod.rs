//! Adapters of platforms that depart from RFC 6749 in a way that no key of a definition can say.

pub(crate) mod instagram;
pub(crate) mod onlyfans;
