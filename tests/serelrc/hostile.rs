//! What a machine does to who boots it: killall5, ignored signals, no descriptors left, links that move.

use super::{needer, ran, shell, tree};
use crate::support::machine::machine;
use crate::support::program::{LIMIT, finish};
use crate::support::script::Script;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

fn stops(name: &str) -> Script {
    Script::new(name).says("Default-Start", "").says("Default-Stop", "6")
}

/// Nothing that we read may hold us, whatever has its name: a pipe without a writer does, when it is opened.
#[test]
fn a_pipe_or_a_directory_in_the_place_of_a_file_holds_nobody() {
    let places = [
        "proc/cmdline",
        "etc/default/serel",
        "etc/sysconfig/serel",
        "etc/serel",
        "etc/serel/history.db",
        "etc/serel/history.db-journal",
        "etc/serel/rdf.d/a.rdf",
        "etc/serel/overrides/log",
        "etc/insserv.conf",
        "etc/insserv.conf.d/a",
        "etc/rc2.d",
        "etc/rc2.d/S01log",
        "etc/init.d/log",
        "etc/init.d/rc",
        "etc/init.d/.depend.start",
        "etc/inittab",
        "bin/sh",
        "usr/sbin/startpar",
        "run/serel",
    ];
    for (place, pipe) in places.iter().flat_map(|place| [(place, true), (place, false)]) {
        let tree = machine();
        tree.write("run/there", "", 0o600);
        fs::create_dir(tree.at("bin")).ok();
        symlink(env!("CARGO_BIN_EXE_serelrc"), tree.at("bin/startpar")).unwrap();
        let path = tree.at(place);
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if pipe {
            mkfifo(&path, Mode::S_IRWXU).unwrap();
        } else {
            fs::create_dir(&path).unwrap();
        }
        for words in [&["verify", "--system"][..], &["start", "2", "--resume"], &["rc", "2"]] {
            let run = tree.serelrc(words);
            assert!(run.code < 7 && !run.stderr.contains("panicked"), "{place}\n{run}");
        }
        let mut startpar = Command::new(tree.at("bin/startpar"));
        startpar.arg("-e").arg(tree.at("etc")).args(["-M", "start", "-P", "N", "-R", "2"]);
        let run = finish(startpar.env("PATH", tree.at("bin")), LIMIT);
        assert!(run.code < 2 && run.stdout.starts_with("failed_service="), "{place}\n{run}");
    }
}

#[test]
fn killall5_of_a_script_that_halts_the_machine_spares_us() {
    let sandbox = tree(&[
        stops("sendsigs").says("X-Stop-After", "umountfs").then("killall5 -15; sleep 0.1"),
        stops("umountfs"),
    ]);
    let who = if nix::unistd::geteuid().is_root() { "" } else { "--map-root-user" };
    let text = format!(
        "exec unshare {who} --pid --fork --mount-proc -- setsid --wait '{}' --root '{}' stop 6",
        env!("CARGO_BIN_EXE_serelrc"),
        sandbox.path().display()
    );
    let run = finish(Command::new("/bin/sh").args(["-c", &text]), LIMIT).expect_code(0);
    assert_eq!(sandbox.journal(), ["umountfs stop", "sendsigs stop"], "{run}");
}

#[test]
fn a_caller_that_ignores_the_ends_of_children_does_not_keep_them_from_us() {
    let sandbox = tree(&[Script::new("a"), needer("b", "a")]);
    shell(&sandbox, "exec env --ignore-signal=CHLD \"$SERELRC\" --root . start 2").expect_code(0);
    assert_eq!(ran(&sandbox), ["a", "b"]);
}

#[test]
fn more_scripts_than_descriptors_are_started_as_others_end() {
    let scripts: Vec<Script> = (0..60).map(|n| Script::new(&format!("s{n}")).then("sleep 0.05")).collect();
    let sandbox = tree(&scripts);
    let run = shell(&sandbox, "ulimit -n 40; rc start 2 --jobs unlimited").expect_code(0);
    assert_eq!(ran(&sandbox).len(), 60, "{run}");
}

#[test]
fn a_link_in_the_middle_of_the_way_is_part_of_what_is_compared() {
    let sandbox = tree(&[]);
    let version = |name: &str| {
        Script::new("x").text(&sandbox.at("journal")).replace("echo 'x'", &format!("echo '{name}'"))
    };
    sandbox.write("opt/one", &version("one"), 0o755);
    sandbox.write("opt/two", &version("two"), 0o755);
    let link = "mkdir -p etc/alternatives; ln -sfn /opt/$V etc/alternatives/x; ln -sfn /etc/alternatives/x etc/init.d/x";
    for version in ["one", "two"] {
        shell(&sandbox, &format!("V={version}; {link}; rc start 2; rc start 2 | grep 'plan: cached'"))
            .expect_code(0);
    }
    assert_eq!(ran(&sandbox), ["one", "one", "two", "two"]);
}

#[test]
fn what_was_missing_and_appears_is_seen() {
    let sandbox = tree(&[Script::new("b")]);
    shell(
        &sandbox,
        "ln -s /opt/late etc/init.d/late; ln -s none etc/insserv.conf; rc start 2; rc start 2 | grep cached",
    )
    .expect_code(0);
    sandbox.write("opt/late", &Script::new("late").text(&sandbox.at("journal")), 0o755);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert!(ran(&sandbox).contains(&"late".to_owned()), "{run}");
}

#[test]
fn one_script_by_two_names_is_read_for_each() {
    let sandbox = tree(&[]);
    sandbox.write("opt/x", "#!/bin/sh\n", 0o755);
    shell(&sandbox, "echo --pairs a /opt/x > a; echo --pairs b /opt/x > b; rc plan --pairs a").expect_code(0);
    let graph = shell(&sandbox, "rc --json graph --pairs b").expect_code(0).json();
    assert_eq!(graph["services"][0]["provides"], serde_json::json!(["b"]));
}

#[test]
fn a_console_that_nobody_reads_holds_no_boot() {
    let flood = "i=0; while [ $i -lt 3000 ]; do echo 'line after line after line'; i=$((i+1)); done";
    let scripts: Vec<Script> = (0..4).map(|n| Script::new(&format!("s{n}")).then(flood)).collect();
    let sandbox = tree(&scripts);
    // The pipe is open at both ends, and never read.
    let run = shell(&sandbox, "mkfifo console; exec 3<> console; rc start 2 > console").expect_code(0);
    assert_eq!(ran(&sandbox).len(), 4, "{run}");
}

#[test]
fn a_second_link_to_a_script_is_said() {
    let sandbox = tree(&[Script::new("m")]);
    shell(&sandbox, "mkdir etc/rc2.d; ln -s ../init.d/m etc/rc2.d/S01m; ln -s ../init.d/m etc/rc2.d/S02n")
        .expect_code(0);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert!(
        run.stderr.contains("rc2.d/S02n: this is a second link to /etc/init.d/m, which is run once"),
        "{run}"
    );
}

#[test]
fn of_a_flood_the_lines_that_are_left_out_are_counted() {
    let sandbox = tree(&[Script::new("a").then("seq 1 200000")]);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    let mut lines = run.stdout.lines().skip_while(|line| !line.contains("earlier lines left out"));
    let words = lines.next().unwrap();
    let left_out: u32 = words.split_once('(').unwrap().1.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(lines.next().unwrap(), format!("  a: {}", left_out + 1), "{words}");
}

#[test]
fn a_name_in_a_runlevel_that_is_no_link_of_it_is_said() {
    let sandbox = tree(&[Script::new("m")]);
    shell(&sandbox, "mkdir etc/rc2.d; ln -s ../init.d/m etc/rc2.d/S9x").expect_code(0);
    let run = sandbox.serelrc(&["start", "2"]).expect_code(0);
    assert!(run.stderr.contains("rc2.d/S9x: this name is not `S` or `K`, two digits and a name"), "{run}");
}
