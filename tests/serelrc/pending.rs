//! What is learnt while the history cannot be written waits in `/run/serel`, and is saved by the next run that can.
//!
//! The read-only file systems are real ones, mounted where nobody else sees them.

use super::{needer, tree};
use crate::support::program::{Finished, LIMIT, finish};
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use serel::history::History;
use std::fs;
use std::process::Command;

/// One script in S, two in 2, a `/run`, and a place for the history.
fn machine() -> Sandbox {
    let sandbox =
        tree(&[Script::new("mountall").says("Default-Start", "S"), Script::new("a"), needer("b", "a")]);
    sandbox.write("run/there", "", 0o600);
    fs::create_dir_all(sandbox.at("etc/serel")).unwrap();
    sandbox
}

/// Calls serelrc while the history's directory cannot be written.
fn read_only(sandbox: &Sandbox, words: &[&str]) -> Finished {
    on_read_only(sandbox, env!("CARGO_BIN_EXE_serelrc"), words, "")
}

/// Calls a program so, with this on its standard input.
fn on_read_only(sandbox: &Sandbox, program: &str, words: &[&str], input: &str) -> Finished {
    sandbox.write("input", input, 0o600);
    let mut command = Command::new("unshare");
    if !nix::unistd::geteuid().is_root() {
        command.arg("-r");
    }
    let script = r#"mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@" < "$INPUT""#;
    command.args(["-m", "sh", "-c", script]).arg(sandbox.at("etc/serel")).env("INPUT", sandbox.at("input"));
    command.arg(program).arg("--root").arg(sandbox.path()).args(words);
    finish(&mut command, LIMIT)
}

/// Labels of the runs in the history, the first one first, and whether their plans came from it.
fn recorded(sandbox: &Sandbox) -> Vec<String> {
    let history = History::open(&sandbox.at("etc/serel/history.db")).unwrap().expect("a history");
    let runs = history.runs(100).unwrap().into_iter().rev();
    runs.map(|run| format!("{}{}", run.row.label, if run.row.cached { ", cached" } else { "" })).collect()
}

fn waiting(sandbox: &Sandbox) -> Vec<String> {
    sandbox.names("run/serel").into_iter().filter(|name| name.starts_with("pending.")).collect()
}

#[test]
fn both_units_of_a_boot_are_recorded_once_the_root_can_be_written() {
    let sandbox = machine();
    for (level, count) in [("S", 1), ("2", 2)] {
        let run = read_only(&sandbox, &["start", level]).expect_code(0);
        // Every early boot meets that; a root that stays so is something else.
        let said = run.stderr.contains("cannot be written") && run.stderr.contains("/run/serel/pending.2");
        assert!(if level == "S" { run.stderr.is_empty() } else { said }, "{run}");
        assert_eq!(waiting(&sandbox).len(), count);
    }
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(recorded(&sandbox), ["start S", "start 2", "start 2"]);
    assert!(waiting(&sandbox).is_empty());
    for level in ["S", "2"] {
        let run = read_only(&sandbox, &["start", level]).expect_code(0);
        assert!(run.stdout.contains("plan: cached"), "{run}");
    }
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(recorded(&sandbox)[3..], ["start S, cached", "start 2, cached", "start 2, cached"]);
}

#[test]
fn what_is_populated_on_a_read_only_root_is_known_at_once() {
    let sandbox = tree(&[Script::new("mountall"), needer("a", "mountall")]);
    sandbox.write("run/there", "", 0o600);
    fs::create_dir_all(sandbox.at("etc/serel")).unwrap();
    let history = |words: &[&str], input: &str| {
        on_read_only(&sandbox, env!("CARGO_BIN_EXE_serelhistory"), words, input)
    };
    for name in ["mountall", "a"] {
        let pairs = format!("--pairs {name} /etc/init.d/{name}");
        assert_eq!(history(&["--populate"], &pairs).expect_code(0).stderr, "");
        // The second needs what the first unit has: that, too, is known only from what waits.
        assert_eq!(history(&["--query", "verify"], "").expect_code(0).stdout, "success\n");
        let prior = history(&["--query", "prior-history"], "").expect_code(1);
        assert_eq!(prior.stdout, "history was not used: there is no history yet\n");
    }
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert!(waiting(&sandbox).is_empty());
    let populated = History::open(&sandbox.at("etc/serel/history.db")).unwrap().unwrap().populated().unwrap();
    assert_eq!(populated.unwrap().pairs, [("a".to_owned(), "/etc/init.d/a".to_owned())]);
    assert_eq!(history(&["--query", "verify"], "").expect_code(0).stdout, "success\n");
}

/// As when the one who saves is killed before it has removed what it saved.
#[test]
fn what_was_saved_and_still_waits_is_recorded_once() {
    let sandbox = machine();
    read_only(&sandbox, &["start", "S"]).expect_code(0);
    let waits = sandbox.at("run/serel/pending.1");
    let kept = sandbox.at("kept");
    fs::copy(&waits, &kept).unwrap();
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    fs::copy(&kept, &waits).unwrap();
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(recorded(&sandbox), ["start S", "start 2", "start 2, cached"]);
    assert!(waiting(&sandbox).is_empty());
}

#[test]
fn a_damaged_history_is_set_aside_once_and_loses_no_run() {
    let sandbox = machine();
    sandbox.write("etc/serel/history.db", &"nonsense".repeat(2000), 0o644);
    for level in ["S", "2"] {
        let run = read_only(&sandbox, &["start", level]).expect_code(0);
        assert!(run.stderr.contains("the history is damaged"), "{run}");
    }
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(run.stderr.matches("was set aside").count(), 1, "{run}");
    assert_eq!(recorded(&sandbox), ["start S", "start 2", "start 2"]);
}

#[test]
fn what_is_not_as_it_was_written_is_left_out() {
    let sandbox = machine();
    for level in ["S", "2"] {
        read_only(&sandbox, &["start", level]).expect_code(0);
    }
    let path = sandbox.at("run/serel/pending.1");
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 100;
    bytes.truncate(last);
    fs::write(&path, bytes).unwrap();
    let run = sandbox.serelrc(&["start", "S"]).expect_code(0);
    assert!(run.stderr.contains("pending.1 is not as it was written"), "{run}");
    assert_eq!(recorded(&sandbox), ["start 2", "start S"]);
    assert!(waiting(&sandbox).is_empty());
}

#[test]
fn a_history_that_is_never_written_fills_no_memory() {
    let sandbox = machine();
    for _ in 0..18 {
        read_only(&sandbox, &["start", "S"]).expect_code(0);
    }
    let mut waiting = waiting(&sandbox);
    waiting.sort();
    assert_eq!(waiting.len(), 16);
    assert!(!waiting.contains(&"pending.2".to_owned()) && waiting.contains(&"pending.18".to_owned()));
}

#[test]
fn another_history_waits_for_itself() {
    let sandbox = machine();
    read_only(&sandbox, &["start", "S"]).expect_code(0);
    let other = sandbox.at("other.db");
    sandbox.serelrc(&["start", "2", "--db", other.to_str().unwrap()]).expect_code(0);
    assert_eq!(waiting(&sandbox), ["pending.1"]);
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(recorded(&sandbox), ["start S", "start 2"]);
}

#[test]
fn what_a_locked_history_cannot_take_waits_too() {
    let sandbox = machine();
    sandbox.serelrc(&["start", "S"]).expect_code(0);
    let writer = rusqlite::Connection::open(sandbox.at("etc/serel/history.db")).unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert!(
        run.stderr.contains("is locked by another process") && run.stderr.contains("it waits in"),
        "{run}"
    );
    writer.execute_batch("ROLLBACK").unwrap();
    assert_eq!(waiting(&sandbox).len(), 1);
    // By a relative path it is the same history.
    sandbox.serelrc(&["start", "S", "--db", "etc/serel/history.db"]).expect_code(0);
    assert_eq!(recorded(&sandbox), ["start S", "start 2", "start S, cached"]);
}

#[test]
fn without_a_run_nothing_waits_and_the_boot_goes_on() {
    let sandbox = machine();
    fs::remove_dir_all(sandbox.at("run")).unwrap();
    let run = read_only(&sandbox, &["start", "2"]).expect_code(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn a_directory_in_the_place_of_the_history_is_said_once() {
    let sandbox = machine();
    fs::create_dir_all(sandbox.at("etc/serel/history.db")).unwrap();
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(run.stderr.matches("it is not a regular file").count(), 1, "{run}");
}

#[test]
fn an_empty_history_is_none_yet() {
    let sandbox = machine();
    sandbox.write("etc/serel/history.db", "", 0o644);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert!(run.stdout.contains("plan: rebuilt: there is no history yet"), "{run}");
    assert_eq!(recorded(&sandbox), ["start 2"]);
}
