//! `serelrc verify --system`: what a made machine would do at its next boot, and what it is said to lack.

use crate::support::machine::{RC, machine};
use crate::support::program::Finished;
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use serde_json::Value;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

/// The same with the link that makes rc call serel.
fn enabled() -> Sandbox {
    let tree = machine();
    symlink("serelrc", tree.at("usr/sbin/startpar")).unwrap();
    tree
}

fn verify(tree: &Sandbox) -> Finished {
    tree.serelrc(&["verify", "--system"])
}

/// The findings of a kind, and whether they are errors.
fn findings(tree: &Sandbox, code: i32, kind: &str) -> Vec<(bool, String)> {
    let document = tree.serelrc(&["verify", "--system", "--json"]).expect_code(code).json();
    assert_eq!(document["fit"], code == 0, "{document:#}");
    let text =
        |finding: &Value| (finding["severity"] == "error", finding["text"].as_str().unwrap().to_owned());
    let all = document["findings"].as_array().unwrap();
    all.iter().filter(|finding| finding["kind"] == kind).map(text).collect()
}

#[track_caller]
fn finds(tree: &Sandbox, code: i32, kind: &str, error: bool, words: &str) {
    let found = findings(tree, code, kind);
    assert!(
        found.iter().any(|(severe, text)| *severe == error && text.contains(words)),
        "{found:#?}\n{}",
        verify(tree)
    );
    let shown = verify(tree).expect_code(code);
    assert!(shown.stdout.contains(words) && shown.stderr.is_empty(), "{shown}");
}

#[test]
fn a_machine_without_serel_boots_as_it_does() {
    let shown = verify(&machine()).expect_code(0);
    let tree = shown.stdout.lines().collect::<Vec<_>>();
    assert_eq!(tree[0], "rc: /etc/init.d/rc calls /usr/bin/startpar; serel is not enabled");
    assert_eq!(tree[1], "levels: none: SEREL_RUNLEVELS is not set");
    assert!(tree[2].ends_with("/etc/serel/history.db is not there yet"), "{shown}");
    assert_eq!(tree[3], "start S: as without serel; 1 script; plan: to be made, there is no history yet");
    assert_eq!(tree.last(), Some(&"fit to boot"));
}

#[test]
fn the_plan_is_the_one_that_the_boot_will_take() {
    let tree = enabled();
    fs::remove_file(tree.at("usr/sbin/startpar")).unwrap();
    symlink(env!("CARGO_BIN_EXE_serelrc"), tree.at("usr/sbin/startpar")).unwrap();
    for unit in [
        &["-M", "boot", "-P", "N", "-R", "S"],
        &["-M", "start", "-P", "N", "-R", "2"],
        &["-M", "stop", "-P", "2", "-R", "6"],
    ] {
        let mut rc = std::process::Command::new(tree.at("usr/sbin/startpar"));
        rc.args(unit).arg("-e").arg(tree.at("etc")).env("PATH", "/usr/bin:/bin");
        crate::support::program::finish(&mut rc, crate::support::program::LIMIT).expect_code(0);
    }
    fs::remove_file(tree.at("usr/sbin/startpar")).unwrap();
    symlink("serelrc", tree.at("usr/sbin/startpar")).unwrap();
    let document = tree.serelrc(&["verify", "--system", "--json"]).expect_code(0).json();
    let unit = |label: &str| {
        document["units"].as_array().unwrap().iter().find(|unit| unit["label"] == label).cloned().unwrap()
    };
    for label in ["start S", "start 2", "stop 6 from 2"] {
        let unit = unit(label);
        assert!(unit["cached"] == true && unit["serel"] == true && unit["valid"] == true, "{unit:#}");
        assert!(unit["predicted_ms"].as_f64().unwrap() > 0.0, "{unit:#}");
    }
    assert_eq!(unit("start 2")["critical_path"], serde_json::json!(["log", "web"]));
    assert_eq!(unit("stop 0 from 2")["cached"], false);
    let shown = verify(&tree).expect_code(0);
    assert!(shown.stdout.contains("start 2: serel; 2 scripts; plan: cached; predicted "), "{shown}");
    assert!(shown.stdout.contains("levels: all: SEREL_RUNLEVELS is not set"), "{shown}");
    assert!(tree.at("etc/serel/history.db").is_file() && shown.stdout.contains("mode 0644"), "{shown}");
}

#[test]
fn it_writes_nothing() {
    let tree = enabled();
    verify(&tree).expect_code(0);
    assert!(!tree.at("etc/serel").exists());
}

#[test]
fn which_levels_serel_runs_and_who_said_so() {
    let tree = enabled();
    tree.write("etc/default/serel", "SEREL_RUNLEVELS=\"2 3 S\"\n", 0o644);
    let shown = verify(&tree).expect_code(0);
    assert!(shown.stdout.contains("levels: S 2 3: SEREL_RUNLEVELS in /etc/default/serel\n"), "{shown}");
    assert!(shown.stdout.contains("stop 6 from 2: as without serel;"), "{shown}");
    assert!(shown.stdout.contains("start 2: serel;"), "{shown}");
    tree.write("proc/cmdline", "quiet SEREL_RUNLEVELS=S\n", 0o644);
    let shown = verify(&tree).expect_code(0);
    assert!(shown.stdout.contains("levels: S: SEREL_RUNLEVELS on the kernel command line\n"), "{shown}");
    tree.write("proc/cmdline", "serel=off\n", 0o644);
    finds(&tree, 0, "settings", false, "runs no level of a boot");
}

#[test]
fn settings_that_cannot_be_read_as_they_are_meant() {
    let tree = enabled();
    tree.write("etc/default/serel", "SEREL_RUNLEVELS=\"2 x\"\n", 0o644);
    finds(&tree, 0, "syntax", false, "`x` is no runlevel");
    tree.write("etc/default/serel", "A=1\nSEREL_RUNLEVELS=$LEVELS\n", 0o644);
    finds(&tree, 0, "syntax", false, "etc/default/serel:2:1: SEREL_RUNLEVELS is read as it stands");
    tree.write("etc/default/serel", "SEREL_OPTIONS=--nonsense\n", 0o644);
    finds(
        &tree,
        1,
        "settings",
        true,
        "SEREL_OPTIONS is left out: error: unexpected argument '--nonsense' found",
    );
    tree.write("etc/default/serel", "SEREL_OPTIONS=\"--log LOG_NONE\"\n", 0o644);
    finds(
        &tree,
        1,
        "settings",
        true,
        "of SEREL_OPTIONS the log is left out: unknown syslog facility LOG_NONE",
    );
    for option in ["--dry-run", "--root=/elsewhere"] {
        tree.write("etc/default/serel", &format!("SEREL_OPTIONS={option}\n"), 0o644);
        finds(&tree, 1, "settings", true, "SEREL_OPTIONS is left out: --");
    }
    tree.write("etc/default/serel", "SEREL_RUNLEVELS=2\n", 0o666);
    fs::set_permissions(tree.at("etc/default/serel"), Permissions::from_mode(0o666)).unwrap();
    finds(&tree, 1, "file", true, "can be written by others");
}

#[test]
fn definitions_that_do_not_fit_together() {
    let tree = enabled();
    tree.add(&Script::new("log").says("Required-Start", "web"));
    // Debian's way of a boot opens it; a boot that takes needs for needs cannot.
    finds(&tree, 0, "cycle", false, "circle: log -> web -> log");
    tree.write("etc/default/serel", "SEREL_OPTIONS=\"--required-start need\"\n", 0o644);
    finds(&tree, 6, "cycle", true, "circle of needs: log -> web -> log");
    tree.add(&Script::new("log").says("Required-Start", "nobody"));
    finds(&tree, 6, "missing", true, "nobody");
    let shown = verify(&tree).expect_code(6);
    assert!(shown.stdout.contains("not valid") && shown.stdout.contains("not fit to boot: "), "{shown}");
}

#[test]
fn links_and_scripts_that_lead_to_nothing() {
    let tree = enabled();
    tree.link("2", "S03gone");
    finds(&tree, 0, "file", false, "S03gone: this link leads to no script that can be run");
    fs::set_permissions(tree.at("etc/init.d/web"), Permissions::from_mode(0o644)).unwrap();
    finds(&tree, 0, "file", false, "S02web: this link leads to no script that can be run");
    let script = tree.read("etc/init.d/log").replace("#!/bin/sh", "#!/usr/bin/lsh -e");
    tree.write("etc/init.d/log", &script, 0o755);
    finds(
        &tree,
        1,
        "program",
        true,
        "/usr/bin/lsh is not there, or cannot be run: it is the interpreter of ",
    );
}

#[test]
fn a_link_that_is_not_found_or_cannot_be_run() {
    let tree = enabled();
    fs::remove_file(tree.at("usr/sbin/serelrc")).unwrap();
    finds(&tree, 1, "rc", true, "/usr/sbin/startpar cannot be run (it leads nowhere)");
    assert!(
        verify(&tree)
            .stdout
            .starts_with("rc: /etc/init.d/rc calls /usr/bin/startpar; serel is not enabled\n")
    );
    let tree = enabled();
    tree.write("sbin/startpar", "", 0o755);
    finds(&tree, 1, "rc", true, "usr/sbin/startpar is behind /sbin/startpar in the PATH of /etc/init.d/rc");
    // Where /sbin is a link to usr/sbin, both are one.
    let tree = enabled();
    fs::rename(tree.at("sbin/init"), tree.at("usr/sbin/init")).unwrap();
    fs::remove_dir(tree.at("sbin")).unwrap();
    symlink("usr/sbin", tree.at("sbin")).unwrap();
    let shown = verify(&tree).expect_code(0);
    assert!(
        shown.stdout.starts_with("rc: /etc/init.d/rc calls startpar, and finds serel: /usr/sbin/startpar\n"),
        "{shown}"
    );
    fs::remove_file(tree.at("usr/sbin/startpar")).unwrap();
    fs::remove_file(tree.at("usr/bin/startpar")).unwrap();
    finds(&tree, 1, "rc", true, "no script would be started");
}

#[test]
fn what_keeps_rc_from_calling_startpar() {
    let tree = enabled();
    tree.write("etc/init.d/.legacy-bootordering", "", 0o644);
    finds(&tree, 1, "rc", true, ".legacy-bootordering is there");
    fs::remove_file(tree.at("usr/sbin/startpar")).unwrap();
    finds(&tree, 0, "rc", false, ".legacy-bootordering is there");
    let tree = enabled();
    tree.write("etc/init.d/.depend.stop", "", 0o644);
    finds(&tree, 1, "rc", true, ".depend.stop is missing or empty");
    let tree = enabled();
    tree.write("proc/cmdline", "concurrency=none\n", 0o644);
    finds(&tree, 1, "rc", true, "`concurrency=none` is on the kernel command line");
}

#[test]
fn the_hook_of_rc() {
    let tree = machine();
    tree.write("etc/init.d/rc", &format!("#!/bin/sh\n/usr/lib/serel/serel-rc \"$1\" && exit\n{RC}"), 0o755);
    finds(&tree, 1, "rc", true, "etc/init.d/rc calls /usr/lib/serel/serel-rc, which is not there");
    tree.write("usr/lib/serel/serel-rc", "", 0o644);
    finds(&tree, 0, "settings", false, "serel is in place, and runs no level of a boot");
    tree.write("etc/default/serel", "SEREL_RUNLEVELS=2\n", 0o644);
    let shown = verify(&tree).expect_code(0);
    assert!(
        shown.stdout.starts_with("rc: /etc/init.d/rc calls the hook of serel: /usr/lib/serel/serel-rc\n"),
        "{shown}"
    );
    assert!(
        shown.stdout.contains("start 2: serel;") && shown.stdout.contains("start S: as without"),
        "{shown}"
    );
    tree.write("etc/init.d/.legacy-bootordering", "", 0o644);
    finds(&tree, 1, "rc", true, "/usr/lib/serel/serel-rc leaves everything to ");
}

/// Slackware's init starts rc.M, which calls what runs a level.
#[test]
fn the_hook_of_a_script_that_another_one_calls() {
    let tree = machine();
    tree.write("etc/inittab", "id:3:initdefault:\nrc:3:wait:/etc/rc.d/rc.M\n", 0o644);
    tree.link("3", "S01log");
    tree.write("etc/rc.d/rc.M", "#!/bin/sh\n. /etc/rc.d/rc.sysvinit\n", 0o755);
    let line = "/lib/serel/serel-rc \"$runlevel\" \"$previous\" && exit 0\n";
    tree.write("etc/rc.d/rc.sysvinit", &format!("#!/bin/sh\n{line}"), 0o755);
    tree.write("lib/serel/serel-rc", "", 0o755);
    tree.write("etc/sysconfig/serel", "SEREL_RUNLEVELS=3\n", 0o644);
    let shown = verify(&tree).expect_code(0);
    let rc = "rc: /etc/rc.d/rc.sysvinit calls the hook of serel: /lib/serel/serel-rc\n";
    assert!(shown.stdout.starts_with(rc) && shown.stdout.contains("start 3: serel;"), "{shown}");
}

#[test]
fn a_history_that_cannot_be_used() {
    let tree = enabled();
    tree.serelrc(&["start", "2"]).expect_code(0);
    let database = tree.at("etc/serel/history.db");
    fs::set_permissions(&database, Permissions::from_mode(0o666)).unwrap();
    finds(&tree, 0, "history", false, "its mode 0666 lets others write it");
    assert!(verify(&tree).stdout.contains("help: chown root FILE; chmod 644 FILE"));
    fs::set_permissions(&database, Permissions::from_mode(0o644)).unwrap();
    let other = tree.at("other.db");
    fs::rename(&database, &other).unwrap();
    fs::create_dir(&database).unwrap();
    finds(&tree, 0, "history", false, "it is not a regular file");
    assert!(verify(&tree).stdout.contains("help: move away what is there"));
    fs::remove_dir(&database).unwrap();
    fs::rename(&other, &database).unwrap();
    let whole = fs::read(&database).unwrap();
    // The schema that the file's head names, in bytes 60 to 63.
    let newer = [&whole[..60], &99_u32.to_be_bytes(), &whole[64..]].concat();
    fs::write(&database, newer).unwrap();
    finds(&tree, 0, "history", false, "the history has schema 99, this version has");
    let shown = verify(&tree).expect_code(0);
    assert!(shown.stdout.contains("plan: to be made, the history cannot be used"), "{shown}");
    fs::write(&database, "not a database, but long enough to be looked at ".repeat(100)).unwrap();
    finds(&tree, 0, "history", false, "the history is damaged");
}

#[test]
fn another_init_and_another_default() {
    let tree = enabled();
    tree.write("etc/inittab", "id:3:initdefault:\nl3:3:wait:/etc/init.d/rc 3\n", 0o644);
    tree.link("3", "S01log");
    let shown = verify(&tree).expect_code(0);
    assert!(
        shown.stdout.contains("start 3: serel; 1 script") && shown.stdout.contains("stop 6 from 3"),
        "{shown}"
    );
    fs::remove_file(tree.at("etc/inittab")).unwrap();
    finds(&tree, 0, "init", false, "level 2 is taken for the default");
    tree.write("etc/inittab", "id:3:initdefault:\n", 0o644);
    fs::set_permissions(tree.at("etc/inittab"), Permissions::from_mode(0o666)).unwrap();
    finds(&tree, 1, "file", true, "etc/inittab: can be written by others");
    fs::remove_file(tree.at("etc/inittab")).unwrap();
    fs::remove_file(tree.at("sbin/init")).unwrap();
    tree.write("lib/systemd/systemd", "", 0o755);
    symlink("/lib/systemd/systemd", tree.at("sbin/init")).unwrap();
    finds(&tree, 0, "init", false, "sbin/init is systemd, which runs no rc");
}

#[test]
fn it_is_about_the_whole_system() {
    let refused = machine().serelrc(&["verify", "2", "--system"]).expect_code(2);
    assert!(refused.stderr.contains("cannot be used with"), "{refused}");
}
