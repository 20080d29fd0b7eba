#![doc = include_str!("../README.md")]

mod allowance;
mod backoff;
mod breaker;
mod lock;
mod places;
pub mod renewal;
mod single_flight;

pub use allowance::Allowance;
pub use backoff::Backoff;
pub use breaker::Breaker;
pub use lock::lock;
pub use places::{FAIR_SHARE, Place, Places, Priority, QueueFull};
pub use single_flight::{FlightLost, SingleFlight};
