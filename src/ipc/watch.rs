//! Deaths of processes that are not our children.
//!
//! A pidfd where the kernel has them (Linux 5.3): it is opened while the process is known to be the one meant, and so
//! can never mean another. Elsewhere the process is looked at now and then; its time of birth tells it from a later one
//! with the same number.

use super::peer::identify;
use crate::registry::Process;
use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use rustix::process::{PidfdFlags, pidfd_open, test_kill_process};
use std::collections::HashMap;
use std::os::fd::OwnedFd;

/// Bit of an epoll key that marks a watch; the rest is its number.
pub(super) const MARK: u64 = 1 << 63;

/// The watched processes.
#[derive(Debug, Default)]
pub(super) struct Watches {
    by_key: HashMap<u64, Process>,
    by_process: HashMap<Process, (u64, OwnedFd)>,
    /// Those without a pidfd.
    looked_at: Vec<Process>,
    next: u64,
}

impl Watches {
    /// Begins to watch. False when the process has gone already.
    pub(super) fn add(&mut self, epoll: &Epoll, process: Process) -> bool {
        let pid = i32::try_from(process.pid).ok().and_then(rustix::process::Pid::from_raw);
        let Some(pid) = pid else { return false };
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(fd) => {
                if identify(process.pid) != process {
                    return false;
                }
                self.next += 1;
                let key = self.next;
                if epoll.add(&fd, EpollEvent::new(EpollFlags::EPOLLIN, MARK | key)).is_ok() {
                    self.by_key.insert(key, process);
                    self.by_process.insert(process, (key, fd));
                    return true;
                }
            }
            Err(rustix::io::Errno::SRCH) => return false,
            Err(_) => {}
        }
        self.looked_at.push(process);
        lives(process)
    }

    /// Ends a watch.
    pub(super) fn remove(&mut self, epoll: &Epoll, process: Process) {
        if let Some((key, fd)) = self.by_process.remove(&process) {
            self.by_key.remove(&key);
            let _ = epoll.delete(&fd);
        } else {
            self.looked_at.retain(|other| *other != process);
        }
    }

    /// The process of a key that has become readable; its watch is over.
    pub(super) fn died(&mut self, epoll: &Epoll, key: u64) -> Option<Process> {
        let process = *self.by_key.get(&(key & !MARK))?;
        self.remove(epoll, process);
        Some(process)
    }

    /// Whether some must be looked at now and then.
    pub(super) fn must_look(&self) -> bool {
        !self.looked_at.is_empty()
    }

    /// Those that have gone since the last look; their watches are over.
    pub(super) fn look(&mut self) -> Vec<Process> {
        let (live, gone) = self.looked_at.drain(..).partition(|process| lives(*process));
        self.looked_at = live;
        gone
    }
}

/// Whether a process is there and the one that is meant. One that nobody has waited for yet counts as there.
fn lives(process: Process) -> bool {
    let pid = i32::try_from(process.pid).ok().and_then(rustix::process::Pid::from_raw);
    let there = pid.is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH));
    there && (process.birth == 0 || identify(process.pid) == process)
}
