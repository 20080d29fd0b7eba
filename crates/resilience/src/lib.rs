#![doc = include_str!("../README.md")]

mod allowance;
mod backoff;
mod breaker;
pub mod renewal;
mod single_flight;

pub use allowance::Allowance;
pub use backoff::Backoff;
pub use breaker::Breaker;
pub use single_flight::{FlightLost, SingleFlight};
