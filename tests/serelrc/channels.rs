//! Channels that are closed, full, or without a reader: the boot goes on.

use super::{needer, ran, shell, tree};
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;

/// A unit that has something to say on both channels: an error in a definition, output, a failure.
fn talkative() -> Sandbox {
    tree(&[
        Script::new("a").then("yes words | head -n 50000; exit 1"),
        Script::new("lost").says("Required-Start", "nobody"),
        Script::new("b"),
    ])
}

#[test]
fn closed_full_and_broken_channels_end_nothing() {
    for channels in [
        ">&-",
        "2>&-",
        "<&-",
        "<&- >&- 2>&-",
        "> /dev/full",
        "2> /dev/full",
        "> /dev/full 2>&1",
        "2>&1 | true",
        "2>&1 | head -c 1 > /dev/null",
    ] {
        let sandbox = talkative();
        // With a pipe the code is that of its reader; the one of serelrc is in a file.
        let run = shell(&sandbox, &format!("{{ rc start 2; echo $? > code; }} {channels}"));
        assert_eq!(sandbox.read("code"), "1\n", "{channels}: {run}");
        let mut had = ran(&sandbox);
        had.sort();
        assert_eq!(had, ["a", "b", "lost"], "{channels}: {run}");
    }
}

#[test]
fn a_logger_that_cannot_write_ends_nothing() {
    let sandbox = talkative();
    shell(&sandbox, "SEREL_DEBUG=on rc start 2 2> /dev/full").expect_code(1);
    shell(&sandbox, "rc -l /dev/full -d 4 start 2").expect_code(1);
    assert_eq!(ran(&sandbox).len(), 6);
    let run = shell(&sandbox, "rc -l no/such/directory/log start 2").expect_code(2);
    assert!(run.stderr.contains("no/such/directory/log"), "{run}");
}

#[test]
fn printing_verbs_say_so_when_the_disk_is_full() {
    let sandbox = tree(&[Script::new("a")]);
    for verb in [
        "plan 2",
        "graph 2",
        "graph",
        "verify 2",
        "explain 2",
        "--json plan 2",
        "--json graph 2",
        "--json verify",
        "start 2 --dry-run",
    ] {
        let run = shell(&sandbox, &format!("rc {verb} > /dev/full")).expect_code(1);
        assert!(run.stderr.contains("cannot write to standard output"), "{verb}: {run}");
        shell(&sandbox, &format!("rc {verb} | true")).expect_code(0);
        shell(&sandbox, &format!("rc {verb} >&-")).expect_code(0);
    }
}

#[test]
fn an_interactive_script_off_a_terminal_has_our_channels() {
    let asks = Script::new("asks")
        .says("X-Interactive", "true")
        .then("read answer; echo \"got $answer\"; echo err >&2");
    let sandbox = tree(&[asks, needer("next", "asks")]);
    let run = shell(&sandbox, "echo typed | rc start 2").expect_code(0);
    assert!(run.stdout.contains("got typed\n") && run.stderr.contains("err\n"), "{run}");
    assert_eq!(ran(&sandbox), ["asks", "next"]);
    shell(&sandbox, "rc start 2 < /dev/null").expect_code(0);
}
