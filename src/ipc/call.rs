//! The client's end: one request, one answer, with patience or without end.

use super::address::{Address, Servers};
use super::peer::Peer;
use super::protocol::{self, Garbled, MOST_REQUEST, MOST_RESPONSE};
use crate::registry::{Member, Query, Reply, Request, Response};
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Scripts in one message of a unit, as long as that is not too long.
const MEMBERS: usize = 200;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody listens there.
    #[error(
        "no daemon at {address} ({source}): start sereld, or say where it is by --socket or SEREL_SOCKET"
    )]
    NoDaemon {
        /// Where.
        address: Address,
        /// Why.
        source: io::Error,
    },
    /// Somebody listens there who may not be believed.
    #[error("the server at {address} belongs to user {uid} and is not trusted")]
    Untrusted {
        /// Where.
        address: Address,
        /// Whose it is.
        uid: u32,
    },
    /// The time is over.
    #[error("the daemon is there and does not answer: see what holds it up, or start it anew")]
    TimedOut,
    /// The server has ended.
    #[error("the daemon went away before it answered: it was stopped, or killed ({0})")]
    Broken(io::Error),
    /// What came, or was to go, is no message.
    #[error("{0}")]
    Garbled(#[from] Garbled),
}

/// A connection to a server that may be believed.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    input: Vec<u8>,
}

impl Client {
    /// Connects, and looks at who listens before anything is said. A server that does not take the connection, or
    /// does not read, is given up after the limit.
    pub fn connect(address: &Address, limit: Option<Duration>) -> Result<Self, CallError> {
        let no_daemon = |source: io::Error| match source.kind() {
            io::ErrorKind::WouldBlock => CallError::TimedOut,
            _ => CallError::NoDaemon { address: address.clone(), source },
        };
        let stream = address.connect(limit).map_err(no_daemon)?;
        let peer = Peer::of(&stream).map_err(|errno| no_daemon(errno.into()))?;
        if !peer.may_answer() {
            return Err(CallError::Untrusted { address: address.clone(), uid: peer.uid });
        }
        Ok(Self { stream, input: Vec::new() })
    }

    /// Connects to the run that the caller belongs to, as long as it lasts; else to the daemon. Returns whether it is
    /// the run.
    pub fn nearest(servers: &Servers, limit: Option<Duration>) -> Result<(Self, bool), CallError> {
        match servers.run.as_ref().map(|run| Self::connect(run, limit)) {
            Some(Ok(client)) => Ok((client, true)),
            None | Some(Err(CallError::NoDaemon { .. })) => {
                Self::connect(&servers.daemon, limit).map(|client| (client, false))
            }
            Some(Err(error)) => Err(error),
        }
    }

    /// Sends a request without waiting for its answer.
    pub fn send(&mut self, request: &Request) -> Result<(), CallError> {
        let frame = protocol::encode(request, MOST_REQUEST)?;
        match self.stream.write_all(&frame) {
            // It may have said why before it hung up; that is read next.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(CallError::TimedOut),
            other => other.map_err(CallError::Broken),
        }
    }

    /// Waits for the end of the answer; frames with rows go to `rows`. Errors when `limit` is over first.
    pub fn receive(
        &mut self,
        limit: Option<Instant>,
        mut rows: impl FnMut(Response),
    ) -> Result<Reply, CallError> {
        loop {
            match self.frame(limit)? {
                Response::Reply(reply) => return Ok(reply),
                other => rows(other),
            }
        }
    }

    /// One request, one reply.
    pub fn call(&mut self, request: &Request, limit: Option<Instant>) -> Result<Reply, CallError> {
        self.send(request)?;
        self.receive(limit, |_| {})
    }

    /// Errors when the server does not answer to a small question in time. For whoever is to ask something that may
    /// take for ever next.
    pub fn greet(&mut self, limit: Duration) -> Result<(), CallError> {
        let question = Request::Query(Query::Service(String::new()));
        self.call(&question, Instant::now().checked_add(limit))?;
        self.stream.set_read_timeout(None).map_err(CallError::Broken)
    }

    /// Hands a unit over, in as many messages as it takes; each may take as long as the limit.
    pub fn hand_over(&mut self, members: &[Member], limit: Option<Duration>) -> Result<Reply, CallError> {
        let mut begin = true;
        let mut rest = members;
        loop {
            let mut count = rest.len().min(MEMBERS);
            let (reply, left) = loop {
                let (now, left) = rest.split_at(count);
                let request = Request::Unit { begin, members: now.to_vec(), complete: left.is_empty() };
                match self.call(&request, limit.and_then(|limit| Instant::now().checked_add(limit))) {
                    Err(CallError::Garbled(Garbled::TooLong(_))) if count > 1 => count /= 2,
                    other => break (other?, left),
                }
            };
            if left.is_empty() || reply != Reply::done() {
                return Ok(reply);
            }
            begin = false;
            rest = left;
        }
    }

    fn frame(&mut self, limit: Option<Instant>) -> Result<Response, CallError> {
        let mut buffer = [0; 16 * 1024];
        loop {
            if let Some((response, length)) = protocol::decode(&self.input, MOST_RESPONSE)? {
                self.input.drain(..length);
                return Ok(response);
            }
            let left = limit.map(|limit| limit.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(CallError::TimedOut);
            }
            if let Some(left) = left {
                let left = left.max(Duration::from_millis(1));
                self.stream.set_read_timeout(Some(left)).map_err(CallError::Broken)?;
            }
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(CallError::Broken(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => self.input.extend_from_slice(&buffer[..count]),
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => return Err(CallError::TimedOut),
                    _ => return Err(CallError::Broken(error)),
                },
            }
        }
    }
}

impl std::os::fd::AsFd for Client {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
