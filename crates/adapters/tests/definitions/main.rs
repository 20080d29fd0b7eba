//! Definitions as an operator writes them: every fault is told with its place, and a good one
//! becomes a platform.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod platforms;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tables;
