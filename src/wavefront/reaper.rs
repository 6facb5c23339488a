//! The reaper: one thread asleep in epoll over pidfds, output pipes and a signalfd.
//!
//! It keeps no state of the run, only the open ends of processes. A job has ended when its own process has, whoever
//! still holds its pipe: what the pipe holds by then belongs to the job, what a daemon writes later is passed on as
//! late output.

use super::capture::Capture;
use super::spawner::{Event, Exit, Line};
use super::{Clock, Monotonic, Nanos, Usage};
use crate::model::{Id, IdVec, JobId};
use crossbeam_channel::{Receiver, Sender, unbounded};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::{SigSet, Signal, killpg};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::{Pid, read};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread::JoinHandle;

/// Output of a job that runs for longer than this is shown before its end.
const PATIENCE: Nanos = 5_000_000_000;

/// Epoll keys below this are a job's; even: its pidfd, odd: its pipe.
const SIGNALS: u64 = u64::MAX;
const WAKE: u64 = u64::MAX - 1;

/// The signals that a run takes over.
pub(super) fn signals() -> SigSet {
    let mut set = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGCHLD] {
        set.add(signal);
    }
    set
}

/// A process that was just started.
pub(super) struct Newborn {
    pub(super) job: JobId,
    pub(super) pid: Pid,
    pub(super) pidfd: Option<OwnedFd>,
    pub(super) output: Option<OwnedFd>,
}

/// The dispatcher's handle of the thread.
pub(super) struct Reaper {
    epoll: Arc<Epoll>,
    wake: Arc<EventFd>,
    newborn: Option<Sender<Newborn>>,
    thread: JoinHandle<Vec<OwnedFd>>,
}

impl Reaper {
    /// Starts the thread. The signals of [`signals`] must be blocked already.
    pub(super) fn start(jobs: usize, events: Sender<Event>) -> nix::Result<Self> {
        let epoll = Arc::new(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?);
        let signals = SignalFd::with_flags(&signals(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
        let wake = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        epoll.add(&signals, EpollEvent::new(EpollFlags::EPOLLIN, SIGNALS))?;
        epoll.add(wake.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, WAKE))?;
        let (newborn, arrivals) = unbounded();
        let watcher = Watcher {
            epoll: Arc::clone(&epoll),
            wake: Arc::clone(&wake),
            signals,
            heard: Heard::default(),
            arrivals,
            events,
            lives: (0..jobs).map(|_| Life::default()).collect(),
            unwatched: Vec::new(),
            waiting: Vec::new(),
            buffer: vec![0; 64 * 1024],
        };
        let thread = std::thread::Builder::new()
            .name("reaper".into())
            .stack_size(256 * 1024)
            .spawn(move || watcher.run())
            .map_err(|_| Errno::EAGAIN)?;
        Ok(Self { epoll, wake, newborn: Some(newborn), thread })
    }

    /// Hands over a process. It enters the epoll set first; should it end before its message has arrived, the level
    /// stays up and the thread looks again.
    pub(super) fn watch(&self, mut newborn: Newborn, by_pidfd: bool) {
        let key = newborn.job.index() as u64 * 2;
        if by_pidfd {
            newborn.pidfd = pidfd(newborn.pid);
        }
        if let Some(fd) = &newborn.pidfd
            && self.epoll.add(fd, EpollEvent::new(EpollFlags::EPOLLIN, key)).is_err()
        {
            newborn.pidfd = None;
        }
        if let Some(pipe) = &newborn.output {
            let _ = self.epoll.add(pipe, EpollEvent::new(EpollFlags::EPOLLIN, key + 1));
        }
        let unwatched = newborn.pidfd.is_none();
        if let Some(sender) = &self.newborn {
            let _ = sender.send(newborn);
        }
        if unwatched {
            // Its SIGCHLD may have come before the thread knew of it.
            let _ = self.wake.write(1);
        }
    }

    /// Ends the thread; the pipes that are still held by someone.
    pub(super) fn stop(mut self) -> Vec<OwnedFd> {
        self.newborn = None;
        let _ = self.wake.write(1);
        self.thread.join().unwrap_or_default()
    }
}

fn pidfd(pid: Pid) -> Option<OwnedFd> {
    let pid = rustix::process::Pid::from_raw(pid.as_raw())?;
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

/// Makes reads return at once.
pub(super) fn set_nonblocking(fd: &OwnedFd) -> nix::Result<()> {
    fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map(drop)
}

/// The open ends of one job.
#[derive(Default)]
struct Life {
    pid: Option<Pid>,
    pidfd: Option<OwnedFd>,
    output: Option<OwnedFd>,
    capture: Capture,
}

/// What the thread owns.
struct Watcher {
    epoll: Arc<Epoll>,
    wake: Arc<EventFd>,
    signals: SignalFd,
    heard: Heard,
    arrivals: Receiver<Newborn>,
    events: Sender<Event>,
    lives: IdVec<JobId, Life>,
    /// Jobs without a pidfd: looked at on each SIGCHLD.
    unwatched: Vec<JobId>,
    /// Jobs with output that was not passed on.
    waiting: Vec<JobId>,
    buffer: Vec<u8>,
}

/// How often we were sent SIGTERM: by those who mean us, and through the process that guards us. A signal to our whole
/// process group comes both ways, in either order, and is one and the same.
#[derive(Debug, Default)]
struct Heard {
    directly: u32,
    handed_on: u32,
}

impl Heard {
    /// Notes one, and says whether it is more than the other way has brought already.
    fn is_new(&mut self, handed_on: bool) -> bool {
        let before = self.directly.max(self.handed_on);
        *(if handed_on { &mut self.handed_on } else { &mut self.directly }) += 1;
        self.directly.max(self.handed_on) > before
    }
}

impl Watcher {
    fn run(mut self) -> Vec<OwnedFd> {
        let mut ready = [EpollEvent::empty(); 64];
        loop {
            let timeout =
                if self.waiting.is_empty() { EpollTimeout::NONE } else { EpollTimeout::from(1000u16) };
            let count = match self.epoll.wait(&mut ready, timeout) {
                Ok(count) => count,
                Err(Errno::EINTR) => continue,
                Err(errno) => {
                    // No end will be noticed any more: the run must not wait for one for ever.
                    log::error!("cannot wait for processes: {}", errno.desc());
                    let _ = self.events.send(Event::Signal(libc::SIGTERM));
                    return Vec::new();
                }
            };
            if !self.admit() {
                return self.lives.drain().filter_map(|life| life.output).collect();
            }
            // Words before ends: the end of the last job is the end of the run.
            for event in &ready[..count] {
                if event.data() < WAKE && !event.data().is_multiple_of(2) {
                    self.take(event.data());
                }
            }
            self.show_late();
            for event in &ready[..count] {
                match event.data() {
                    SIGNALS => self.take_signals(),
                    WAKE => {
                        let _ = self.wake.read();
                        self.reap_unwatched();
                    }
                    key if key.is_multiple_of(2) => self.take(key),
                    _ => {}
                }
            }
        }
    }

    /// Takes in the processes that were handed over. False when there will be no more.
    fn admit(&mut self) -> bool {
        loop {
            match self.arrivals.try_recv() {
                Ok(Newborn { job, pid, pidfd, output }) => {
                    if pidfd.is_none() {
                        self.unwatched.push(job);
                    }
                    self.lives[job] = Life { pid: Some(pid), pidfd, output, capture: Capture::default() };
                }
                Err(crossbeam_channel::TryRecvError::Empty) => return true,
                Err(crossbeam_channel::TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn take(&mut self, key: u64) {
        let job = JobId::from_index(usize::try_from(key / 2).expect("BUG: keys are made of indices"));
        if key.is_multiple_of(2) {
            self.reap(job);
        } else if self.lives[job].output.is_some() {
            self.read_output(job);
        }
    }

    fn take_signals(&mut self) {
        while let Ok(Some(info)) = self.signals.read_signal() {
            match Signal::try_from(info.ssi_signo.cast_signed()) {
                Ok(Signal::SIGCHLD) => {
                    // Ctrl-Z at a question: with no shell to type `fg` in, the boot would wait for ever.
                    if info.ssi_code == libc::CLD_STOPPED && info.ssi_status == libc::SIGTSTP {
                        let pid = Pid::from_raw(info.ssi_pid.cast_signed());
                        let _ = killpg(pid, Signal::SIGCONT);
                    }
                    self.reap_unwatched();
                }
                Ok(signal @ (Signal::SIGINT | Signal::SIGTERM)) => {
                    let handed_on = info.ssi_code == libc::SI_QUEUE;
                    let is_new = signal == Signal::SIGINT || self.heard.is_new(handed_on);
                    if is_new {
                        let _ = self.events.send(Event::Signal(signal as i32));
                    }
                }
                // A console that goes away must not end a boot.
                _ => {}
            }
        }
    }

    fn reap_unwatched(&mut self) {
        for job in self.unwatched.clone() {
            self.reap(job);
        }
    }

    /// Reaps the process of a job if it has ended.
    fn reap(&mut self, job: JobId) {
        let Some(pid) = self.lives[job].pid else { return };
        let Some((exit, usage)) = wait(pid) else { return };
        let at = Monotonic.now();
        if self.lives[job].output.is_some() {
            self.read_output(job);
        }
        let life = &mut self.lives[job];
        life.pid = None;
        if let Some(pidfd) = life.pidfd.take() {
            let _ = self.epoll.delete(&pidfd);
        } else {
            self.unwatched.retain(|other| *other != job);
        }
        let lines = life.capture.take(true, at);
        self.waiting.retain(|other| *other != job);
        let _ = self.events.send(Event::Exited { job, at, exit, usage, lines });
    }

    /// Reads what a job's pipe holds now; closes it at its end. A writer that is faster than we are is left after a
    /// while, so that it cannot keep the others waiting.
    fn read_output(&mut self, job: JobId) {
        let at = Monotonic.now();
        let life = &mut self.lives[job];
        let Some(pipe) = &life.output else { return };
        let mut closed = false;
        for _ in 0..16 {
            match read(pipe, &mut self.buffer) {
                Ok(0) => closed = true,
                Ok(count) => {
                    life.capture.push(&self.buffer[..count], at);
                    continue;
                }
                Err(Errno::EINTR) => continue,
                Err(Errno::EAGAIN) => {}
                Err(_) => closed = true,
            }
            break;
        }
        if closed {
            let _ = self.epoll.delete(pipe);
            life.output = None;
        }
        if life.capture.since.is_some() && !self.waiting.contains(&job) {
            self.waiting.push(job);
        }
    }

    /// Passes on the output of jobs that take long, and of daemons whose job has ended.
    fn show_late(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let now = Monotonic.now();
        let lives = &mut self.lives;
        let events = &self.events;
        self.waiting.retain(|job| {
            let life = &mut lives[*job];
            let due = life.capture.since.is_some_and(|since| now.saturating_sub(since) >= PATIENCE);
            if due || life.pid.is_none() {
                let lines: Vec<Line> = life.capture.take(false, now);
                let _ = events.send(Event::Output { job: *job, lines });
                return false;
            }
            true
        });
    }
}

/// Status and cost of a child that has ended; `None` while it runs.
fn wait(pid: Pid) -> Option<(Exit, Usage)> {
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: both pointers are to live locals of the right type; wait4 writes to them and keeps neither.
        let waited = unsafe { libc::wait4(pid.as_raw(), &raw mut status, libc::WNOHANG, usage.as_mut_ptr()) };
        match waited {
            0 => return None,
            -1 if Errno::last() == Errno::EINTR => {}
            // Somebody else has reaped it: its status is lost, and to call that success would be a guess.
            -1 => return Some((Exit::Code(255), Usage::default())),
            _ => break,
        }
    }
    // SAFETY: zeroed is a valid rusage, and wait4 has filled it in.
    let usage = unsafe { usage.assume_init() };
    let exit = if libc::WIFSIGNALED(status) {
        Exit::Signal(libc::WTERMSIG(status))
    } else {
        Exit::Code(libc::WEXITSTATUS(status))
    };
    let micros = |time: libc::timeval| {
        u64::try_from(time.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(time.tv_usec).unwrap_or(0)
    };
    let cost = Usage {
        user_us: micros(usage.ru_utime),
        system_us: micros(usage.ru_stime),
        max_rss_kib: u64::try_from(usage.ru_maxrss).unwrap_or(0),
    };
    Some((exit, cost))
}

#[cfg(test)]
mod tests {
    use super::Heard;

    #[test]
    fn a_signal_that_comes_both_ways_is_one() {
        for (ways, new) in [
            (&[false, true, true, false][..], &[true, false, true, false][..]),
            (&[true, false, false, true], &[true, false, true, false]),
            (&[false, false, true], &[true, true, false]),
            (&[true, true, true], &[true, true, true]),
        ] {
            let mut heard = Heard::default();
            let said: Vec<bool> = ways.iter().map(|handed_on| heard.is_new(*handed_on)).collect();
            assert_eq!(said, new, "{ways:?}");
        }
    }
}
