//! Real processes: `posix_spawn`, a session of its own for each job, its output into a pipe.
//!
//! `posix_spawn` and not fork: its cost does not grow with our memory. A job gets a group of its own, so that a timeout
//! reaches what it started, and where it can a session of its own, so that a script that plays with `/dev/tty` cannot
//! stop itself. An interactive job stays in our session, with the console as it is, in the foreground.

use super::reaper::{self, Newborn, Reaper};
use super::spawner::{Event, Exit, Spawner};
use super::{Clock, Monotonic, Nanos};
use crate::model::{IdVec, JobId};
use crossbeam_channel::{Receiver, Sender, unbounded};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::spawn::{PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawn};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, kill, killpg, pthread_sigmask, signal};
use nix::sys::stat::Mode;
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, pipe2, tcgetpgrp, tcsetpgrp};
use std::ffi::CString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

/// Which session the processes of jobs are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Session {
    /// Each in its own.
    Own,
    /// All in ours: where one of them may call killall5(8), which spares nobody but its own session.
    Ours,
}

/// What to run for one job.
#[derive(Debug, Clone)]
pub struct Script {
    /// The program, a real path.
    pub program: CString,
    /// Its arguments, the program's name first.
    pub arguments: Vec<CString>,
}

/// How ends are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// One pidfd for each process (Linux 5.3); falls back by itself where there is none.
    Pidfd,
    /// SIGCHLD only: what older kernels have.
    Sigchld,
}

/// The spawner of real runs.
pub struct Processes {
    scripts: IdVec<JobId, Script>,
    environment: Vec<CString>,
    pids: IdVec<JobId, Option<Pid>>,
    /// Groups that have outlived the process of their job. Their numbers are not given again as long as they last.
    left: IdVec<JobId, Option<Pid>>,
    /// The job that has the terminal in its foreground, and how the terminal was set before; under it those that had
    /// it before, and wait for others now.
    foreground: Vec<(JobId, Option<Termios>)>,
    empty: OwnedFd,
    watch: Watch,
    session: Session,
    reaper: Reaper,
    events: Receiver<Event>,
    sender: Sender<Event>,
    clock: Monotonic,
}

impl Processes {
    /// Starts the reaper thread, which takes over the signals of [`hold_signals`]. Errors when the kernel lacks the
    /// means.
    pub fn new(
        scripts: IdVec<JobId, Script>,
        environment: Vec<CString>,
        watch: Watch,
        session: Session,
    ) -> nix::Result<Self> {
        hold_signals()?;
        let (sender, events) = unbounded();
        let reaper = Reaper::start(scripts.len(), sender.clone())?;
        Ok(Self {
            pids: vec![None; scripts.len()].into(),
            left: vec![None; scripts.len()].into(),
            scripts,
            environment,
            foreground: Vec::new(),
            empty: empty_input()?,
            watch,
            session,
            reaper,
            events,
            sender,
            clock: Monotonic,
        })
    }

    /// Where others may send events of the run.
    pub fn events(&self) -> Sender<Event> {
        self.sender.clone()
    }

    /// Ends the reaper. Signals stay held; who held them first lets them go. Returns the pipes that daemons still hold
    /// as their standard output.
    pub fn finish(self) -> Vec<OwnedFd> {
        self.reaper.stop()
    }

    fn launch(&self, job: JobId, alone: bool, output: Option<&OwnedFd>) -> nix::Result<Pid> {
        let mut actions = PosixSpawnFileActions::init()?;
        let mut attributes = PosixSpawnAttr::init()?;
        let mut flags = PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF;
        if alone || self.session == Session::Ours {
            attributes.set_pgroup(Pid::from_raw(0))?;
            flags |= PosixSpawnFlags::POSIX_SPAWN_SETPGROUP;
        } else {
            flags |= PosixSpawnFlags::from_bits_retain(libc::POSIX_SPAWN_SETSID.into());
        }
        if let Some(output) = output {
            actions.add_dup2(self.empty.as_raw_fd(), 0)?;
            actions.add_dup2(output.as_raw_fd(), 1)?;
            actions.add_dup2(output.as_raw_fd(), 2)?;
        }
        attributes.set_sigmask(&SigSet::empty())?;
        // Whatever our caller ignores (a shell's background job ignores SIGQUIT), a script begins like any other.
        attributes.set_sigdefault(&SigSet::all())?;
        attributes.set_flags(flags)?;

        exec(&self.scripts[job], &self.environment, &actions, &attributes)
    }

    /// Who of ours should be in the terminal's foreground: the last interactive job, or we.
    fn front(&self) -> Pid {
        self.foreground.last().and_then(|(job, _)| self.pids[*job]).unwrap_or_else(getpgrp)
    }

    /// Puts a job into the terminal's foreground, if we or one of our jobs are there.
    fn put_into_foreground(&mut self, job: JobId, pid: Pid) {
        if tcgetpgrp(std::io::stdin()).is_ok_and(|group| group == self.front()) {
            self.foreground.push((job, tcgetattr(std::io::stdin()).ok()));
            hand_terminal_to(pid);
        }
    }

    /// A job has ended: the terminal goes back to whoever had it before.
    fn leave_foreground(&mut self, job: JobId, exit: Exit) {
        let Some(place) = self.foreground.iter().position(|(foreground, _)| *foreground == job) else {
            return;
        };
        let (_, set) = self.foreground.remove(place);
        if place == self.foreground.len() {
            hand_terminal_to(self.front());
        }
        // One that was killed at a hidden question had no time to show what is typed again.
        if let (Exit::Signal(_), Some(set)) = (exit, set) {
            with_ttou_blocked(|| tcsetattr(std::io::stdin(), SetArg::TCSADRAIN, &set));
        }
    }
}

impl Spawner for Processes {
    fn spawn(&mut self, job: JobId, alone: bool) -> Result<(), i32> {
        let start = || -> nix::Result<(Pid, Option<OwnedFd>)> {
            if alone {
                return Ok((self.launch(job, true, None)?, None));
            }
            let (ours, theirs) = pipe2(OFlag::O_CLOEXEC)?;
            reaper::set_nonblocking(&ours)?;
            Ok((self.launch(job, false, Some(&theirs))?, Some(ours)))
        };
        let (pid, output) = start().map_err(|errno| errno as i32)?;
        self.pids[job] = Some(pid);
        if alone {
            self.put_into_foreground(job, pid);
        }
        self.reaper.watch(Newborn { job, pid, pidfd: None, output }, self.watch == Watch::Pidfd);
        Ok(())
    }

    fn signal(&mut self, job: JobId, signal: i32) {
        let group = self.pids[job].or(self.left[job]);
        let (Some(pid), Ok(signal)) = (group, Signal::try_from(signal)) else { return };
        if killpg(pid, signal).is_err() && self.pids[job].is_some() {
            let _ = kill(pid, signal);
        }
        let _ = killpg(pid, Signal::SIGCONT);
    }

    fn pid(&self, job: JobId) -> Option<u32> {
        self.pids[job].map(|pid| pid.as_raw().unsigned_abs())
    }

    fn lingers(&mut self, job: JobId) -> bool {
        self.left[job].take_if(|group| !lives(*group));
        self.left[job].is_some()
    }

    fn next(&mut self, until: Option<Nanos>) -> Option<Event> {
        let event = match until {
            None => self.events.recv().ok(),
            Some(until) => {
                let left = Duration::from_nanos(until.saturating_sub(self.clock.now()));
                self.events.recv_timeout(left).ok()
            }
        };
        if let Some(Event::Exited { job, exit, .. }) = &event {
            self.left[*job] = self.pids[*job].take().filter(|pid| killpg(*pid, None).is_ok());
            self.leave_foreground(*job, *exit);
        }
        event
    }
}

/// Blocks SIGINT, SIGTERM, SIGHUP and SIGCHLD in this thread and all that it starts from now on, until a reaper takes
/// them. Call it before the first other thread is started: a thread that has them open would swallow them, or die.
/// Returns the mask as it was. A caller that ignored SIGCHLD would keep every status from us: it counts again.
pub fn hold_signals() -> nix::Result<SigSet> {
    // SAFETY: no handler is installed, so nothing can run at a bad moment.
    unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
    let mut before = SigSet::empty();
    pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&reaper::signals()), Some(&mut before))?;
    Ok(before)
}

/// Whether a group has a process that has not ended. Those that nobody has waited for yet do not count, where that can
/// be told (`proc_pid_stat(5)`, fields 3 and 5).
fn lives(group: Pid) -> bool {
    if killpg(group, None).is_err() {
        return false;
    }
    let Ok(processes) = std::fs::read_dir("/proc") else { return true };
    let number = group.as_raw().to_string();
    processes.flatten().any(|process| {
        let stat = std::fs::read(process.path().join("stat")).unwrap_or_default();
        let text = String::from_utf8_lossy(&stat);
        let mut fields = text.rsplit(") ").next().unwrap_or_default().split(' ');
        !matches!(fields.next(), None | Some("" | "Z" | "X")) && fields.nth(1) == Some(&number)
    })
}

/// Starts a script. One without a `#!` line is given to a shell, as a shell does with it, and as init scripts may
/// count on.
pub fn exec(
    script: &Script,
    environment: &[CString],
    actions: &PosixSpawnFileActions,
    attributes: &PosixSpawnAttr,
) -> nix::Result<Pid> {
    let started = posix_spawn(script.program.as_c_str(), actions, attributes, &script.arguments, environment);
    if started != Err(Errno::ENOEXEC) {
        return started;
    }
    let mut arguments = vec![c"sh".to_owned(), script.program.clone()];
    arguments.extend(script.arguments.iter().skip(1).cloned());
    posix_spawn(c"/bin/sh", actions, attributes, &arguments, environment)
}

/// Takes back the foreground of our terminal when nobody is left there: an interactive job had it, and outlived the run
/// that would have taken it back. The next one would else be stopped at its first question.
pub fn take_back_terminal() {
    if tcgetpgrp(std::io::stdin()).is_ok_and(|group| group != getpgrp() && !lives(group)) {
        hand_terminal_to(getpgrp());
    }
}

/// Makes a group the terminal's foreground.
fn hand_terminal_to(group: Pid) {
    with_ttou_blocked(|| tcsetpgrp(std::io::stdin(), group));
    // It may have asked for input before it was allowed to, and been stopped.
    if group != getpgrp() {
        let _ = killpg(group, Signal::SIGCONT);
    }
}

/// A background group may set the terminal's foreground only with SIGTTOU blocked.
fn with_ttou_blocked(act: impl FnOnce() -> nix::Result<()>) {
    let mut blocked = SigSet::empty();
    blocked.add(Signal::SIGTTOU);
    let mut before = SigSet::empty();
    let _ = pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&blocked), Some(&mut before));
    let _ = act();
    let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
}

/// `/dev/null`, or, before there is a `/dev`, a pipe that nobody writes to.
fn empty_input() -> nix::Result<OwnedFd> {
    open("/dev/null", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())
        .or_else(|_| pipe2(OFlag::O_CLOEXEC).map(|(read, _)| read))
}
