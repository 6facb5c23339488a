//! What clients can do to a daemon: half messages, nonsense, floods, and many at once.

use super::Daemon;
use serel::ipc::protocol::{self, MOST_REQUEST, MOST_RESPONSE};
use serel::model::Strength;
use serel::registry::{Batch, Op, Outcome, Reply};
use serel::registry::{Query, Request, Response};
use std::io::{Read, Write};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};

/// A bare connection.
pub(super) fn connect(daemon: &Daemon) -> UnixStream {
    let address = SocketAddr::from_abstract_name(&daemon.socket[1..]).unwrap();
    UnixStream::connect_addr(&address).unwrap()
}

fn frame(request: &Request) -> Vec<u8> {
    protocol::encode(request, MOST_REQUEST).unwrap()
}

fn need(service: &str) -> Request {
    let ops = vec![Op::Need { service: service.into(), strength: Strength::Need }];
    Request::Say { pid: std::process::id(), batch: Batch { ops, ..Batch::default() } }
}

/// Reads to the end of the next answer.
fn answer(stream: &mut UnixStream) -> Reply {
    let mut input = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        match protocol::decode(&input, MOST_RESPONSE).unwrap() {
            Some((Response::Reply(reply), _)) => return reply,
            Some((_, length)) => drop(input.drain(..length)),
            None => {
                let count = stream.read(&mut buffer).unwrap();
                assert!(count > 0, "hung up without an answer");
                input.extend_from_slice(&buffer[..count]);
            }
        }
    }
}

#[test]
fn nonsense_is_refused_in_words_and_harms_nobody() {
    let daemon = Daemon::start();
    let mut other_version = frame(&Request::Query(Query::Services));
    other_version[4] = 77;
    for (bytes, words) in [
        (&[0xff; 9][..], "too long"),
        (&[1, 0, 0, 0, 1], "no message"),
        (&[0, 0, 0, 0], "no message"),
        (&[6, 0, 0, 0, 1, 200, 1, 2, 3, 4], "no message"),
        (&other_version, "version 77"),
    ] {
        let mut stream = connect(&daemon);
        stream.write_all(bytes).unwrap();
        let reply = answer(&mut stream);
        assert_eq!(reply.outcome, Outcome::Refused);
        assert!(reply.words[0].contains(words), "{reply:?}");
        assert_eq!(stream.read(&mut [0; 9]).unwrap_or(0), 0, "and the connection is closed");
    }
    daemon.serelc(&["--query", "services"]).expect_code(0);
}

#[test]
fn a_process_speaks_for_itself_and_its_parent_alone() {
    let daemon = Daemon::start();
    let ops = vec![Op::Provide { service: "a".into(), immediate: true }];
    for pid in [0, 1, u32::MAX] {
        if i32::try_from(pid) == Ok(nix::unistd::getppid().as_raw()) {
            continue;
        }
        let mut stream = connect(&daemon);
        let batch = Batch { ops: ops.clone(), ..Batch::default() };
        stream.write_all(&frame(&Request::Say { pid, batch })).unwrap();
        assert_eq!(answer(&mut stream).outcome, Outcome::Refused, "{pid}");
    }
    daemon.serelc(&["--query", "service", "a"]).expect_code(2);
}

#[test]
fn half_messages_and_vanishing_clients_hold_nobody_up() {
    let daemon = Daemon::start();
    let message = frame(&need("a"));
    let halves: Vec<UnixStream> = (1..message.len())
        .map(|cut| {
            let mut stream = connect(&daemon);
            stream.write_all(&message[..cut]).unwrap();
            stream
        })
        .collect();
    daemon.serelc(&["--query", "services"]).expect_code(0);
    drop(halves);
    // A message in single bytes, two in one piece, and one that is followed by silence for ever.
    let mut slow = connect(&daemon);
    for byte in frame(&Request::Query(Query::Services)) {
        slow.write_all(&[byte]).unwrap();
    }
    assert_eq!(answer(&mut slow), Reply::done());
    let mut vanishing = connect(&daemon);
    vanishing.write_all(&[&message[..], &message[..]].concat()).unwrap();
    daemon.await_waiting(1);
    drop(vanishing);
    daemon.await_waiting(0);
}

#[test]
fn an_unread_flood_makes_nobody_wait() {
    let daemon = Daemon::start();
    let names: Vec<Op> =
        (0..5000).map(|n| Op::Provide { service: format!("service-{n}"), immediate: true }).collect();
    let batch = Batch { ops: names, ..Batch::default() };
    let mut stream = connect(&daemon);
    stream.write_all(&frame(&Request::Say { pid: std::process::id(), batch })).unwrap();
    assert_eq!(answer(&mut stream), Reply::done());
    // Asks and asks, and reads no answer, until nothing goes out any more.
    let mut flood = connect(&daemon);
    flood.set_nonblocking(true).unwrap();
    let question = frame(&Request::Query(Query::Services));
    while flood.write(&question).is_ok() {
        let rows = daemon.serelc(&["--query", "waiting"]).expect_code(0);
        assert_eq!(rows.stdout, "");
        for _ in 0..2000 {
            if flood.write(&question).is_err() {
                break;
            }
        }
    }
    let rows = daemon.serelc(&["--query", "services"]).expect_code(0).stdout;
    assert_eq!(rows.lines().count(), 5000);
}

#[test]
fn thousands_wait_and_none_is_lost() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    const CLIENTS: usize = 3000;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(hard.min(8192)), hard).unwrap();
    let daemon = Daemon::start();
    let message = frame(&need("a"));
    let mut clients: Vec<UnixStream> = (0..CLIENTS)
        .map(|_| {
            let mut stream = connect(&daemon);
            stream.write_all(&message).unwrap();
            stream
        })
        .collect();
    daemon.await_waiting(CLIENTS);
    // Every third goes away.
    let mut place = 0;
    clients.retain(|_| {
        place += 1;
        place % 3 != 0
    });
    daemon.await_waiting(CLIENTS - CLIENTS / 3);
    daemon.shell("serelc --provide a --immediate");
    for client in &mut clients {
        assert_eq!(answer(client), Reply::done());
    }
    daemon.await_waiting(0);
}
