//! The way of last resort: scripts one after another, with nothing but fork, exec and wait.
//!
//! When epoll, a thread or memory cannot be had, the machine must come up all the same.

use crate::exit::Exit;
use crate::model::Phase;
use crate::plan::Plan;
use crate::root::Root;
use std::process::Command;

/// Runs the jobs of a serial plan in its order, on the console as it is.
pub(super) fn run(plan: &Plan, argument: &str, root: &Root, why: &str) -> Exit {
    crate::log::say(format_args!("serelrc: {why}: running the scripts one by one, without supervision"));
    let mut exit = Exit::Ok;
    // LSB 5.0, 22.2: not installed, not configured; and not running, which is what a stop wants.
    let well: &[i32] = if plan.phase == Phase::Stop { &[5, 6, 7] } else { &[5, 6] };
    for job in plan.serial_order().into_iter().map(|id| plan.job(id)) {
        let status = Command::new(root.real(job.script)).arg(argument).status();
        match status {
            Ok(status) if status.success() || well.contains(&status.code().unwrap_or(1)) => {}
            Ok(status) => {
                crate::log::say(format_args!("serelrc: {}: {status}", job.name));
                exit = Exit::Failed;
            }
            Err(error) => {
                crate::log::say(format_args!("serelrc: {}: {error}", job.name));
                exit = Exit::Failed;
            }
        }
    }
    exit
}
