//! Names, processes and waiting clients around the engine, which knows only numbers.
//!
//! A daemon keeps one beside an engine without a plan; a run keeps one beside the engine of its plan, and tells it
//! which processes its jobs are ([`Registry::of_plan`]). It does no I/O and has no clock: requests come in by method
//! calls with their time, effects come out of [`Registry::next_effect`].
//!
//! Whatever a client may send, memory stays bounded: the number of names is limited, processes that have ended leave
//! nothing but the state of their services, and a client has one request at a time.

mod driven;
mod names;
mod query;
mod request;
mod serve;
mod unit;
mod words;

pub use request::{Parentage, Query, Request, Response};
pub use words::{
    Batch, EdgeRow, Member, Op, Outcome, Process, Reply, ServiceRow, State, WaitingRow, stop_of,
};

use crate::engine::{Answer, Engine, Link, Provision};
use crate::model::{CallId, Id as _, IdVec, JobId, ServiceId, Strength};
use crate::plan::Plan;
use names::Names;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use unit::Unit;

/// Whoever waits for replies.
pub type ClientId = u64;

/// Nanoseconds on a clock that never goes back.
pub type Nanos = u64;

/// Services in one request: more than any script has, and no more work than a moment's.
const MOST_OPS: usize = 16_384;

/// Edges that are remembered for a query.
const MOST_EDGES: usize = 100_000;

/// From the death of a process to the conclusion that nobody will say with which status: whoever waited for it may
/// be on the way with a `--statuschange`.
const GRACE: Nanos = 1_000_000_000;

/// What the owner has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Send a client rows of its answer.
    Rows(ClientId, Response),
    /// End the answer to a client's request.
    Reply(ClientId, Reply),
    /// Tell the death of a process by [`Registry::died`].
    Watch(Process),
    /// That is no longer wanted.
    Unwatch(Process),
    /// A service of a run has another state. A daemon's registry does not say so.
    Changed {
        /// Which.
        service: ServiceId,
        /// Its name; of a unit being stopped, [`stop_of`] it.
        name: Arc<str>,
        /// Where it stands now.
        state: State,
    },
}

/// What stands for the life of a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Holder {
    /// A watch.
    #[default]
    Watch,
    /// The connection of a client.
    Connection(ClientId),
    /// Whoever drives the engine: the process is a job of its plan.
    Driver,
}

/// A job with its process.
#[derive(Debug, Clone, Default)]
struct Seat {
    process: Option<Process>,
    holder: Holder,
}

/// A request that waits for answers.
#[derive(Debug)]
struct Ask {
    speaker: Process,
    since: Nanos,
    /// All that it called for; those that have ended are not its own any more.
    calls: Vec<CallId>,
    /// How many of them have not ended.
    open: usize,
    words: Vec<String>,
}

/// A call of a request.
#[derive(Debug, Clone, Copy)]
struct Called {
    client: ClientId,
    service: ServiceId,
    strength: Strength,
}

/// The registry.
#[derive(Debug, Default)]
pub struct Registry {
    names: Names,
    seats: IdVec<JobId, Seat>,
    by_pid: HashMap<u32, (Process, JobId)>,
    /// Jobs for whose lives connections stand.
    held: HashMap<ClientId, JobId>,
    unit: Unit,
    /// Jobs of the unit before that nobody came for; kept while the new one is not known as a whole.
    former: Vec<JobId>,
    asks: HashMap<ClientId, Ask>,
    calls: HashMap<CallId, Called>,
    /// (needer, needed)
    edges: BTreeSet<(ServiceId, ServiceId)>,
    /// Processes that have gone, by when they count as failed.
    dead: VecDeque<(Nanos, Process)>,
    effects: VecDeque<Effect>,
    /// It belongs to a run.
    driven: bool,
}

impl Registry {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next thing to do. Call until `None` after every event.
    pub fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// A process that stands for all that it starts, if this number is one: what its descendants say, it says.
    fn family(&self, pid: u32) -> Option<Process> {
        let (process, job) = self.by_pid.get(&pid)?;
        (self.seats[*job].holder != Holder::Watch).then_some(*process)
    }

    /// Carries out what a process says. The reply is an effect, at once or later.
    pub fn apply(
        &mut self,
        engine: &mut Engine,
        client: ClientId,
        speaker: Process,
        batch: Batch,
        now: Nanos,
    ) {
        let mut ops = Vec::new();
        if let Some(path) = &batch.path {
            match self.unit.ops(path) {
                Some(known) => ops.extend(known),
                None => return self.reply(client, Outcome::UnknownPath, Vec::new()),
            }
        }
        ops.extend(batch.ops);
        let entered = if ops.len() > MOST_OPS {
            Err(format!("more than {MOST_OPS} services in one request: make it several"))
        } else {
            self.names.enter(engine, ops.iter().map(Op::service))
        };
        if let Err(words) = entered {
            return self.reply(client, Outcome::Invalid, vec![words]);
        }
        let provides = ops.iter().any(|op| matches!(op, Op::Provide { .. }));
        let mut expected = None;
        let job = if provides || batch.holds {
            expected = batch.path.as_deref().and_then(|path| self.unit.take(path));
            Some(self.seat(engine, client, speaker, batch.holds, &mut expected, (&ops, now)))
        } else {
            self.job_of(speaker)
        };
        let mut ask = Ask { speaker, since: now, calls: Vec::new(), open: 0, words: Vec::new() };
        for op in &ops {
            self.carry_out(engine, (client, job), op, &mut ask, now);
        }
        if let Some(expected) = expected {
            // A process that has a job already came for it, and has said by now what it provides.
            engine.discard(expected);
            engine.remove(expected);
        }
        ask.open = ask.calls.len();
        let waits = ask.open > 0;
        self.asks.insert(client, ask);
        if !waits {
            self.finish(engine, client, Outcome::Done);
        }
        self.settle(engine, now);
    }

    fn carry_out(
        &mut self,
        engine: &mut Engine,
        (client, job): (ClientId, Option<JobId>),
        op: &Op,
        ask: &mut Ask,
        now: Nanos,
    ) {
        let Some(service) = self.names.find(op.service()) else { return };
        match op {
            Op::Provide { immediate, .. } => {
                let Some(job) = job else { return };
                self.names.restart(engine, service);
                match engine.provide(job, service, *immediate) {
                    Provision::First => self.names.provided(service, ask.speaker.pid),
                    Provision::Already => ask.words.push(format!("{} is available already", op.service())),
                    Provision::Beside(other) => ask.words.push(format!(
                        "{} is being started by {} already; standing by",
                        op.service(),
                        self.describe(other)
                    )),
                }
            }
            Op::Withdraw { .. } => {
                let known = engine.withdraw(job, service);
                if self.driven {
                    // A run knows of its own unit only; whoever hears of it may know more.
                    self.tell_change(engine, service);
                } else if !known {
                    ask.words.push(format!("{} was not started", op.service()));
                }
            }
            Op::Fail { .. } => {
                if let Some(job) = job {
                    engine.fail(job, service);
                }
            }
            Op::Need { strength, .. } => {
                if let Some(job) = job {
                    self.note_edges(engine, job, service);
                }
                let call = engine.need(job, service);
                self.calls.insert(call, Called { client, service, strength: *strength });
                ask.calls.push(call);
            }
        }
        self.touch(engine, service, now);
    }

    /// Notes the state of a service, and says so where somebody wants to hear of it.
    fn touch(&mut self, engine: &Engine, service: ServiceId, now: Nanos) {
        if self.names.touch(engine, service, now) && self.driven {
            self.tell_change(engine, service);
        }
    }

    fn tell_change(&mut self, engine: &Engine, service: ServiceId) {
        let name = self.names.entries[service].name.clone();
        self.effects.push_back(Effect::Changed { service, name, state: engine.service(service).into() });
    }

    fn note_edges(&mut self, engine: &Engine, job: JobId, needed: ServiceId) {
        for own in engine.provides(job) {
            if self.edges.len() < MOST_EDGES && *own != needed {
                self.edges.insert((*own, needed));
            }
        }
    }

    /// The job of a process: the one it has, the expected one (which is taken), or a new one.
    fn seat(
        &mut self,
        engine: &mut Engine,
        client: ClientId,
        process: Process,
        holds: bool,
        expected: &mut Option<JobId>,
        (ops, now): (&[Op], Nanos),
    ) -> JobId {
        if let Some(job) = self.job_of(process) {
            return job;
        }
        let expected = expected.take().or_else(|| {
            ops.iter().find_map(|op| match op {
                Op::Provide { service, .. } => self.unit.take_provider(service),
                _ => None,
            })
        });
        let job = match expected {
            Some(job) => {
                engine.started(job);
                job
            }
            None => engine.add_running(),
        };
        self.oust(engine, process.pid, now);
        if holds {
            self.held.insert(client, job);
            self.sit(job, process, Holder::Connection(client));
        } else {
            self.effects.push_back(Effect::Watch(process));
            self.sit(job, process, Holder::Watch);
        }
        job
    }

    /// A process with this number is new: whoever had it before has ended, though nobody said so yet.
    fn oust(&mut self, engine: &mut Engine, pid: u32, now: Nanos) {
        if let Some((_, job)) = self.by_pid.get(&pid).copied()
            && self.seats[job].holder != Holder::Driver
        {
            self.end(engine, job, false, now);
        }
    }

    fn sit(&mut self, job: JobId, process: Process, holder: Holder) {
        while self.seats.len() <= job.index() {
            self.seats.push(Seat::default());
        }
        self.seats[job] = Seat { process: Some(process), holder };
        self.by_pid.insert(process.pid, (process, job));
    }

    /// The job that a process has.
    fn job_of(&self, process: Process) -> Option<JobId> {
        self.by_pid.get(&process.pid).filter(|(known, _)| known.is(process)).map(|(_, job)| *job)
    }

    /// A process has exited, as somebody says who knows. False when it provides nothing, or is a job of a plan, whose
    /// driver knows better.
    pub fn exited(&mut self, engine: &mut Engine, pid: u32, success: bool, now: Nanos) -> bool {
        let Some((_, job)) = self.by_pid.get(&pid).copied() else { return false };
        let told = self.seats[job].holder != Holder::Driver;
        if told {
            self.end(engine, job, success, now);
        }
        told
    }

    /// A process that was to be watched has gone. With which status, somebody may still come to say.
    pub fn died(&mut self, process: Process, now: Nanos) {
        self.dead.push_back((now + GRACE, process));
    }

    /// When [`Registry::expire`] is due.
    pub fn due(&self) -> Option<Nanos> {
        self.dead.front().map(|(at, _)| *at)
    }

    /// Whoever died without a word of its status counts as failed when its time has come.
    pub fn expire(&mut self, engine: &mut Engine, now: Nanos) {
        while let Some((at, process)) = self.dead.front().copied()
            && at <= now
        {
            self.dead.pop_front();
            // That one and no other: its number may have been given again.
            if let Some((known, job)) = self.by_pid.get(&process.pid).copied()
                && known == process
                && self.seats[job].holder == Holder::Watch
            {
                log::info!("process {} ended, nobody said how", process.pid);
                self.end(engine, job, false, now);
            }
        }
    }

    fn end(&mut self, engine: &mut Engine, job: JobId, success: bool, now: Nanos) {
        let seat = std::mem::take(&mut self.seats[job]);
        if let Some(process) = seat.process {
            self.by_pid.remove(&process.pid);
            if seat.holder == Holder::Watch {
                self.dead.retain(|(_, dead)| *dead != process);
                self.effects.push_back(Effect::Unwatch(process));
            }
            if success {
                engine.provides(job).iter().for_each(|service| self.names.provided(*service, process.pid));
            }
        }
        if let Holder::Connection(client) = seat.holder {
            self.held.remove(&client);
        }
        let services = engine.provides(job).to_vec();
        engine.ended(job, success);
        self.settle(engine, now);
        for service in services {
            self.touch(engine, service, now);
        }
        engine.remove(job);
    }

    /// A client has gone: it waits for nothing any more, and the process that its connection stood for has failed.
    pub fn gone(&mut self, engine: &mut Engine, client: ClientId, now: Nanos) {
        self.forget(engine, client);
        if let Some(job) = self.held.remove(&client) {
            self.end(engine, job, false, now);
        }
    }

    fn forget(&mut self, engine: &mut Engine, client: ClientId) -> Option<Ask> {
        let ask = self.asks.remove(&client)?;
        for call in &ask.calls {
            if self.calls.get(call).is_some_and(|called| called.client == client) {
                self.calls.remove(call);
                engine.forget(*call);
            }
        }
        Some(ask)
    }

    /// Hands on every answer that the engine has.
    pub fn settle(&mut self, engine: &mut Engine, now: Nanos) {
        while let Some((call, answer)) = engine.next_answer() {
            self.answered(engine, call, &answer, now);
        }
    }

    /// A call has its answer.
    pub fn answered(&mut self, engine: &mut Engine, call: CallId, answer: &Answer, now: Nanos) {
        let Some(Called { client, service, strength }) = self.calls.remove(&call) else { return };
        self.touch(engine, service, now);
        let name = self.names.name(service).to_owned();
        let shown = show(&name);
        let (word, outcome) = match answer {
            Answer::Available => (None, None),
            Answer::Failed => (Some(format!("{shown} failed")), Some(Outcome::Failed { service: name })),
            Answer::Nobody => {
                (Some(format!("nobody provides {shown}")), Some(Outcome::Nobody { service: name }))
            }
            Answer::Circle(links) => (
                Some(format!("{shown} waits for us: {}", self.circle_words(engine, links))),
                Some(Outcome::Circle { service: name }),
            ),
        };
        let Some(ask) = self.asks.get_mut(&client) else { return };
        ask.open -= 1;
        ask.words.extend(word);
        match outcome {
            Some(outcome) if strength == Strength::Need => self.finish(engine, client, outcome),
            _ if ask.open == 0 => self.finish(engine, client, Outcome::Done),
            _ => {}
        }
    }

    fn finish(&mut self, engine: &mut Engine, client: ClientId, outcome: Outcome) {
        if let Some(ask) = self.forget(engine, client) {
            self.reply(client, outcome, ask.words);
        }
    }

    fn reply(&mut self, client: ClientId, outcome: Outcome, words: Vec<String>) {
        self.effects.push_back(Effect::Reply(client, Reply { outcome, words }));
    }

    /// All of a circle, each job with what it provides and what it waits for.
    fn circle_words(&self, engine: &Engine, links: &[Link]) -> String {
        let link = |link: &Link| {
            let provided = engine.provides(link.job).iter().map(|own| self.names.name(*own));
            let provided: Vec<String> = provided.filter(|own| !Plan::is_link(own)).map(show).collect();
            let (who, needed) = (self.describe(link.job), self.names.name(link.service));
            if Plan::is_link(needed) {
                format!("{} ({who}) has its turn later", provided.join(" "))
            } else {
                format!("{} ({who}) needs {}", provided.join(" "), show(needed))
            }
        };
        links.iter().map(link).collect::<Vec<_>>().join(", ")
    }

    fn describe(&self, job: JobId) -> String {
        self.seats.get(job).and_then(|seat| seat.process).map_or_else(
            || "a script that has not come yet".to_owned(),
            |process| format!("process {}", process.pid),
        )
    }
}

impl Op {
    /// The service that it is about.
    pub fn service(&self) -> &str {
        match self {
            Op::Provide { service, .. }
            | Op::Withdraw { service }
            | Op::Fail { service }
            | Op::Need { service, .. } => service,
        }
    }
}

/// A name as people know it.
fn show(name: &str) -> String {
    name.strip_prefix('-').map_or_else(|| name.to_owned(), |stopped| format!("the stop of {stopped}"))
}

#[cfg(test)]
mod tests;
