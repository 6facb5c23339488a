//! Definitions that do not fit together: said aloud, and run in the given order, one by one.

use super::{needer, ran, tree};
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;

fn linked(scripts: &[Script], links: &[&str]) -> Sandbox {
    let sandbox = tree(scripts);
    for link in links {
        sandbox.link("2", link);
    }
    sandbox
}

#[test]
fn a_need_that_nobody_meets() {
    let scripts = [needer("c", "nobody"), Script::new("b"), needer("a", "c")];
    let sandbox = linked(&scripts, &["S01b", "S02c", "S03a"]);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(ran(&sandbox), ["b", "c", "a"]);
    for words in ["nobody", "etc/init.d/c:4:", "falling back to the given order, one by one"] {
        assert!(run.stderr.contains(words), "no {words:?}: {run}");
    }
    let verify = sandbox.serelrc(&["verify", "2"]).expect_code(6);
    assert!(verify.stdout.is_empty() && verify.stderr.contains("nobody"), "{verify}");
    // From the history, too.
    let again = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert!(again.stdout.contains("plan: cached") && again.stderr.contains("falling back"), "{again}");
}

#[test]
fn a_circle() {
    let scripts = [needer("a", "c"), needer("b", "a"), needer("c", "b"), Script::new("d")];
    let sandbox = linked(&scripts, &["S01d", "S02c", "S03b", "S04a"]);
    let run = sandbox.serelrc(&["start", "2", "--jobs", "unlimited"]).expect_code(0);
    assert_eq!(ran(&sandbox), ["d", "c", "b", "a"]);
    for name in ["a", "b", "c"] {
        assert!(run.stderr.contains(&format!("etc/init.d/{name}:4")), "{run}");
    }
    assert!(run.stderr.contains("falling back"), "{run}");
}

#[test]
fn one_that_fails_does_not_hold_the_others_in_the_given_order() {
    let scripts = [needer("a", "b").then("exit 1"), needer("b", "a")];
    let sandbox = linked(&scripts, &["S01a", "S02b"]);
    sandbox.serelrc(&["start", "2"]).expect_code(1);
    assert_eq!(ran(&sandbox), ["a", "b"]);
}

#[test]
fn a_circle_without_links_keeps_the_other_relations() {
    let sandbox = tree(&[needer("a", "z"), needer("x", "y"), needer("y", "x"), Script::new("z")]);
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    let mut had = ran(&sandbox);
    assert!(super::before(&sandbox, "z", "a"));
    had.sort();
    assert_eq!(had, ["a", "x", "y", "z"]);
}

#[test]
fn a_circle_of_wishes_is_opened_and_said() {
    let wishes = |name: &str, other: &str| Script::new(name).says("Should-Start", other);
    let sandbox = tree(&[wishes("a", "b"), wishes("b", "a")]);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(ran(&sandbox).len(), 2);
    assert!(!run.stderr.is_empty() && !run.stderr.contains("falling back"), "{run}");
}
