//! Starts runners with nothing inherited that they should not have: no held signal, no ignored one, no descriptor
//! but the three, and, if they are to stay, a session of their own.
//!
//! `std::process` passes on the signals that its caller holds, and a start holds SIGTERM: a daemon that began so
//! could never be asked to end.

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::stat::Mode;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};

/// A program that was started.
#[derive(Debug)]
pub struct Child(Pid);

/// Starts the program of a command with its arguments. Where `output` and `errors` are not given they go nowhere.
/// `session`: it is to outlive us.
pub fn spawn(
    command: &Command,
    output: Option<&File>,
    errors: Option<&File>,
    session: bool,
) -> io::Result<Child> {
    let text = |word: &OsStr| CString::new(word.as_bytes()).map_err(|_| Errno::EINVAL);
    let program = text(command.get_program())?;
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let arguments = words.map(text).collect::<Result<Vec<CString>, Errno>>()?;
    let environment: Vec<CString> = std::env::vars_os()
        .filter_map(|(name, value)| {
            CString::new([&name.into_vec()[..], b"=", &value.into_vec()].concat()).ok()
        })
        .collect();
    let nowhere: OwnedFd = open("/dev/null", OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty())?;
    let fd = |file: Option<&File>| file.map_or(nowhere.as_raw_fd(), AsRawFd::as_raw_fd);
    let mut actions = PosixSpawnFileActions::init()?;
    actions.add_dup2(nowhere.as_raw_fd(), 0)?;
    actions.add_dup2(fd(output), 1)?;
    actions.add_dup2(fd(errors), 2)?;
    let mut attributes = PosixSpawnAttr::init()?;
    let mut flags = PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF;
    if session {
        flags |= PosixSpawnFlags::from_bits_retain(libc::POSIX_SPAWN_SETSID.into());
    }
    attributes.set_sigmask(&SigSet::empty())?;
    attributes.set_sigdefault(&SigSet::all())?;
    attributes.set_flags(flags)?;
    Ok(Child(posix_spawn(program.as_c_str(), &actions, &attributes, &arguments, &environment)?))
}

impl Child {
    /// Its number.
    pub fn id(&self) -> i32 {
        self.0.as_raw()
    }

    /// Waits for its end.
    pub fn wait(&self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.look(WaitPidFlag::empty())? {
                return Ok(status);
            }
        }
    }

    /// Sends it a signal; it must not have been seen to end.
    pub fn signal(&self, signal: Signal) {
        let _ = kill(self.0, signal);
    }

    /// How it has ended, if it has.
    pub fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        self.look(WaitPidFlag::WNOHANG)
    }

    fn look(&self, flags: WaitPidFlag) -> io::Result<Option<ExitStatus>> {
        match waitpid(self.0, Some(flags)) {
            // As wait(2) would have it.
            Ok(WaitStatus::Exited(_, code)) => Ok(Some(ExitStatus::from_raw(code << 8))),
            Ok(WaitStatus::Signaled(_, signal, _)) => Ok(Some(ExitStatus::from_raw(signal as i32))),
            Ok(_) | Err(Errno::EINTR) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Seek as _};

    /// Signals that are held here are open there, and nothing but the three descriptors is.
    #[test]
    fn nothing_is_passed_on() {
        let held: SigSet = [Signal::SIGTERM, Signal::SIGINT].into_iter().collect();
        let mut output = tempfile::tempfile().unwrap();
        let child = std::thread::scope(|scope| {
            let spawned = scope.spawn(|| {
                held.thread_block().unwrap();
                let mut command = Command::new("/bin/sh");
                command.arg("-c").arg("grep SigBlk /proc/self/status; kill -TERM $$; echo still here");
                spawn(&command, Some(&output), None, true).unwrap()
            });
            spawned.join().unwrap()
        });
        assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGTERM));
        let mut text = String::new();
        output.rewind().unwrap();
        output.read_to_string(&mut text).unwrap();
        assert_eq!(text.split_whitespace().collect::<Vec<_>>(), ["SigBlk:", "0000000000000000"]);
    }
}
