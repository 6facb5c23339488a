//! `cleanup`: removes compiled scripts of one kernel, those whose source is gone as well.

use super::{FAILED, Mark, OK, ask, begin, fail, mark, print};
use crate::systemtap::service::Service;
use nix::syslog::Severity;
use std::path::PathBuf;

/// Asks; the scripts whose compiled files are to go, `None` when they are to stay.
pub fn agree(service: &Service<'_>) -> Option<Vec<String>> {
    begin(service, "Cleaning up systemtap scripts: ");
    let names = if service.call.names.is_empty() {
        service.cache.names(&["ko", "bo", "opts", "key", "uprobes"])
    } else {
        service.call.names.clone()
    };
    let files = files(service, &names);
    if !files.is_empty() {
        let paths: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        print(&format!("Removing caches: {}\n", paths.join(" ")));
        if !ask(service, "Do you really want to remove above caches") {
            return None;
        }
    }
    Some(names)
}

fn files(service: &Service<'_>, names: &[String]) -> Vec<PathBuf> {
    names.iter().flat_map(|name| service.cache.files(name)).collect()
}

/// Does it.
pub fn cleanup(service: &Service<'_>, names: &[String]) -> u8 {
    if !service.cache.directory.is_dir() {
        service.journal.write("Pass: no cache");
        mark(Mark::Ok);
        return OK;
    }
    let mut failures = 0;
    for file in &files(service, names) {
        if let Err(error) = std::fs::remove_file(file) {
            let text = format!("failed to clean cache {}: {error}", file.display());
            if service.settings.passall {
                return fail(service, FAILED, &text);
            }
            service.warn(&text);
            failures += 1;
        }
    }
    if failures > 0 {
        service.journal.announce(Severity::LOG_WARNING, &format!("Warning: {failures} failure occurred."));
        mark(Mark::Warning);
    } else {
        service.journal.write("Pass: done");
        mark(Mark::Ok);
    }
    OK
}
