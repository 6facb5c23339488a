//! The dispatcher: the one owner of a run's state.
//!
//! It feeds the engine with what happens, starts what the engine calls ready while there are slots, and lets nothing
//! hang: a job that is too slow gets SIGTERM, then SIGKILL, and in the end the run goes on without it. It neither
//! forks nor writes; that is what [`Spawner`] and [`Reporter`] are for.

use super::clock::Clock;
use super::deadlines::{Deadlines, Stage};
use super::queue::{Lane, Queue};
use super::reporter::Reporter;
use super::spawner::{Event, Exit, Spawner};
use super::{Nanos, Outcome, Record, Run, Usage};
use crate::engine::{Action, Engine, JobState};
use crate::model::{IdVec, JobId, Phase};
use crate::plan::Plan;
use crate::text::signal_name;

/// How to run a plan.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Most jobs at one time; at least 1.
    pub slots: usize,
    /// How long a job may run before it gets SIGTERM. Interactive jobs have all the time they want.
    pub timeout: Option<Nanos>,
    /// From SIGTERM to SIGKILL, and from there until it is given up.
    pub grace: Nanos,
}

/// Runs a plan to its end. `priorities`: higher first when slots are few. `already`: jobs that are done.
pub fn run<S: Spawner, C: Clock>(
    plan: &Plan,
    priorities: &IdVec<JobId, u64>,
    settings: Settings,
    already: &[JobId],
    spawner: &mut S,
    clock: &C,
    reporter: &mut Reporter,
) -> Run {
    let begin = clock.now();
    let mut dispatcher = Dispatcher {
        plan,
        priorities,
        settings,
        engine: Engine::new(plan),
        queue: Queue::default(),
        deadlines: Deadlines::new(plan.len()),
        records: plan.ids().map(|_| Draft::default()).collect(),
        running: Vec::new(),
        busy: 0,
        alone: false,
        interrupted: None,
        widest: 0,
        full: false,
        spawner,
        clock,
        reporter,
    };
    for job in already {
        dispatcher.engine.already(*job);
        dispatcher.record(*job, begin, Outcome::Done, Usage::default());
    }
    while dispatcher.step() {}
    dispatcher.finish(begin)
}

/// A record in the making.
#[derive(Debug, Default)]
struct Draft {
    ready: Option<Nanos>,
    start: Option<Nanos>,
    available: Option<Nanos>,
    timed_out: bool,
    done: Option<Record>,
}

struct Dispatcher<'a, S, C> {
    plan: &'a Plan,
    priorities: &'a IdVec<JobId, u64>,
    settings: Settings,
    engine: Engine,
    queue: Queue,
    deadlines: Deadlines,
    records: IdVec<JobId, Draft>,
    running: Vec<JobId>,
    /// How many of those that run are busy ones.
    busy: usize,
    /// The one that runs has the console.
    alone: bool,
    interrupted: Option<i32>,
    widest: usize,
    full: bool,
    spawner: &'a mut S,
    clock: &'a C,
    reporter: &'a mut Reporter,
}

impl<S: Spawner, C: Clock> Dispatcher<'_, S, C> {
    /// One turn: carry out the engine's actions, fill the slots, wait for one event. False when all has ended.
    fn step(&mut self) -> bool {
        self.carry_out();
        self.fill_slots();
        if self.engine.is_done() {
            return false;
        }
        if self.running.is_empty() {
            self.break_deadlock();
            return true;
        }
        let until = self.deadlines.next();
        match self.spawner.next(until) {
            Some(Event::Exited { job, at, exit, usage, lines }) => {
                self.reporter.output(job, lines);
                self.exited(job, at, exit, usage);
            }
            Some(Event::Output { job, lines }) => self.reporter.output(job, lines),
            Some(Event::Signal(signal)) => self.interrupt(signal),
            None => self.expire(),
        }
        true
    }

    /// Carries out what the engine asks for.
    fn carry_out(&mut self) {
        while let Some(action) = self.engine.next_action() {
            match action {
                // Done before this run, it was ready for a moment.
                Action::Ready(job) if self.engine.job(job) != JobState::Ready => {}
                Action::Ready(job) => {
                    self.records[job].ready = Some(self.clock.now());
                    self.queue.push(job, self.priorities, self.lane(job));
                }
                Action::Skip { job, because } => {
                    self.record(job, self.clock.now(), Outcome::DependencyFailed(because), Usage::default());
                }
                Action::Answer { .. } => {}
            }
        }
    }

    /// Where a job waits for its turn.
    fn lane(&self, job: JobId) -> Lane {
        if self.plan.job(job).manner.interactive {
            Lane::Interactive
        } else if self.spawner.is_busy(job) {
            Lane::Busy
        } else {
            Lane::Common
        }
    }

    /// Starts ready jobs while there are slots.
    fn fill_slots(&mut self) {
        while self.running.len() < self.settings.slots && !self.alone {
            let room = self.busy < self.spawner.busy_slots().max(1);
            let Some((job, lane)) = self.queue.pop(self.running.len(), room) else {
                self.full |= self.queue.waits_for_room();
                return;
            };
            if !self.start(job, lane) {
                return;
            }
            self.carry_out();
        }
    }

    /// Starts a job. False when the system has no room for it now: it goes back to the queue until another has ended.
    fn start(&mut self, job: JobId, lane: Lane) -> bool {
        let at = self.clock.now();
        let alone = lane == Lane::Interactive;
        self.reporter.started(job, at, alone);
        match self.spawner.spawn(job, alone) {
            Err(errno) if !self.running.is_empty() && passes(errno) => {
                self.queue.push(job, self.priorities, lane);
                self.full = true;
                return false;
            }
            Ok(()) => {
                self.engine.started(job);
                self.running.push(job);
                self.busy += usize::from(lane == Lane::Busy);
                self.alone = alone;
                self.widest = self.widest.max(self.running.len());
                self.full |= self.running.len() >= self.settings.slots;
                self.records[job].start = Some(at);
                if let (Some(timeout), false) = (self.settings.timeout, alone) {
                    self.deadlines.set(job, at.saturating_add(timeout), Stage::Terminate);
                }
            }
            Err(errno) => self.end(job, at, Outcome::NotStarted(errno), Usage::default()),
        }
        true
    }

    /// The process of a job has ended; one that was given up may still do so.
    fn exited(&mut self, job: JobId, at: Nanos, exit: Exit, usage: Usage) {
        if self.records[job].done.is_some() {
            return;
        }
        let outcome = match exit {
            _ if self.records[job].timed_out => Outcome::TimedOut,
            Exit::Code(0) => Outcome::Done,
            // LSB 5.0, 22.2: 7 is "program is not running", which is what a stop wants.
            Exit::Code(7) if self.plan.phase == Phase::Stop => Outcome::Done,
            Exit::Code(5) => Outcome::NotInstalled,
            Exit::Code(6) => Outcome::NotConfigured,
            Exit::Code(code) => Outcome::Failed(code),
            Exit::Signal(signal) => Outcome::Signalled(signal),
        };
        self.end(job, at, outcome, usage);
    }

    /// Ends a job that was started, or should have been.
    fn end(&mut self, job: JobId, at: Nanos, outcome: Outcome, usage: Usage) {
        self.deadlines.clear(job);
        if let Some(position) = self.running.iter().position(|running| *running == job) {
            self.running.swap_remove(position);
            self.busy -= usize::from(self.lane(job) == Lane::Busy);
            self.alone = false;
        }
        if outcome.succeeded() {
            self.records[job].available.get_or_insert(at);
        }
        self.record(job, at, outcome, usage);
        self.engine.ended(job, outcome.succeeded());
    }

    fn record(&mut self, job: JobId, at: Nanos, outcome: Outcome, usage: Usage) {
        let draft = &mut self.records[job];
        let record = Record {
            job,
            ready: draft.ready,
            start: draft.start,
            available: draft.available,
            end: at,
            outcome,
            usage,
        };
        draft.done = Some(record.clone());
        self.spawner.ended(job, outcome);
        self.reporter.ended(record);
    }

    /// A signal for us: start nothing more, pass it on, and give the jobs their grace. A second one kills.
    fn interrupt(&mut self, signal: i32) {
        let again = self.interrupted.is_some();
        self.interrupted.get_or_insert(signal);
        let now = self.clock.now();
        if again {
            self.reporter.say(format!("second signal: killing {} jobs", self.running.len()));
        } else {
            self.reporter.say(format!(
                "{}: starting nothing more, waiting for {} running jobs",
                signal_name(signal),
                self.running.len()
            ));
        }
        self.queue.clear();
        for job in self.engine.cancel() {
            self.record(job, now, Outcome::Cancelled, Usage::default());
        }
        for index in 0..self.running.len() {
            let job = self.running[index];
            if again {
                self.spawner.signal(job, libc::SIGKILL);
                self.deadlines.set(job, now + self.settings.grace, Stage::Abandon);
            } else {
                self.spawner.signal(job, signal);
                self.deadlines.set(job, now + self.settings.grace, Stage::Kill);
            }
        }
    }

    /// Deals with every deadline that has come.
    fn expire(&mut self) {
        let now = self.clock.now();
        while let Some((job, stage)) = self.deadlines.expired(now) {
            self.records[job].timed_out |= self.interrupted.is_none();
            match stage {
                Stage::Terminate => {
                    self.spawner.signal(job, libc::SIGTERM);
                    self.deadlines.set(job, now + self.settings.grace, Stage::Kill);
                }
                Stage::Kill => {
                    self.spawner.signal(job, libc::SIGKILL);
                    self.deadlines.set(job, now + self.settings.grace, Stage::Abandon);
                }
                Stage::Abandon => {
                    self.reporter.say(format!(
                        "{} does not even end on SIGKILL: going on without it",
                        self.plan.job(job).name
                    ));
                    let outcome = if self.records[job].timed_out {
                        Outcome::TimedOut
                    } else {
                        Outcome::Signalled(libc::SIGKILL)
                    };
                    self.end(job, now, outcome, Usage::default());
                }
            }
        }
    }

    /// Nothing runs, nothing is ready, and jobs are left: the plan was no good (a circle that no verification saw).
    /// The machine must come up all the same: the first that waits is let go, and so on, one by one.
    fn break_deadlock(&mut self) {
        let waiting = |job: &JobId| self.engine.job(*job) == JobState::Waiting;
        let Some(job) = self.plan.ids().find(waiting) else { return };
        self.reporter.say(format!(
            "the remaining services wait for each other: starting {} all the same, one by one from here on",
            self.plan.job(job).name
        ));
        self.settings.slots = 1;
        self.engine.release(job);
    }

    fn finish(self, begin: Nanos) -> Run {
        let end = self.records.iter().filter_map(|draft| draft.done.as_ref()).map(|record| record.end).max();
        Run {
            begin,
            end: end.unwrap_or(begin),
            records: self
                .records
                .iter()
                .map(|draft| draft.done.clone().expect("BUG: the engine is done but a job has no record"))
                .collect(),
            interrupted: self.interrupted,
            widest: self.widest,
            full: self.full,
        }
    }
}

/// Whether a reason not to start a process goes away when another one ends.
fn passes(errno: i32) -> bool {
    [libc::EAGAIN, libc::ENOMEM, libc::EMFILE, libc::ENFILE].contains(&errno)
}

#[cfg(test)]
mod tests;
