//! Wall time of a whole run against the bare floor on the same tree, on a terminal and off.

use crate::support::{Effort, Times, Tree, compiled, quiet, table, time};
use nix::pty::{Winsize, openpty};
use std::fs::File;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::thread;

pub(crate) fn bench(effort: Effort) {
    let floor = compiled("floor");
    for (sleep, rounds) in [("0.02", 40), ("0.2", 10)] {
        let tree = Tree::new(200, 10, 3, &format!("exec sleep {sleep}"));
        let plan = tree.floor_plan();
        let run = || tree.serelrc(&["start", "2", "--jobs", "unlimited"]);
        for _ in 0..2 {
            time(&mut run());
        }
        let [mut bare, mut off, mut on] = <[Times; 3]>::default();
        for _ in 0..effort.rounds(rounds) {
            bare.add(time(quiet(Command::new(&floor.1).arg(&plan))));
            off.add(time(&mut run()));
            on.add(on_terminal(&mut run()));
        }
        println!("200 scripts in 10 layers, 3 needs each, `exec sleep {sleep}`:\n");
        table(&[("posix_spawn and wait", &bare), ("off a terminal", &off), ("on a terminal", &on)]);
        println!();
    }
}

/// The same with a terminal for its output, which somebody reads.
fn on_terminal(command: &mut Command) -> f64 {
    let size = Winsize { ws_row: 40, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(Some(&size), None).expect("a pseudo terminal");
    let mut master = File::from(pty.master);
    let reader = thread::spawn(move || {
        let mut buffer = [0; 4096];
        // Ends with EIO when the last writer has closed its end.
        while master.read(&mut buffer).is_ok_and(|count| count > 0) {}
    });
    let took = time(command.stdout(Stdio::from(pty.slave)));
    command.stdout(Stdio::null());
    reader.join().expect("the reader ends");
    took
}
