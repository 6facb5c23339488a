//! What outlives us, in a forked child that nobody waits for.
//!
//! A daemon that still writes to what was its init script's standard output would be killed by SIGPIPE at its next word
//! once we are gone. A child reads those pipes until the last writer is gone; it holds nothing else, above all not the
//! caller's own standard output.

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::stat::Mode;
use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, fork, setsid};
use rustix::thread::{name, set_name};
use std::ffi::CStr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Highest descriptor that the child looks at when it lets go of what it inherited.
const HIGHEST: i32 = 4096;

/// Names of the processes: of one that works, and of one that reads.
const SAVES: &CStr = c"serel-history";
const READS: &CStr = c"serel-pipes";

/// Does a piece of work in a child with a session of its own, then keeps these pipes open. Whoever asks processes to end, as
/// a shutdown does, is heard when the work is done; who waits for a file that we were given, but for standard error, does not
/// wait for it. Call it when our own threads have ended. Errors when there can be no child; then nothing was done.
pub fn leave_behind(work: impl FnOnce(), pipes: &[OwnedFd]) -> nix::Result<()> {
    let mut ends = SigSet::empty();
    ends.extend([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]);
    // Before the fork, so that there is no moment at which it could be ended.
    let before = ends.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let left = in_child(SAVES, || {
        let _ = dup2_stdout(std::io::stderr());
        close_inherited();
        let _ = catch_unwind(AssertUnwindSafe(work));
        let _ = before.thread_set_mask();
        keep_open(pipes);
    });
    let _ = before.thread_set_mask();
    left
}

/// Closes the files that our caller gave us beside the three standard ones: whatever we open ourselves is closed when a
/// program is executed. Where there is no `/proc`, they stay.
fn close_inherited() {
    let files = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let numbers: Vec<i32> = files.filter_map(|file| file.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|number| *number > 2) {
        // SAFETY: system calls on a number; nothing of ours owns a file that is not closed at an execution.
        unsafe {
            if libc::fcntl(number, libc::F_GETFD) == 0 {
                libc::close(number);
            }
        }
    }
}

/// Leaves a reader behind for these pipes. Call it last; a thread of ours that is stuck may be left. Without one (no memory
/// for a process) the daemons are as badly off as they would be without this.
pub fn keep_open(pipes: &[OwnedFd]) {
    let mut polled: Vec<libc::pollfd> = pipes
        .iter()
        .map(|pipe| libc::pollfd { fd: pipe.as_raw_fd(), events: libc::POLLIN, revents: 0 })
        .collect();
    if polled.is_empty() {
        return;
    }
    // Nothing but system calls, and memory that is there already.
    let _ = in_child(READS, || {
        if let Ok(null) = open("/dev/null", OFlag::O_RDWR, Mode::empty()) {
            let _ = dup2_stdin(&null);
            let _ = dup2_stdout(&null);
            let _ = dup2_stderr(&null);
            std::mem::forget(null);
        }
        for fd in 3..HIGHEST {
            if !polled.iter().any(|pipe| pipe.fd == fd) {
                // SAFETY: the owners of these descriptors live in the parent; the child never returns to them.
                unsafe { libc::close(fd) };
            }
        }
        drain(&mut polled);
    });
}

/// Runs this in a child in a session of its own, by this name from its first moment on. Where we have other threads, it
/// must do with system calls and with memory that is there already. Errors when there can be no child.
fn in_child(called: &CStr, work: impl FnOnce()) -> nix::Result<()> {
    let ours = name();
    let _ = set_name(called);
    // SAFETY: the callers' contract leaves nothing that another thread could have held at this moment.
    let forked = unsafe { fork() };
    if let Ok(ForkResult::Child) = forked {
        let _ = setsid();
        work();
        // SAFETY: no destructor of the parent's state may run in the child.
        unsafe { libc::_exit(0) };
    }
    if let Ok(ours) = ours {
        let _ = set_name(&ours);
    }
    forked.map(|_| ())
}

/// Reads and forgets until every pipe has lost its last writer.
fn drain(pipes: &mut [libc::pollfd]) {
    let mut buffer = [0u8; 4096];
    while pipes.iter().any(|pipe| pipe.fd >= 0) {
        // SAFETY: the pointer and the length are those of one live slice.
        let ready = unsafe { libc::poll(pipes.as_mut_ptr(), pipes.len() as libc::nfds_t, -1) };
        if ready < 0 && Errno::last() != Errno::EINTR {
            return;
        }
        for pipe in pipes.iter_mut().filter(|pipe| pipe.fd >= 0 && pipe.revents != 0) {
            // SAFETY: the buffer is live and as long as it says.
            let count = unsafe { libc::read(pipe.fd, buffer.as_mut_ptr().cast(), buffer.len()) };
            let passing = count < 0 && matches!(Errno::last(), Errno::EAGAIN | Errno::EINTR);
            if count <= 0 && !passing {
                pipe.fd = -1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_a_reader_behind_keeps_its_own_name() {
        set_name(c"leaves").unwrap();
        let (pipe, _) = nix::unistd::pipe().unwrap();
        keep_open(&[pipe]);
        assert_eq!(name().unwrap().as_c_str(), c"leaves");
    }
}
