//! serel-wrap: one boot script with its relations: says what it provides, waits for what it needs, runs it, and tells
//! how it ended.
//!
//! Its connection stands for its life: however it ends, the daemon knows at once. Whatever is wrong with the daemon,
//! the script is run: a machine must boot.

use super::apply::{remembered, say_path};
use crate::ipc::{CallError, Client, Servers};
use crate::registry::{Batch, Outcome, Request};
use crate::root::Root;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::SignalFd;
use nix::unistd::Pid;
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// Exit status when the script was not run because what it needs failed: the generic one of LSB 5.0, 22.2.
const NOT_STARTED: u8 = 1;
/// How long the daemon may take to hear of the end: longer than it ever needs, and no reason to hang.
const FAREWELL: Duration = Duration::from_secs(2);

/// Signals that are passed on to the script.
const PASSED_ON: [Signal; 6] =
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGUSR1, Signal::SIGUSR2];

/// A script and how it is called.
#[derive(Debug)]
pub struct Wrapped {
    /// The script.
    pub script: PathBuf,
    /// What it is called with.
    pub arguments: Vec<OsString>,
    /// The history's file, for a script that the daemon does not know.
    pub database: PathBuf,
}

/// Runs it. Returns its exit status; 128 and more when a signal ended it.
pub fn wrap(servers: &Servers, wrapped: &Wrapped) -> u8 {
    let path = std::path::absolute(&wrapped.script).unwrap_or_else(|_| wrapped.script.clone());
    let mut client = match enter(servers, wrapped, &path) {
        Ok((client, Outcome::Failed { .. } | Outcome::Nobody { .. })) => {
            drop(client);
            crate::log::say(format_args!("serel-wrap: {} is not started", path.display()));
            return NOT_STARTED;
        }
        Ok((client, _)) => Some(client),
        Err(error) => {
            crate::log::say(format_args!(
                "serel-wrap: {error}: running {} without waiting for anything",
                path.display()
            ));
            None
        }
    };
    let status = run(wrapped);
    if let Some(client) = &mut client {
        let request = Request::Status { pid: std::process::id(), status: status.into() };
        if let Err(error) = client.call(&request, Some(Instant::now() + FAREWELL)) {
            log::warn!("the daemon does not hear how {} ended: {error}", path.display());
        }
    }
    status
}

/// Says what belongs to the script, and waits for what it needs.
fn enter(servers: &Servers, wrapped: &Wrapped, path: &Path) -> Result<(Client, Outcome), CallError> {
    let pid = std::process::id();
    let (mut client, _) = Client::nearest(servers)?;
    let given = path.to_string_lossy();
    // The daemon may know it by another of its paths.
    let known = || {
        let root = Root::default();
        remembered(&root, &wrapped.database, &given)
    };
    let mut reply = say_path(&mut client, pid, &given, true, || None)?;
    if reply.outcome == Outcome::UnknownPath {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        reply = say_path(&mut client, pid, &real.to_string_lossy(), true, known)?;
    }
    if reply.outcome == Outcome::UnknownPath {
        log::info!("{given} is not in the unit that was populated last: it waits for nothing");
        let batch = Batch { holds: true, ..Batch::default() };
        reply = client.call(&Request::Say { pid, batch }, None)?;
    }
    super::say::report("serel-wrap", &reply);
    Ok((client, reply.outcome))
}

/// Runs the script, passes signals on, and waits for its end.
fn run(wrapped: &Wrapped) -> u8 {
    let mut signals = SigSet::from_iter(PASSED_ON);
    signals.add(Signal::SIGCHLD);
    // Before the script is started, so that its end cannot be missed. It begins with no signal blocked itself.
    let signals = signals.thread_block().and_then(|()| SignalFd::new(&signals));
    let started = start(wrapped);
    let mut child = match started {
        Ok(child) => child,
        Err(error) => {
            crate::log::say(format_args!("serel-wrap: {}: {error}", wrapped.script.display()));
            // What a shell says.
            return if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
        }
    };
    let status = match signals {
        Ok(signals) => supervise(&mut child, &signals),
        Err(_) => child.wait(),
    };
    match status {
        Ok(status) => {
            let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
            u8::try_from(code).unwrap_or(u8::MAX)
        }
        Err(error) => {
            log::error!("cannot wait for {}: {error}", wrapped.script.display());
            u8::MAX
        }
    }
}

fn start(wrapped: &Wrapped) -> io::Result<Child> {
    match Command::new(&wrapped.script).args(&wrapped.arguments).spawn() {
        // No `#!` line: what a shell does with such a script, and so what init scripts may count on.
        Err(error) if error.raw_os_error() == Some(libc::ENOEXEC) => {
            Command::new("/bin/sh").arg(&wrapped.script).args(&wrapped.arguments).spawn()
        }
        other => other,
    }
}

fn supervise(child: &mut Child, signals: &SignalFd) -> io::Result<std::process::ExitStatus> {
    let pid = Pid::from_raw(child.id().cast_signed());
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        let Ok(Some(info)) = signals.read_signal() else { continue };
        let signal = Signal::try_from(info.ssi_signo.cast_signed());
        // What the terminal sends, the script has got itself.
        let from_process = info.ssi_code <= 0;
        if let Some(signal) = signal.ok().filter(|signal| *signal != Signal::SIGCHLD && from_process) {
            let _ = kill(pid, signal);
        }
    }
}
