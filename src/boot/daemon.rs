//! sereld: the registry behind a socket, in one thread.

use crate::engine::Engine;
use crate::exit::Exit;
use crate::ipc::protocol::{Query, Request, Response, frames};
use crate::ipc::{Address, Detached, Event, Peer, Readiness, Server, detach, speaker};
use crate::registry::{ClientId, Effect, Nanos, Process, Registry, Reply};
use crate::wavefront::{Clock as _, Monotonic};
use nix::sys::signal::{SigSet, Signal};
use std::collections::VecDeque;

/// From the death of a process to the conclusion that nobody will say with which status: whoever waited for it may
/// be on the way with a `--statuschange`.
const GRACE: Nanos = 1_000_000_000;

/// Runs the daemon; in the background it returns at once, with the daemon listening.
pub fn daemon(address: Address, foreground: bool) -> Exit {
    let failed = |why: &str| {
        crate::log::say(format_args!("sereld: error: {why}"));
        Exit::Failed
    };
    if foreground {
        return match open(address) {
            Ok(daemon) => daemon.run(),
            Err(why) => failed(&why),
        };
    }
    match detach() {
        Err(errno) => failed(&format!("cannot fork: {}", errno.desc())),
        Ok(Detached::Caller(Ok(())) | Detached::Between) => Exit::Ok,
        Ok(Detached::Caller(Err(why))) => failed(&why),
        Ok(Detached::Daemon(readiness)) => serve(address, readiness),
    }
}

fn serve(address: Address, readiness: Readiness) -> Exit {
    match open(address) {
        Err(why) => {
            readiness.failed(&why);
            Exit::Failed
        }
        Ok(daemon) => match readiness.ready() {
            Ok(()) => daemon.run(),
            Err(errno) => {
                log::error!("cannot leave the caller's terminal: {}", errno.desc());
                Exit::Failed
            }
        },
    }
}

fn open(address: Address) -> Result<Daemon, String> {
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        signals.add(signal);
    }
    signals.thread_block().map_err(|errno| errno.desc().to_owned())?;
    let shown = address.to_string();
    let server = Server::open(address, Some(&signals), None)
        .map_err(|error| format!("cannot listen at {shown}: {error}"))?;
    log::info!("listening at {shown}");
    Ok(Daemon {
        server,
        engine: Engine::default(),
        registry: Registry::new(),
        dead: VecDeque::new(),
        clock: Monotonic,
    })
}

/// All that the daemon is.
struct Daemon {
    server: Server,
    engine: Engine,
    registry: Registry,
    /// Processes that have gone, by when they count as failed.
    dead: VecDeque<(Nanos, Process)>,
    clock: Monotonic,
}

impl Daemon {
    /// Serves until it is told to stop.
    fn run(mut self) -> Exit {
        let mut events = Vec::new();
        loop {
            let until = self.dead.front().map(|(at, _)| *at);
            if let Err(errno) = self.server.wait(until, &mut events) {
                log::error!("cannot wait for clients: {}", errno.desc());
                return Exit::Failed;
            }
            let now = self.clock.now();
            for event in events.drain(..) {
                if !self.take(event, now) {
                    self.server.close_all();
                    return Exit::Ok;
                }
                self.carry_out(now);
            }
            while let Some((at, process)) = self.dead.front().copied()
                && at <= now
            {
                self.dead.pop_front();
                log::info!("process {} ended, nobody said how", process.pid);
                self.registry.lost(&mut self.engine, process, now);
                self.carry_out(now);
            }
        }
    }

    /// Takes one event. False when it is the end.
    fn take(&mut self, event: Event, now: Nanos) -> bool {
        match event {
            Event::Request { client, request: Request::Stop, peer } => {
                log::info!("stopped by process {}", peer.pid);
                self.server.finish(client, Reply::done());
                return false;
            }
            Event::Request { client, peer, request } => self.serve(client, peer, request, now),
            Event::Gone(client) => self.registry.gone(&mut self.engine, client, now),
            Event::Died(process) => self.dead.push_back((now + GRACE, process)),
            Event::Signal(signal) if signal == Signal::SIGHUP as i32 => crate::log::reopen(),
            Event::Signal(signal) => {
                log::info!("stopped by signal {signal}");
                return false;
            }
        }
        true
    }

    /// Carries out one request.
    fn serve(&mut self, client: ClientId, peer: Peer, request: Request, now: Nanos) {
        log::debug!("process {}: {request:?}", peer.pid);
        let answer = match request {
            Request::Say { pid, batch } => {
                let registry = &self.registry;
                let family = |pid| registry.family(pid);
                match speaker(peer, pid, registry.has_families().then_some(&family)) {
                    Ok(speaker) => {
                        return self.registry.apply(&mut self.engine, client, speaker, batch, now);
                    }
                    Err(why) => Reply::refused(why),
                }
            }
            Request::Status { pid, status } => {
                let known = self.registry.exited(&mut self.engine, pid, status == 0, now);
                let mut reply = Reply::done();
                if !known {
                    reply.words.push(format!("process {pid} provides nothing"));
                }
                reply
            }
            Request::Unit { begin, members, complete } => self.unit(begin, members, complete, now),
            Request::Query(query) => return self.answer(client, &query, now),
            Request::Stop => Reply::done(),
        };
        self.server.finish(client, answer);
    }

    fn unit(
        &mut self,
        begin: bool,
        members: Vec<crate::registry::Member>,
        complete: bool,
        now: Nanos,
    ) -> Reply {
        if begin {
            self.registry.begin_unit(&mut self.engine);
        }
        if let Err(why) = self.registry.add_members(&mut self.engine, members) {
            return Reply::invalid(why);
        }
        if complete {
            self.registry.complete_unit(&mut self.engine, now);
        }
        Reply::done()
    }

    fn answer(&mut self, client: ClientId, query: &Query, now: Nanos) {
        let (registry, engine) = (&self.registry, &self.engine);
        let rows: Vec<Response> = match query {
            Query::Services => {
                frames(&registry.service_rows(engine, None, now), Response::Services).collect()
            }
            Query::Service(name) => {
                frames(&registry.service_rows(engine, Some(name), now), Response::Services).collect()
            }
            Query::Waiting => frames(&registry.waiting_rows(engine, now), Response::Waiting).collect(),
            Query::Graph => frames(&registry.edge_rows(engine), Response::Edges).collect(),
        };
        for rows in rows {
            self.server.send(client, &rows);
        }
        self.server.finish(client, Reply::done());
    }

    fn carry_out(&mut self, now: Nanos) {
        while let Some(effect) = self.registry.next_effect() {
            match effect {
                Effect::Reply(client, reply) => self.server.finish(client, reply),
                Effect::Watch(process) => {
                    if let Some(Event::Died(process)) = self.server.watch(process) {
                        self.dead.push_back((now + GRACE, process));
                    }
                }
                Effect::Unwatch(process) => {
                    self.server.unwatch(process);
                    self.dead.retain(|(_, dead)| *dead != process);
                }
            }
        }
    }
}
