//! Deadlines of running jobs: ask it to end, make it end, and in the end do without it.

use super::Nanos;
use crate::model::{IdVec, JobId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What happens to a job when its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// It gets SIGTERM.
    Terminate,
    /// It had SIGTERM; it gets SIGKILL.
    Kill,
    /// It had SIGTERM and has ended; others of its group are looked for, and get SIGKILL when their time is over.
    Linger,
    /// It had SIGKILL and is still there (stuck in the kernel): the run goes on without it.
    Abandon,
}

/// At most one deadline for each job, the next one first.
#[derive(Debug)]
pub(super) struct Deadlines {
    due: BinaryHeap<Reverse<(Nanos, JobId, Stage)>>,
    current: IdVec<JobId, Option<(Nanos, Stage)>>,
}

impl Deadlines {
    /// None yet, for so many jobs.
    pub(super) fn new(jobs: usize) -> Self {
        Self { due: BinaryHeap::new(), current: vec![None; jobs].into() }
    }

    /// Sets the deadline of a job, in place of the one it had.
    pub(super) fn set(&mut self, job: JobId, at: Nanos, stage: Stage) {
        self.current[job] = Some((at, stage));
        self.due.push(Reverse((at, job, stage)));
    }

    /// When the deadline of a job is, and what it is about.
    pub(super) fn of(&self, job: JobId) -> Option<(Nanos, Stage)> {
        self.current[job]
    }

    /// The job has ended.
    pub(super) fn clear(&mut self, job: JobId) {
        self.current[job] = None;
    }

    /// When the next one is due.
    pub(super) fn next(&mut self) -> Option<Nanos> {
        while let Some(Reverse((at, job, stage))) = self.due.peek().copied() {
            if self.current[job] == Some((at, stage)) {
                return Some(at);
            }
            self.due.pop();
        }
        None
    }

    /// Takes one that is due.
    pub(super) fn expired(&mut self, now: Nanos) -> Option<(JobId, Stage)> {
        if self.next()? > now {
            return None;
        }
        let Reverse((_, job, stage)) = self.due.pop()?;
        self.current[job] = None;
        Some((job, stage))
    }
}
