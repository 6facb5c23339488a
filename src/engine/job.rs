//! The life of a job.

use crate::model::{CallId, ServiceId};
use crate::plan::Need;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobState {
    /// Some service that it waits for is not settled.
    Waiting,
    /// Nothing holds it back but a free slot.
    Ready,
    /// It was started and has not ended.
    Running,
    /// It has ended; nothing changes any more.
    Ended(Verdict),
}

/// How the engine sees an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Its services are available.
    Succeeded,
    /// It ran, or should have run, in vain.
    Failed,
    /// It was never started: a hard need failed, or the run was interrupted.
    Skipped,
}

impl JobState {
    /// The life cycle: waiting, ready, running, ended; an end may come at any time, but only once.
    pub(super) fn may_become(self, next: JobState) -> bool {
        match (self, next) {
            (JobState::Waiting, JobState::Ready) | (JobState::Ready, JobState::Running) => true,
            (JobState::Ended(_), _) => false,
            (_, JobState::Ended(_)) => true,
            _ => false,
        }
    }
}

/// A job as the engine keeps it.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) state: JobState,
    /// Services it waits for that are not settled.
    pub(super) waits: u32,
    pub(super) provides: Vec<ServiceId>,
    pub(super) needs: Vec<Need>,
    /// Needs of its process that have no answer yet: while there are any, it is blocked.
    pub(super) calls: Vec<CallId>,
    /// It came while the engine ran, and leaves no trace when it has ended.
    pub(super) transient: bool,
}

impl Job {
    pub(super) fn new(provides: Vec<ServiceId>, needs: Vec<Need>) -> Self {
        let state = JobState::Waiting;
        Self { state, waits: 0, provides, needs, calls: Vec::new(), transient: false }
    }

    /// A job that no plan has.
    pub(super) fn transient(state: JobState, provides: Vec<ServiceId>) -> Self {
        Self { state, transient: true, ..Self::new(provides, Vec::new()) }
    }
}
