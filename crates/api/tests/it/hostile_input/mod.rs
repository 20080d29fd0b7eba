//! Malformed and hostile input gets a problem document, never status 500. Its values are neither
//! stored nor echoed.

mod bodies;
mod identifiers;
