//! serel-wrap, serelhistory's part, and the recipe of contrib as a whole.

use super::{Daemon, code, line, programs};
use crate::support::program::{Finished, LIMIT, finish};
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;
use std::process::{Command, Stdio};

/// The scripts of runlevel 2 of a tree, with links in the order in which they are given.
fn tree(scripts: &[Script]) -> Sandbox {
    let sandbox = Sandbox::new();
    for (place, script) in scripts.iter().enumerate() {
        sandbox.add(script);
        sandbox.link("2", &format!("S{place:02}{}", script.name));
    }
    sandbox
}

/// A command with our programs, a daemon's address, and the tree's history.
fn command(daemon: &Daemon, program: &Path, sandbox: &Sandbox) -> Command {
    let mut command = daemon.command(program.to_str().unwrap());
    command.env("SEREL_LINKS", sandbox.at("etc/rc2.d")).env("SEREL_HISTORY", sandbox.at("history.db"));
    command
}

#[track_caller]
fn recipe(daemon: &Daemon, sandbox: &Sandbox, started: &[&str]) -> Finished {
    let rc = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/recipe/rc");
    finish(command(daemon, &rc, sandbox).arg("2").args(started), LIMIT)
}

fn before(journal: &[String], first: &str, second: &str) -> bool {
    let place = |line: &str| {
        journal.iter().position(|known| known == line).unwrap_or_else(|| panic!("no {line}: {journal:?}"))
    };
    place(first) < place(second)
}

fn ends(name: &str, sandbox: &Sandbox) -> String {
    format!("echo '{name} ends' >> '{}'", sandbox.at("journal").display())
}

#[test]
fn the_recipe_starts_a_runlevel_in_order() {
    let sandbox = Sandbox::new();
    let names = ["web", "db", "log", "disk", "other"];
    let needs = ["db log net", "disk log", "disk", "", ""];
    for (place, (name, needs)) in names.iter().zip(needs).enumerate() {
        let script = Script::new(name).says("Required-Start", needs).then(&ends(name, &sandbox));
        sandbox.add(&script);
        sandbox.link("2", &format!("S{place:02}{name}"));
    }
    let daemon = Daemon::prepare();
    let done = recipe(&daemon, &sandbox, &["net"]).expect_code(0);
    assert_eq!(done.stderr, "");
    let journal = sandbox.journal();
    assert_eq!(journal.len(), 10, "{journal:?}");
    for (needer, needs) in names.iter().zip(needs) {
        for needed in needs.split_whitespace().filter(|needed| *needed != "net") {
            assert!(
                before(&journal, &format!("{needed} ends"), &format!("{needer} start")),
                "{needer} after {needed}: {journal:?}"
            );
        }
    }
    daemon.serelc(&["--query", "services"]).expect_code(4);
    // The second time it is all in the history.
    recipe(&daemon, &sandbox, &["net"]).expect_code(0);
    let db = sandbox.at("history.db");
    let prior =
        finish(daemon.command("serelhistory").args(["--query", "prior-history", "--db"]).arg(db), LIMIT);
    assert_eq!(prior.stdout, "success\n");
}

#[test]
fn scripts_may_release_early_and_need_late() {
    let sandbox = Sandbox::new();
    // Both ends of each pipe are opened by somebody, or the test hangs and fails: web can only write to `seen` while
    // db, which released it early, still reads; late can only read `work` when middle has done its own work first.
    let fifo = |name: &str| {
        let path = sandbox.at(name);
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        path.display().to_string()
    };
    let (seen, work) = (fifo("seen"), fifo("work"));
    let scripts = [
        Script::new("db").then(&format!("serelc --provide db --immediate\nread line < {seen}")),
        Script::new("web").says("Required-Start", "db").then(&format!("echo > {seen}")),
        Script::new("middle")
            .then(&format!("echo > {work}\nserelc --need late"))
            .then(&ends("middle", &sandbox)),
        Script::new("late").then(&format!("read line < {work}")).then(&ends("late", &sandbox)),
    ];
    for (place, script) in scripts.iter().enumerate() {
        sandbox.add(script);
        sandbox.link("2", &format!("S{place:02}{}", script.name));
    }
    let daemon = Daemon::prepare();
    let done = recipe(&daemon, &sandbox, &[]).expect_code(0);
    assert_eq!(done.stderr, "");
    assert!(before(&sandbox.journal(), "late ends", "middle ends"));
}

#[test]
fn what_needs_a_failed_script_is_not_started_and_nobody_hangs() {
    let sandbox = tree(&[
        Script::new("broken").then("exit 3"),
        Script::new("needer").says("Required-Start", "broken"),
        Script::new("soft").says("Should-Start", "broken"),
        Script::new("late").then("serelc --need nothing-of-the-kind || exit $?"),
        Script::new("self").then("serelc --need self || true"),
    ]);
    let daemon = Daemon::prepare();
    let done = recipe(&daemon, &sandbox, &[]).expect_code(0);
    let mut journal = sandbox.journal();
    journal.sort();
    assert_eq!(journal, ["broken start", "late start", "self start", "soft start"]);
    for words in
        ["serel-wrap: broken failed", "S01needer is not started", "nobody provides nothing-of-the-kind"]
    {
        assert!(done.stderr.contains(words), "{words}: {done}");
    }
    assert!(done.stderr.contains("self waits for us"), "{done}");
}

#[test]
fn the_recipe_falls_back_to_the_given_order() {
    let sandbox = tree(&[
        Script::new("b").says("Required-Start", "a"),
        Script::new("a").says("Required-Start", "b"),
        Script::new("c"),
    ]);
    let daemon = Daemon::prepare();
    let done = recipe(&daemon, &sandbox, &[]).expect_code(0);
    assert!(done.stderr.contains("starting the scripts one by one"), "{done}");
    assert_eq!(sandbox.journal(), ["b start", "a start", "c start"]);
}

#[test]
fn the_fall_back_leaves_nobody_waiting_for_scripts_that_come_without_a_word() {
    // What `a` needs comes after it, and is not provided by anybody who speaks.
    let scripts = |more: &str| {
        tree(&[
            Script::new("a").then("serelc --need b; echo \"a got $?\""),
            Script::new("b").says("Required-Start", more),
        ])
    };
    let daemon = Daemon::prepare();
    let circle = recipe(&daemon, &scripts("a-name-that-nobody-has"), &[]).expect_code(0);
    assert!(circle.stderr.contains("one by one") && circle.stdout.contains("a got 4"), "{circle}");
    let sandbox = scripts("");
    sandbox.write("not/a/history.db/x", "", 0o644);
    let rc = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/recipe/rc");
    let mut unsaved = command(&daemon, &rc, &sandbox);
    let unsaved = finish(unsaved.env("SEREL_HISTORY", sandbox.at("not/a/history.db")).arg("2"), LIMIT);
    assert!(unsaved.stderr.contains("one by one") && unsaved.stdout.contains("a got 4"), "{unsaved}");
}

#[test]
fn a_wrapped_program_begins_with_no_signal_blocked_and_no_file_of_ours() {
    let daemon = Daemon::start();
    let run = |arguments: &[&str]| finish(daemon.command("serel-wrap").args(arguments), LIMIT).expect_code(0);
    let blocked = run(&["/bin/grep", "SigBlk", "/proc/self/status"]);
    assert_eq!(blocked.stdout, "SigBlk:\t0000000000000000\n");
    let files = run(&["/bin/ls", "-l", "/proc/self/fd"]);
    assert!(!files.stdout.contains("signalfd") && !files.stdout.contains("socket"), "{files}");
}

#[test]
fn a_daemon_that_does_not_answer_holds_up_no_script_and_no_run() {
    let sandbox = tree(&[Script::new("a").then("serelc --query services; echo \"asked $?\"")]);
    let daemon = Daemon::start();
    let number = super::daemon_pid(&daemon);
    kill(number, Signal::SIGSTOP).unwrap();
    let wrapped = finish(daemon.command("serel-wrap").arg(sandbox.at("etc/init.d/a")).arg("start"), LIMIT);
    let run = finish(daemon.command("serelrc").arg("--root").arg(sandbox.path()).args(["start", "2"]), LIMIT);
    let populate = "echo --pairs a /etc/init.d/a | serelhistory --populate --root";
    let populate = daemon.shell(&format!("{populate} {}", sandbox.path().display()));
    let provide = daemon.serelc(&["--provide", "x"]);
    kill(number, Signal::SIGCONT).unwrap();
    assert!(wrapped.stderr.contains("does not answer"), "{wrapped}");
    assert!(run.expect_code(0).stdout.contains("asked 0"), "a run answers its own scripts");
    populate.expect_code(0);
    provide.expect_code(4);
    assert_eq!(sandbox.journal(), ["a start", "a start"]);
}

#[test]
fn a_history_that_cannot_be_written_is_enough_for_the_same_unit() {
    let sandbox = tree(&[Script::new("a"), Script::new("b").says("Required-Start", "a")]);
    let daemon = Daemon::prepare();
    recipe(&daemon, &sandbox, &[]).expect_code(0);
    // As user and root alike: the directory cannot be written where it is mounted so.
    let dir = sandbox.path().display();
    let rc = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/recipe/rc");
    // What waits for a history that can be written is not to wait on this machine.
    let text = format!(
        "mount -t tmpfs run /run && mount --bind {dir} {dir} && mount -o remount,ro,bind {dir} && exec {} 2",
        rc.display()
    );
    let mut unshared = command(&daemon, Path::new("unshare"), &sandbox);
    // The journal of the scripts is on the same mount.
    let done = finish(unshared.args(["-m", "sh", "-c", &text]), LIMIT).expect_code(0);
    assert!(!done.stderr.contains("one by one"), "{done}");
}

#[test]
fn without_a_daemon_a_wrapped_script_is_run_all_the_same() {
    let sandbox = tree(&[Script::new("a").says("Required-Start", "b").then("exit 7")]);
    let daemon = Daemon::prepare();
    let mut wrap = command(&daemon, Path::new("serel-wrap"), &sandbox);
    let done = finish(wrap.arg(sandbox.at("etc/init.d/a")).arg("start"), LIMIT).expect_code(7);
    assert!(done.stderr.contains("running") && done.stderr.contains("without waiting"), "{done}");
    assert_eq!(sandbox.journal(), ["a start"]);
    for (script, expected) in [("/nonexistent", 127), ("/etc/passwd", 126)] {
        finish(daemon.command("serel-wrap").arg(script), LIMIT).expect_code(expected);
    }
}

#[test]
fn signals_reach_the_script_and_its_end_reaches_the_daemon() {
    let daemon = Daemon::start();
    let text = "#!/bin/sh\ntrap 'echo term; exit 9' TERM\nserelc --provide x\necho up\nread line || true\n";
    let script = daemon.dir.path().join("script");
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let begin = || {
        let mut wrap = daemon.command("serel-wrap");
        wrap.arg(&script).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = wrap.spawn().unwrap();
        assert_eq!(line(&mut child), "up");
        assert_eq!(daemon.state("x"), "starting");
        child
    };
    let mut wrapped = begin();
    let needer = daemon.begin("serelc --need x");
    daemon.await_waiting(1);
    kill(Pid::from_raw(wrapped.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert_eq!(line(&mut wrapped), "term");
    assert_eq!(wrapped.wait().unwrap().code(), Some(9));
    assert_eq!(code(needer), 1);
    // One that ends well makes available what its script provided.
    let wrapped = begin();
    let needer = daemon.begin("serelc --need x");
    daemon.await_waiting(1);
    assert_eq!((code(wrapped), code(needer)), (0, 0));
    // And one that is killed takes it along at once.
    daemon.serelc(&["--unprovide", "x"]).expect_code(0);
    let mut wrapped = begin();
    let needer = daemon.begin("serelc --need x");
    daemon.await_waiting(1);
    wrapped.kill().unwrap();
    assert_eq!(code(needer), 1);
    wrapped.wait().unwrap();
}

#[test]
fn apply_says_what_belongs_to_a_path_with_and_without_the_daemons_memory() {
    let sandbox = tree(&[Script::new("a"), Script::new("b").says("Required-Start", "a")]);
    let daemon = Daemon::start();
    let pairs = format!(
        "--started early --pairs a {0}/etc/rc2.d/S00a b {0}/etc/rc2.d/S01b",
        sandbox.path().display()
    );
    let history =
        |arguments: &str| format!("serelhistory --db {} {arguments}", sandbox.at("history.db").display());
    let populate = |daemon: &Daemon| {
        let populated = daemon.shell(&format!("echo '{pairs}' | {}", history("--populate"))).expect_code(0);
        assert!(populated.stderr.is_empty(), "{populated}");
    };
    let work = |daemon: &Daemon| {
        daemon.shell(&history("--apply-started")).expect_code(0);
        daemon.serelc(&["--need", "early"]).expect_code(0);
        let link = |name: &str| sandbox.at(&format!("etc/rc2.d/{name}")).display().to_string();
        let b =
            daemon.begin(&format!("{}; read line || true", history(&format!("--apply {}", link("S01b")))));
        daemon.await_waiting(1);
        daemon
            .shell(&format!("{}; serelc --statuschange $$ 0", history(&format!("--apply {}", link("S00a")))));
        daemon.await_waiting(0);
        assert_eq!(daemon.state("a"), "available");
        assert_eq!(daemon.state("b"), "starting");
        code(b);
        let unknown = daemon.shell(&history("--apply /no/such/script")).expect_code(5);
        assert!(unknown.stderr.contains("is not in the unit"), "{unknown}");
    };
    populate(&daemon);
    work(&daemon);
    // A daemon that was started later has nothing but the history.
    let later = Daemon::start();
    let b = later.begin(&history(&format!("--apply {}/etc/rc2.d/S01b", sandbox.path().display())));
    later.await_waiting(1);
    let a = history(&format!("--apply {}/etc/rc2.d/S00a", sandbox.path().display()));
    later.shell(&format!("{a}; serelc --statuschange $$ 0")).expect_code(0);
    assert_eq!(code(b), 0);
    let none = Daemon::prepare();
    none.shell(&history("--apply-started")).expect_code(7);
    assert!(programs().join("serel-wrap").exists());
}

#[test]
fn a_unit_that_does_not_fit_together_is_handed_over_all_the_same() {
    let sandbox = tree(&[Script::new("a").says("Required-Start", "nowhere"), Script::new("b")]);
    let daemon = Daemon::start();
    let root = sandbox.path().display();
    let pairs = "--pairs a /etc/init.d/a b /etc/init.d/b";
    let populate = daemon.shell(&format!("echo {pairs} | serelhistory --root {root} --populate"));
    assert!(populate.stderr.is_empty(), "what holds a serial plan together is nobody's service: {populate}");
    daemon.shell(&format!("serelhistory --root {root} --query verify")).expect_code(1);
    let applied = daemon.shell(&format!("serelhistory --root {root} --apply /etc/init.d/b"));
    applied.expect_code(0);
}
