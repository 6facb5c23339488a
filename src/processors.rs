//! Which processor a short-lived thread runs on.
//!
//! Kernels were seen that leave a thread on its parent's processor for the whole of its short life, while the next
//! one is idle: an unchanged plan of 2,000 scripts takes 3.9 ms then, and 2.9 ms when the second thread asks for
//! another processor (`bench/README.md`, "Plan").

use nix::sched::{sched_getaffinity, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;

/// A processor; `None` where the kernel does not say.
#[derive(Debug, Clone, Copy)]
pub struct Processor(Option<usize>);

/// The one that this thread runs on.
pub fn here() -> Processor {
    Processor(sched_getcpu().ok())
}

impl Processor {
    /// Moves this thread off it. Where there is no other, the thread stays.
    pub fn leave(self) {
        let this = Pid::from_raw(0);
        if let (Some(processor), Ok(mut others)) = (self.0, sched_getaffinity(this))
            && others.unset(processor).is_ok()
        {
            let _ = sched_setaffinity(this, &others);
        }
    }
}
