//! `cleanup`: removes compiled scripts of one kernel, those whose source is gone as well.

use super::{FAILED, Mark, OK, ask, begin, fail, mark, print};
use crate::systemtap::service::Service;
use nix::syslog::Severity;
use std::path::PathBuf;

/// Does it.
pub fn cleanup(service: &Service<'_>) -> u8 {
    begin(service, "Cleaning up systemtap scripts: ");
    if !service.cache.directory.is_dir() {
        service.journal.write("Pass: no cache");
        mark(Mark::Ok);
        return OK;
    }
    let names = if service.call.names.is_empty() {
        service.cache.names(&["ko", "bo", "opts", "key", "uprobes"])
    } else {
        service.call.names.clone()
    };
    let files: Vec<PathBuf> = names.iter().flat_map(|name| service.cache.files(name)).collect();
    if !files.is_empty() {
        let paths: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        print(&format!("Removing caches: {}\n", paths.join(" ")));
        if !ask(service, "Do you really want to remove above caches") {
            return OK;
        }
    }
    let mut failures = 0;
    for file in &files {
        if let Err(error) = std::fs::remove_file(file) {
            let text = format!("failed to clean cache {}: {error}", file.display());
            if service.settings.passall {
                return fail(service, FAILED, &text);
            }
            service.journal.write(&format!("Warning: {text}"));
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
