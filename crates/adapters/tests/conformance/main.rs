//! The conformance suite: checks every provider against everything that its spec claims.
//!
//! The providers come from the registry, the people and accounts from the simulator, and the
//! expected facts from the catalogue file. The [`capability::Capability`]s of a provider select its
//! checks, so a new catalogue entry is covered without a test of its own. No check names a
//! provider. Only the custom provider of the simulator and the adapters of `defective.rs`, which
//! prove that the suite finds defects, are named.

#[cfg(test)]
mod capability;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod defective;
#[cfg(test)]
mod entry;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod rewriter;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod verdict;
