#![doc = include_str!("../README.md")]

mod backoff;
mod single_flight;

pub use backoff::Backoff;
pub use single_flight::{FlightLost, SingleFlight};
