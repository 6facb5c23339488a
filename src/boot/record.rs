//! A run as the history keeps it.

use crate::history::{JobRow, RunRow, boot_id};
use crate::model::Id as _;
use crate::plan::Plan;
use crate::unit::{Loaded, Request};
use crate::wavefront::{Outcome, Run};

/// The row of a run.
pub(super) fn row(request: &Request, plan: &Plan, run: &Run, loaded: &Loaded) -> RunRow {
    let jobs = run.records.iter().map(|record| {
        let job = plan.job(record.job);
        JobRow {
            script: job.script.to_owned(),
            name: job.name.to_owned(),
            outcome: record.outcome.name().to_owned(),
            status: status(record.outcome),
            ready: record.ready,
            start: record.start,
            available: record.available,
            end: Some(record.end),
            user_us: record.usage.user_us,
            system_us: record.usage.system_us,
            max_rss_kib: record.usage.max_rss_kib,
        }
    });
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

/// The number that goes with the stored word of an outcome.
fn status(outcome: Outcome) -> i32 {
    match outcome {
        Outcome::Done | Outcome::TimedOut | Outcome::Cancelled => 0,
        Outcome::NotInstalled => 5,
        Outcome::NotConfigured => 6,
        Outcome::Failed(status) => status,
        Outcome::Signalled(signal) => signal,
        Outcome::NotStarted(errno) => errno,
        Outcome::DependencyFailed(by) => i32::try_from(by.index()).unwrap_or(i32::MAX),
    }
}
