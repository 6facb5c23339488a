//! Status files and states: what a script is doing, from its status file, its module and its process.
//!
//! A status file holds the number of the process that reads the script's output, or `0` for one that keeps it in
//! memory; its name is the script's. Beside it, hidden, lies when that process was started.

use super::modules::{self, Modules, Sign};
use super::name;
use super::process::{Process, start_time};
use super::settings::Settings;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// What a script is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its probes are alive; with the process that reads what it prints, if it has one.
    Running(Option<i32>),
    /// It has ended by itself; its module is loaded and does nothing.
    Finished,
    /// The process that read what it prints is gone; its module is loaded.
    Unread(i32),
    /// A status file is there, and nothing else.
    Dead,
    /// A module of its name is loaded that this service did not start.
    Foreign,
    /// Nothing is there.
    Stopped,
}

impl State {
    /// The exit code of `status` (LSB 5.0, 22.2, and README 0.2.1).
    pub fn code(self) -> u8 {
        match self {
            Self::Running(_) => 0,
            Self::Unread(_) | Self::Dead => 1,
            Self::Finished | Self::Stopped => 3,
            Self::Foreign => 4,
        }
    }

    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running(_) => "running",
            Self::Finished => "finished",
            Self::Unread(_) => "unread",
            Self::Dead => "dead",
            Self::Foreign => "foreign",
            Self::Stopped => "stopped",
        }
    }

    /// The line of `status`.
    pub fn line(self, name: &str) -> String {
        match self {
            Self::Running(None) => format!("{name} is running..."),
            Self::Running(Some(pid)) => format!("{name}({pid}) is running..."),
            Self::Finished => format!("{name} is finished (its module is still loaded)"),
            Self::Unread(pid) => format!("{name}({pid}) is dead, but its module is still loaded."),
            Self::Dead | Self::Stopped => format!("{name} is stopped"),
            Self::Foreign => format!("{name} is dead, but another script is running."),
        }
    }

    /// Whether something of it is there that a stop has to deal with.
    pub fn is_there(self) -> bool {
        !matches!(self, Self::Stopped | Self::Foreign)
    }
}

/// Where the status files and the modules are.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Status {
    /// `STAT_PATH`.
    pub directory: PathBuf,
    /// `PROC_PATH`.
    pub proc: PathBuf,
}

impl Status {
    /// The status files of this configuration.
    pub fn new(settings: &Settings) -> Self {
        Self { directory: settings.stat_path.clone(), proc: settings.proc_path.clone() }
    }

    /// What a script is doing.
    pub fn of(&self, name: &str, modules: &Modules) -> State {
        let loaded = modules.contains(name);
        match (self.pid(name), loaded) {
            // It has no status file yet, or can have none.
            (None, true) if modules::sign(&self.proc, name) == Sign::Running => State::Running(None),
            (None, true) => State::Foreign,
            (None, false) => State::Stopped,
            (Some(0), false) => State::Dead,
            (Some(0), true) => match modules::sign(&self.proc, name) {
                Sign::Finished => State::Finished,
                Sign::Running | Sign::None => State::Running(None),
            },
            (Some(pid), _) => match (self.process(name), loaded) {
                (Some(process), _) if loaded || process.is_bpf() => State::Running(Some(pid)),
                (_, false) => State::Dead,
                (_, true) if modules::sign(&self.proc, name) == Sign::Finished => State::Finished,
                (_, true) => State::Unread(pid),
            },
        }
    }

    /// The process of a script's status file, if it is still the one that was meant.
    pub fn process(&self, name: &str) -> Option<Process> {
        let pid = self.pid(name)?;
        let started = std::fs::read_to_string(self.hidden(name)).ok();
        let started = started.and_then(|text| {
            let (then, time) = text.trim().split_once(' ')?;
            (then.parse() == Ok(pid)).then(|| time.parse().ok())?
        });
        Process::find(pid, name, started)
    }

    /// The names of all status files, and of what runs without one, sorted; files that cannot be a script's are not ours.
    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten();
        let regular = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
        let mut names: Vec<String> = regular
            .filter_map(|entry| entry.file_name().into_string().ok())
            .chain(modules::running(&self.proc))
            .filter(|name| name::fault(name).is_none())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Writes a status file; 0 for a script without a process.
    pub fn write(&self, name: &str, pid: i32) -> io::Result<()> {
        match start_time(pid) {
            Some(time) => replace(&self.hidden(name), &format!("{pid} {time}\n"))?,
            None => _ = std::fs::remove_file(self.hidden(name)),
        }
        replace(&self.directory.join(name), &format!("{pid}\n"))
    }

    /// Removes a status file; that there is none is no error.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let _ = std::fs::remove_file(self.hidden(name));
        match std::fs::remove_file(self.directory.join(name)) {
            Err(error) if self.pid(name).is_some() => Err(error),
            _ => Ok(()),
        }
    }

    /// Gives a status file to every script that runs without one: those that an initramfs has loaded. The names of
    /// those that were found, each with whether it has one now.
    pub fn adopt(&self) -> Vec<(String, io::Result<()>)> {
        let write = |name: String| {
            let written = self.write(&name, 0);
            (name, written)
        };
        self.unknown().into_iter().map(write).collect()
    }

    /// The scripts that run without a status file.
    pub fn unknown(&self) -> Vec<String> {
        let new = |name: &String| name::fault(name).is_none() && self.pid(name).is_none();
        modules::running(&self.proc).into_iter().filter(new).collect()
    }

    /// What a status file says: 0 for one that says nothing. `None` without a file.
    fn pid(&self, name: &str) -> Option<i32> {
        // A name may come from a file, and must not lead out of the directory.
        if name::fault(name).is_some() {
            return None;
        }
        let path = self.directory.join(name);
        if !path.symlink_metadata().is_ok_and(|meta| meta.is_file()) {
            return None;
        }
        let text = std::fs::read_to_string(path).unwrap_or_default();
        Some(text.trim().parse().unwrap_or(0).max(0))
    }

    fn hidden(&self, name: &str) -> PathBuf {
        self.directory.join(format!(".{name}.started"))
    }
}

/// Writes a file that is there as a whole or not at all.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let staged = path.with_file_name(format!(".{file}.{}", std::process::id()));
    // Whoever was killed here before us had another number, or has left a file that nobody needs.
    let _ = std::fs::remove_file(&staged);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o644)
        .open(&staged)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| std::fs::rename(&staged, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&staged);
    }
    written
}
