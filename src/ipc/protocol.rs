//! What goes over the socket, version 1.
//!
//! A *frame* is a length (4 bytes, little endian, of all that follows), the version (1 byte), and a message in
//! postcard's encoding (<https://postcard.jamesmunns.com/wire-format>): integers are variable-length, strings and lists are
//! preceded by their length, an enum by the number of its variant in the order below.
//!
//! A client sends [`Request`](crate::registry::Request)s, one after another, each when it has read the response to the
//! one before. A response is any number of frames with rows and then one
//! [`Response::Reply`](crate::registry::Response). A request that waits (`need`) is answered when its
//! waiting ends; a client that goes away waits no longer. There is no other state in a connection, except that one
//! which says so ([`Batch::holds`](crate::registry::Batch)) stands for the life of its process.
//!
//! Bounds: a request is at most [`MOST_REQUEST`] bytes, a response frame [`MOST_RESPONSE`]. What is longer, of another
//! version, or no message is refused in words, and the connection closed. A message must be complete
//! [`PATIENCE`] after its first byte, the first one after the connection was made.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// The version of all this.
pub const VERSION: u8 = 1;
/// Bytes of a request, its version included: a script that needs 4,000 services with the longest names.
pub const MOST_REQUEST: usize = 1024 * 1024;
/// Bytes of one frame of a response.
pub const MOST_RESPONSE: usize = 1024 * 1024;
/// How long a message may take to arrive.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes before the version.
pub(super) const LENGTH: usize = 4;

/// Why bytes are no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Garbled {
    /// Longer than allowed.
    #[error("a message of {0} bytes is too long")]
    TooLong(usize),
    /// Another version.
    #[error("protocol version {0} instead of {VERSION}: both ends must be of one release")]
    Version(u8),
    /// Not one of the messages.
    #[error("bytes that are no message")]
    Nonsense,
}

/// A message as a frame. Errors when it is longer than allowed.
pub fn encode<M: Serialize>(message: &M, most: usize) -> Result<Vec<u8>, Garbled> {
    let mut frame = vec![0; LENGTH];
    frame.push(VERSION);
    let mut frame = postcard::to_extend(message, frame).map_err(|_| Garbled::Nonsense)?;
    let length = frame.len() - LENGTH;
    if length > most {
        return Err(Garbled::TooLong(length));
    }
    let length = u32::try_from(length).map_err(|_| Garbled::TooLong(length))?;
    frame[..LENGTH].copy_from_slice(&length.to_le_bytes());
    Ok(frame)
}

/// The length of the first frame without its own four bytes, when those are there.
pub(super) fn length(bytes: &[u8], most: usize) -> Result<Option<usize>, Garbled> {
    let Some(length) = bytes.first_chunk::<LENGTH>() else { return Ok(None) };
    let length = u32::from_le_bytes(*length) as usize;
    if length > most { Err(Garbled::TooLong(length)) } else { Ok(Some(length)) }
}

/// The message at the start of some bytes, and how many they are; `None` while it is not complete.
pub fn decode<M: DeserializeOwned>(bytes: &[u8], most: usize) -> Result<Option<(M, usize)>, Garbled> {
    let Some(length) = length(bytes, most)? else { return Ok(None) };
    let body = bytes.get(LENGTH..).unwrap_or_default();
    if let Some(version) = body.first().filter(|version| **version != VERSION) {
        return Err(Garbled::Version(*version));
    }
    let Some(body) = body.get(..length) else { return Ok(None) };
    match postcard::take_from_bytes(body.get(1..).ok_or(Garbled::Nonsense)?) {
        Ok((message, [])) => Ok(Some((message, LENGTH + length))),
        _ => Err(Garbled::Nonsense),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Batch, Op, Request};
    use proptest::prelude::*;

    fn say() -> Request {
        let ops = vec![Op::Provide { service: "db".into(), immediate: true }];
        Request::Say { pid: 7, batch: Batch { path: None, holds: false, ops } }
    }

    #[test]
    fn a_message_is_read_as_soon_as_it_is_complete_and_not_before() {
        let frame = encode(&say(), MOST_REQUEST).unwrap();
        for cut in 0..frame.len() {
            assert_eq!(decode::<Request>(&frame[..cut], MOST_REQUEST), Ok(None), "{cut}");
        }
        let two = [&frame[..], &frame[..]].concat();
        assert_eq!(decode(&two, MOST_REQUEST), Ok(Some((say(), frame.len()))));
    }

    #[test]
    fn what_is_no_message_is_named() {
        let mut frame = encode(&say(), MOST_REQUEST).unwrap();
        assert_eq!(encode(&say(), 3), Err(Garbled::TooLong(frame.len() - LENGTH)));
        assert_eq!(decode::<Request>(&[0xff; 4], MOST_REQUEST), Err(Garbled::TooLong(0xffff_ffff)));
        assert_eq!(decode::<Request>(&[0; 4], MOST_REQUEST), Err(Garbled::Nonsense));
        frame[LENGTH] = 9;
        assert_eq!(decode::<Request>(&frame, MOST_REQUEST), Err(Garbled::Version(9)));
        frame[LENGTH] = VERSION;
        frame[LENGTH + 1] = 99;
        assert_eq!(decode::<Request>(&frame, MOST_REQUEST), Err(Garbled::Nonsense));
    }

    proptest! {
        #[test]
        fn no_bytes_can_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode::<Request>(&bytes, MOST_REQUEST);
            let mut framed = u32::try_from(bytes.len() + 1).unwrap().to_le_bytes().to_vec();
            framed.push(VERSION);
            framed.extend(&bytes);
            prop_assert!(decode::<Request>(&framed, MOST_REQUEST) != Ok(None));
        }
    }
}
