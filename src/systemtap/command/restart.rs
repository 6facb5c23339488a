//! `restart`: one unit of compilations, stops and starts.
//!
//! A script is stopped when its new module is there, and those of all that it requires, and started when the old one
//! is gone; so one that cannot be compiled any more goes on running as it is, and whoever requires it does.

use super::start::{nothing, selected as to_start};
use super::stop::selected as to_stop;
use super::{OK, begin, conclude, fail, prepare};
use crate::systemtap::job::{Failure, Task};
use crate::systemtap::select::{dependents, with_requirements};
use crate::systemtap::service::Service;
use crate::systemtap::status::State;
use crate::systemtap::unit::{Job, Kind};
use std::collections::{HashMap, HashSet};

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
    let mut stops = prepare::stops(service, &stopping);
    wait_for_compilations(service, &mut stops, &stopping, &jobs);
    spare(service, &mut stops, &stopping, &mut jobs);
    jobs.append(&mut stops);
    let plan = match prepare::plan(service, &jobs) {
        Ok(plan) => plan,
        Err(trouble) => return fail(service, trouble.code, &trouble.text),
    };
    conclude(service, "restart", &jobs, &plan, "systemtap startup")
}

/// Lets each stop wait for the new modules of the script and of all that it requires. What others of the set require
/// waits for their stops anyway, and so for all that these wait for.
fn wait_for_compilations(service: &Service<'_>, stops: &mut [Job], stopping: &[String], jobs: &[Job]) {
    let compiled: HashSet<&str> =
        jobs.iter().filter(|job| job.kind == Kind::Compile).map(|job| job.name.as_str()).collect();
    let dependents = dependents(service.scripts(), stopping);
    for stop in stops.iter_mut().filter(|stop| !dependents.contains_key(stop.name.as_str())) {
        for name in with_requirements(service.scripts(), std::slice::from_ref(&stop.name)) {
            if compiled.contains(name.as_str()) {
                stop.wait(Kind::Compile, &name, false);
            }
        }
    }
}

/// What cannot be started again is not stopped for it, and neither is what requires it.
fn spare(service: &Service<'_>, stops: &mut [Job], stopping: &[String], jobs: &mut Vec<Job>) {
    let mut faults: HashMap<String, Failure> = HashMap::new();
    let starts: HashMap<&str, &Job> =
        jobs.iter().filter(|job| job.kind == Kind::Start).map(|job| (job.name.as_str(), job)).collect();
    // Requirements come first.
    for name in with_requirements(service.scripts(), stopping) {
        let fault = match starts.get(name.as_str()).and_then(|start| start.task.as_ref()) {
            Some(Task::Fail(failure)) => Some(failure.clone()),
            _ => service.scripts().requires(&name).0.into_iter().find_map(|needed| {
                let Failure { code, reason } = faults.get(needed)?;
                let inner = reason.strip_prefix("it requires ").is_some();
                let reason = if inner { reason.clone() } else { format!("it requires {needed}: {reason}") };
                Some(Failure { code: *code, reason })
            }),
        };
        if let Some(fault) = fault {
            faults.insert(name, fault);
        }
    }
    let state = service.states();
    let mut running = HashSet::new();
    for stop in stops {
        let Some(Failure { code, reason }) = faults.remove(&stop.name) else { continue };
        let state = state(&stop.name);
        if state.is_there() && state != State::Dead {
            stop.task = Some(Task::Fail(Failure { code, reason: format!("it stays as it is: {reason}") }));
            // Each says its own reason.
            stop.waits.clear();
        }
        // One that runs is as good as started; of any other it has to be said that it cannot be.
        if matches!(state, State::Running(_)) {
            running.insert(stop.name.as_str());
        }
    }
    jobs.retain(|job| job.kind != Kind::Start || !running.contains(job.name.as_str()));
}

/// `condrestart`, `try-restart`: only what runs, and not a word otherwise.
pub fn conditionally(service: &Service<'_>) -> u8 {
    if super::status::code(service) == OK { restart(service) } else { OK }
}
