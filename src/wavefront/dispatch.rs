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
use crate::engine::{Action, Engine, JobState, ServiceState};
use crate::model::{IdVec, JobId, Phase, ServiceId};
use crate::plan::Plan;
use crate::registry::{Effect, Registry, State};
use std::collections::HashSet;

/// How to run a plan.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Most jobs at one time; at least 1.
    pub slots: usize,
    /// How long a job may run before it gets SIGTERM. Interactive jobs have all the time they want.
    pub timeout: Option<Nanos>,
    /// From SIGTERM to SIGKILL, and from there until it is given up.
    pub grace: Nanos,
    /// Most processes at one time, whatever slots those that wait for others have given back.
    pub processes: usize,
    /// Whether processes may provide and need while the run goes on; the spawner brings what they say.
    pub guests: bool,
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
    let mut engine = Engine::new(plan);
    let mut dispatcher = Dispatcher {
        plan,
        priorities,
        settings,
        registry: settings.guests.then(|| Registry::of_plan(plan, &mut engine)),
        engine,
        queue: Queue::default(),
        deadlines: Deadlines::new(plan.len()),
        records: plan.ids().map(|_| Draft::default()).collect(),
        running: Vec::new(),
        busy: 0,
        alone: Vec::new(),
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
        if let Some(registry) = &mut dispatcher.registry {
            registry.changed(&dispatcher.engine, plan.job(*job).provides, begin);
        }
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
    /// What it cost, when its process has ended and others of its group have not; and how long these have.
    left: Option<(Usage, Nanos)>,
    done: Option<Record>,
}

struct Dispatcher<'a, S, C> {
    plan: &'a Plan,
    priorities: &'a IdVec<JobId, u64>,
    settings: Settings,
    engine: Engine,
    registry: Option<Registry>,
    queue: Queue,
    deadlines: Deadlines,
    records: IdVec<JobId, Draft>,
    running: Vec<JobId>,
    /// How many of those that run are busy ones.
    busy: usize,
    /// Those that have the console: the last one, the others wait for it.
    alone: Vec<JobId>,
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
        let due = self.registry.as_ref().and_then(Registry::due);
        let until = [self.deadlines.next(), due].into_iter().flatten().min();
        match self.spawner.next(until) {
            Some(Event::Exited { job, at, exit, usage, lines }) => {
                self.reporter.output(job, lines);
                self.exited(job, at, exit, usage);
            }
            Some(Event::Output { job, lines }) => self.reporter.output(job, lines),
            Some(Event::Signal(signal)) => self.interrupt(signal),
            Some(event) => self.listen(event),
            None => self.expire(),
        }
        true
    }

    /// What processes say of services while they run.
    fn listen(&mut self, event: Event) {
        let (Some(registry), now) = (&mut self.registry, self.clock.now()) else { return };
        match event {
            Event::Asked { client, caller, request } => {
                let who = (caller, self.spawner.parentage());
                registry.serve(&mut self.engine, client, who, request, now);
            }
            Event::Gone(client) => registry.gone(&mut self.engine, client, now),
            Event::Died(process) => registry.died(process, now),
            Event::Output { .. } | Event::Exited { .. } | Event::Signal(_) => {}
        }
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
                    if let Some(registry) = &mut self.registry {
                        registry.changed(&self.engine, self.plan.job(job).provides, self.clock.now());
                    }
                }
            }
        }
        self.tell_guests();
    }

    /// Hands on what the registry has to say.
    fn tell_guests(&mut self) {
        let Some(registry) = &mut self.registry else { return };
        let now = self.clock.now();
        registry.settle(&mut self.engine, now);
        while let Some(effect) = registry.next_effect() {
            if let Effect::Changed { service, state: State::Available, .. } = effect {
                // Some job said so before its end: that is when those who wait for it could go on.
                for job in &self.running {
                    let provides = self.plan.job(*job).provides;
                    let available = |own: &ServiceId| self.engine.service(*own) == ServiceState::Available;
                    if provides.contains(&service) && provides.iter().all(available) {
                        self.records[*job].available.get_or_insert(now);
                    }
                }
            }
            self.spawner.carry_out(effect);
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
        loop {
            let taken = self.taken();
            let alone = self.alone.iter().any(|job| !self.engine.is_blocked(*job));
            if taken >= self.settings.slots || alone {
                return;
            }
            let room = self.busy < self.spawner.busy_slots().max(1);
            // What running ones wait for comes first; where there is no room for more, nothing else.
            let wanted = self.wanted().and_then(|job| self.queue.take(job, self.lane(job), taken, room));
            let crowded = self.running.len() >= self.settings.processes;
            let next = wanted.or_else(|| if crowded { None } else { self.queue.pop(taken, room) });
            let Some((job, lane)) = next else {
                self.full |= self.queue.waits_for_room();
                return;
            };
            if !self.start(job, lane) {
                return;
            }
            self.carry_out();
        }
    }

    /// A ready job that running ones wait for, be it for the sake of others that must come first.
    fn wanted(&self) -> Option<JobId> {
        if !self.engine.has_calls() {
            return None;
        }
        let mut left: Vec<ServiceId> =
            self.engine.services().filter(|service| self.engine.callers(*service) > 0).collect();
        let mut seen: HashSet<ServiceId> = left.iter().copied().collect();
        while let Some(service) = left.pop() {
            for job in self.engine.providers(service) {
                match self.engine.job(job) {
                    JobState::Ready => return Some(job),
                    JobState::Waiting => {
                        let needs = self.plan.job(job).needs.iter().map(|need| need.service);
                        left.extend(needs.filter(|need| seen.insert(*need)));
                    }
                    JobState::Running | JobState::Ended(_) => {}
                }
            }
        }
        None
    }

    /// How many slots are taken: a job that waits for another to provide has given its own back, and the console, too.
    fn taken(&self) -> usize {
        if self.engine.has_calls() {
            self.running.iter().filter(|job| !self.engine.is_blocked(**job)).count()
        } else {
            self.running.len()
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
                if let (Some(registry), Some(pid)) = (&mut self.registry, self.spawner.pid(job)) {
                    registry.began(&mut self.engine, job, pid, at);
                }
                self.running.push(job);
                if alone {
                    self.alone.push(job);
                }
                self.busy += usize::from(lane == Lane::Busy);
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
        // Asked to end, it did; those whom it left behind have been asked, too, and have until the same time.
        if let (Some((until, Stage::Kill)), true) = (self.deadlines.of(job), self.records[job].timed_out)
            && self.spawner.lingers(job)
        {
            self.records[job].left = Some((usage, until));
            self.deadlines.set(job, at.saturating_add(overdue::LOOK), Stage::Linger);
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
            self.alone.retain(|alone| *alone != job);
            self.busy -= usize::from(self.lane(job) == Lane::Busy);
        }
        if outcome.succeeded() {
            self.records[job].available.get_or_insert(at);
        }
        self.record(job, at, outcome, usage);
        let provided = self.registry.as_ref().map_or_else(Vec::new, |_| self.engine.provides(job).to_vec());
        self.engine.ended(job, outcome.succeeded());
        if let Some(registry) = &mut self.registry {
            registry.over(job);
            registry.changed(&self.engine, &provided, at);
        }
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

mod overdue;

#[cfg(test)]
mod guests;
#[cfg(test)]
mod tests;
