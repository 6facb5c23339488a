//! sereld: the registry behind a socket, in one thread.

use crate::engine::Engine;
use crate::exit::Exit;
use crate::ipc::{Address, Detached, Event, Readiness, Server, detach, parentage, raise_limit};
use crate::registry::{Nanos, Registry, Reply, Request};
use crate::wavefront::{Clock as _, Monotonic};
use nix::sys::signal::{SigSet, Signal};

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
    raise_limit();
    let server = Server::open(address, Some(&signals), None).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => format!(
            "cannot listen at {shown}: somebody does already; end it by `serelc --control stop`, or choose \
                 another --socket"
        ),
        _ => format!("cannot listen at {shown}: {error}"),
    })?;
    log::info!("listening at {shown}");
    Ok(Daemon { server, engine: Engine::default(), registry: Registry::new(), clock: Monotonic })
}

/// All that the daemon is.
struct Daemon {
    server: Server,
    engine: Engine,
    registry: Registry,
    clock: Monotonic,
}

impl Daemon {
    /// Serves until it is told to stop.
    fn run(mut self) -> Exit {
        let mut events = Vec::new();
        loop {
            if let Err(errno) = self.server.wait(self.registry.due(), &mut events) {
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
            self.registry.expire(&mut self.engine, now);
            self.carry_out(now);
        }
    }

    /// Takes one event. False when it is the end.
    fn take(&mut self, event: Event, now: Nanos) -> bool {
        match event {
            Event::Request { client, request: Request::Stop, caller } => {
                log::info!("stopped by process {caller}");
                self.server.finish(client, Reply::done());
                return false;
            }
            Event::Request { client, caller, request } => {
                self.registry.serve(&mut self.engine, client, (caller, parentage), request, now);
            }
            Event::Gone(client) => self.registry.gone(&mut self.engine, client, now),
            Event::Died(process) => self.registry.died(process, now),
            Event::Signal(signal) if signal == Signal::SIGHUP as i32 => crate::log::reopen(),
            Event::Signal(signal) => {
                log::info!("stopped by signal {signal}");
                return false;
            }
        }
        true
    }

    /// Does what the registry asks for.
    fn carry_out(&mut self, now: Nanos) {
        while let Some(effect) = self.registry.next_effect() {
            if let Some(Event::Died(process)) = self.server.carry_out(effect) {
                self.registry.died(process, now);
            }
        }
    }
}
