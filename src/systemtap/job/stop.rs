//! A stop: end the right process, see that the module goes, and unload it if it does not.

use super::{Failure, say};
use crate::systemtap::backend;
use crate::systemtap::journal::Journal;
use crate::systemtap::modules::Modules;
use crate::systemtap::process::{Process, pause};
use crate::systemtap::status::{State, Status};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a script may take to end: its end probes run, its last output is written.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks at the modules.
const STEP: Duration = Duration::from_millis(25);

/// All that a stop has to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stop {
    /// The script.
    pub name: String,
    /// Its compiled file: what its process was given.
    pub object: PathBuf,
    /// staprun, to unload modules.
    pub staprun: Option<PathBuf>,
    /// Where its status is.
    pub status: Status,
    /// The log.
    pub journal: Journal,
}

impl Stop {
    /// Does it.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let modules = Modules::read(&self.status.proc);
        match self.status.of(&self.name, &modules) {
            State::Stopped => return Ok(()),
            State::Foreign => {
                say("a module of this name is loaded that this service did not start: it is left alone");
                say(&format!("(staprun -d {} unloads it)", self.name));
                return Ok(());
            }
            State::Dead => {}
            State::Running(_) | State::Finished | State::Unread(_) => {
                let holders = modules.holders(&self.name);
                if !holders.is_empty() {
                    return Err(Failure::new(format!(
                        "its module is still used by {}: stop that first",
                        holders.join(", ")
                    )));
                }
                self.end(self.status.process(&self.name))?;
            }
        }
        self.status.remove(&self.name).map_err(|error| {
            let file = self.status.directory.join(&self.name);
            Failure::new(format!("it is stopped, but {} cannot be removed: {error}", file.display()))
        })?;
        self.journal.write(&format!("Pass: {} is stopped", self.name));
        Ok(())
    }

    /// Ends the process, if there is one, and makes sure of the module.
    pub(super) fn end(&self, process: Option<Process>) -> Result<(), Failure> {
        if let Some(process) = process {
            self.terminate(&process)?;
        }
        match self.unload() {
            Err(failure) if failure.code == backend::ATTACHED => {
                // Its number was lost, or was never told.
                let Some(process) = Process::search(&self.object) else { return Err(failure) };
                self.terminate(&process)?;
                self.unload()
            }
            done => done,
        }
    }

    fn terminate(&self, process: &Process) -> Result<(), Failure> {
        process.terminate().map_err(Failure::new)?;
        if self.wait(process) {
            return Ok(());
        }
        let seconds = PATIENCE.as_secs();
        Err(Failure::new(format!("it was sent SIGTERM, and runs on after {seconds} seconds")))
    }

    /// Unloads the module, if it is there still.
    fn unload(&self) -> Result<(), Failure> {
        // A stapio that was killed, or a module that somebody held, leaves the module behind.
        if !Modules::read(&self.status.proc).contains(&self.name) {
            return Ok(());
        }
        let staprun = self.staprun.as_deref().ok_or_else(|| Failure::new("there is no staprun"))?;
        backend::unload(&self.name, staprun, &self.status, &self.journal)
    }

    /// Waits until a process has ended, or its module is gone. False when neither happens.
    fn wait(&self, process: &Process) -> bool {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if process.ended_within(STEP) {
                return true;
            }
            if !process.is_bpf() && !Modules::read(&self.status.proc).contains(&self.name) {
                return true;
            }
        }
        false
    }
}

/// Waits until a module is gone. False when it stays.
pub(in crate::systemtap) fn wait_until_gone(name: &str, status: &Status) -> bool {
    let until = Instant::now() + PATIENCE;
    loop {
        if !Modules::read(&status.proc).contains(name) {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        pause(STEP);
    }
}
