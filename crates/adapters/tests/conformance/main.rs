//! One suite for every platform, so that a new one is held to all that it claims before anybody
//! writes a test for it.
//!
//! The platforms come from the registry, the people and accounts from the simulator, the facts from
//! the entry's own file; which checks a platform gets follows from its [`capability::Capability`]s.
//! Nothing here names a platform, but for one that an operator defines, and for adapters that are
//! broken on purpose to see that the suite finds them out.

#[cfg(test)]
mod broken;
#[cfg(test)]
mod capability;
#[cfg(test)]
mod checks;
#[cfg(test)]
mod entry;
#[cfg(test)]
mod front;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod stand;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod verdict;
