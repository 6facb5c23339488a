//! Jobs: one compilation, start or stop of one script each, in a process of its own.
//!
//! The wavefront runs processes, with time limits, signals, captured output and recorded times, and it is to stay the
//! only one that does. A job here is more than one command, so it is this program once more, with a hidden option
//! and all that it has to know as its argument (`systemtap-service --job '{"start":{..}}'`): whatever was read from
//! files was read once, by the one who made the plan. What a job writes is why it failed, in one line; before that,
//! perhaps, a few words to the operator.

mod compile;
mod start;
mod stop;

pub use compile::Compile;
pub use start::{Mode, Start};
pub use stop::Stop;

pub(super) use compile::words;
pub(super) use stop::wait_until_gone;

use super::lock::Lock;
use super::work::hold;
use crate::ipc::close_inherited;
use nix::sys::signal::{SigSet, Signal};
use serde::{Deserialize, Serialize};
use std::process::ExitCode;

/// The hidden option.
pub const OPTION: &str = "--job";

/// What one job does.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// Compiles a script.
    Compile(Box<Compile>),
    /// Loads a compiled script.
    Start(Box<Start>),
    /// Ends a script.
    Stop(Box<Stop>),
    /// Fails: what is wrong was found before anything was run.
    Fail(Failure),
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Exit code: 1 in general, 2 for options, 4 for a module of somebody else.
    pub code: u8,
    /// In one line.
    pub reason: String,
}

impl Failure {
    /// A failure like most.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { code: 1, reason: reason.into() }
    }
}

/// Carries out the job of an argument, as the process that this program was started as.
pub fn run(task: &str) -> ExitCode {
    // Daemons are left behind, and must not keep what the caller of the command had open, such as a lock, or a pipe
    // that somebody reads to its end; nor hold a directory that goes with us.
    close_inherited();
    let _ = std::env::set_current_dir("/");
    let done = match serde_json::from_str(task) {
        Ok(Task::Compile(compile)) => {
            let _held = compile.work.parent().and_then(hold);
            compile.run()
        }
        Ok(Task::Start(start)) => {
            hold_signals();
            let _held = start.work.parent().and_then(hold);
            let _shared = Lock::share(&start.status.directory);
            start.run()
        }
        Ok(Task::Stop(stop)) => {
            let _shared = Lock::share(&stop.status.directory);
            stop.run()
        }
        Ok(Task::Fail(failure)) => Err(failure),
        Err(error) => Err(Failure { code: 2, reason: format!("{OPTION} is not for people: {error}") }),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.reason);
            ExitCode::from(exit_code(failure.code))
        }
    }
}

/// The exit code of a failed job. Some codes have a meaning of their own where init scripts are run (LSB 5.0, 22.2):
/// "not installed", "not configured", "not running". None of them is a failure there, and all of them are here.
fn exit_code(code: u8) -> u8 {
    if matches!(code, 0 | 5..=7) { 1 } else { code }
}

/// A start is not ended between the loading of a module and the status file that remembers it. What it starts is not
/// protected: the signal goes to the whole group, and programs begin with no signal held (spawn.rs).
fn hold_signals() {
    let signals: SigSet = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].into_iter().collect();
    let _ = signals.thread_block();
}

/// Says a line to whoever runs the job.
fn say(line: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stdout(), "{}", crate::text::harmless(line.as_bytes()));
}
