//! The synchronisation primitives: the state machine against a model, and real programs.

mod hostile;
mod model;
mod programs;
mod recipe;
mod run;
mod users;

use crate::support::program::{Finished, LIMIT, finish};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where the programs are.
pub(super) fn programs() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_serelc")).parent().expect("a program is in a directory")
}

/// A sereld of one test, which ends with it.
pub(super) struct Daemon {
    pub(super) socket: String,
    pub(super) dir: tempfile::TempDir,
}

impl Daemon {
    /// In the background, as an rc starts it: when the call returns, it listens.
    #[track_caller]
    pub(super) fn start() -> Self {
        let daemon = Self::prepare();
        finish(&mut daemon.command("sereld"), LIMIT).expect_code(0);
        daemon
    }

    /// A place for one that is not started yet.
    pub(super) fn prepare() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let socket = format!("@serel-test-{}-{number}", std::process::id());
        let dir = tempfile::Builder::new()
            .prefix("registry-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .expect("the build directory is writable");
        Self { socket, dir }
    }

    /// A program of ours, or another, that finds this daemon, with ours in its PATH.
    pub(super) fn command(&self, program: &str) -> Command {
        let own = programs().join(program);
        let mut command = Command::new(if own.exists() { own } else { PathBuf::from(program) });
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", programs().display())).env("SEREL_SOCKET", &self.socket);
        command.current_dir(self.dir.path());
        command
    }

    /// Runs serelc to its end.
    #[track_caller]
    pub(super) fn serelc(&self, arguments: &[&str]) -> Finished {
        finish(self.command("serelc").args(arguments), LIMIT)
    }

    /// Runs shell commands to their end.
    #[track_caller]
    pub(super) fn shell(&self, commands: &str) -> Finished {
        finish(self.command("sh").arg("-ec").arg(commands), LIMIT)
    }

    /// Starts shell commands; they read from the pipe that is their standard input, and end when it is closed.
    #[track_caller]
    pub(super) fn begin(&self, commands: &str) -> Child {
        let mut command = self.command("sh");
        command.arg("-ec").arg(commands).stdin(Stdio::piped()).stdout(Stdio::piped());
        command.spawn().expect("a shell")
    }

    /// Waits until so many wait for services.
    #[track_caller]
    pub(super) fn await_waiting(&self, count: usize) {
        self.await_rows("waiting", |rows| rows.len() == count);
    }

    /// Asks until the answer is the right one. A daemon has no way to tell when a client has come to wait, so this
    /// asks again and again; it never passes by time.
    #[track_caller]
    pub(super) fn await_rows(&self, question: &str, right: impl Fn(&[serde_json::Value]) -> bool) {
        let begun = std::time::Instant::now();
        loop {
            let answer = self.serelc(&["--query", question, "--json"]).expect_code(0).json();
            let rows = answer.as_array().expect("a list");
            if right(rows) {
                return;
            }
            assert!(begun.elapsed() < LIMIT, "{rows:?}");
        }
    }

    /// The state of a service.
    #[track_caller]
    pub(super) fn state(&self, service: &str) -> String {
        let row = self.serelc(&["--query", "service", service, "--json"]).expect_code(0).json();
        row["state"].as_str().expect("a state").to_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let mut stop = self.command("serelc");
        let _ = stop.args(["--control", "stop"]).stderr(Stdio::null()).status();
    }
}

/// The exit code of a child that has been let go.
#[track_caller]
pub(super) fn code(mut child: Child) -> i32 {
    drop(child.stdin.take());
    child.wait().expect("our child").code().unwrap_or(-1)
}

/// Reads one line that a child says.
#[track_caller]
pub(super) fn line(child: &mut Child) -> String {
    use std::io::Read as _;
    let out = child.stdout.as_mut().expect("its output is a pipe");
    let mut line = Vec::new();
    let mut byte = [0];
    while out.read(&mut byte).expect("a pipe") == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    String::from_utf8(line).expect("UTF-8")
}

/// The number of the daemon's process.
pub(super) fn daemon_pid(daemon: &Daemon) -> nix::unistd::Pid {
    use std::os::linux::net::SocketAddrExt as _;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(&daemon.socket[1..]).unwrap();
    let stream = std::os::unix::net::UnixStream::connect_addr(&address).unwrap();
    let peer = nix::sys::socket::getsockopt(&stream, nix::sys::socket::sockopt::PeerCredentials).unwrap();
    nix::unistd::Pid::from_raw(peer.pid())
}
