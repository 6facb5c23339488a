//! Who is next when slots are few: the ready job with the longest way to go.
//!
//! Interactive jobs need the console for themselves. They wait until nothing else runs or could run: running alone
//! costs its own time whenever it happens, and to drain the others first would add their idle time to it.

use crate::model::{IdVec, JobId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Ready jobs by priority; equal ones in the given order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    others: BinaryHeap<(u64, Reverse<JobId>)>,
    interactive: BinaryHeap<(u64, Reverse<JobId>)>,
}

impl Queue {
    /// Adds a ready job.
    pub(super) fn push(&mut self, job: JobId, priorities: &IdVec<JobId, u64>, interactive: bool) {
        let entry = (priorities.get(job).copied().unwrap_or(0), Reverse(job));
        if interactive { self.interactive.push(entry) } else { self.others.push(entry) }
    }

    /// The job to start now, and whether it must run alone; `running` is the number of jobs that run.
    pub(super) fn pop(&mut self, running: usize) -> Option<(JobId, bool)> {
        if let Some((_, Reverse(job))) = self.others.pop() {
            return Some((job, false));
        }
        if running > 0 {
            return None;
        }
        self.interactive.pop().map(|(_, Reverse(job))| (job, true))
    }

    /// Takes a job out; a job that has to run alone only while none runs.
    pub(super) fn take(&mut self, job: JobId, running: usize) -> Option<(JobId, bool)> {
        let take = |heap: &mut BinaryHeap<(u64, Reverse<JobId>)>| {
            let before = heap.len();
            heap.retain(|(_, Reverse(other))| *other != job);
            heap.len() < before
        };
        if take(&mut self.others) {
            return Some((job, false));
        }
        (running == 0 && take(&mut self.interactive)).then_some((job, true))
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.others.clear();
        self.interactive.clear();
    }
}
