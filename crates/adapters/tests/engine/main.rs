//! The engine against a real HTTP server on loopback.

#[cfg(test)]
mod bounds;
#[cfg(test)]
mod flow;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod support;
