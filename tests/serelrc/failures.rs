//! Scripts that fail, hang, or are told to go on: what becomes of those that need them.

use super::{job, needer, ran, tree};
use crate::support::script::Script;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use std::os::fd::AsFd as _;

#[test]
fn who_needs_a_failed_one_is_skipped_with_the_chain_and_the_rest_goes_on() {
    let sandbox = tree(&[
        Script::new("db").then("echo no disk >&2; exit 3"),
        needer("app", "db"),
        needer("shop", "app"),
        Script::new("other"),
        Script::new("wisher").says("Should-Start", "db"),
    ]);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(1);
    let mut had = ran(&sandbox);
    had.sort();
    assert_eq!(had, ["db", "other", "wisher"]);
    for words in [
        "exit status 3",
        "  db: no disk\n",
        "skipped: needs db, which failed",
        "(db -> app -> this)",
        "5 jobs, 2 ok, 1 failed, 2 skipped",
    ] {
        assert!(run.stdout.contains(words), "no {words:?}\n{run}");
    }
    let document = sandbox.serelrc(&["--json", "start", "2"]).expect_code(1).json();
    assert_eq!(job(&document, "db")["outcome"], "failed");
    assert_eq!(job(&document, "db")["status"], 3);
    assert_eq!(job(&document, "app")["outcome"], "dependency-failed");
    assert_eq!(job(&document, "shop")["cause"], "app");
}

#[test]
fn the_command_to_type_next_is_one_that_runs() {
    let sandbox = tree(&[Script::new("db").then("exit 3")]);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(1);
    let line = run.stdout.lines().find_map(|line| line.split_once("type: ")).unwrap().1;
    assert_eq!(line, format!("{} start", sandbox.at("etc/init.d/db").display()), "{run}");
}

#[test]
fn not_installed_and_not_configured_skip_needers_and_fail_nothing() {
    let sandbox = tree(&[
        Script::new("five").then("exit 5"),
        Script::new("six").then("exit 6"),
        needer("wants-five", "five"),
        needer("wants-six", "six"),
        needer("deeper", "wants-six"),
    ]);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    let mut had = ran(&sandbox);
    had.sort();
    assert_eq!(had, ["five", "six"]);
    assert!(
        run.stdout.contains("which is not installed") && run.stdout.contains("which is not configured"),
        "{run}"
    );
}

#[test]
fn with_order_they_are_started_all_the_same() {
    let sandbox = tree(&[
        Script::new("bad").then("exit 1"),
        Script::new("five").then("exit 5"),
        needer("after-bad", "bad"),
        needer("after-five", "five"),
    ]);
    sandbox.serelrc(&["start", "2", "--required-start", "order"]).expect_code(1);
    assert_eq!(ran(&sandbox).len(), 4);
    assert!(super::before(&sandbox, "bad", "after-bad") && super::before(&sandbox, "five", "after-five"));
}

#[test]
fn not_running_is_well_when_stopping_and_a_failure_when_starting() {
    let sandbox = tree(&[Script::new("gone").says("Default-Stop", "6").then("exit 7")]);
    let run = sandbox.serelrc(&["stop", "6"]).expect_code(0);
    assert!(run.stdout.contains("1 job, 1 ok"), "{run}");
    sandbox.serelrc(&["start", "2"]).expect_code(1);
}

#[test]
fn a_script_that_kills_itself_is_named_with_the_signal() {
    let sandbox = tree(&[Script::new("crash").then("kill -SEGV $$"), Script::new("other")]);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(1);
    assert!(run.stdout.contains("killed by SIGSEGV"), "{run}");
}

#[test]
fn a_timeout_ends_the_whole_group_and_kills_the_deaf() {
    let sandbox = tree(&[
        Script::new("hangs").then("sleep 1000 & echo $! > \"${0%/etc/*}/child\"; wait"),
        Script::new("deaf").then("trap '' TERM; while :; do sleep 1000; done"),
        needer("waits", "hangs"),
        Script::new("quick"),
    ]);
    let run = sandbox.serelrc(&["start", "2", "--timeout", "1"]).expect_code(124);
    assert!(run.stdout.contains("timed out after 1.0s"), "{run}");
    assert!(run.stdout.contains("skipped: needs hangs, which timed out"), "{run}");
    assert!(ran(&sandbox).contains(&"quick".to_owned()) && !ran(&sandbox).contains(&"waits".to_owned()));
    let child: i32 = sandbox.read("child").trim().parse().unwrap();
    ends(child);
}

#[test]
fn a_deaf_child_of_a_script_that_timed_out_is_killed() {
    let sandbox = tree(&[Script::new("hangs").then(
        "( trap '' TERM; echo up > \"${0%/etc/*}/up\"; while :; do sleep 1000; done ) &\n\
         echo $! > \"${0%/etc/*}/child\"; wait",
    )]);
    sandbox.serelrc(&["start", "2", "--timeout", "1"]).expect_code(124);
    assert_eq!(sandbox.read("up"), "up\n");
    let child: i32 = sandbox.read("child").trim().parse().unwrap();
    ends(child);
}

/// Waits for the end of a process that has been killed: it is not gone when the signal has been sent.
#[track_caller]
fn ends(pid: i32) {
    let Ok(process) = pidfd_open(Pid::from_raw(pid).expect("no child is 0"), PidfdFlags::empty()) else {
        return;
    };
    let mut ended = [PollFd::new(process.as_fd(), PollFlags::POLLIN)];
    assert_eq!(poll(&mut ended, PollTimeout::from(60_000_u16)), Ok(1), "process {pid} still runs");
}

#[test]
fn one_other_failure_and_the_exit_code_is_1() {
    let sandbox = tree(&[Script::new("hangs").then("sleep 1000"), Script::new("fails").then("exit 9")]);
    sandbox.serelrc(&["start", "2", "--timeout", "1"]).expect_code(1);
}

#[test]
fn no_timeout_for_interactive_ones_and_none_at_all_with_0() {
    // What takes longer than the timeout is the work itself; nobody waits for it.
    let slow = |name: &str| Script::new(name).then("sleep 1.5");
    let sandbox = tree(&[slow("asks").says("X-Interactive", "true")]);
    sandbox.serelrc(&["start", "2", "--timeout", "1"]).expect_code(0);
    let sandbox = tree(&[slow("slow")]);
    sandbox.serelrc(&["start", "2", "--timeout", "0"]).expect_code(0);
    sandbox.serelrc(&["start", "2", "--timeout", "18446744073709551615"]).expect_code(0);
}

#[test]
fn a_failed_one_of_two_that_provide_the_same_does_not_hide_the_other() {
    let sandbox = tree(&[
        Script::new("mta-a").says("Provides", "mta-a mail-transport").then("exit 1"),
        Script::new("plain"),
        needer("list", "mta-a"),
    ]);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(1);
    assert!(!ran(&sandbox).contains(&"list".to_owned()), "{run}");
}
