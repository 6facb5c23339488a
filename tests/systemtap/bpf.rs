//! The second back end: BPF programs, whose runner is kept as a daemon.

use super::tree;
use crate::support::tap::{cache, eventually, lives};

#[test]
fn a_bpf_script_lives_and_ends_like_any_other() {
    let tap = tree(&[("one", ""), ("two", "one")]);
    tap.parameters("one_RUNTIME=bpf\none_OPT='-v -s 4'");
    tap.run(&["start"]).expect_code(0);
    assert!(tap.at(&cache()).join("one.bo").exists());
    let calls = tap.calls();
    assert!(
        calls.iter().any(|call| call.contains(" -m one ") && call.contains(" --runtime=bpf ")),
        "{calls:?}"
    );
    let run = calls.iter().find(|call| call.starts_with("stapbpf")).unwrap();
    assert_eq!(*run, format!("stapbpf {}", tap.at(&cache()).join("one.bo").display()));
    let pid = tap.pid("one");
    assert!(lives(pid));
    let done = tap.run(&["status"]).expect_code(0);
    assert_eq!(done.stdout, format!("one({pid}) is running...\ntwo is running...\n  requires: one\n"));
    assert!(tap.sandbox.read("log/bpf/one.log").contains("begin one"));
    tap.run(&["stop"]).expect_code(0);
    assert!(!lives(pid) && tap.running().is_empty());
    assert!(tap.sandbox.read("log/bpf/one.log").contains("end one"));
    assert_eq!(tap.run(&["status", "one"]).expect_code(3).stdout, "one is stopped\n");
}

#[test]
fn all_scripts_may_be_bpf_and_stap_may_say_so() {
    let tap = tree(&[("one", ""), ("two", "")]);
    tap.config("RUNTIME=bpf\n");
    tap.parameters("two_OPT=--runtime=kernel");
    tap.run(&["start"]).expect_code(0);
    assert_eq!(tap.loaded(), ["two"]);
    assert!(tap.pid("one") > 0);
    // A runner that was killed leaves a status file, and nothing else.
    kill(tap.pid("one"));
    assert_eq!(tap.run(&["status", "one"]).expect_code(1).stdout, "one is stopped\n");
    // The files that it left are no hindrance to the next one, and do not look like its beginning.
    tap.run(&["start", "one"]).expect_code(0);
    kill(tap.pid("one"));
    tap.fail("start-one", "ERROR: bpf map creation failed");
    let done = tap.run(&["start", "one"]).expect_code(1);
    assert!(done.stdout.contains(" Starting one ... error: bpf map creation failed"), "{done}");
}

fn kill(pid: i32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).unwrap();
    eventually("it is dead", || !lives(pid));
}

/// `/var/tmp` is everybody's: what lies there need not be ours, and cannot be cleared away then.
#[test]
fn what_others_have_left_is_no_sign_of_life() {
    use std::os::unix::fs::PermissionsExt as _;
    let tap = tree(&[("one", "")]);
    tap.parameters("one_RUNTIME=bpf");
    tap.sandbox.write("bpf/one/srvstat", "", 0o644);
    std::fs::set_permissions(tap.at("bpf"), std::fs::Permissions::from_mode(0o777)).unwrap();
    let done = tap.run(&["start"]).expect_code(1);
    assert!(done.stdout.contains(" Starting one ... error: "), "{done}");
    assert_eq!(tap.running(), [""; 0]);
}
