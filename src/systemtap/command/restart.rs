//! `restart`: compile, and then stop and start in one unit.
//!
//! Nothing is stopped before all is compiled; what cannot be compiled or started any more goes on running as it is, and
//! so does whoever requires it.

use super::start::{nothing, selected as to_start};
use super::stop::selected as to_stop;
use super::{FAILED, OK, begin, conclude, fail, interrupted, log, prepare};
use crate::systemtap::console::Ending;
use crate::systemtap::job::{Failure, Task};
use crate::systemtap::run::carry_out;
use crate::systemtap::select::with_requirements;
use crate::systemtap::service::Service;
use crate::systemtap::status::State;
use crate::systemtap::unit::{self, Job, Kind};
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
    jobs.append(&mut prepare::stops(service, &stopping));
    // A circle is found before anything is compiled.
    if let Err(trouble) = prepare::plan(service, &jobs) {
        return fail(service, trouble.code, &trouble.text);
    }
    let (compilations, mut jobs): (Vec<Job>, Vec<Job>) =
        jobs.into_iter().partition(|job| job.kind == Kind::Compile);
    match compile(service, &compilations) {
        Ok(failures) => give_up(&mut jobs, failures),
        Err(code) => return code,
    }
    spare(service, &stopping, &mut jobs);
    conclude(service, "restart", &jobs, &unit::plan(&jobs).0, "systemtap startup")
}

/// Compiles; what could not be. Errors with the exit code with which all ends here.
fn compile<'j>(service: &Service<'_>, jobs: &'j [Job]) -> Result<HashMap<&'j str, Failure>, u8> {
    if jobs.is_empty() {
        return Ok(HashMap::new());
    }
    let report = carry_out(service, "compile", jobs, &unit::plan(jobs).0);
    let report = report.map_err(|why| fail(service, FAILED, &why))?;
    log(service, &report);
    if let Some(signal) = report.interrupted {
        return Err(interrupted(service, signal));
    }
    let endings = jobs.iter().zip(&report.jobs).filter(|(_, (.., ending))| *ending != Ending::Done);
    let failure = |job: &Job| match &job.task {
        Some(Task::Fail(failure)) => failure.clone(),
        _ => Failure::new("it could not be compiled"),
    };
    Ok(endings.map(|(job, _)| (job.name.as_str(), failure(job))).collect())
}

/// What could not be compiled cannot be started.
fn give_up(jobs: &mut [Job], mut failures: HashMap<&str, Failure>) {
    for job in jobs.iter_mut().filter(|job| job.kind == Kind::Start) {
        if let Some(failure) = failures.remove(job.name.as_str()) {
            job.task = Some(Task::Fail(failure));
        }
    }
}

/// What cannot be started again is not stopped for it, and neither is what requires it.
fn spare(service: &Service<'_>, stopping: &[String], jobs: &mut Vec<Job>) {
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
    for stop in jobs.iter_mut().filter(|job| job.kind == Kind::Stop) {
        let Some(Failure { code, reason }) = faults.remove(&stop.name) else { continue };
        let state = state(&stop.name);
        if state.is_there() && state != State::Dead {
            stop.task = Some(Task::Fail(Failure { code, reason: format!("it stays as it is: {reason}") }));
            // Each says its own reason.
            stop.waits.clear();
        }
        // One that runs is as good as started; of any other it has to be said that it cannot be.
        if matches!(state, State::Running(_)) {
            running.insert(stop.name.clone());
        }
    }
    jobs.retain(|job| job.kind != Kind::Start || !running.contains(&job.name));
}

/// `condrestart`, `try-restart`: only what runs, and not a word otherwise.
pub fn conditionally(service: &Service<'_>) -> u8 {
    if super::status::code(service) == OK { restart(service) } else { OK }
}
