//! Whether a process is the one that reads a script's output, and how to end that one and no other.
//!
//! A number in a status file may belong to somebody else by now. So the process is first held by a pidfd, which can
//! never come to mean another one, then looked at, and then signalled through the pidfd.

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{self, kill};
use nix::unistd;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::Duration;

/// Programs that run scripts: `staprun` becomes `stapio`.
const RUNNERS: [&str; 3] = ["stapio", "staprun", "stapbpf"];

/// Where in `/proc/PID/stat`, counted behind the name, the start time stands (proc(5), field 22).
const START_TIME: usize = 19;

/// The process that runs a script.
#[derive(Debug)]
pub struct Process {
    pid: i32,
    /// None on kernels without (before 5.3).
    pidfd: Option<OwnedFd>,
    bpf: bool,
}

impl Process {
    /// The process of this number, if it runs the script of this name. `started` is when the one that is meant was
    /// started, if that is known.
    pub fn find(pid: i32, name: &str, started: Option<u64>) -> Option<Self> {
        let raw = (pid > 1).then(|| Pid::from_raw(pid))??;
        let pidfd = match pidfd_open(raw, PidfdFlags::empty()) {
            Ok(pidfd) => Some(pidfd),
            Err(rustix::io::Errno::NOSYS) => None,
            Err(_) => return None,
        };
        let same = started.is_none_or(|started| start_time(pid) == Some(started));
        let program = runner(pid, name).filter(|_| same)?;
        Some(Self { pid, pidfd, bpf: program == "stapbpf" })
    }

    /// The runner that was given exactly this file, if there is one; where its number is not known.
    pub fn search(file: &Path) -> Option<Self> {
        let name = file.file_stem()?.to_str()?;
        let entries = std::fs::read_dir("/proc").ok()?;
        let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.filter(|pid| has_argument(*pid, file)).find_map(|pid| {
            // Once more, when it is held.
            Self::find(pid, name, None).filter(|_| has_argument(pid, file))
        })
    }

    /// Whether it runs a BPF program, which needs no module.
    pub fn is_bpf(&self) -> bool {
        self.bpf
    }

    /// Asks it to end.
    pub fn terminate(&self) -> Result<(), String> {
        let sent = match &self.pidfd {
            Some(pidfd) => {
                pidfd_send_signal(pidfd, Signal::TERM).map_err(|errno| Errno::from_raw(errno.raw_os_error()))
            }
            None => kill(unistd::Pid::from_raw(self.pid), signal::Signal::SIGTERM),
        };
        match sent {
            // It has ended by itself.
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(errno) => Err(format!("cannot end process {}: {}", self.pid, errno.desc())),
        }
    }

    /// Waits for its end for that long at most. True when it has ended.
    pub fn ended_within(&self, time: Duration) -> bool {
        let Some(pidfd) = &self.pidfd else {
            pause(time);
            return kill(unistd::Pid::from_raw(self.pid), None) == Err(Errno::ESRCH);
        };
        let timeout = PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX);
        let mut polled = [PollFd::new(pidfd.as_fd(), PollFlags::POLLIN)];
        poll(&mut polled, timeout).is_ok_and(|ready| ready > 0)
    }
}

/// Waits.
pub fn pause(time: Duration) {
    let _ = poll(&mut [], PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX));
}

/// When a process was started, in ticks since the machine was.
pub fn start_time(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may hold anything.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(START_TIME)?.parse().ok()
}

/// Whether a file is an argument of a process.
fn has_argument(pid: i32, file: &Path) -> bool {
    let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    arguments.split(|byte| *byte == 0).any(|argument| argument == file.as_os_str().as_bytes())
}

/// The program that a process runs, if it is a runner, and of this script: one of its arguments is the compiled file.
fn runner(pid: i32, name: &str) -> Option<&'static str> {
    let program = match std::fs::read_link(format!("/proc/{pid}/exe")) {
        Ok(program) => program.file_name()?.to_string_lossy().into_owned(),
        // Who may only look sees no more than what the process calls itself; who may signal it sees the program.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim_end().to_owned()
        }
        Err(_) => return None,
    };
    // An upgrade leaves the old program running.
    let program = program.trim_end_matches(" (deleted)");
    let program = *RUNNERS.iter().find(|runner| **runner == program)?;
    let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let named = arguments.split(|byte| *byte == 0).any(|argument| {
        let argument = String::from_utf8_lossy(argument);
        let file = Path::new(&*argument).file_name().and_then(|file| file.to_str()).unwrap_or_default();
        [".ko", ".bo"].iter().any(|ending| file.strip_suffix(ending) == Some(name))
    });
    named.then_some(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_is_taken_for_a_runner() {
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(Process::find(own, "one", None).is_none());
        assert!(Process::find(0, "one", None).is_none());
        assert!(Process::find(1, "one", None).is_none());
        assert!(Process::find(-1, "one", None).is_none());
        assert!(Process::find(i32::MAX, "one", None).is_none());
        assert!(start_time(own).is_some());
    }
}
