//! The driver of a run: owns all run state; starts, reaps, times out, and tells the observer.

mod record;

pub use record::{Nanos, Observer, Outcome, Record, Run, Usage};
