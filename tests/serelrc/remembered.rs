//! The history under a run: what is said of the plan, and a history that is of no use.

use super::{needer, ran, shell, tree};
use crate::support::program::Finished;
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use nix::unistd::geteuid;
use rusqlite::Connection;

/// A tree whose level 2 has been run once.
fn known() -> Sandbox {
    let sandbox = tree(&[Script::new("a"), needer("b", "a")]);
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    sandbox.forget_journal();
    sandbox
}

#[track_caller]
fn explains(sandbox: &Sandbox, words: &str) {
    let run = sandbox.serelrc(&["explain", "2"]).expect_code(0);
    assert_eq!(run.stdout, format!("start 2: {words}\n"), "{run}");
}

#[test]
fn the_plan_is_explained() {
    let sandbox = tree(&[Script::new("a"), needer("b", "a")]);
    explains(&sandbox, "rebuilt: there is no history yet");
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    explains(&sandbox, "cached");
    shell(&sandbox, "touch -d '2001-01-01' etc/init.d/*").expect_code(0);
    explains(&sandbox, "cached");
    sandbox.add(&needer("b", ""));
    explains(&sandbox, "rebuilt: /etc/init.d/b changed");
    sandbox.serelrc(&["plan", "2"]).expect_code(0);
    explains(&sandbox, "cached");
    sandbox.add(&Script::new("c"));
    explains(&sandbox, "rebuilt: /etc/init.d/c appeared");
    sandbox.serelrc(&["plan", "2"]).expect_code(0);
    shell(&sandbox, "rm etc/init.d/a").expect_code(0);
    explains(&sandbox, "rebuilt: /etc/init.d/a vanished");
}

#[test]
fn other_settings_are_another_unit() {
    let sandbox = known();
    let run = sandbox.serelrc(&["explain", "2", "--required-start", "order"]).expect_code(0);
    assert_eq!(run.stdout, "start 2: rebuilt: this unit is new, or its settings are\n");
}

/// Runs level 2, which must go well whatever the history is like.
#[track_caller]
fn runs(sandbox: &Sandbox, options: &str) -> Finished {
    let run = shell(sandbox, &format!("rc start 2 {options}")).expect_code(0);
    assert_eq!(ran(sandbox), ["a", "b"], "{run}");
    sandbox.forget_journal();
    run
}

#[test]
fn a_history_of_no_use_is_said_once_and_the_boot_goes_on() {
    for (spoil, words) in [
        ("echo garbage, more than enough of it > $DB", "damaged"),
        ("head -c 5000 $DB > x; cat x > $DB", "damaged"),
        ("rm $DB; mkdir $DB", "not a regular file"),
        ("rm $DB; mkfifo $DB", "not a regular file"),
        ("chmod 666 $DB", "lets others write it"),
        ("cp $DB real.db; rm $DB; ln -s ../../real.db $DB", "not a regular file"),
    ] {
        let sandbox = known();
        shell(&sandbox, &format!("DB=etc/serel/history.db; {spoil}")).expect_code(0);
        let run = runs(&sandbox, "");
        assert!(run.stderr.contains(words), "{spoil}: no {words:?}: {run}");
        assert!(run.stdout.contains("rebuilt: the history cannot be used"), "{spoil}: {run}");
    }
}

#[test]
fn a_history_of_a_later_version_is_left_alone_for_this_boot() {
    let sandbox = known();
    let later = Connection::open(sandbox.at("etc/serel/history.db")).unwrap();
    later.execute_batch("PRAGMA user_version = 9999").unwrap();
    drop(later);
    let run = runs(&sandbox, "");
    assert!(run.stderr.contains("schema 9999"), "{run}");
    assert!(run.stdout.contains("rebuilt: the history cannot be used"), "{run}");
}

#[test]
fn a_damaged_history_is_set_aside_and_begun_anew() {
    let sandbox = known();
    sandbox.write("etc/serel/history.db", "garbage", 0o644);
    runs(&sandbox, "");
    assert_eq!(sandbox.read("etc/serel/history.db.bad"), "garbage");
    let run = runs(&sandbox, "");
    assert!(run.stdout.contains("plan: cached") && run.stderr.is_empty(), "{run}");
}

#[test]
fn an_empty_history_or_one_that_vanishes_during_the_run() {
    let sandbox = known();
    shell(&sandbox, ": > etc/serel/history.db").expect_code(0);
    runs(&sandbox, "");
    sandbox.add(&Script::new("a").then("rm -rf \"${0%/init.d/*}/serel\""));
    let run = runs(&sandbox, "");
    assert!(run.stderr.is_empty(), "{run}");
    assert!(sandbox.at("etc/serel/history.db").exists());
}

#[test]
fn a_history_that_another_process_has_locked() {
    let sandbox = known();
    let other = Connection::open(sandbox.at("etc/serel/history.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(ran(&sandbox), ["a", "b"]);
    assert!(run.stderr.contains("locked by another process"), "{run}");
}

#[test]
fn a_relative_path_and_one_that_cannot_be_made() {
    let sandbox = tree(&[Script::new("a"), needer("b", "a")]);
    runs(&sandbox, "--db mine.db");
    assert!(runs(&sandbox, "--db ./mine.db").stdout.contains("plan: cached"));
    assert!(!sandbox.at("etc/serel").exists());
    let run = runs(&sandbox, "--db no/such/dir/mine.db");
    assert!(run.stderr.contains("no/such/dir/mine.db"), "{run}");
    runs(&sandbox, "--db /dev/full");
    runs(&sandbox, "--db /proc/none/x.db");
    runs(&sandbox, "--db etc/init.d/a/x.db");
    assert!(runs(&sandbox, "--db 'file:odd?mode=memory.db'").stderr.is_empty());
    assert!(runs(&sandbox, "--db 'file:odd?mode=memory.db'").stdout.contains("cached"));
}

#[test]
fn two_at_once_both_run_and_both_are_kept() {
    let sandbox = tree(&[Script::new("a"), Script::new("three").says("Default-Start", "3")]);
    shell(&sandbox, "rc start 2 & rc start 3 & wait %1 && wait %2").expect_code(0);
    assert_eq!(ran(&sandbox).len(), 2);
    for level in ["2", "3"] {
        let run = sandbox.serelrc(&["explain", level]).expect_code(0);
        assert!(run.stdout.ends_with(": cached\n"), "{run}");
    }
}

#[test]
fn an_ordinary_user_runs_what_root_laid_and_keeps_nothing() {
    if !geteuid().is_root() {
        // The tests are that user then, and all others of them show this.
        return;
    }
    let sandbox = known();
    shell(&sandbox, "chmod 755 .; : > journal").expect_code(0);
    let text = "cp \"$SERELRC\" rc; dir=$(mktemp -d); cp -r . \"$dir\"; cd \"$dir\"; sed -i \"s|$TREE|$PWD|\" etc/init.d/*; chmod 777 .; chown 65534 journal
setpriv --reuid 65534 --regid 65534 --clear-groups ./rc --root . start 2; code=$?; cat journal; rm -rf \"$dir\"; exit $code";
    let run = shell(&sandbox, text).expect_code(0);
    assert!(run.stdout.ends_with("a start\nb start\n"), "{run}");
    assert!(run.stderr.is_empty(), "what every early boot meets is worth no word: {run}");
}
