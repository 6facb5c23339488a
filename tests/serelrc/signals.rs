//! Signals for serelrc itself, sent by its own scripts, so that they come at a known moment.

use super::{job, needer, ran, shell, tree};
use crate::support::script::Script;

/// Sends a signal to serelrc and ends when it is passed on. It has no child that could be started too late to get it.
fn sends(name: &str, signal: &str) -> Script {
    Script::new(name).then(&format!("kill -{signal} $PPID; while :; do :; done"))
}

#[test]
fn a_signal_ends_the_run_with_a_summary_and_its_own_code() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let sandbox = tree(&[sends("first", signal), needer("second", "first"), needer("third", "second")]);
        let run = sandbox.serelrc(&["start", "2"]).expect_code(code);
        assert_eq!(ran(&sandbox), ["first"]);
        for words in [
            format!("SIG{signal}: starting nothing more, waiting for 1 running jobs"),
            format!("killed by SIG{signal}"),
            format!("serelrc: interrupted by SIG{signal}"),
            "2 cancelled".to_owned(),
        ] {
            assert!(run.stdout.contains(&words), "no {words:?}\n{run}");
        }
    }
}

#[test]
fn what_waits_for_a_slot_is_not_started_after_a_signal() {
    let mut scripts = vec![sends("a", "TERM").says("X-Start-Before", "b c")];
    scripts.extend(["b", "c"].map(Script::new));
    let sandbox = tree(&scripts);
    let run = sandbox.serelrc(&["--json", "start", "2", "--jobs", "1"]).expect_code(143);
    assert_eq!(ran(&sandbox), ["a"]);
    let document = run.json();
    assert_eq!(document["interrupted"], 15);
    assert_eq!(job(&document, "b")["outcome"], "cancelled");
}

#[test]
fn a_script_that_ends_well_after_the_signal_is_well() {
    let body = "trap 'kill -KILL $!; exit 0' TERM; sleep 1000 & kill -TERM $PPID; while :; do wait; done";
    let sandbox = tree(&[Script::new("cares").then(body)]);
    let run = sandbox.serelrc(&["--json", "start", "2"]).expect_code(143);
    assert_eq!(job(&run.json(), "cares")["outcome"], "done");
}

#[test]
fn the_second_signal_kills() {
    let body = "trap 'kill -INT $PPID' TERM; (trap '' TERM INT; exec sleep 1000) & kill -TERM $PPID; while :; do wait; done";
    let sandbox = tree(&[Script::new("deaf").then(body)]);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(143);
    assert!(run.stdout.contains("second signal: killing 1 jobs"), "{run}");
    assert!(run.stdout.contains("killed by SIGKILL"), "{run}");
}

#[test]
fn one_signal_and_the_deaf_are_killed_after_a_while() {
    let body = "trap '' TERM INT; kill -TERM $PPID; while :; do sleep 1000; done";
    let sandbox = tree(&[Script::new("deaf").then(body)]);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(143);
    assert!(run.stdout.contains("killed by SIGKILL"), "{run}");
}

#[test]
fn a_hangup_and_a_broken_pipe_end_nothing() {
    let sandbox = tree(&[
        Script::new("a").then("kill -HUP $PPID; kill -PIPE $PPID; kill -CHLD $PPID"),
        needer("b", "a"),
    ]);
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(ran(&sandbox), ["a", "b"]);
}

#[test]
fn signals_that_the_caller_ignores_or_blocks_do_not_reach_the_scripts_as_such() {
    let show = "grep -E '^Sig(Blk|Ign)' /proc/self/status > \"${0%/etc/*}/signals\"";
    let sandbox = tree(&[Script::new("a").then(show)]);
    shell(&sandbox, "trap '' HUP INT QUIT TERM PIPE USR1 TSTP; rc start 2").expect_code(0);
    for line in sandbox.read("signals").lines() {
        let mask = u64::from_str_radix(line.split_whitespace().nth(1).unwrap(), 16).unwrap();
        assert_eq!(mask & 0x7fff_ffff, 0, "{line}");
    }
}

#[test]
fn a_change_that_is_interrupted_while_stopping_starts_nothing() {
    let sandbox = tree(&[
        sends("old", "INT").says("Default-Start", "2").says("Default-Stop", "3"),
        Script::new("new").says("Default-Start", "3"),
    ]);
    sandbox.serelrc(&["change", "3", "--previous", "2"]).expect_code(130);
    assert_eq!(sandbox.journal(), ["old stop"]);
}

#[test]
fn times_of_an_interrupted_run_are_not_taken_for_its_costs() {
    let sandbox = tree(&[sends("a", "TERM")]);
    sandbox.serelrc(&["start", "2"]).expect_code(143);
    let plan = sandbox.serelrc(&["--json", "plan", "2"]).expect_code(0).json();
    assert_eq!(plan["cached"], true, "{plan:#}");
    assert!(job(&plan, "a")["cost_ms"].is_null(), "{plan:#}");
}
