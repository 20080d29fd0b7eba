//! Provider definitions: every fault is reported with line and column, and a valid definition
//! becomes a provider.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tables;
