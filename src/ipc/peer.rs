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

/// Parents that are looked at: deeper than any tree of shells, and an end for a table that changes meanwhile.
const DEEPEST: usize = 64;

/// The process at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Its number; 0 when it is in another namespace.
    pub pid: u32,
    /// Its user.
    pub uid: u32,
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

/// A process and its parents, nearest first, `most` of them; `None` without `/proc`, empty when it has gone.
fn ancestry(pid: u32, most: usize) -> Option<Vec<Process>> {
    let mut line = Vec::new();
    let mut next = pid;
    while next != 0 && line.len() < most {
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

/// The process that a peer speaks for: itself or its parent, as it claims; or, if one of its parents stands for all
/// that it starts (`family`, `None` while nobody does), that one. Errors in words for the peer.
pub fn speaker<F>(peer: Peer, claimed: u32, family: Option<&F>) -> Result<Process, String>
where
    F: Fn(u32) -> Option<Process>,
{
    // Each look into /proc costs more than all the rest of a request (bench/README.md, "Registry").
    let most = match family {
        _ if claimed == peer.pid => 1,
        None => 2,
        Some(_) => DEEPEST,
    };
    let family = |pid| family.and_then(|family| family(pid));
    let Some(line) = ancestry(peer.pid, most) else {
        // No /proc yet: whoever may speak at all is believed.
        return Ok(family(claimed).unwrap_or(Process { pid: claimed, birth: 0 }));
    };
    let place =
        line.iter().take(2).position(|process| process.pid == claimed).ok_or_else(|| {
            format!("process {claimed} is neither the caller ({}) nor its parent", peer.pid)
        })?;
    let nearest = line[1..].iter().find(|process| family(process.pid) == Some(**process));
    Ok(*nearest.filter(|_| place > 0).unwrap_or(&line[place]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_speaks_for_itself_its_parent_and_whoever_stands_for_both() {
        let own = std::process::id();
        let line = ancestry(own, DEEPEST).unwrap();
        let peer = Peer { pid: own, uid: 0 };
        let last = *line.last().unwrap();
        for family in [None, Some(None), Some(Some(last))] {
            let found = family.map(|known| move |pid| known.filter(|known: &Process| known.pid == pid));
            let speaker = |peer, claimed| speaker(peer, claimed, found.as_ref());
            assert_eq!(speaker(peer, own), Ok(line[0]), "{family:?}");
            assert_eq!(speaker(peer, line[1].pid), Ok(family.flatten().unwrap_or(line[1])), "{family:?}");
            assert!(speaker(peer, 0).is_err(), "{family:?}");
            assert!(speaker(peer, line.get(2).map_or(u32::MAX, |third| third.pid)).is_err(), "{family:?}");
            assert!(speaker(Peer { pid: 0, uid: 0 }, own).is_err(), "{family:?}");
        }
        assert_eq!(ancestry(0, DEEPEST), Some(Vec::new()));
    }

    #[test]
    fn a_number_given_again_is_another_process() {
        assert_eq!(identify(std::process::id()), identify(std::process::id()));
        assert!(identify(std::process::id()).birth > 0);
    }
}
