//! The time since the machine started.

use evergrant_model::{SignedDuration, Stopwatch};

/// Measures from the start of the machine, also while it is suspended: a token that expires in that
/// time must not be issued afterwards.
pub(crate) struct Uptime;

impl Stopwatch for Uptime {
    fn elapsed(&self) -> SignedDuration {
        let uptime = rustix::time::clock_gettime(CLOCK);
        SignedDuration::from_secs(uptime.tv_sec)
            .saturating_add(SignedDuration::from_nanos(uptime.tv_nsec))
    }
}

#[cfg(target_os = "linux")]
const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;

/// Counts during suspension on macOS.
#[cfg(not(target_os = "linux"))]
const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_is_that_of_the_machine_and_never_decreases() {
        let uptimes: Vec<_> = (0..1_000).map(|_| Uptime.elapsed()).collect();
        assert!(uptimes.is_sorted());
        assert!(uptimes[0].is_positive());
    }
}
