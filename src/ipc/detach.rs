//! Goes into the background: two forks and a session of its own, and the caller returns when the daemon is ready.

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::stat::Mode;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, chdir, dup2_stderr, dup2_stdin, dup2_stdout, fork, pipe2, setsid};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;

/// What the daemon writes when it is ready.
const READY: &[u8] = b"ready";

/// Which process this is after [`detach`].
#[derive(Debug)]
pub enum Detached {
    /// The caller's: the daemon is ready, or says why it could not be.
    Caller(Result<(), String>),
    /// One in between, which has nothing to do but to end.
    Between,
    /// The daemon's. It says so through [`Readiness`].
    Daemon(Readiness),
}

/// The daemon's line to the caller.
#[derive(Debug)]
pub struct Readiness(File);

/// Closes every file but the standard ones: a daemon must not keep what its caller happened to have open. Only for a
/// process that has opened nothing of its own yet.
pub fn close_inherited() {
    const FIRST: libc::c_uint = 3;
    // SAFETY: nothing in this process owns a descriptor from 3 on (the caller's contract).
    if unsafe { libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, 0) } == 0 {
        return;
    }
    // A kernel before 5.9.
    let most = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft.min(65_536));
    for descriptor in FIRST.cast_signed()..i32::try_from(most).unwrap_or(1024) {
        // SAFETY: as above.
        unsafe { libc::close(descriptor) };
    }
}

/// Forks twice. The process must have one thread, and no epoll set with a signalfd: those belong to the process that
/// made them. Errors before the first fork.
pub fn detach() -> nix::Result<Detached> {
    let (read, write) = pipe2(OFlag::O_CLOEXEC)?;
    // SAFETY: this process has one thread (the caller's contract), so the child may do whatever its parent could.
    if let ForkResult::Parent { child } = unsafe { fork() }? {
        drop(write);
        let mut said = Vec::new();
        let _ = File::from(read).read_to_end(&mut said);
        let _ = waitpid(child, None);
        let words = if said.is_empty() { "it ended at once".into() } else { String::from_utf8_lossy(&said) };
        return Ok(Detached::Caller(if said == READY { Ok(()) } else { Err(words.into_owned()) }));
    }
    drop(read);
    let mut line = File::from(write);
    // SAFETY: as above; the child of one thread has one thread.
    let second = setsid().and_then(|_| unsafe { fork() });
    match second {
        Ok(ForkResult::Child) => Ok(Detached::Daemon(Readiness(line))),
        Ok(ForkResult::Parent { .. }) => Ok(Detached::Between),
        Err(errno) => {
            let _ = line.write_all(errno.desc().as_bytes());
            Ok(Detached::Between)
        }
    }
}

impl Readiness {
    /// All is well: leaves the caller's directory and standard streams, and lets it go on.
    pub fn ready(mut self) -> nix::Result<()> {
        chdir("/")?;
        let nothing = nothing()?;
        dup2_stdin(&nothing)?;
        dup2_stdout(&nothing)?;
        dup2_stderr(&nothing)?;
        self.0.write_all(READY).map_err(|_| Errno::EPIPE)
    }

    /// It could not be.
    pub fn failed(mut self, why: &str) {
        let _ = self.0.write_all(why.as_bytes());
    }
}

/// `/dev/null`, or, before there is a `/dev`, an end of a pipe that leads nowhere.
fn nothing() -> nix::Result<OwnedFd> {
    open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())
        .or_else(|_| pipe2(OFlag::O_CLOEXEC).map(|(read, _)| read))
}
