//! The way of last resort: scripts one after another, with nothing but fork, exec and wait.
//!
//! When epoll, a thread or memory cannot be had, the machine must come up all the same.

use crate::exit::Exit;
use crate::log::say;
use crate::model::Phase;
use crate::plan::Plan;
use crate::root::Root;
use std::ffi::{CString, OsStr};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus};

/// Runs the jobs of a serial plan in its order, on the console as it is.
pub(super) fn run(plan: &Plan, argument: &str, environment: &[CString], root: &Root, why: &str) -> Exit {
    say(format_args!("serelrc: {why}: running the scripts one by one, without supervision"));
    // LSB 5.0, 22.2: not installed, not configured; and not running, which is what a stop wants.
    let well: &[i32] = if plan.phase == Phase::Stop { &[0, 5, 6, 7] } else { &[0, 5, 6] };
    let mut exit = Exit::Ok;
    for job in plan.serial_order().into_iter().map(|id| plan.job(id)) {
        match call(&root.real(job.script), argument, environment) {
            Ok(status) if status.code().is_some_and(|code| well.contains(&code)) => {}
            Ok(status) => {
                say(format_args!("serelrc: {}: {status}", job.name));
                exit = Exit::Failed;
            }
            Err(error) => {
                say(format_args!("serelrc: {}: {error}", job.name));
                exit = Exit::Failed;
            }
        }
    }
    exit
}

fn call(script: &Path, argument: &str, environment: &[CString]) -> io::Result<ExitStatus> {
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
