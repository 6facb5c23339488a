//! `compile`: all of the named scripts, or all, for this kernel or another, whether they have to be or not.

use super::{FAILED, Mark, OK, ask, begin, conclude, fail, mark, prepare, print, start};
use crate::systemtap::job::{Failure, Task};
use crate::systemtap::service::Service;
use crate::systemtap::unit::{Job, Kind};

/// Asks; the scripts that are to be compiled, `None` when they are not to be.
pub fn agree(service: &Service<'_>) -> Option<Vec<String>> {
    begin(service, "Compiling systemtap scripts: ");
    let names = if service.call.names.is_empty() { start::all(service) } else { service.call.names.clone() };
    let old: Vec<String> = names
        .iter()
        .flat_map(|name| service.cache.files(name))
        .map(|file| file.display().to_string())
        .collect();
    if !old.is_empty() {
        print(&format!("Updating caches: {}\n", old.join(" ")));
        if !ask(service, "Do you really want to update above caches") {
            return None;
        }
    }
    Some(names)
}

/// Does it.
pub fn compile(service: &Service<'_>, names: &[String]) -> u8 {
    if names.is_empty() {
        mark(Mark::Ok);
        return OK;
    }
    if let Err(trouble) = prepare::make_cache(service) {
        return fail(service, trouble.code, &trouble.text);
    }
    let mut jobs: Vec<Job> = names.iter().map(|name| job(service, name)).collect();
    prepare::elect_leaders(&mut jobs);
    let plan = match prepare::plan(service, &jobs) {
        Ok(plan) => plan,
        Err(trouble) => return fail(service, trouble.code, &trouble.text),
    };
    conclude(service, "compile", &jobs, &plan, "systemtap compiled ")
}

fn job(service: &Service<'_>, name: &str) -> Job {
    let script = service.scripts().get(name);
    let failed = |reason: String| {
        let object = service.cache.object(name, script.runtime).display().to_string();
        let code = if script.options.is_err() { 2 } else { FAILED };
        Job::new(Kind::Compile, name, object, Some(Task::Fail(Failure { code, reason })))
    };
    match (&script.options, service.collision(name).or_else(|| script.fault())) {
        (Err(why), _) => failed(format!("its options cannot be used: {why}")),
        (_, Some(fault)) => failed(fault),
        // A compiled script without a source is as good as it will get.
        _ if !script.is_there() && service.settings.allow_cacheonly => {
            Job::new(Kind::Compile, name, script.source.display().to_string(), None)
        }
        _ if !script.is_there() => failed(format!("no script file({}).", script.source.display())),
        (Ok(options), None) => {
            for warning in &options.warnings {
                service.warn(&format!("{name}_OPT: {warning}"));
            }
            let record = prepare::record(service, &script, options.line());
            prepare::compilation(service, &script, record)
        }
    }
}
