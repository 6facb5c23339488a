//! `stop`: everything that runs, or what is named, dependents first.

use super::{FAILED, begin, conclude, fail, interrupted, log, prepare, print};
use crate::systemtap::name;
use crate::systemtap::run::carry_out;
use crate::systemtap::select::{spare, with_requirements};
use crate::systemtap::service::{Service, say};
use crate::systemtap::status::State;
use crate::systemtap::unit;

/// Does it.
pub fn stop(service: &Service<'_>) -> u8 {
    begin(service, "Stopping systemtap: ");
    let names = selected(service);
    let jobs = prepare::stops(service, &names);
    let (plan, circles) = unit::plan(&jobs);
    if circles.is_empty() {
        return conclude(service, "stop", &jobs, &plan, "systemtap stopping ");
    }
    // Scripts that require each other in a circle are stopped all the same; the circle is a failure of its own.
    say(&circles);
    let report = match carry_out(service, "stop", &jobs, &plan) {
        Ok(report) => report,
        Err(why) => return fail(service, FAILED, &why),
    };
    log(service, &report);
    if let Some(signal) = report.interrupted {
        return interrupted(service, signal);
    }
    for circle in &circles {
        service.journal.write(&format!("Error: {}", circle.text));
    }
    fail(service, super::LOOP, "Failed to sort dependency")
}

/// The scripts that are to be stopped; with requirements, as far as nobody else needs them.
pub fn selected(service: &Service<'_>) -> Vec<String> {
    let named = &service.call.names;
    if named.is_empty() {
        return service.status.names();
    }
    let scripts = service.scripts();
    // A status file alone needs nothing.
    let state = service.states();
    let mut running = service.running();
    running.retain(|name| state(name) != State::Dead);
    let mut set = named.clone();
    if service.recursive() {
        set = with_requirements(scripts, named);
        for (name, by) in spare(scripts, named, &mut set, &running) {
            let text = format!("{name} stays up: {by} requires it");
            service.journal.write(&text);
            print(&format!(" {text}\n"));
        }
    }
    let mut seen = std::collections::HashSet::new();
    // A word of a _REQ that is no name is nothing that could run.
    set.retain(|name| name::fault(name).is_none() && seen.insert(name.clone()));
    for name in &running {
        let needed = scripts.requires(name).0.into_iter().find(|needed| seen.contains(*needed));
        if let Some(needed) = needed.filter(|_| !seen.contains(name)) {
            service.warn(&format!("{name} requires {needed}, and is not stopped"));
        }
    }
    set
}
