//! Who is next when slots are few: the ready job with the longest way to go.
//!
//! Interactive jobs need the console for themselves. They wait until nothing else runs or could run: running alone
//! costs its own time whenever it happens, to drain the others first would add their idle time to it, and a question
//! that nobody is there to answer must not keep those from starting who do not wait for the answer.

use crate::model::{IdVec, JobId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

type Heap = BinaryHeap<(u64, Reverse<JobId>)>;

/// Among whom a ready job waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Most of them.
    Common,
    /// Those that keep a processor busy, of which only so many may run.
    Busy,
    /// Those that need the console.
    Interactive,
}

/// Ready jobs by priority; equal ones in the given order.
#[derive(Debug, Default)]
pub(super) struct Queue {
    common: Heap,
    busy: Heap,
    interactive: Heap,
}

impl Queue {
    /// Adds a ready job.
    pub(super) fn push(&mut self, job: JobId, priorities: &IdVec<JobId, u64>, lane: Lane) {
        let entry = (priorities.get(job).copied().unwrap_or(0), Reverse(job));
        match lane {
            Lane::Common => self.common.push(entry),
            Lane::Busy => self.busy.push(entry),
            Lane::Interactive => self.interactive.push(entry),
        }
    }

    /// The job to start now, and where it waited; an interactive one must run alone. `running` is the number of jobs
    /// that run; `busy` whether there is room for a busy one.
    pub(super) fn pop(&mut self, running: usize, busy: bool) -> Option<(JobId, Lane)> {
        let first = self.common.peek();
        if busy && self.busy.peek() > first {
            return self.busy.pop().map(|(_, Reverse(job))| (job, Lane::Busy));
        }
        if let Some((_, Reverse(job))) = self.common.pop() {
            return Some((job, Lane::Common));
        }
        if running > 0 || !self.busy.is_empty() {
            return None;
        }
        self.interactive.pop().map(|(_, Reverse(job))| (job, Lane::Interactive))
    }

    /// Whether busy jobs are left; asked when there was nobody to start.
    pub(super) fn waits_for_room(&self) -> bool {
        !self.busy.is_empty()
    }

    /// Takes out a job of a lane, if there is room for it as in [`Queue::pop`].
    pub(super) fn take(
        &mut self,
        job: JobId,
        lane: Lane,
        running: usize,
        busy: bool,
    ) -> Option<(JobId, Lane)> {
        let heap = match lane {
            Lane::Common => &mut self.common,
            Lane::Busy if busy => &mut self.busy,
            Lane::Interactive if running == 0 => &mut self.interactive,
            Lane::Busy | Lane::Interactive => return None,
        };
        let before = heap.len();
        heap.retain(|(_, Reverse(other))| *other != job);
        (heap.len() < before).then_some((job, lane))
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.common.clear();
        self.busy.clear();
        self.interactive.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_ones_wait_for_room_and_hold_nobody_up() {
        let priorities: IdVec<JobId, u64> = vec![1, 9, 5, 9].into();
        let mut queue = Queue::default();
        queue.push(JobId(0), &priorities, Lane::Common);
        queue.push(JobId(1), &priorities, Lane::Busy);
        queue.push(JobId(2), &priorities, Lane::Busy);
        queue.push(JobId(3), &priorities, Lane::Interactive);
        assert_eq!(queue.pop(0, true), Some((JobId(1), Lane::Busy)));
        assert_eq!(queue.pop(1, false), Some((JobId(0), Lane::Common)));
        assert_eq!(queue.pop(1, false), None);
        assert!(queue.waits_for_room());
        assert_eq!(queue.pop(0, true), Some((JobId(2), Lane::Busy)));
        assert_eq!(queue.pop(1, true), None);
        assert_eq!(queue.pop(0, true), Some((JobId(3), Lane::Interactive)));
    }
}
