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
        let (outcome, status) = words(record.outcome);
        JobRow {
            script: job.script.to_owned(),
            name: job.name.to_owned(),
            outcome: outcome.to_owned(),
            status,
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

/// The stored word of an outcome, and the number that goes with it.
fn words(outcome: Outcome) -> (&'static str, i32) {
    match outcome {
        Outcome::Done => (JobRow::DONE, 0),
        Outcome::NotInstalled => ("not-installed", 5),
        Outcome::NotConfigured => ("not-configured", 6),
        Outcome::Failed(status) => ("failed", status),
        Outcome::Signalled(signal) => ("signalled", signal),
        Outcome::TimedOut => ("timed-out", 0),
        Outcome::NotStarted(errno) => ("not-started", errno),
        Outcome::DependencyFailed(by) => ("dependency", i32::try_from(by.index()).unwrap_or(i32::MAX)),
        Outcome::Cancelled => ("cancelled", 0),
    }
}
