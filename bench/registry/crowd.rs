//! Many who wait for one service: how long until all wait, until all are let go, and what they cost meanwhile.
//!
//! The clients are connections of this process, one each, in one thread with epoll. The bare server answers as many
//! with as many bytes, one after another.

use super::server::{Server, ask, bytes_of, bytes_of_answer};
use super::{need, provide, question};
use crate::support::{Effort, Times, table};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serel::registry::{Reply, State};
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd;
use std::time::Instant;

/// As many clients as one machine will hardly have.
const CROWD: usize = 10_000;
/// Files for all else.
const RESERVE: usize = 64;

pub(super) fn bench(effort: Effort) {
    let wanted = if effort == Effort::Full { CROWD } else { 500 };
    let count = wanted.min(files(wanted + RESERVE).saturating_sub(RESERVE));
    if count < wanted {
        println!("The limit of open files allows {count} clients instead of {wanted}.\n");
    }
    let [mut bare_came, mut came, mut bare_went, mut went] = <[Times; 4]>::default();
    let [mut before, mut within, mut after] = <[Times; 3]>::default();
    for _ in 0..effort.rounds(15) {
        let (gathered, released) = bare(count);
        bare_came.add(gathered);
        bare_went.add(released);
        let server = Server::sereld();
        let mut control = server.client();
        assert!(ask(&mut control, &question()).is_empty());
        before.add(server.resident());
        let begun = Instant::now();
        let mut crowd = gather(count, || {
            let mut client = server.client();
            client.send(&need()).expect("the daemon listens");
            client
        });
        // A service that nobody has spoken of yet has no row.
        while ask(&mut control, &question()).first().is_none_or(|row| row.needers as usize != count) {}
        came.add(millis(begun));
        within.add(server.resident());
        let begun = Instant::now();
        control.send(&provide()).expect("the daemon listens");
        let released = release(&mut crowd, |client| {
            assert_eq!(client.receive(None, |_| {}).expect("an answer"), Reply::done());
        });
        went.add(millis(begun));
        assert_eq!(released, count, "each is let go once");
        assert_eq!(control.receive(None, |_| {}).expect("an answer"), Reply::done());
        let row = ask(&mut control, &question()).remove(0);
        assert_eq!((row.state, row.needers), (State::Available, 0));
        after.add(server.resident());
    }
    println!("{count} clients connect and wait for one service:\n");
    table(&[("bare server", &bare_came), ("sereld", &came)]);
    println!("\nThe service is provided; all {count} have their answer:\n");
    table(&[("bare server", &bare_went), ("sereld", &went)]);
    let each = (within.median() - before.median()) * 1024.0
        / f64::from(u32::try_from(count).expect("BUG: a small number"));
    println!(
        "\nMemory of sereld: {:.0} KiB before, {:.0} KiB with {count} waiting, {:.0} KiB after: {each:.0} bytes for each.\n",
        before.median(),
        within.median(),
        after.median()
    );
}

/// The same with nothing in the server but reads and writes.
fn bare(count: usize) -> (f64, f64) {
    let request = vec![1; bytes_of(&need())];
    let mut answer = vec![0; bytes_of_answer(Vec::new())];
    let server = Server::bare(request.len(), answer.len(), count);
    let begun = Instant::now();
    let mut crowd = gather(count, || {
        let mut stream = server.stream();
        stream.write_all(&request).expect("the server listens");
        stream
    });
    let mut control = server.stream();
    control.write_all(&request).expect("the server listens");
    control.read_exact(&mut answer).expect("the server answers");
    let gathered = millis(begun);
    let begun = Instant::now();
    control.write_all(&request).expect("the server listens");
    let released = release(&mut crowd, |stream| stream.read_exact(&mut answer).expect("an answer"));
    assert_eq!(released, count);
    (gathered, millis(begun))
}

/// Clients that wait, and how to hear of them.
struct Crowd<C> {
    clients: Vec<C>,
    epoll: Epoll,
}

fn gather<C: AsFd>(count: usize, mut come: impl FnMut() -> C) -> Crowd<C> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).expect("epoll");
    let mut clients = Vec::with_capacity(count);
    for index in 0..count {
        let client = come();
        epoll.add(&client, EpollEvent::new(EpollFlags::EPOLLIN, index as u64)).expect("epoll");
        clients.push(client);
    }
    Crowd { clients, epoll }
}

/// Hears every client once. Returns how many were heard; nobody may be heard twice.
fn release<C: AsFd>(crowd: &mut Crowd<C>, mut hear: impl FnMut(&mut C)) -> usize {
    let mut heard = vec![false; crowd.clients.len()];
    let mut count = 0;
    let mut ready = [EpollEvent::empty(); 256];
    while count < heard.len() {
        let found = crowd.epoll.wait(&mut ready, EpollTimeout::from(10_000u16)).expect("epoll");
        assert!(found > 0, "{} of {} were lost", heard.len() - count, heard.len());
        for event in &ready[..found] {
            let index = usize::try_from(event.data()).expect("an index");
            hear(&mut crowd.clients[index]);
            assert!(!std::mem::replace(&mut heard[index], true), "client {index} was told twice");
            count += 1;
        }
    }
    count
}

fn millis(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1000.0
}

/// Raises the limit of open files if need be. Returns what it is then.
fn files(wanted: usize) -> usize {
    let wanted = wanted as u64;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    // Root may raise the hard one, too.
    for (soft, hard) in [(soft.max(wanted), hard.max(wanted)), (wanted.min(hard), hard)] {
        if setrlimit(Resource::RLIMIT_NOFILE, soft, hard).is_ok() {
            return usize::try_from(soft).unwrap_or(usize::MAX);
        }
    }
    usize::try_from(soft).unwrap_or(usize::MAX)
}
