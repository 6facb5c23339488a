//! A run as the history keeps it.

use crate::history::{RunRow, boot_id};
use crate::plan::Plan;
use crate::unit::{Loaded, Request};
use crate::wavefront::Run;

/// The row of a run.
pub(super) fn row(request: &Request, plan: &Plan, run: &Run, loaded: &Loaded) -> RunRow {
    let jobs = run.records.iter().map(|record| record.row(&plan.job(record.job)));
    RunRow {
        key: loaded.key,
        boot: boot_id(),
        label: request.label(),
        phase: request.phase,
        begin: run.begin,
        end: run.end,
        cached: loaded.cached,
        why: loaded.why.clone(),
        interrupted: run.interrupted,
        jobs: jobs.collect(),
    }
}
