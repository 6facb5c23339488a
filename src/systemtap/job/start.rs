//! A start: look once more, load, find out who reads the output, write the status file.

use super::{Failure, Stop, say};
use crate::systemtap::backend;
use crate::systemtap::cache::Cache;
use crate::systemtap::journal::Journal;
use crate::systemtap::modules::Modules;
use crate::systemtap::process::Process;
use crate::systemtap::settings::Runtime;
use crate::systemtap::status::{State, Status};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// How a script runs once it is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A flight recorder in memory: the runner loads it and goes (`-L`).
    Memory,
    /// A flight recorder on file: the runner becomes a daemon (`-D`).
    Daemon,
    /// The runner knows no daemon and is kept in a session of its own: all of BPF, and `-c`.
    Kept,
}

/// All that a start has to know.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Start {
    /// The script.
    pub name: String,
    /// By which back end.
    pub runtime: Runtime,
    /// How.
    pub mode: Mode,
    /// The runner: staprun or stapbpf.
    pub runner: PathBuf,
    /// staprun, to unload what is left of an earlier run.
    pub staprun: Option<PathBuf>,
    /// Options of the script.
    pub options: Vec<String>,
    /// Options of the script want the helper module, if there is one.
    pub uprobes: bool,
    /// The script says where its output goes.
    pub output: bool,
    /// Where the compiled script is.
    pub cache: Cache,
    /// A directory for this job alone, not made yet.
    pub work: PathBuf,
    /// Where its status goes.
    pub status: Status,
    /// Where stapbpf makes the files of procfs probes.
    pub bpf_run_path: PathBuf,
    /// Where the output of BPF scripts goes that do not say.
    pub bpf_log_path: PathBuf,
    /// The log.
    pub journal: Journal,
}

impl Start {
    /// Does it.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let name = &self.name;
        let modules = Modules::read(&self.status.proc);
        match self.status.of(name, &modules) {
            State::Running(_) => return Ok(()),
            State::Foreign => {
                let reason = format!("{name} is dead, but another script is running.");
                return Err(Failure { code: 4, reason });
            }
            State::Finished | State::Unread(_) => {
                say("what an earlier run has left behind is unloaded first");
                let staprun = self.staprun.as_deref().ok_or_else(|| Failure::new("there is no staprun"))?;
                backend::unload(name, staprun, &self.status, &self.journal)?;
            }
            State::Dead | State::Stopped => {}
        }
        let object = self.cache.object(name, self.runtime);
        if let Err(why) = self.cache.read(&object) {
            return Err(Failure::new(format!("cannot load {}: {why}", object.display())));
        }
        std::fs::create_dir(&self.work).map_err(|error| {
            Failure::new(format!("Failed to create temporary directory {}: {error}", self.work.display()))
        })?;
        let pid = backend::of(self.runtime).start(self)?;
        self.status.write(name, pid).map_err(|error| self.undo(pid, &error))?;
        self.journal.write(&format!("Pass: {name} is started"));
        Ok(())
    }

    /// Ends what could not be written down: nobody would be sure of it later.
    fn undo(&self, pid: i32, error: &std::io::Error) -> Failure {
        let stop = Stop {
            name: self.name.clone(),
            object: self.cache.object(&self.name, self.runtime),
            staprun: self.staprun.clone(),
            status: self.status.clone(),
            journal: self.journal.clone(),
        };
        let _ = self.status.remove(&self.name);
        let file = self.status.directory.join(&self.name);
        let file = file.display();
        Failure::new(match stop.end(Process::find(pid, &self.name, None)) {
            Ok(()) => format!("its status cannot be written, so it was stopped again: {file}: {error}"),
            Err(failure) => format!(
                "it runs, its status cannot be written ({file}: {error}), and it cannot be stopped: {}",
                failure.reason
            ),
        })
    }
}
