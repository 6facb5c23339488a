//! The servers that are measured, each a process of its own: sereld, and the one that only reads and writes.

use crate::support::compiled;
use serel::ipc::protocol::{self, MOST_REQUEST, MOST_RESPONSE};
use serel::ipc::{Address, Client};
use serel::registry::{Reply, ServiceRow};
use serel::registry::{Request, Response};
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A process that ends with its measurement.
pub(super) struct Server {
    child: Child,
    pub(super) socket: PathBuf,
    _dir: TempDir,
}

impl Server {
    /// sereld, as soon as it listens.
    pub(super) fn sereld() -> Self {
        Self::start(|socket| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_sereld"));
            command.arg("--foreground").arg("--socket").arg(socket);
            command
        })
    }

    /// The bare one; it begins to answer when a `crowd` of clients has asked.
    pub(super) fn bare(asked: usize, answered: usize, crowd: usize) -> Self {
        let (_dir, program) = compiled("echo");
        Self::start(|socket| {
            let mut command = Command::new(&program);
            command.arg(socket).args([asked, answered, crowd].map(|number| number.to_string()));
            command
        })
    }

    fn start(command: impl FnOnce(&PathBuf) -> Command) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let socket = dir.path().join("socket");
        let child = command(&socket).spawn().expect("the server starts");
        let server = Self { child, socket, _dir: dir };
        // A path is there as soon as somebody listens, or a moment before.
        let begun = Instant::now();
        while !server.socket.exists() {
            assert!(begun.elapsed() < PATIENCE, "the server does not listen");
            thread::yield_now();
        }
        server
    }

    /// A client of sereld.
    pub(super) fn client(&self) -> Client {
        let address = Address::Path(self.socket.clone());
        patiently(|| Client::connect(&address, None).ok())
    }

    /// A connection without a protocol.
    pub(super) fn stream(&self) -> UnixStream {
        patiently(|| UnixStream::connect(&self.socket).ok())
    }

    /// The memory that it has, in KiB.
    pub(super) fn resident(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("proc_pid_status(5)");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn patiently<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(done) = attempt() {
            return done;
        }
        assert!(begun.elapsed() < PATIENCE, "the server takes no client");
        thread::yield_now();
    }
}

/// Asks what is known of a service.
pub(super) fn ask(client: &mut Client, question: &Request) -> Vec<ServiceRow> {
    let mut found = Vec::new();
    client.send(question).expect("the daemon listens");
    let reply = client.receive(None, |rows| match rows {
        Response::Services(rows) => found.extend(rows),
        other => panic!("{other:?}"),
    });
    assert_eq!(reply.expect("the daemon answers"), Reply::done());
    found
}

/// Bytes of a request on the way.
pub(super) fn bytes_of(request: &Request) -> usize {
    protocol::encode(request, MOST_REQUEST).expect("a short request").len()
}

/// Bytes of an answer on the way.
pub(super) fn bytes_of_answer(rows: Vec<ServiceRow>) -> usize {
    let rows = if rows.is_empty() { None } else { Some(Response::Services(rows)) };
    let frames = rows.into_iter().chain([Response::Reply(Reply::done())]);
    frames.map(|frame| protocol::encode(&frame, MOST_RESPONSE).expect("a short answer").len()).sum()
}
