#![doc = include_str!("../README.md")]

mod backoff;
pub mod renewal;
mod single_flight;

pub use backoff::Backoff;
pub use single_flight::{FlightLost, SingleFlight};
