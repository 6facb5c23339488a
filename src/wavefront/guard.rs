//! Does a piece of work in a process of its own, so that whatever ends that process, somebody is left to go on.
//!
//! A fork, since this is the first thing that a small process of one thread does: it costs less than to be executed
//! anew. Who waits holds the signals by which a terminal ends programs, which reach the other process as well.

use super::process::hold_signals;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The code of a work that panicked, where that does not end by SIGABRT.
const PANICKED: i32 = 101;
/// The code of one whose end nobody saw.
const UNSEEN: i32 = 102;

/// Does the work in a child, and waits for it. Errors when there can be no child; then nothing was done. The process
/// must have one thread.
pub fn guarded(work: impl FnOnce() -> u8) -> nix::Result<WaitStatus> {
    let before = hold_signals()?;
    // Not SIGTSTP: a shell sees only of who waits that both have stopped.
    let mut terminal = SigSet::empty();
    terminal.add(Signal::SIGQUIT);
    pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&terminal), None)?;
    // SAFETY: this process has one thread (the caller's contract), so the child may do whatever its parent could.
    let forked = unsafe { fork() };
    let waited = match forked {
        Ok(ForkResult::Child) => {
            let _ = before.thread_set_mask();
            let code = catch_unwind(AssertUnwindSafe(work)).map_or(PANICKED, i32::from);
            let _ = std::io::stdout().flush();
            // SAFETY: no destructor of the parent's state may run in the child.
            unsafe { libc::_exit(code) }
        }
        Ok(ForkResult::Parent { child }) => Ok(wait(child)),
        Err(errno) => Err(errno),
    };
    let _ = before.thread_set_mask();
    waited
}

/// Waits for the end of the child, and hands SIGTERM on to it. Nothing that goes wrong here is an error: the work was
/// begun, and must not be done as if it had not been.
fn wait(child: Pid) -> WaitStatus {
    let mut held = SigSet::empty();
    held.add(Signal::SIGCHLD);
    held.add(Signal::SIGTERM);
    loop {
        match waitpid(child, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => {}
            Ok(status) => return status,
            Err(_) => return WaitStatus::Exited(child, UNSEEN),
        }
        if held.wait() == Ok(Signal::SIGTERM) {
            hand_on(child);
        }
    }
}

/// Sends SIGTERM in a way that tells it from one of somebody else: who ends a whole process group, as init does that of
/// rc, has sent the child one of its own.
fn hand_on(child: Pid) {
    let nothing = libc::sigval { sival_ptr: std::ptr::null_mut() };
    // SAFETY: a system call on plain values; the child is ours and has not been waited for.
    unsafe { libc::sigqueue(child.as_raw(), libc::SIGTERM, nothing) };
}
