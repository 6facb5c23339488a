//! The process seam: whoever starts jobs and says what became of them.
//!
//! The dispatcher knows nothing of processes, pipes and pidfds; a run on a fake spawner and a fake clock takes every
//! turn that a real one can take, in microseconds.

use super::{Nanos, Outcome, Usage};
use crate::model::JobId;
use crate::registry::{ClientId, Effect, Parentage, Process, Request};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with a status.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

/// One line of output, without its newline, and when it was read.
pub type Line = (Nanos, Vec<u8>);

/// What happened outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A job wrote something: while it runs for long, or after its end through a daemon that it left behind.
    Output {
        /// Which.
        job: JobId,
        /// What.
        lines: Vec<Line>,
    },
    /// The process of a job has ended.
    Exited {
        /// Which.
        job: JobId,
        /// When that was noticed.
        at: Nanos,
        /// How.
        exit: Exit,
        /// What it cost.
        usage: Usage,
        /// All that it wrote and that no [`Event::Output`] told.
        lines: Vec<Line>,
    },
    /// This program was sent a signal that ends it.
    Signal(i32),
    /// A process, of a job or another one, asks something of the run.
    Asked {
        /// To whom the answer goes.
        client: ClientId,
        /// The number of its process.
        caller: u32,
        /// What.
        request: Request,
    },
    /// A client that had asked something has gone.
    Gone(ClientId),
    /// A process that was to be watched has died.
    Died(Process),
}

/// Starts jobs, signals them, and tells what happens.
pub trait Spawner {
    /// Starts the process of a job; `alone` gives it the console. Errors with the errno.
    fn spawn(&mut self, job: JobId, alone: bool) -> Result<(), i32>;

    /// Sends a signal to the process group of a job that has not ended. Never fails: the group may be gone already.
    fn signal(&mut self, job: JobId, signal: i32);

    /// Whether a job keeps a processor busy from beginning to end, as a compiler does. Most jobs wait.
    fn is_busy(&self, _job: JobId) -> bool {
        false
    }

    /// Most busy jobs at one time; at least 1.
    fn busy_slots(&self) -> usize {
        usize::MAX
    }

    /// Is told how a job ended, once for each, started or not.
    fn ended(&mut self, _job: JobId, _outcome: Outcome) {}

    /// The process of a job that runs.
    fn pid(&self, _job: JobId) -> Option<u32> {
        None
    }

    /// Whether the process of a job has ended and left others in its group.
    fn lingers(&mut self, _job: JobId) -> bool {
        false
    }

    /// How processes are found by their numbers, where they can ask anything of the run.
    fn parentage(&self) -> Parentage {
        |_| None
    }

    /// Does what the registry of the run asks for, where processes can ask anything of the run.
    fn carry_out(&mut self, _effect: Effect) {}

    /// Waits for the next event, until the given time at the latest; `None` when that has come.
    fn next(&mut self, until: Option<Nanos>) -> Option<Event>;
}
