//! From one runlevel to another, and the levels that end it all.

use super::{ran, tree};
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;

fn two_levels() -> Sandbox {
    let in_levels = |name: &str, start: &str, stop: &str| {
        Script::new(name).says("Default-Start", start).says("Default-Stop", stop)
    };
    tree(&[
        in_levels("both", "2 3", "0 6"),
        in_levels("only-2", "2", "0 3 6"),
        in_levels("only-3", "3", "0 2 6"),
    ])
}

#[test]
fn only_the_difference_is_stopped_and_started() {
    let sandbox = two_levels();
    sandbox.serelrc(&["change", "3", "--previous", "2"]).expect_code(0);
    assert_eq!(sandbox.journal(), ["only-2 stop", "only-3 start"]);
    sandbox.forget_journal();
    sandbox.serelrc(&["change", "3", "--previous", "3"]).expect_code(0);
    assert!(ran(&sandbox).is_empty(), "{:?}", ran(&sandbox));
}

#[test]
fn without_a_previous_level_all_is_stopped_and_started() {
    let sandbox = two_levels();
    sandbox.serelrc(&["change", "2"]).expect_code(0);
    let mut had = sandbox.journal();
    assert_eq!(had.remove(0), "only-3 stop");
    had.sort();
    assert_eq!(had, ["both start", "only-2 start"]);
}

#[test]
fn links_of_a_shutdown_are_all_called_to_stop() {
    let sandbox = tree(&["a", "b", "halt"].map(Script::new));
    for link in ["K01a", "K02b", "S90halt"] {
        sandbox.link("0", link);
    }
    sandbox.link("2", "S01a");
    sandbox.link("2", "S02b");
    sandbox.serelrc(&["change", "0", "--previous", "2"]).expect_code(0);
    let journal = sandbox.journal();
    assert_eq!(journal[2], "halt stop", "{journal:?}");
    assert_eq!(journal.len(), 3);
    sandbox.forget_journal();
    sandbox.serelrc(&["start", "0"]).expect_code(0);
    assert_eq!(sandbox.journal(), ["halt stop"]);
}

#[test]
fn not_running_is_well_for_the_last_scripts_of_a_shutdown() {
    let sandbox = tree(&[Script::new("halt").then("exit 7")]);
    sandbox.link("6", "S90halt");
    sandbox.serelrc(&["start", "6"]).expect_code(0);
    assert_eq!(sandbox.journal(), ["halt stop"]);
}

#[test]
fn a_failure_on_either_side_is_the_exit_code() {
    let fails = |name: &str, start: &str, stop: &str, word: &str| {
        Script::new(name)
            .says("Default-Start", start)
            .says("Default-Stop", stop)
            .then(&format!("[ $1 != {word} ] || exit 1"))
    };
    for word in ["stop", "start"] {
        let sandbox = tree(&[fails("old", "2", "3", word), fails("new", "3", "2", word)]);
        sandbox.serelrc(&["change", "3", "--previous", "2"]).expect_code(1);
        assert_eq!(sandbox.journal(), ["old stop", "new start"]);
    }
}

#[test]
fn a_change_as_json_is_one_document_for_each_unit() {
    let sandbox = two_levels();
    let run = sandbox.serelrc(&["--json", "change", "3", "--previous", "2"]).expect_code(0);
    let documents: Vec<serde_json::Value> =
        serde_json::Deserializer::from_str(&run.stdout).into_iter().map(Result::unwrap).collect();
    let units: Vec<&str> = documents.iter().map(|document| document["unit"].as_str().unwrap()).collect();
    assert_eq!(units, ["stop 3 from 2", "start 3 from 2"]);
}

/// The machine may be gone with them: all that belongs to the end of a run is done before.
#[test]
fn what_closes_a_level_is_called_after_the_summary_on_the_console_itself() {
    let sandbox = tree(&[
        Script::new("daemon"),
        Script::new("umountroot").says("Should-Stop", "halt"),
        Script::new("waiter").says("X-Stop-After", "umountroot"),
        Script::new("halt").then("echo 'Will now halt.'; [ -s \"${0%/*}/../serel/history.db\" ]"),
    ]);
    for name in ["daemon", "umountroot", "waiter", "halt"] {
        sandbox.link("0", &format!("K01{name}"));
    }
    let run = sandbox.serelrc(&["change", "0", "--previous", "2"]).expect_code(0);
    assert_eq!(sandbox.journal(), ["daemon stop", "umountroot stop", "waiter stop", "halt stop"]);
    let place = |word: &str| run.stdout.find(word).unwrap_or_else(|| panic!("no {word}\n{run}"));
    assert!(place("1 job, 1 ok") < place("Will now halt."), "{run}");
    assert!(run.stdout.ends_with("Will now halt.\n"), "{run}");
    // What they take is not known, and what they are is: the plan is the same next time.
    let second = sandbox.serelrc(&["stop", "0", "--previous", "2"]).expect_code(0);
    assert!(second.stdout.contains("plan: cached"), "{second}");
    let shown = sandbox.serelrc(&["stop", "0", "--previous", "2", "--dry-run"]).expect_code(0);
    assert!(shown.stdout.contains("/etc/init.d/halt"), "{shown}");
}

#[test]
fn a_step_that_fails_is_an_exit_code_too() {
    let sandbox = tree(&[Script::new("halt").then("exit 1")]);
    sandbox.link("0", "K01halt");
    let run = sandbox.serelrc(&["stop", "0"]).expect_code(1);
    assert!(run.stderr.contains("serelrc: halt: exit status: 1"), "{run}");
}
