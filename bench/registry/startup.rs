//! serelc from start to end, which boot scripts call many times, against `/bin/true`.

use super::provide;
use super::server::Server;
use crate::support::{Effort, Times, quiet, table, time_to};
use std::process::Command;

/// What serelc says when there is no daemon.
const NO_DAEMON: i32 = 4;

pub(super) fn bench(effort: Effort) {
    let server = Server::sereld();
    server.client().call(&provide(), None).expect("the daemon answers");
    let nobody = server.socket.with_extension("nobody");
    let serelc = |socket, words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_serelc"));
        command.env("SEREL_SOCKET", socket).args(words);
        quiet(&mut command);
        command
    };
    let mut bare = Command::new("/bin/true");
    quiet(&mut bare);
    let mut calls = [
        ("`/bin/true`", bare, 0),
        ("`serelc --version`", serelc(&nobody, &["--version"]), 0),
        ("`serelc --need`, no daemon", serelc(&nobody, &["--need", super::GATE]), NO_DAEMON),
        ("`serelc --need`, satisfied", serelc(&server.socket, &["--need", super::GATE]), 0),
        ("`serelc --query service`", serelc(&server.socket, &["--query", "service", super::GATE]), 0),
    ];
    let mut times = calls.each_ref().map(|_| Times::default());
    for _ in 0..effort.rounds(1000) {
        for ((_, command, code), times) in calls.iter_mut().zip(&mut times) {
            times.add(time_to(command, *code));
        }
    }
    let rows: Vec<_> = calls.iter().zip(&times).map(|((name, ..), times)| (*name, times)).collect();
    println!("A process from start to end:\n");
    table(&rows);
}
