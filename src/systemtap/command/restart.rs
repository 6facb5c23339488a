//! `restart`: one unit of compilations, stops and starts.
//!
//! A script is stopped when its new module is there, and started when the old one is gone; so one that cannot be
//! compiled any more goes on running as it is.

use super::start::{nothing, selected as to_start};
use super::stop::selected as to_stop;
use super::{OK, begin, fail, prepare, verdict};
use crate::systemtap::job::{Failure, Task};
use crate::systemtap::run::carry_out;
use crate::systemtap::service::Service;
use crate::systemtap::unit::{Job, Kind};
use std::collections::HashMap;

/// Does it.
pub fn restart(service: &Service<'_>) -> u8 {
    begin(service, "Restarting systemtap: ");
    let (stopping, starting) = (to_stop(service), to_start(service));
    if stopping.is_empty() && starting.is_empty() {
        return nothing(service);
    }
    if let Err(trouble) = prepare::make_cache(service) {
        return fail(service, trouble.code, &trouble.text);
    }
    let mut jobs = prepare::starts(service, &starting, true);
    for job in jobs.iter_mut().filter(|job| job.kind == Kind::Start) {
        job.wait(Kind::Stop, &job.name.clone(), false);
    }
    let mut failing: HashMap<String, &mut Job> =
        jobs.iter_mut().filter(|job| job.kind == Kind::Start).map(|job| (job.name.clone(), job)).collect();
    let mut stops = prepare::stops(service, &stopping);
    for stop in &mut stops {
        stop.wait(Kind::Compile, &stop.name.clone(), false);
        // What cannot be started is not stopped for it.
        let start = failing.get_mut(&stop.name);
        let task = start.and_then(|start| start.task.take_if(|task| matches!(task, Task::Fail(_))));
        if let Some(Task::Fail(Failure { code, reason })) = task {
            stop.task = Some(Task::Fail(Failure { code, reason: format!("it stays as it is: {reason}") }));
        }
    }
    jobs.append(&mut stops);
    let plan = match prepare::plan(service, &jobs) {
        Ok(plan) => plan,
        Err(trouble) => return fail(service, trouble.code, &trouble.text),
    };
    let report = carry_out(service, "restart", &jobs, &plan);
    verdict(service, report.as_ref().map_err(String::as_str), "systemtap startup")
}

/// `condrestart`, `try-restart`: only what runs, and not a word otherwise.
pub fn conditionally(service: &Service<'_>) -> u8 {
    if super::status::code(service) == OK { restart(service) } else { OK }
}
