//! `--resume`: a run that was interrupted goes on, and nothing that succeeded is started twice.

use super::{needer, ran, tree};
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

/// `a`, then `b` with this body, then `c`, in a tree that has a `/run`.
fn chain(body: &str) -> Sandbox {
    let sandbox = tree(&[Script::new("a"), needer("b", "a").then(body), needer("c", "b")]);
    sandbox.write("run/there", "", 0o600);
    sandbox
}

#[test]
fn after_a_crash_what_was_started_is_not_started_again() {
    let sandbox = chain("kill -KILL $PPID");
    sandbox.serelrc(&["start", "2"]).expect_code(137);
    assert_eq!(ran(&sandbox), ["a", "b"]);
    let run = sandbox.serelrc(&["start", "2", "--resume"]).expect_code(0);
    assert_eq!(ran(&sandbox), ["a", "b", "c"]);
    assert!(run.stderr.contains("2 of 3 services were started before"), "{run}");
    assert!(run.stderr.contains("b was begun before and nobody saw its end"), "{run}");
    assert!(run.stdout.contains("3 ok"), "{run}");
    let run = sandbox.serelrc(&["start", "2", "--resume"]).expect_code(137);
    assert!(run.stderr.contains("the last run came to its end"), "{run}");
    assert_eq!(ran(&sandbox).len(), 5, "and so it begins anew");
    sandbox.serelrc(&["stop", "2"]).expect_code(0);
    let run = sandbox.serelrc(&["start", "2", "--resume"]).expect_code(137);
    assert!(run.stderr.contains("nothing to resume"), "what was stopped in between is started: {run}");
}

#[test]
fn what_failed_is_tried_again() {
    let sandbox = chain(
        "[ -e \"${0%/*}/again\" ] || { : > \"${0%/*}/again\"; kill -TERM $PPID; while :; do :; done; }",
    );
    let run = sandbox.serelrc(&["start", "2"]).expect_code(143);
    assert!(run.stdout.contains("type the same once more with --resume"), "{run}");
    sandbox.serelrc(&["start", "2", "--resume"]).expect_code(0);
    assert_eq!(ran(&sandbox), ["a", "b", "b", "c"]);
}

#[test]
fn what_else_is_in_the_directory_keeps_no_run_from_being_written_down() {
    let sandbox = chain("kill -KILL $PPID");
    fs::create_dir_all(sandbox.at("run/serel/odd/er")).unwrap();
    fs::set_permissions(sandbox.at("run/serel"), Permissions::from_mode(0o700)).unwrap();
    for name in ["pipe", "pending.1", "start-2"] {
        mkfifo(&sandbox.at(&format!("run/serel/{name}")), Mode::S_IRWXU).unwrap();
    }
    let run = sandbox.serelrc(&["start", "2", "--resume"]).expect_code(137);
    assert!(run.stderr.contains("start-2: it is not a regular file"), "{run}");
    assert!(run.stderr.contains("run/serel/odd is a directory, and none of ours"), "{run}");
    let run = sandbox.serelrc(&["start", "2", "--resume"]).expect_code(0);
    assert!(run.stderr.contains("2 of 3 services were started before"), "{run}");
    assert!(run.stderr.contains("pending.1 is not as it was written"), "{run}");
    assert_eq!(
        (ran(&sandbox), sandbox.names("run/serel")),
        (["a", "b", "c"].map(str::to_owned).to_vec(), ["odd", "start-2"].map(str::to_owned).to_vec(),)
    );
}

#[test]
fn where_there_is_nothing_to_resume_that_is_said_and_all_is_started() {
    let sandbox = tree(&[Script::new("a")]);
    for why in ["there is no ", "No such file or directory"] {
        let run = sandbox.serelrc(&["start", "2", "--resume"]).expect_code(0);
        assert!(run.stderr.contains("nothing to resume") && run.stderr.contains(why), "{run}");
        sandbox.write("run/there", "", 0o600);
    }
    let journal = sandbox.read("run/serel/start-2");
    let other = journal.replacen(|c: char| c.is_ascii_hexdigit() && c != 'e' && c != 'b', "0", 60);
    sandbox.write("run/serel/start-2", &other, 0o600);
    let run = sandbox.serelrc(&["start", "2", "--resume"]).expect_code(0);
    assert!(run.stderr.contains("about another boot"), "{run}");
    assert_eq!(ran(&sandbox), ["a", "a", "a"]);
}
