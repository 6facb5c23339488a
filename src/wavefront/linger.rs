//! Keeps the pipes of daemons alive that still write to what was their init script's standard output.
//!
//! Such a daemon would be killed by SIGPIPE at its next word once we are gone. A forked child of ours reads those
//! pipes until the last writer is gone; it holds nothing else, above all not the caller's own standard output.

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{ForkResult, dup2_stderr, dup2_stdin, dup2_stdout, fork, setsid};
use std::os::fd::{AsRawFd, OwnedFd};

/// Highest descriptor that the child looks at when it lets go of what it inherited.
const HIGHEST: i32 = 4096;

/// Leaves a reader behind for these pipes. Call it last, when our own threads have ended. Without one (no memory for
/// a process) the daemons are as badly off as they would be without this.
pub fn keep_open(pipes: &[OwnedFd]) {
    let mut polled: Vec<libc::pollfd> = pipes
        .iter()
        .map(|pipe| libc::pollfd { fd: pipe.as_raw_fd(), events: libc::POLLIN, revents: 0 })
        .collect();
    if polled.is_empty() {
        return;
    }
    // SAFETY: the child uses nothing but system calls and memory that was there before the fork.
    if let Ok(ForkResult::Child) = unsafe { fork() } {
        let _ = setsid();
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
        // SAFETY: no destructor of the parent's state may run in the child.
        unsafe { libc::_exit(0) };
    }
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
