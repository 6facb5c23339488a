//! One connection of a server: bytes that have come, bytes that wait to go, and where the talk stands.

use super::peer::Peer;
use super::protocol::{self, Garbled, MOST_REQUEST};
use crate::registry::{Nanos, Request};
use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;

/// Bytes taken from one client before the others have their turn.
const TURN: usize = 256 * 1024;

/// Bytes of an answer that wait for its end.
const PIECE: usize = 4096;

/// What a client wants, or that there is nothing (yet).
pub(super) enum Parsed {
    Request(Request),
    /// No complete message.
    Nothing,
    Garbled(Garbled),
}

/// A client as the server sees it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: UnixStream,
    pub(super) peer: Peer,
    input: Vec<u8>,
    output: Vec<u8>,
    written: usize,
    /// A request has no answer yet.
    pub(super) busy: bool,
    /// It sends nothing any more.
    pub(super) ended: bool,
    /// What is listened for: words, unless it is busy; room to write, when that is needed.
    pub(super) interest: EpollFlags,
    /// It is closed when all is written.
    pub(super) closing: bool,
    /// Bytes that it was last counted with.
    pub(super) counted: usize,
    /// When patience with an incomplete message, or an unread farewell, ends.
    pub(super) deadline: Option<Nanos>,
}

impl Connection {
    pub(super) fn new(stream: UnixStream, peer: Peer) -> Self {
        Self {
            stream,
            peer,
            input: Vec::new(),
            output: Vec::new(),
            written: 0,
            busy: false,
            ended: false,
            interest: EpollFlags::EPOLLIN | EpollFlags::EPOLLRDHUP,
            closing: false,
            counted: 0,
            deadline: None,
        }
    }

    /// Bytes that it makes us keep.
    pub(super) fn kept(&self) -> usize {
        self.input.capacity() + self.output.capacity()
    }

    /// Whether a message has begun and not ended.
    pub(super) fn is_halfway(&self) -> bool {
        !self.input.is_empty()
    }

    /// Takes in what has come. Errors when the connection is broken.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<(), Errno> {
        let mut taken = 0;
        while taken < TURN && self.input.len() <= MOST_REQUEST {
            match self.stream.read(buffer) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(count) => {
                    self.input.extend_from_slice(&buffer[..count]);
                    taken += count;
                    if count < buffer.len() {
                        break;
                    }
                }
                Err(error) => match Errno::from_raw(error.raw_os_error().unwrap_or(0)) {
                    Errno::EAGAIN => break,
                    Errno::EINTR => {}
                    errno => return Err(errno),
                },
            }
        }
        Ok(())
    }

    /// The next message, taken out.
    pub(super) fn parse(&mut self) -> Parsed {
        match protocol::decode(&self.input, MOST_REQUEST) {
            Ok(None) => Parsed::Nothing,
            Err(garbled) => Parsed::Garbled(garbled),
            Ok(Some((request, length))) => {
                self.input.drain(..length);
                if self.input.is_empty() {
                    self.input = Vec::new();
                }
                Parsed::Request(request)
            }
        }
    }

    /// Sends bytes, or keeps what has no room. Errors when the other end is gone.
    pub(super) fn send(&mut self, frame: &[u8]) -> Result<(), Errno> {
        self.output.extend_from_slice(frame);
        self.flush()
    }

    /// Keeps bytes that more will follow, unless they have become many: a short answer goes in one piece.
    pub(super) fn send_part(&mut self, frame: &[u8]) -> Result<(), Errno> {
        self.output.extend_from_slice(frame);
        if self.output.len() < PIECE { Ok(()) } else { self.flush() }
    }

    /// Sends what is kept.
    pub(super) fn flush(&mut self) -> Result<(), Errno> {
        while self.written < self.output.len() {
            match self.stream.write(&self.output[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) => match Errno::from_raw(error.raw_os_error().unwrap_or(0)) {
                    Errno::EAGAIN => return Ok(()),
                    Errno::EINTR => {}
                    errno => return Err(errno),
                },
            }
        }
        self.output = Vec::new();
        self.written = 0;
        Ok(())
    }

    /// Whether all has been sent.
    pub(super) fn is_flushed(&self) -> bool {
        self.output.is_empty()
    }
}
