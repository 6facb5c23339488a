//! The jobs of a plan as a display needs them: names, expected durations, and what is still to come after each.

use crate::model::{IdVec, JobId};
use crate::plan::Plan;
use crate::text;
use crate::wavefront::Nanos;
use std::collections::VecDeque;

/// Names and expectations of all jobs of a run.
#[derive(Debug, Clone)]
pub struct Roster {
    names: IdVec<JobId, String>,
    expected: IdVec<JobId, Option<Nanos>>,
    after: IdVec<JobId, Nanos>,
    in_a_row: bool,
}

impl Roster {
    /// The roster of a plan. `expected` is what each job took in recorded runs, in microseconds, `None` for a job
    /// without history; a missing tail counts as `None`.
    pub fn new(plan: &Plan, expected: &IdVec<JobId, Option<u64>>) -> Self {
        let expected: IdVec<JobId, Option<Nanos>> = plan
            .ids()
            .map(|job| expected.get(job).copied().flatten().map(|micros| micros.saturating_mul(1000)))
            .collect();
        let after = if plan.parallel { longest_after(plan, &expected) } else { None };
        Self {
            names: plan.jobs().map(|job| shown(job.name)).collect(),
            in_a_row: after.is_none(),
            after: after.unwrap_or_else(|| vec![0; plan.len()].into()),
            expected,
        }
    }

    /// Number of jobs.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The name of a job, fit to be shown.
    pub fn name(&self, job: JobId) -> &str {
        self.names.get(job).map_or("?", String::as_str)
    }

    /// All names in the order of their ids.
    pub(super) fn names(&self) -> &IdVec<JobId, String> {
        &self.names
    }

    /// What a job took in recorded runs.
    pub fn expected(&self, job: JobId) -> Option<Nanos> {
        self.expected.get(job).copied().flatten()
    }

    /// The time left at least, by history and with as many slots as are wanted: the longest path from what has not
    /// ended. `elapsed` says of each job that has not ended how long it has been running (0 when it has not
    /// started), `None` for those that have. `None` when history knows none of them.
    pub fn left(&self, elapsed: impl Fn(JobId) -> Option<Nanos>) -> Option<Nanos> {
        let mut known = false;
        let mut longest = 0;
        let mut sum: Nanos = 0;
        for job in self.names.ids() {
            let Some(elapsed) = elapsed(job) else { continue };
            known |= self.expected[job].is_some();
            let own = self.expected[job].unwrap_or(0).saturating_sub(elapsed);
            longest = longest.max(own.saturating_add(self.after[job]));
            sum = sum.saturating_add(own);
        }
        known.then_some(if self.in_a_row { sum } else { longest })
    }
}

/// A name of a file made fit to be shown in a column.
pub(super) fn shown(name: &str) -> String {
    text::harmless(name.as_bytes()).replace('\t', " ")
}

/// For each job, the longest path of expected durations after it; `None` when the plan has a circle.
/// Kahn's order, 1962, run from the ends.
fn longest_after(plan: &Plan, expected: &IdVec<JobId, Option<Nanos>>) -> Option<IdVec<JobId, Nanos>> {
    let before = plan.predecessors();
    let mut successors: IdVec<JobId, usize> = vec![0; plan.len()].into();
    for job in before.iter().flatten() {
        successors[*job] += 1;
    }
    let mut ready: VecDeque<JobId> = successors.ids().filter(|job| successors[*job] == 0).collect();
    let mut after: IdVec<JobId, Nanos> = vec![0; plan.len()].into();
    let mut settled = 0;
    while let Some(job) = ready.pop_front() {
        settled += 1;
        let from_here = after[job].saturating_add(expected[job].unwrap_or(0));
        for earlier in &before[job] {
            after[*earlier] = after[*earlier].max(from_here);
            successors[*earlier] -= 1;
            if successors[*earlier] == 0 {
                ready.push_back(*earlier);
            }
        }
    }
    (settled == plan.len()).then_some(after)
}
