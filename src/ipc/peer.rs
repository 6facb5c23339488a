//! Who is at the other end, and for which process it may speak.
//!
//! The kernel says who made a socket (`SO_PEERCRED`), whatever the process claims. A server serves root and its own
//! user; a client believes root and its own user, and root believes root alone: nobody else can impersonate.

use crate::registry::{Caller, Process, Request};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use nix::unistd::geteuid;
use std::os::fd::AsFd;

/// Parents that are looked at: deeper than any tree of shells, and an end for a table that changes meanwhile.
const DEEPEST: usize = 64;

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

    /// It as one who asks for something. Its parents are looked up only where that matters.
    pub(super) fn caller(self, request: &Request) -> Caller {
        let line = if matches!(request, Request::Say { .. }) { ancestry(self.pid) } else { None };
        Caller { pid: self.pid, line }
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

/// A process and its parents, nearest first; `None` without `/proc`, empty when it has gone.
fn ancestry(pid: u32) -> Option<Vec<Process>> {
    let mut line = Vec::new();
    let mut next = pid;
    while next != 0 && line.len() < DEEPEST {
        let Some((process, parent)) = stat(next) else { break };
        line.push(process);
        next = parent;
    }
    if line.is_empty() && stat(std::process::id()).is_none() { None } else { Some(line) }
}

/// The process of a number as it is now; without `/proc` its number alone.
pub(super) fn identify(pid: u32) -> Process {
    stat(pid).map_or(Process { pid, birth: 0 }, |(process, _)| process)
}

/// A process with its time of birth, and its parent (`proc_pid_stat(5)`, fields 22 and 4).
fn stat(pid: u32) -> Option<(Process, u32)> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
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
        let line = ancestry(own).unwrap();
        assert_eq!(line[0].pid, own);
        assert!(
            line.len() > 1 && line.iter().all(|process| process.birth > 0 || process.pid == 1),
            "{line:?}"
        );
        assert_eq!(ancestry(0), Some(Vec::new()));
    }

    #[test]
    fn a_number_given_again_is_another_process() {
        assert_eq!(identify(std::process::id()), identify(std::process::id()));
        assert!(identify(std::process::id()).birth > 0);
    }
}
