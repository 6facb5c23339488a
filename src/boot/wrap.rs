//! serel-wrap: one boot script with its relations: says what it provides, waits for what it needs, runs it, and tells
//! how it ended.
//!
//! Its connection stands for its life: however it ends, the daemon knows at once. Whatever is wrong with the daemon,
//! the script is run: a machine must boot.

use super::apply::{remembered, say_path};
use crate::ipc::{CallError, Client, Servers};
use crate::registry::{Batch, Outcome, Request};
use crate::root::Root;
use crate::wavefront::{Script, exec, hold_signals};
use nix::errno::Errno;
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Exit status when the script was not run because what it needs failed: the generic one of LSB 5.0, 22.2.
const NOT_STARTED: u8 = 1;
/// How long the daemon may take to hear of the end: longer than it ever needs, and no reason to hang.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long the daemon may take to show that it is there: a script is run without it then.
const PATIENCE: Duration = Duration::from_secs(5);

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
    let (mut client, _) = Client::nearest(servers, Some(PATIENCE))?;
    client.greet(PATIENCE)?;
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
    // A caller that ignores SIGCHLD would keep the script's status from us.
    let _ = hold_signals();
    let mut signals = SigSet::from_iter(PASSED_ON);
    signals.add(Signal::SIGCHLD);
    // Before the script is started, so that its end cannot be missed.
    let signals = signals.thread_block().and_then(|()| SignalFd::with_flags(&signals, SfdFlags::SFD_CLOEXEC));
    let ended = start(wrapped).map(|pid| match signals {
        Ok(signals) => supervise(pid, &signals),
        Err(_) => wait(pid, None),
    });
    match ended {
        Ok(Ok(Some(code))) => u8::try_from(code).unwrap_or(u8::MAX),
        Ok(Ok(None)) => u8::MAX,
        Ok(Err(errno)) => {
            log::error!("cannot wait for {}: {}", wrapped.script.display(), errno.desc());
            u8::MAX
        }
        Err(errno) => {
            crate::log::say(format_args!("serel-wrap: {}: {}", wrapped.script.display(), errno.desc()));
            // What a shell says.
            if errno == Errno::ENOENT { 127 } else { 126 }
        }
    }
}

/// Starts the script, with no signal blocked, whatever is blocked here.
fn start(wrapped: &Wrapped) -> nix::Result<Pid> {
    let text = |bytes: &[u8]| CString::new(bytes).map_err(|_| Errno::EINVAL);
    let program = text(wrapped.script.as_os_str().as_bytes())?;
    let mut arguments = vec![program.clone()];
    for argument in &wrapped.arguments {
        arguments.push(text(argument.as_bytes())?);
    }
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| CString::new([name.as_bytes(), b"=", value.as_bytes()].concat()).ok());
    let mut attributes = PosixSpawnAttr::init()?;
    attributes.set_sigmask(&SigSet::empty())?;
    attributes.set_flags(PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK)?;
    let script = Script { program, arguments };
    exec(&script, &environment.collect::<Vec<_>>(), &PosixSpawnFileActions::init()?, &attributes)
}

/// The exit status of a process that has ended, 128 and more when a signal ended it; `None` while it runs.
fn wait(pid: Pid, how: Option<WaitPidFlag>) -> nix::Result<Option<i32>> {
    loop {
        match waitpid(pid, how) {
            Ok(WaitStatus::Exited(_, code)) => return Ok(Some(code)),
            Ok(WaitStatus::Signaled(_, signal, _)) => return Ok(Some(128 + signal as i32)),
            Ok(WaitStatus::StillAlive) => return Ok(None),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

fn supervise(pid: Pid, signals: &SignalFd) -> nix::Result<Option<i32>> {
    loop {
        if let Some(code) = wait(pid, Some(WaitPidFlag::WNOHANG))? {
            return Ok(Some(code));
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
