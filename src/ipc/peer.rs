//! Who is at the other end, and for which process it may speak.
//!
//! The kernel says who made a socket (`SO_PEERCRED`), whatever the process claims. A server serves root and its own
//! user; a client believes root and its own user, and root believes root alone: nobody else can impersonate.

use crate::registry::Process;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::geteuid;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd;

/// The process at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Peer {
    /// Its number; 0 when it is in another namespace.
    pub(super) pid: u32,
    /// Its user.
    pub(super) uid: u32,
}

impl Peer {
    /// Asks the kernel.
    pub(super) fn of(socket: &impl AsFd) -> nix::Result<Self> {
        let found = getsockopt(socket, PeerCredentials)?;
        Ok(Self { pid: u32::try_from(found.pid()).unwrap_or(0), uid: found.uid() })
    }

    /// Whether a server of ours may serve it.
    pub(super) fn may_ask(self) -> bool {
        self.uid == 0 || self.uid == geteuid().as_raw()
    }

    /// Whether a client of ours may believe it.
    pub(super) fn may_answer(self) -> bool {
        self.may_ask()
    }
}

/// The process of a number as it is now; without `/proc` its number alone.
pub(super) fn identify(pid: u32) -> Process {
    parentage(pid).map_or(Process { pid, birth: 0 }, |(process, _)| process)
}

/// A process with its time of birth, and its parent (`proc_pid_stat(5)`, fields 22 and 4).
pub fn parentage(pid: u32) -> Option<(Process, u32)> {
    // The file is made at the first read of it, all at once; 52 fields of at most 20 digits and a name of 64 bytes.
    let mut buffer = [0; 2048];
    let count = File::open(format!("/proc/{pid}/stat")).and_then(|mut file| file.read(&mut buffer)).ok()?;
    let text = &buffer[..count];
    // The second field is a name in parentheses that may hold anything, more of them included.
    let behind = text.iter().rposition(|byte| *byte == b')')? + 1;
    let mut fields = std::str::from_utf8(&text[behind..]).ok()?.split_ascii_whitespace();
    let parent = fields.nth(1)?.parse().ok()?;
    let birth = fields.nth(17)?.parse().ok()?;
    Some((Process { pid, birth }, parent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_found_with_its_parents() {
        let own = std::process::id();
        let mut line = vec![parentage(own).unwrap()];
        while let Some(found) = parentage(line.last().unwrap().1) {
            line.push(found);
        }
        assert_eq!(line[0].0.pid, own);
        assert_eq!(line[0].1, line[1].0.pid);
        assert!(line[0].0.birth > 0);
        assert_eq!(parentage(0), None);
    }

    #[test]
    fn a_number_given_again_is_another_process() {
        assert_eq!(identify(std::process::id()), identify(std::process::id()));
        assert!(identify(std::process::id()).birth > 0);
    }
}
