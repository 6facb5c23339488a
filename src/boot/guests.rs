//! What processes say to a run while it goes on, and what a daemon hears of the run.
//!
//! The run listens at an abstract name of its own, which its scripts find in their environment, so that a script may
//! call serelc with nothing else started. A thread turns what comes into events for the dispatcher, which owns the
//! state, and sends its answers. When a sereld is there, every change goes on to it, as said by this process: so the
//! state outlives the run. Nothing of it can hold up the run, or be a reason not to run.

use crate::ipc::{self, Address, CallError, Client, Server};
use crate::model::{JobId, Phase};
use crate::plan::Plan;
use crate::registry::{Batch, Effect, Op, Outcome, Parentage, Reply, Request, State};
use crate::wavefront::{self, Nanos, Spawner};
use crossbeam_channel::{Receiver, Sender, TryRecvError, unbounded};
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Names that are tried, should somebody sit on the first ones.
const NAMES: u32 = 16;
/// How long the daemon may take to hear of something before it is left alone.
const PATIENCE: Duration = Duration::from_secs(1);
/// Services in one message.
const MOST_OPS: usize = 1000;

/// A run's ear, open before its first script starts.
#[derive(Debug)]
pub(super) struct Ear {
    server: Server,
    bell: Arc<EventFd>,
}

impl Ear {
    /// Listens. Errors when there can be no socket.
    pub(super) fn open() -> io::Result<Self> {
        let bell = Arc::new(EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?);
        let pid = std::process::id();
        let mut number = 0;
        let server = loop {
            let address = Address::Abstract(format!("serel-run-{pid}-{number}").into_bytes());
            match Server::open(address, None, Some(bell.as_fd())) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && number < NAMES => number += 1,
                other => break other?,
            }
        };
        Ok(Self { server, bell })
    }

    /// Where it listens, for the environment of scripts.
    pub(super) fn address(&self) -> &Address {
        self.server.address()
    }

    /// Begins to serve: what comes goes to `events`.
    pub(super) fn serve(self, events: Sender<wavefront::Event>, plan: &Plan) -> io::Result<Guests> {
        let (effects, orders) = unbounded();
        let bell = Arc::clone(&self.bell);
        let begun: Vec<Op> = match plan.phase {
            Phase::Start => {
                let provided = plan.providers();
                let named = provided.iter().zip(plan.services.iter());
                let own = named.filter(|(by, name)| !by.is_empty() && !Plan::is_link(name));
                own.map(|(_, name)| Op::Provide { service: name.to_owned(), immediate: false }).collect()
            }
            Phase::Stop => Vec::new(),
        };
        let talker = Talker { server: self.server, bell: self.bell, events, orders, daemon: None };
        let thread = std::thread::Builder::new()
            .name("guests".into())
            .stack_size(256 * 1024)
            .spawn(move || talker.run(&begun))?;
        Ok(Guests { effects, bell, thread })
    }
}

/// The run's handle of the thread.
#[derive(Debug)]
pub(super) struct Guests {
    effects: Sender<Effect>,
    bell: Arc<EventFd>,
    thread: JoinHandle<()>,
}

impl Guests {
    fn tell(&self, effect: Effect) {
        let _ = self.effects.send(effect);
        let _ = self.bell.write(1);
    }

    /// The run is over: waits until all has been said.
    fn close(self) {
        drop(self.effects);
        let _ = self.bell.write(1);
        let _ = self.thread.join();
    }
}

/// A spawner whose run has an ear.
pub(super) struct Hosting<S> {
    pub(super) inside: S,
    guests: Option<Guests>,
}

impl<S> Hosting<S> {
    pub(super) fn new(inside: S, guests: Option<Guests>) -> Self {
        Self { inside, guests }
    }

    /// The run is over.
    pub(super) fn close(self) -> S {
        if let Some(guests) = self.guests {
            guests.close();
        }
        self.inside
    }
}

impl<S: Spawner> Spawner for Hosting<S> {
    fn spawn(&mut self, job: JobId, alone: bool) -> Result<(), i32> {
        self.inside.spawn(job, alone)
    }

    fn signal(&mut self, job: JobId, signal: i32) {
        self.inside.signal(job, signal);
    }

    fn pid(&self, job: JobId) -> Option<u32> {
        self.inside.pid(job)
    }

    fn lingers(&mut self, job: JobId) -> bool {
        self.inside.lingers(job)
    }

    fn parentage(&self) -> Parentage {
        ipc::parentage
    }

    fn carry_out(&mut self, effect: Effect) {
        if let Some(guests) = &self.guests {
            guests.tell(effect);
        }
    }

    fn ended(&mut self, job: JobId, outcome: wavefront::Outcome) {
        self.inside.ended(job, outcome);
    }

    fn next(&mut self, until: Option<Nanos>) -> Option<wavefront::Event> {
        self.inside.next(until)
    }
}

/// The thread.
struct Talker {
    server: Server,
    bell: Arc<EventFd>,
    events: Sender<wavefront::Event>,
    orders: Receiver<Effect>,
    daemon: Option<Client>,
}

impl Talker {
    fn run(mut self, begun: &[Op]) {
        self.join_daemon(begun);
        let mut heard = Vec::new();
        loop {
            if let Err(errno) = self.server.wait(None, &mut heard) {
                log::warn!("scripts cannot be heard any more: {}", errno.desc());
                return;
            }
            let _ = self.bell.read();
            for event in heard.drain(..) {
                self.pass_on(event);
            }
            if !self.obey() {
                return self.server.close_all();
            }
        }
    }

    fn pass_on(&self, event: ipc::Event) {
        let event = match event {
            ipc::Event::Request { client, caller, request } => {
                wavefront::Event::Asked { client, caller, request }
            }
            ipc::Event::Gone(client) => wavefront::Event::Gone(client),
            ipc::Event::Died(process) => wavefront::Event::Died(process),
            // None was asked for.
            ipc::Event::Signal(_) => return,
        };
        let _ = self.events.send(event);
    }

    /// Does what the dispatcher wants. False when the run is over.
    fn obey(&mut self) -> bool {
        let mut changes = Vec::new();
        let more = loop {
            match self.orders.try_recv() {
                Ok(Effect::Changed { name, state, .. }) => changes.extend(change(&name, state)),
                Ok(effect) => {
                    if let Some(event) = self.server.carry_out(effect) {
                        self.pass_on(event);
                    }
                }
                Err(TryRecvError::Empty) => break true,
                Err(TryRecvError::Disconnected) => break false,
            }
        };
        self.tell_daemon(&changes);
        more
    }

    /// Says to a daemon, if there is one, what is being started here, and then that nobody else will come.
    fn join_daemon(&mut self, begun: &[Op]) {
        let address = Address::choose(None);
        match Client::connect(&address, Some(PATIENCE)) {
            Ok(client) => {
                log::info!("the daemon at {address} hears of this run");
                self.daemon = Some(client);
                self.tell_daemon(begun);
                self.ask_daemon(|daemon| daemon.hand_over(&[], Some(PATIENCE)));
            }
            Err(CallError::NoDaemon { .. }) => log::debug!("no daemon at {address}"),
            Err(error) => log::warn!("the daemon does not hear of this run: {error}"),
        }
    }

    fn tell_daemon(&mut self, ops: &[Op]) {
        for some in ops.chunks(MOST_OPS) {
            let batch = Batch { ops: some.to_vec(), ..Batch::default() };
            let request = Request::Say { pid: std::process::id(), batch };
            self.ask_daemon(|daemon| daemon.call(&request, Some(Instant::now() + PATIENCE)));
        }
    }

    /// One request. A daemon that does not answer is left alone from then on.
    fn ask_daemon(&mut self, ask: impl FnOnce(&mut Client) -> Result<Reply, CallError>) {
        let Some(daemon) = &mut self.daemon else { return };
        match ask(daemon) {
            Ok(Reply { outcome: Outcome::Done, .. }) => {}
            Ok(reply) => log::warn!("the daemon refuses news of this run: {}", reply.words.join(", ")),
            Err(error) => {
                log::warn!("the daemon hears no more of this run: {error}");
                self.daemon = None;
            }
        }
    }
}

/// What a daemon is told of a change.
fn change(name: &str, state: State) -> Option<Op> {
    if Plan::is_link(name.trim_start_matches('-')) {
        return None;
    }
    if let Some(stopped) = name.strip_prefix('-') {
        // The stop of a service is done.
        return (state == State::Available).then(|| Op::Withdraw { service: stopped.to_owned() });
    }
    let service = name.to_owned();
    Some(match state {
        State::Stopped => Op::Withdraw { service },
        State::Starting => Op::Provide { service, immediate: false },
        State::Available => Op::Provide { service, immediate: true },
        State::Failed => Op::Fail { service },
    })
}
