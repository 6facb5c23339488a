//! `start`: compile what has to be, and start everything whose requirements have been started.

use super::{Mark, OK, begin, conclude, fail, mark, prepare, print};
use crate::systemtap::select::with_requirements;
use crate::systemtap::service::Service;
use nix::syslog::Severity;
use std::collections::HashSet;

/// Does it.
pub fn start(service: &Service<'_>) -> u8 {
    begin(service, "Starting systemtap: ");
    let names = selected(service);
    if names.is_empty() {
        return nothing(service);
    }
    if let Err(trouble) = prepare::make_cache(service) {
        return fail(service, trouble.code, &trouble.text);
    }
    let jobs = prepare::starts(service, &names, false);
    let plan = match prepare::plan(service, &jobs) {
        Ok(plan) => plan,
        Err(trouble) => return fail(service, trouble.code, &trouble.text),
    };
    conclude(service, "start", &jobs, &plan, "systemtap startup")
}

/// That there are no scripts is no failure (RHBZ 847286).
pub fn nothing(service: &Service<'_>) -> u8 {
    service.journal.announce(Severity::LOG_WARNING, "Warning: No scripts exist.");
    print("No scripts exist.\n");
    mark(Mark::Warning);
    OK
}

/// The scripts that are to be started, requirements first.
pub fn selected(service: &Service<'_>) -> Vec<String> {
    let (named, recursive) = match (&service.call.names[..], &service.settings.default_start[..]) {
        ([], []) => (all(service), true),
        ([], default) => (default.to_vec(), true),
        (names, _) => (names.to_vec(), service.recursive()),
    };
    let scripts = service.scripts();
    if recursive {
        return with_requirements(scripts, &named);
    }
    let state = service.states();
    let set: HashSet<&str> = named.iter().map(String::as_str).collect();
    for name in &named {
        let mut required = scripts.requires(name).0.into_iter();
        if let Some(missing) = required.find(|needed| !set.contains(needed) && state(needed).code() != OK) {
            service.warn(&format!("{name} requires {missing}, which is not running: -R starts it, too"));
        }
    }
    named
}

/// All scripts; what looks like one and cannot be one is said.
pub fn all(service: &Service<'_>) -> Vec<String> {
    let (names, odd) = service.scripts().all();
    for text in odd {
        service.warn(&text);
    }
    names
}
