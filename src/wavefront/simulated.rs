//! Processes that only pretend: each takes a given time on a virtual clock and ends as it was told to.
//!
//! With this spawner the whole driver runs without forking and without waiting: for tests of every order of events,
//! and for "what would this boot take if".

use super::spawner::{Event, Exit, Spawner};
use super::{Clock, Nanos, Usage};
use crate::model::{IdVec, JobId};
use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;

/// A clock that stands still until it is set.
#[derive(Debug, Clone, Default)]
pub struct VirtualClock(Rc<Cell<Nanos>>);

impl Clock for VirtualClock {
    fn now(&self) -> Nanos {
        self.0.get()
    }
}

/// How a pretended job behaves.
#[derive(Debug, Clone, Copy)]
pub struct Behaviour {
    /// How long it takes.
    pub takes: Nanos,
    /// How it ends.
    pub exit: Exit,
    /// Whether it ends when it gets SIGTERM (all end on SIGKILL, unless they are immortal).
    pub obeys: bool,
    /// Whether even SIGKILL does nothing.
    pub immortal: bool,
    /// Whether it cannot be started at all; the errno.
    pub refused: Option<i32>,
}

impl Behaviour {
    /// Takes its time and succeeds.
    pub fn succeeding(takes: Nanos) -> Self {
        Self { takes, exit: Exit::Code(0), obeys: true, immortal: false, refused: None }
    }
}

/// A spawner on a virtual clock.
#[derive(Debug)]
pub struct Simulated {
    clock: VirtualClock,
    behaviour: IdVec<JobId, Behaviour>,
    ends: BinaryHeap<Reverse<(Nanos, JobId)>>,
    exits: IdVec<JobId, Option<(Nanos, Exit)>>,
    /// Signals to this program, with their times, latest first.
    signals: Vec<(Nanos, i32)>,
    /// Every signal that was sent to a job.
    pub sent: Vec<(JobId, i32)>,
    /// What was started, in order; with whether alone.
    pub started: Vec<(JobId, bool)>,
}

impl Simulated {
    /// A spawner and its clock.
    pub fn new(behaviour: IdVec<JobId, Behaviour>) -> (Self, VirtualClock) {
        let clock = VirtualClock::default();
        let exits = vec![None; behaviour.len()].into();
        let simulated = Self {
            clock: clock.clone(),
            behaviour,
            ends: BinaryHeap::new(),
            exits,
            signals: Vec::new(),
            sent: Vec::new(),
            started: Vec::new(),
        };
        (simulated, clock)
    }

    /// Lets this program be signalled at a time.
    #[must_use]
    pub fn signalled(mut self, at: Nanos, signal: i32) -> Self {
        self.signals.push((at, signal));
        self.signals.sort_by_key(|(at, _)| Reverse(*at));
        self
    }

    fn ends(&mut self, job: JobId, at: Nanos, exit: Exit) {
        self.exits[job] = Some((at, exit));
        self.ends.push(Reverse((at, job)));
    }
}

impl Spawner for Simulated {
    fn spawn(&mut self, job: JobId, alone: bool) -> Result<(), i32> {
        self.started.push((job, alone));
        let behaviour = self.behaviour[job];
        if let Some(errno) = behaviour.refused {
            return Err(errno);
        }
        self.ends(job, self.clock.now().saturating_add(behaviour.takes), behaviour.exit);
        Ok(())
    }

    fn signal(&mut self, job: JobId, signal: i32) {
        self.sent.push((job, signal));
        let Behaviour { obeys, immortal, .. } = self.behaviour[job];
        if (signal == libc::SIGKILL || obeys) && !immortal {
            self.ends(job, self.clock.now(), Exit::Signal(signal));
        }
    }

    fn next(&mut self, until: Option<Nanos>) -> Option<Event> {
        loop {
            let end = self.ends.peek().map(|Reverse((at, job))| (*at, *job));
            let signal = self.signals.last().copied();
            let first = end.map(|(at, _)| at).into_iter().chain(signal.map(|(at, _)| at)).min();
            if first.is_none_or(|at| until.is_some_and(|until| until < at)) {
                self.clock.0.set(until.unwrap_or(self.clock.now()).max(self.clock.now()));
                return None;
            }
            if let Some((at, number)) = signal.filter(|(at, _)| Some(*at) == first) {
                self.signals.pop();
                self.clock.0.set(at.max(self.clock.now()));
                return Some(Event::Signal(number));
            }
            let (at, job) = end?;
            self.ends.pop();
            // An end that a signal has brought forward leaves its old entry behind.
            if self.exits[job].is_some_and(|(planned, _)| planned == at)
                && let Some((_, exit)) = self.exits[job].take()
            {
                self.clock.0.set(at.max(self.clock.now()));
                return Some(Event::Exited { job, at, exit, usage: Usage::default(), lines: Vec::new() });
            }
        }
    }
}
