//! The way of last resort: scripts one after another, with nothing but fork, exec and wait.
//!
//! When epoll, a thread or memory cannot be had, the machine must come up all the same.

use super::reply::Ended;
use crate::log::say;
use crate::plan::Job;
use crate::root::Root;
use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus};

/// Runs jobs in this order, on the console as it is.
pub(super) fn run<'p>(
    jobs: impl Iterator<Item = Job<'p>>,
    stopping: bool,
    argument: &str,
    environment: &[CString],
    root: &Root,
) -> Ended {
    let mut ended = Ended::default();
    for job in jobs {
        note(&mut ended, job.name, call(&root.real(job.script), argument, environment), stopping);
    }
    ended
}

/// Notes how a script ended, and says it where it is not well.
pub(super) fn note(ended: &mut Ended, name: &str, called: io::Result<ExitStatus>, stopping: bool) {
    let status = called.as_ref().ok().and_then(ExitStatus::code);
    if !ended.note(name, status, stopping) {
        match called {
            Ok(status) => say(format_args!("serelrc: {name}: {status}")),
            Err(error) => say(format_args!("serelrc: {name}: {error}")),
        }
    }
}

/// Calls a script and waits for its end.
pub(super) fn call(script: &Path, argument: &str, environment: &[CString]) -> io::Result<ExitStatus> {
    let variables = environment.iter().filter_map(|variable| {
        let bytes = variable.as_bytes();
        let end = bytes.iter().position(|byte| *byte == b'=')?;
        Some((OsStr::from_bytes(&bytes[..end]), OsStr::from_bytes(&bytes[end + 1..])))
    });
    let start = |command: &mut Command| command.arg(argument).env_clear().envs(variables.clone()).status();
    match start(&mut Command::new(script)) {
        // No `#!` line: what a shell does with such a script.
        Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => {
            start(Command::new("/bin/sh").arg(script))
        }
        other => other,
    }
}
