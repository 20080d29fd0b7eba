#![doc = include_str!("../README.md")]

mod backoff;
mod breaker;
mod call_rate;
mod lock;
mod priority_semaphore;
mod rate_limiter;
pub mod refresh;
mod single_flight;

pub use backoff::Backoff;
pub use breaker::Breaker;
pub use call_rate::{CallRate, Learned, SharedRate};
pub use lock::lock;
pub use priority_semaphore::{FAIR_SHARE, Priority, PrioritySemaphore, QueueFull, SemaphorePermit};
pub use rate_limiter::RateLimiter;
pub use single_flight::{FlightAborted, SingleFlight};
