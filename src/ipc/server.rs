//! The server: one epoll loop over a listener, clients, watched processes and signals.
//!
//! It holds no lock and no state of services. [`Server::wait`] hands events to the owner of the state, who answers with
//! [`Server::send`] and [`Server::finish`]. A client has one request at a time; what it sends meanwhile stays in the
//! kernel's buffer and is the client's own trouble, so no client can make another one wait or memory grow.

use super::address::Address;
use super::connection::{Connection, Parsed};
use super::peer::Peer;
use super::protocol::{self, MOST_RESPONSE, PATIENCE};
use super::watch::{MARK, Watches};
use crate::registry::{ClientId, Effect, Nanos, Process, Reply, Request, Response};
use crate::wavefront::{Clock, Monotonic};
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};

const LISTENER: u64 = MARK - 1;
const SIGNALS: u64 = MARK - 2;
const WAKE: u64 = MARK - 3;

/// Most clients at one time, whatever the limit of files allows.
const MOST_CLIENTS: usize = 65_536;
/// Files kept for other things than clients.
const RESERVE: usize = 64;
/// Bytes of half messages and unread replies that all clients together may make us keep.
const MOST_KEPT: usize = 128 * 1024 * 1024;
/// Connections taken before those who are connected have their turn.
const MOST_ACCEPTS: usize = 256;
/// How often processes without a pidfd are looked at.
const LOOK: Nanos = 250_000_000;

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// A client wants something; it waits for [`Server::finish`].
    Request {
        /// Which.
        client: ClientId,
        /// The number of its process; 0 when it is in another namespace.
        caller: u32,
        /// What.
        request: Request,
    },
    /// A client that had sent a request has gone.
    Gone(ClientId),
    /// A watched process has exited.
    Died(Process),
    /// A signal of those that were asked for.
    Signal(i32),
}

/// A place for a client; the generation tells it from those who had the place before.
#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    connection: Option<Connection>,
}

/// The server.
#[derive(Debug)]
pub struct Server {
    epoll: Epoll,
    listener: UnixListener,
    address: Address,
    slots: Vec<Slot>,
    vacant: Vec<u32>,
    most: usize,
    kept: usize,
    /// Given up for a moment when there are no more files, to say so to who knocks.
    spare: Option<OwnedFd>,
    /// Not listened to: no file is left even for that.
    shut: bool,
    /// Clients whose message is not complete, by the time at which their patience ends.
    halfway: VecDeque<(Nanos, ClientId)>,
    /// Clients that may have more to say, or an end to be noticed.
    again: VecDeque<ClientId>,
    watches: Watches,
    signals: Option<SignalFd>,
    clock: Monotonic,
    buffer: Vec<u8>,
}

impl Server {
    /// Listens at an address. `signals`, which must be blocked, arrive as events; `wake` ends a wait when readable.
    pub fn open(
        address: Address,
        signals: Option<&SigSet>,
        wake: Option<BorrowedFd<'_>>,
    ) -> io::Result<Self> {
        let files = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft);
        let most =
            usize::try_from(files).unwrap_or(MOST_CLIENTS).saturating_sub(RESERVE).clamp(1, MOST_CLIENTS);
        let listener = address.listen()?;
        listener.set_nonblocking(true)?;
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        epoll.add(&listener, EpollEvent::new(EpollFlags::EPOLLIN, LISTENER))?;
        let signals = signals
            .map(|set| SignalFd::with_flags(set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK))
            .transpose()?;
        if let Some(signals) = &signals {
            epoll.add(signals, EpollEvent::new(EpollFlags::EPOLLIN, SIGNALS))?;
        }
        if let Some(wake) = wake {
            epoll.add(wake, EpollEvent::new(EpollFlags::EPOLLIN, WAKE))?;
        }
        let spare = listener.as_fd().try_clone_to_owned().ok();
        Ok(Self {
            epoll,
            listener,
            address,
            slots: Vec::new(),
            vacant: Vec::new(),
            most,
            kept: 0,
            spare,
            shut: false,
            halfway: VecDeque::new(),
            again: VecDeque::new(),
            watches: Watches::default(),
            signals,
            clock: Monotonic,
            buffer: vec![0; 64 * 1024],
        })
    }

    /// Allows fewer clients than the limit of files would.
    #[must_use]
    pub fn with_most_clients(mut self, most: usize) -> Self {
        self.most = self.most.min(most.max(1));
        self
    }

    /// Waits until something happens, or until a time, and appends what happened. Errors only when epoll fails.
    pub fn wait(&mut self, until: Option<Nanos>, events: &mut Vec<Event>) -> nix::Result<()> {
        self.hear_again(events);
        let timeout = if events.is_empty() { self.timeout(until) } else { EpollTimeout::ZERO };
        let mut ready = [EpollEvent::empty(); 256];
        let count = match self.epoll.wait(&mut ready, timeout) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(errno) => return Err(errno),
        };
        for event in &ready[..count] {
            match event.data() {
                LISTENER => self.accept(),
                SIGNALS => self.take_signals(events),
                WAKE => {}
                key if key & MARK != 0 => {
                    events.extend(self.watches.died(&self.epoll, key).map(Event::Died));
                }
                client => self.take(client, event.events(), events),
            }
        }
        self.lose_patience(events);
        if self.watches.must_look() {
            events.extend(self.watches.look().into_iter().map(Event::Died));
        }
        Ok(())
    }

    /// How long to sleep: until the caller's time, the end of somebody's patience, or the next look at processes.
    fn timeout(&self, until: Option<Nanos>) -> EpollTimeout {
        let now = self.clock.now();
        let look = self.watches.must_look().then_some(now + LOOK);
        let patience = self.halfway.front().map(|(at, _)| *at);
        let knock = self.shut.then_some(now + LOOK);
        match [until, look, patience, knock].into_iter().flatten().min() {
            None => EpollTimeout::NONE,
            Some(at) => {
                let millis = at.saturating_sub(now).div_ceil(1_000_000).min(60_000);
                EpollTimeout::try_from(i32::try_from(millis).unwrap_or(60_000)).unwrap_or(EpollTimeout::ZERO)
            }
        }
    }

    /// Takes in new clients.
    fn accept(&mut self) {
        for _ in 0..MOST_ACCEPTS {
            match self.listener.accept() {
                Ok((stream, _)) => self.welcome(stream),
                Err(error) => match Errno::from_raw(error.raw_os_error().unwrap_or(0)) {
                    Errno::EAGAIN => return,
                    Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM => {
                        return self.turn_away();
                    }
                    _ => {}
                },
            }
        }
    }

    fn welcome(&mut self, stream: UnixStream) {
        let Ok(peer) = Peer::of(&stream) else { return };
        if stream.set_nonblocking(true).is_err() {
            return;
        }
        let mut connection = Connection::new(stream, peer);
        let refusal = if !peer.may_ask() {
            Some(format!("user {} may not speak to this server", peer.uid))
        } else if self.slots.len() - self.vacant.len() >= self.most || self.kept > MOST_KEPT {
            Some(format!("too many clients: {} are connected", self.slots.len() - self.vacant.len()))
        } else {
            None
        };
        if let Some(words) = refusal {
            let _ = connection.send(&reply(&Reply::refused(words)));
            return;
        }
        let index = self.vacant.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            u32::try_from(self.slots.len() - 1).expect("BUG: more clients than are allowed")
        });
        let slot = &mut self.slots[index as usize];
        slot.generation = (slot.generation + 1) & 0x3fff_ffff;
        let client = u64::from(slot.generation) << 32 | u64::from(index);
        if self.epoll.add(&connection.stream, EpollEvent::new(connection.interest, client)).is_err() {
            self.vacant.push(index);
            return;
        }
        slot.connection = Some(connection);
        self.count(client);
        self.set_deadline(client);
    }

    /// Patience with a client begins to run out, unless it does so already.
    fn set_deadline(&mut self, client: ClientId) {
        let at = self.clock.now() + nanos(PATIENCE);
        if let Some(connection) = self.connection(client)
            && connection.deadline.is_none()
        {
            connection.deadline = Some(at);
            self.halfway.push_back((at, client));
        }
    }

    /// No file is left: the spare one is used to tell the next in the row, so that it does not wait for ever and we do
    /// not turn in circles.
    fn turn_away(&mut self) {
        if self.spare.take().is_some()
            && let Ok((stream, _)) = self.listener.accept()
            && stream.set_nonblocking(true).is_ok()
            && let Ok(peer) = Peer::of(&stream)
        {
            let refused = Reply::refused("no more files: too many clients");
            let _ = Connection::new(stream, peer).send(&reply(&refused));
        }
        self.spare = self.listener.as_fd().try_clone_to_owned().ok();
        if self.spare.is_none() && !self.shut {
            self.shut = self.epoll.delete(&self.listener).is_ok();
        }
    }

    /// Listens again when files are left again.
    fn reopen(&mut self) {
        self.spare = self.spare.take().or_else(|| self.listener.as_fd().try_clone_to_owned().ok());
        if self.shut && self.spare.is_some() {
            let event = EpollEvent::new(EpollFlags::EPOLLIN, LISTENER);
            self.shut = self.epoll.add(&self.listener, event).is_err();
        }
    }

    fn take_signals(&mut self, events: &mut Vec<Event>) {
        while let Some(Ok(Some(info))) = self.signals.as_ref().map(SignalFd::read_signal) {
            events.push(Event::Signal(info.ssi_signo.cast_signed()));
        }
    }

    /// Counts what a client makes us keep now.
    fn count(&mut self, client: ClientId) {
        if let Some(connection) = find(&mut self.slots, client) {
            let kept = connection.kept();
            self.kept = self.kept - connection.counted + kept;
            connection.counted = kept;
        }
    }

    fn connection(&mut self, client: ClientId) -> Option<&mut Connection> {
        find(&mut self.slots, client)
    }

    /// Deals with the readiness of one client.
    fn take(&mut self, client: ClientId, ready: EpollFlags, events: &mut Vec<Event>) {
        let mut buffer = std::mem::take(&mut self.buffer);
        if let Some(connection) = self.connection(client) {
            let gone = ready.intersects(EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR);
            let mut broken = ready.contains(EpollFlags::EPOLLOUT) && connection.flush().is_err();
            if connection.busy {
                connection.ended |= gone || ready.contains(EpollFlags::EPOLLRDHUP);
            } else if ready.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP) || gone {
                broken |= connection.read(&mut buffer).is_err();
                connection.ended |= gone && !connection.is_halfway();
            }
            connection.ended |= broken;
            let deaf = connection.busy && !connection.ended;
            if broken {
                self.close(client, events);
            } else {
                self.set_interest(client, deaf);
                self.next_request(client, events);
            }
        }
        self.buffer = buffer;
        self.count(client);
    }

    /// Looks again at clients that have been answered, or have gone.
    fn hear_again(&mut self, events: &mut Vec<Event>) {
        for _ in 0..self.again.len() {
            let Some(client) = self.again.pop_front() else { return };
            self.next_request(client, events);
            self.count(client);
        }
    }

    /// Takes the next request of a client that has none, or notices that there will be none.
    fn next_request(&mut self, client: ClientId, events: &mut Vec<Event>) {
        let Some(connection) = self.connection(client) else { return };
        if connection.closing {
            if connection.is_flushed() || connection.ended {
                self.close(client, events);
            }
            return;
        }
        if connection.busy {
            if connection.ended {
                self.close(client, events);
            }
            return;
        }
        match connection.parse() {
            Parsed::Request(request) => {
                connection.busy = true;
                connection.deadline = None;
                let (caller, ended) = (connection.peer.pid, connection.ended);
                events.push(Event::Request { client, caller, request });
                if ended {
                    // Whether it has got its answer by then, or still waits for one and is gone.
                    self.again.push_back(client);
                }
            }
            Parsed::Nothing if connection.ended => self.close(client, events),
            Parsed::Nothing => {
                if connection.is_halfway() {
                    self.set_deadline(client);
                }
            }
            Parsed::Garbled(garbled) => self.dismiss(client, &garbled.to_string()),
        }
    }

    /// Tells a client why it is sent away, and closes when it has been told.
    fn dismiss(&mut self, client: ClientId, words: &str) {
        let Some(connection) = self.connection(client) else { return };
        let sent = connection.send(&reply(&Reply::refused(words)));
        connection.closing = true;
        connection.ended |= sent.is_err();
        connection.deadline = None;
        self.set_deadline(client);
        self.set_interest(client, true);
        self.again.push_back(client);
    }

    /// Sends away those whose message does not come to an end.
    fn lose_patience(&mut self, events: &mut Vec<Event>) {
        if self.shut {
            self.reopen();
        }
        let now = self.clock.now();
        while let Some((at, client)) = self.halfway.front().copied()
            && at <= now
        {
            self.halfway.pop_front();
            match self.connection(client) {
                Some(connection) if connection.deadline != Some(at) => {}
                Some(connection) if connection.closing => self.close(client, events),
                Some(_) => self.dismiss(client, "the message did not come to its end"),
                None => {}
            }
        }
    }

    /// Sets what is listened for, where that changes.
    fn set_interest(&mut self, client: ClientId, deaf: bool) {
        let Some(connection) = find(&mut self.slots, client) else { return };
        let mut flags = EpollFlags::EPOLLRDHUP;
        flags.set(EpollFlags::EPOLLIN, !deaf);
        flags.set(EpollFlags::EPOLLOUT, !connection.is_flushed());
        if connection.interest != flags {
            connection.interest = flags;
            let _ = self.epoll.modify(&connection.stream, &mut EpollEvent::new(flags, client));
        }
    }

    /// Does what a registry asks for. Returns the event that it is at once, if it is one.
    pub fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Rows(client, rows) => self.deliver(client, &rows, Connection::send_part),
            Effect::Reply(client, reply) => self.finish(client, reply),
            Effect::Watch(process) => {
                return (!self.watches.add(&self.epoll, process)).then_some(Event::Died(process));
            }
            Effect::Unwatch(process) => self.watches.remove(&self.epoll, process),
            Effect::Changed { .. } => {}
        }
        None
    }

    /// Sends one frame of an answer: of one that has more, at the latest with its end.
    fn deliver(
        &mut self,
        client: ClientId,
        response: &Response,
        send: fn(&mut Connection, &[u8]) -> Result<(), Errno>,
    ) {
        let frame = protocol::encode(response, MOST_RESPONSE)
            .unwrap_or_else(|garbled| reply(&Reply::refused(garbled.to_string())));
        let Some(connection) = self.connection(client) else { return };
        connection.ended |= send(connection, &frame).is_err();
        self.count(client);
    }

    /// Ends the answer to a client's request.
    pub fn finish(&mut self, client: ClientId, answer: Reply) {
        self.deliver(client, &Response::Reply(answer), Connection::send);
        if let Some(connection) = self.connection(client) {
            connection.busy = false;
            let more = connection.is_halfway() || connection.ended;
            self.set_interest(client, false);
            if more {
                self.again.push_back(client);
            }
        }
    }

    fn close(&mut self, client: ClientId, events: &mut Vec<Event>) {
        let index = client & 0xffff_ffff;
        let Some(slot) = usize::try_from(index).ok().and_then(|index| self.slots.get_mut(index)) else {
            return;
        };
        if let Some(connection) = slot.connection.take() {
            self.kept -= connection.counted;
            let _ = self.epoll.delete(&connection.stream);
            self.vacant.extend(u32::try_from(index));
            events.push(Event::Gone(client));
            self.reopen();
        }
    }

    /// Gives those who have been answered a moment to take it, and stops listening.
    pub fn close_all(self) {
        for slot in self.slots {
            if let Some(mut connection) = slot.connection {
                let _ = connection.stream.set_nonblocking(false);
                let _ = connection.stream.set_write_timeout(Some(std::time::Duration::from_millis(200)));
                let _ = connection.flush();
            }
        }
        self.address.remove();
    }

    /// Where it listens.
    pub fn address(&self) -> &Address {
        &self.address
    }
}

/// The connection of a client, if it is still the same one.
fn find(slots: &mut [Slot], client: ClientId) -> Option<&mut Connection> {
    let slot = slots.get_mut(usize::try_from(client & 0xffff_ffff).ok()?)?;
    if u64::from(slot.generation) == client >> 32 { slot.connection.as_mut() } else { None }
}

fn nanos(duration: std::time::Duration) -> Nanos {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn reply(answer: &Reply) -> Vec<u8> {
    protocol::encode(&Response::Reply(answer.clone()), MOST_RESPONSE).unwrap_or_default()
}

/// Raises the limit of open files as far as may be, for a server that many may call. What the process starts inherits
/// it.
pub fn raise_limit() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let wanted = (MOST_CLIENTS + RESERVE) as u64;
    // Root may go beyond the hard limit; others as far as it.
    for (soft, hard) in [(wanted.max(soft), wanted.max(hard)), (wanted.min(hard), hard)] {
        if setrlimit(Resource::RLIMIT_NOFILE, soft, hard).is_ok() {
            return;
        }
    }
}
