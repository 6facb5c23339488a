//! Who runs when: slots, order, priority, words of the environment.

use super::{before, job, needer, ran, shell, tree};
use crate::support::script::Script;

/// Marks in the file `marks` of the tree around some commands.
fn marked(name: &str, commands: &str) -> Script {
    let body = format!("cd \"${{0%/etc/init.d/*}}\"; echo + >> marks; {commands}; echo - >> marks");
    Script::new(name).then(&body)
}

/// Most scripts that were between their marks at one time.
fn most_at_once(marks: &str) -> i32 {
    let steps = marks.lines().map(|mark| if mark == "+" { 1 } else { -1 });
    let counts = steps.scan(0, |now, step| {
        *now += step;
        Some(*now)
    });
    counts.max().unwrap_or(0)
}

#[test]
fn no_more_scripts_at_once_than_slots() {
    // Each pair can end only when both run.
    let pair = |one: &str, other: &str, fifo: &str| {
        [marked(one, &format!("read x < {fifo}")), marked(other, &format!("echo > {fifo}"))]
    };
    let mut scripts = Vec::new();
    for n in 0..5 {
        scripts.extend(pair(&format!("a{n}-reads"), &format!("a{n}-writes"), &format!("fifo{n}")));
    }
    let sandbox = tree(&scripts);
    let text = "for n in 0 1 2 3 4; do mkfifo fifo$n; done; rc --json start 2 --jobs 2";
    let run = shell(&sandbox, text).expect_code(0);
    assert_eq!(most_at_once(&sandbox.read("marks")), 2);
    assert_eq!(run.json()["widest"], 2);
    assert_eq!(ran(&sandbox).len(), 10);
}

#[test]
fn all_at_once_when_unlimited() {
    // The last one lets all others go when it has heard of each.
    let last = "exec 3< up; for n in 1 2 3 4 5 6 7 8 9; do read x <&3; done; for n in 1 2 3 4 5 6 7 8 9; do echo > gate; done";
    let mut scripts: Vec<Script> =
        (1..=9).map(|n| marked(&format!("s{n}"), "echo > up; read x < gate")).collect();
    scripts.push(marked("z", last));
    let sandbox = tree(&scripts);
    let run = shell(&sandbox, "mkfifo gate up; exec 9<>gate 8<>up; rc --json start 2 --jobs unlimited")
        .expect_code(0);
    assert_eq!(most_at_once(&sandbox.read("marks")), 10, "{run}");
    assert_eq!(run.json()["widest"], 10);
}

#[test]
fn serial_is_one_by_one_in_the_given_order() {
    let sandbox = tree(&[marked("c", ":"), marked("b", ":"), marked("a", ":"), needer("needs-c", "c")]);
    for link in ["S01c", "S02b", "S03a", "S04needs-c"] {
        sandbox.link("2", link);
    }
    sandbox.serelrc(&["start", "2", "--serial"]).expect_code(0);
    assert_eq!(ran(&sandbox), ["c", "b", "a", "needs-c"]);
    assert_eq!(most_at_once(&sandbox.read("marks")), 1);
}

#[test]
fn serial_keeps_relations_over_the_given_order() {
    let sandbox = tree(&[needer("first", "last"), Script::new("last")]);
    sandbox.link("2", "S01first");
    sandbox.link("2", "S02last");
    sandbox.serelrc(&["start", "2", "--serial"]).expect_code(0);
    assert_eq!(ran(&sandbox), ["last", "first"]);
}

#[test]
fn bad_numbers_are_usage_errors_and_nothing_runs() {
    let sandbox = tree(&[Script::new("a")]);
    for words in [
        &["start", "2", "--jobs", "0"][..],
        &["start", "2", "--jobs", "-1"],
        &["start", "2", "--jobs", ""],
        &["start", "2", "--jobs", "many"],
        &["start", "2", "--jobs", "1.5"],
        &["start", "2", "--jobs", "99999999999999999999999"],
        &["start", "2", "--timeout", "-3"],
        &["start", "2", "--timeout", "soon"],
        &["start", "22"],
        &["start", "-1"],
        &["start", "a"],
        &["start", ""],
        &["start"],
        &["change", "2", "--previous", "x"],
        &["start", "2", "--required-start", "maybe"],
        &["start", "2", "3"],
        &["begin", "2"],
        &[],
    ] {
        let run = sandbox.serelrc(words).expect_code(2);
        assert!(run.stdout.is_empty() && !run.stderr.is_empty(), "{run}");
    }
    assert!(ran(&sandbox).is_empty());
    let run = sandbox.serelrc(&["start", "2", "--jobs", "0"]);
    assert!(run.stderr.contains("give a number from 1, auto, or unlimited"), "{run}");
    for good in ["1", "auto", "unlimited", "18446744073709551615"] {
        sandbox.serelrc(&["start", "2", "--jobs", good]).expect_code(0);
    }
}

#[test]
fn the_longest_path_by_recorded_times_goes_first_when_slots_are_few() {
    let sandbox = tree(&[
        Script::new("a"),
        Script::new("b"),
        Script::new("c"),
        needer("slow-end", "y"),
        Script::new("y"),
        Script::new("z").then("sleep 0.4"),
    ]);
    // The work of one, not a way to wait for another.
    sandbox.write(
        "etc/init.d/slow-end",
        &needer("slow-end", "y").then("sleep 0.8").text(&sandbox.at("journal")),
        0o755,
    );
    sandbox.serelrc(&["start", "2", "--jobs", "1"]).expect_code(0);
    let first = ran(&sandbox);
    assert_eq!(first[0], "y", "without times the deepest first: {first:?}");
    sandbox.forget_journal();
    let run = sandbox.serelrc(&["start", "2", "--jobs", "1"]).expect_code(0);
    assert_eq!(ran(&sandbox)[..3], ["y", "slow-end", "z"], "{run}");
}

#[test]
fn scripts_are_told_the_levels_and_a_path() {
    let show = "echo \"$RUNLEVEL $PREVLEVEL $runlevel $previous ${PATH:-none} $#\" > \"${0%/etc/*}/seen\"";
    let sandbox = tree(&[Script::new("a").then(show)]);
    shell(&sandbox, "unset PATH; rc start 2").expect_code(0);
    assert_eq!(sandbox.read("seen"), "2 N 2 N /sbin:/usr/sbin:/bin:/usr/bin 1\n");
    shell(&sandbox, "PATH=/usr/bin:/bin RUNLEVEL=9 rc change 2 --previous 3").expect_code(0);
    assert_eq!(sandbox.read("seen"), "2 3 2 3 /usr/bin:/bin 1\n");
}

#[test]
fn unknown_scripts_come_last_one_by_one_in_their_order() {
    let sandbox = tree(&[needer("known-b", "known-a"), Script::new("known-a")]);
    let bare = |name: &str| format!("#!/bin/sh\necho {name} $1 >> '{}'\n", sandbox.at("journal").display());
    for (link, name) in [("S01zz", "zz"), ("S02mm", "mm"), ("S03aa", "aa")] {
        sandbox.write(&format!("etc/init.d/{name}"), &bare(name), 0o755);
        sandbox.link("2", link);
    }
    sandbox.link("2", "S98known-a");
    sandbox.link("2", "S99known-b");
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert_eq!(ran(&sandbox), ["known-a", "known-b", "zz", "mm", "aa"], "{run}");
}

#[test]
fn an_unknown_script_that_fails_does_not_hold_the_next_one() {
    let sandbox = tree(&[]);
    let bare =
        |name: &str| format!("#!/bin/sh\necho {name} $1 >> '{}'\nexit 1", sandbox.at("journal").display());
    for (link, name) in [("S01zz", "zz"), ("S02mm", "mm")] {
        sandbox.write(&format!("etc/init.d/{name}"), &bare(name), 0o755);
        sandbox.link("2", link);
    }
    sandbox.serelrc(&["start", "2"]).expect_code(1);
    assert_eq!(ran(&sandbox), ["zz", "mm"]);
}

#[test]
fn a_dry_run_runs_nothing_and_keeps_nothing() {
    let sandbox = tree(&[Script::new("a"), needer("b", "a")]);
    let run = sandbox.serelrc(&["start", "2", "--dry-run"]).expect_code(0);
    assert!(run.stdout.contains("2 jobs") && run.stdout.contains("nothing was run"), "{run}");
    assert!(ran(&sandbox).is_empty());
    assert!(!sandbox.at("etc/serel").exists());
}

#[test]
fn stop_goes_backwards() {
    let stops =
        |name: &str, needs: &str| needer(name, needs).says("Default-Stop", "6").says("Required-Stop", needs);
    let sandbox = tree(&[stops("net", ""), stops("web", "net"), stops("shop", "web")]);
    sandbox.serelrc(&["stop", "6"]).expect_code(0);
    assert_eq!(sandbox.journal(), ["shop stop", "web stop", "net stop"]);
}

#[test]
fn diamond_holds() {
    let sandbox = tree(&[needer("d", "b c"), needer("b", "a"), needer("c", "a"), Script::new("a")]);
    let run = sandbox.serelrc(&["--json", "start", "2"]).expect_code(0);
    for (first, second) in [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")] {
        assert!(before(&sandbox, first, second));
    }
    let document = run.json();
    for name in ["a", "b", "c", "d"] {
        assert_eq!(job(&document, name)["outcome"], "done");
    }
}

#[test]
fn two_hundred_scripts_all_run_once() {
    let scripts: Vec<Script> = (0..200)
        .map(|n| {
            if n >= 10 {
                needer(&format!("s{n}"), &format!("s{}", n - 10))
            } else {
                Script::new(&format!("s{n}"))
            }
        })
        .collect();
    let sandbox = tree(&scripts);
    sandbox.serelrc(&["start", "2"]).expect_code(0);
    let mut names = ran(&sandbox);
    assert_eq!(names.len(), 200);
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 200);
    for n in 10..200 {
        assert!(before(&sandbox, &format!("s{}", n - 10), &format!("s{n}")));
    }
}
