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
    let run = sandbox.serelrc(&["start", "6"]).expect_code(0);
    assert!(run.stdout.contains("1 ok"), "{run}");
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
