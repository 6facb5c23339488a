//! The clock seam: runs are timed on the monotonic clock, tests on one that is set by hand.

use super::Nanos;
use nix::time::{ClockId, clock_gettime};

/// Tells the time.
pub trait Clock {
    /// Nanoseconds since some fixed moment; never goes back.
    fn now(&self) -> Nanos;
}

/// `CLOCK_MONOTONIC`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Monotonic;

impl Clock for Monotonic {
    fn now(&self) -> Nanos {
        let time = clock_gettime(ClockId::CLOCK_MONOTONIC).expect("BUG: Linux always has CLOCK_MONOTONIC");
        u64::try_from(time.tv_sec()).unwrap_or(0) * 1_000_000_000 + u64::try_from(time.tv_nsec()).unwrap_or(0)
    }
}
