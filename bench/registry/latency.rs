//! One question, one answer: sereld against a server that answers as many bytes unread.
//!
//! All on one processor: whether the kernel puts a server on the client's or on another makes more difference than the
//! servers.

use super::server::{Server, ask, bytes_of, bytes_of_answer};
use super::{provide, question};
use crate::support::{Effort, Times};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use serel::registry::{Reply, ServiceRow};
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Instant;

pub(super) fn bench(effort: Effort) {
    // It has a thread of its own, which is bound, and with it the servers that it starts.
    thread::spawn(move || bound(effort)).join().expect("the bench ends");
}

fn bound(effort: Effort) {
    let own = Pid::from_raw(0);
    let allowed = sched_getaffinity(own).expect("processors");
    let first = (0..CpuSet::count()).find(|number| allowed.is_set(*number).unwrap_or(false));
    let mut one = CpuSet::new();
    one.set(first.expect("a processor")).expect("its number");
    sched_setaffinity(own, &one).expect("fewer processors");
    let server = Server::sereld();
    let mut client = server.client();
    assert_eq!(client.call(&provide(), None).expect("the daemon answers"), Reply::done());
    let question = question();
    let rows: Vec<ServiceRow> = ask(&mut client, &question);
    assert_eq!(rows.len(), 1);
    let request = vec![1; bytes_of(&question)];
    let mut answer = vec![0; bytes_of_answer(rows)];
    println!("A question of {} bytes, an answer of {}, all on one processor:\n", request.len(), answer.len());
    // The bare server has one client at a time.
    let [bare, other] = [(); 2].map(|()| Server::bare(request.len(), answer.len(), 0));
    let mut stream = bare.stream();
    let mut echo = |stream: &mut UnixStream| {
        stream.write_all(&request).expect("the server listens");
        stream.read_exact(&mut answer).expect("the server answers");
    };
    let [mut bare_kept, mut kept, mut bare_new, mut new] = <[Times; 4]>::default();
    let rounds = effort.rounds(20_000);
    for round in 0..rounds + rounds / 20 {
        let mut times = [0.0; 4];
        for (kind, time) in times.iter_mut().enumerate() {
            *time = micros(|| match kind {
                0 => echo(&mut stream),
                1 => drop(ask(&mut client, &question)),
                2 => echo(&mut other.stream()),
                _ => drop(ask(&mut server.client(), &question)),
            });
            // Whoever has still to see that a client is gone does so now, at nobody's expense.
            drop(ask(&mut client, &question));
            echo(&mut stream);
        }
        if round < rounds / 20 {
            continue;
        }
        for (all, time) in [&mut bare_kept, &mut kept, &mut bare_new, &mut new].into_iter().zip(times) {
            all.add(time);
        }
    }
    println!("| | median | middle half | 99 of 100 | ratio |\n|---|---:|---:|---:|---:|");
    for (name, times, floor) in [
        ("bare server, connection kept", &bare_kept, &bare_kept),
        ("sereld, connection kept", &kept, &bare_kept),
        ("bare server, connect and close", &bare_new, &bare_new),
        ("sereld, connect and close", &new, &bare_new),
    ] {
        println!(
            "| {name} | {:.1} us | {:.1} to {:.1} | {:.1} | {:.2} |",
            times.median(),
            times.at(25),
            times.at(75),
            times.at(99),
            times.median() / floor.median()
        );
    }
    println!();
}

fn micros(act: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    act();
    begun.elapsed().as_secs_f64() * 1e6
}
