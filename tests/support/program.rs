//! Programs run to their end, or killed with all their children when they take too long.
//!
//! A hanging program is the very fault that tests of a boot tool look for, so that no test may hang with it.

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::fmt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// More than any of the tests' programs needs on a machine that is busy with something else.
pub(crate) const LIMIT: Duration = Duration::from_mins(2);

/// A program that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Its exit code, or 128 and the signal that ended it, as a shell would say.
    pub(crate) code: i32,
    /// All it wrote to standard output; what is not UTF-8 is replaced.
    pub(crate) stdout: String,
    /// All it wrote to standard error.
    pub(crate) stderr: String,
    command: String,
}

impl Finished {
    /// Itself, when the exit code is the expected one; else the test fails with all that is known.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert!(self.code == code, "expected exit code {code}\n{self}");
        self
    }

    /// Standard output as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("not JSON: {error}\n{self}"))
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, stdout, stderr, command } = self;
        write!(f, "{command}\nexit code: {code}\n--- standard output\n{stdout}\n--- standard error\n{stderr}")
    }
}

/// Runs a command with no input until it has ended and closed its output. After `limit` it is killed with its
/// process group, and the test fails.
#[track_caller]
pub(crate) fn finish(command: &mut Command, limit: Duration) -> Finished {
    let words = format!("{command:?}");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let child = command.spawn().unwrap_or_else(|error| panic!("cannot run {words}: {error}"));
    let group = Pid::from_raw(i32::try_from(child.id()).expect("a process id is small"));
    let (sender, receiver) = mpsc::channel();
    let waiter = thread::spawn(move || sender.send(child.wait_with_output()));
    let in_time = receiver.recv_timeout(limit);
    let killed = in_time.is_err();
    let output = in_time.unwrap_or_else(|_| {
        // The waiter reaps the leader last of all, so that the number is still that of our child's group; or it has
        // ended this very moment, and there is no group any more.
        let _ = killpg(group, Signal::SIGKILL);
        receiver.recv().expect("the waiter sends once")
    });
    waiter.join().expect("the waiter does not panic").expect("the receiver is still here");
    let output = output.unwrap_or_else(|error| panic!("cannot wait for {words}: {error}"));
    let finished = Finished {
        code: output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0)),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        command: words,
    };
    assert!(!killed, "killed after {limit:?}\n{finished}");
    finished
}

/// The object in the JSON of a run that belongs to a job.
#[track_caller]
pub(crate) fn job<'a>(document: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    let jobs = document["jobs"].as_array().expect("a list of jobs");
    jobs.iter().find(|job| job["name"] == name).unwrap_or_else(|| panic!("no {name} in {document:#}"))
}
