//! serelc in the scripts of serelrc: with nothing else started, and with a daemon that the run joins.

use super::{Daemon, code};
use crate::support::program::{Finished, LIMIT, finish, job};
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use nix::sys::stat::Mode;
use std::process::Stdio;

fn tree(scripts: &[Script]) -> Sandbox {
    let sandbox = Sandbox::new();
    for script in scripts {
        sandbox.add(script);
    }
    sandbox
}

/// Runs serelrc on a tree, with our programs in the PATH and the address of a daemon, which may not be there.
#[track_caller]
fn serelrc(daemon: &Daemon, sandbox: &Sandbox, arguments: &[&str]) -> Finished {
    finish(daemon.command("serelrc").arg("--root").arg(sandbox.path()).args(arguments), LIMIT)
}

/// A pipe that a script of the tree opens by this name; whoever reads waits for whoever writes.
fn fifo(sandbox: &Sandbox, name: &str) -> String {
    nix::unistd::mkfifo(&sandbox.at(name), Mode::S_IRWXU).expect("a new fifo");
    sandbox.at(name).display().to_string()
}

fn place(sandbox: &Sandbox, line: &str) -> usize {
    let journal = sandbox.journal();
    journal.iter().position(|known| known == line).unwrap_or_else(|| panic!("no {line}: {journal:?}"))
}

fn note(sandbox: &Sandbox, line: &str) -> String {
    format!("echo '{line}' >> '{}'", sandbox.at("journal").display())
}

#[test]
fn dependants_start_before_the_script_that_released_them_ends() {
    let sandbox = Sandbox::new();
    let seen = fifo(&sandbox, "seen");
    // db can end only when web, which needs it, has been started.
    sandbox.add(&Script::new("db").then(&format!("serelc --provide db --immediate\nread line < {seen}")));
    sandbox.add(&Script::new("web").says("Required-Start", "db").then(&format!("echo > {seen}")));
    let done = serelrc(&Daemon::prepare(), &sandbox, &["--json", "start", "2"]).expect_code(0);
    let document = done.json();
    let at = |what: &str| job(&document, "db")[what].as_f64().expect("a time");
    assert!(at("available_ms") < at("end_ms"), "{document:#}");
}

#[test]
fn a_script_that_waits_gives_its_slot_back() {
    let sandbox = Sandbox::new();
    let work = fifo(&sandbox, "work");
    // `late` is started only when `middle`, which comes first, has given back the only slot.
    let middle = format!("serelc --need late || exit 9\n{}", note(&sandbox, "middle ends"));
    sandbox.add(&Script::new("middle").then(&middle));
    sandbox.add(&Script::new("late").then(&note(&sandbox, "late ends")));
    serelrc(&Daemon::prepare(), &sandbox, &["start", "2", "--jobs", "1"]).expect_code(0);
    assert!(place(&sandbox, "late ends") < place(&sandbox, "middle ends"));
    // And with room for both, it has done its own work before.
    let sandbox = Sandbox::new();
    std::fs::remove_file(&work).unwrap_or_default();
    let work = fifo(&sandbox, "work");
    sandbox.add(&Script::new("middle").then(&format!("echo > {work}\nserelc --need late || exit 9")));
    sandbox.add(&Script::new("late").then(&format!("read line < {work}")));
    serelrc(&Daemon::prepare(), &sandbox, &["start", "2"]).expect_code(0);
}

#[test]
fn a_need_that_nothing_can_satisfy_ends_at_once() {
    let sandbox = tree(&[
        Script::new("a").then("serelc --need nothing-of-the-kind; exit $?"),
        Script::new("broken").then("exit 3"),
        Script::new("b").then("serelc --need broken; exit $(($? + 10))"),
        // Nobody can be let wait for oneself.
        Script::new("self").then("serelc --need self; exit $(($? + 20))"),
        // Those who wait for each other: one because it says so, one because its header does.
        Script::new("x").then("serelc --need y; exit $(($? + 30))"),
        Script::new("y").says("Required-Start", "x"),
    ]);
    let done = serelrc(&Daemon::prepare(), &sandbox, &["--json", "start", "2"]).expect_code(1);
    let document = done.json();
    for (name, status) in [("a", 2), ("b", 11), ("self", 22), ("x", 32)] {
        assert_eq!(job(&document, name)["status"], status, "{name}");
    }
    assert_eq!(job(&document, "y")["cause"], "x");
    let said = format!("{}{}", done.stdout, done.stderr);
    for words in ["nobody provides nothing-of-the-kind", "broken failed", "self waits for us", "needs y"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn what_scripts_and_their_children_provide_counts() {
    let sandbox = Sandbox::new();
    let go = fifo(&sandbox, "go");
    // Names that no header has; said by the script, by a shell in it, and by a child in the background. All of them
    // become available when the script ends well, which it can only when somebody waits for one of them.
    sandbox.add(&Script::new("a").then(&format!(
        "serelc --provide one --provide two\n( serelc --provide three ) & wait\n\
         sh -c 'serelc --provide a --immediate; true'\nread line < {go}"
    )));
    let needs = "serelc --need one && serelc --need two && serelc --need three";
    sandbox.add(
        &Script::new("b").says("Required-Start", "a").then(&format!("( {needs} ) & echo > {go}; wait $!")),
    );
    serelrc(&Daemon::prepare(), &sandbox, &["start", "2"]).expect_code(0);
}

#[test]
fn the_state_outlives_the_run_when_a_daemon_is_there() {
    let sandbox = tree(&[
        Script::new("disk").says("Default-Start", "S").then("serelc --provide mounted"),
        Script::new("broken").says("Default-Start", "S").then("exit 1"),
        Script::new("web").then("serelc --need mounted && serelc --need disk && serelc --need outside"),
        Script::new("late").then("serelc --need broken; test $? = 1"),
    ]);
    let daemon = Daemon::start();
    serelrc(&daemon, &sandbox, &["start", "S"]).expect_code(1);
    for (service, state) in [("disk", "available"), ("mounted", "available"), ("broken", "failed")] {
        assert_eq!(daemon.state(service), state, "{service}");
    }
    daemon.shell("serelc --provide outside --immediate");
    serelrc(&daemon, &sandbox, &["start", "2"]).expect_code(0);
    assert_eq!(daemon.state("web"), "available");
    // A need that the run does not satisfy and the daemon does not know either.
    sandbox.add(&Script::new("web").then("serelc --need nothing; test $? = 2"));
    serelrc(&daemon, &sandbox, &["start", "2"]).expect_code(0);
    // What is stopped is stopped for all.
    sandbox.add(&Script::new("web").says("Default-Stop", "6"));
    serelrc(&daemon, &sandbox, &["stop", "6"]).expect_code(0);
    assert_eq!(daemon.state("web"), "stopped");
    assert_eq!(daemon.state("disk"), "available");
}

#[test]
fn a_daemon_lets_others_wait_for_a_run_and_notices_its_death() {
    let sandbox = Sandbox::new();
    let (up, go) = (fifo(&sandbox, "up"), fifo(&sandbox, "go"));
    sandbox.add(&Script::new("first").then(&format!("echo > {up}\nread line < {go}")));
    sandbox.add(&Script::new("second").says("Required-Start", "first"));
    let daemon = Daemon::start();
    let begin = || {
        let mut command = daemon.command("serelrc");
        command.arg("--root").arg(sandbox.path()).args(["start", "2"]).stdout(Stdio::null());
        let child = command.spawn().expect("serelrc");
        assert_eq!(std::fs::read_to_string(sandbox.at("up")).unwrap(), "\n");
        daemon.await_rows("services", |rows| rows.iter().any(|row| row["name"] == "second"));
        child
    };
    // It is not started yet, and yet it is known that somebody will.
    let run = begin();
    let needer = daemon.begin("serelc --need second");
    daemon.await_waiting(1);
    std::fs::write(sandbox.at("go"), "\n").unwrap();
    assert_eq!(code(run), 0);
    assert_eq!(code(needer), 0);
    daemon.serelc(&["--unprovide", "second"]).expect_code(0);
    let mut run = begin();
    let needer = daemon.begin("serelc --need second");
    daemon.await_waiting(1);
    run.kill().unwrap();
    run.wait().unwrap();
    assert_ne!(code(needer), 0);
    // Whoever the run left behind ends, too.
    std::fs::write(sandbox.at("go"), "\n").unwrap();
}

#[test]
fn a_run_takes_no_orders() {
    let sandbox = tree(&[Script::new("a").then(
        "serelc --control stop; echo stop $?\necho --pairs a /a | serelhistory --db db --populate; echo populate $?\n\
         serelc --statuschange $$ 1; echo status $?\nserelc --query services",
    )]);
    let done = serelrc(&Daemon::prepare(), &sandbox, &["start", "2"]).expect_code(0);
    let said = format!("{}{}", done.stdout, done.stderr);
    assert!(said.contains("stop 4") && said.contains("status 0"), "{done}");
    assert!(said.contains("a                        starting"), "{done}");
}

#[test]
fn many_that_wait_do_not_use_up_the_files_of_a_run() {
    let sandbox = Sandbox::new();
    for number in 0..150 {
        sandbox.add(&Script::new(&format!("w{number:03}")).then("serelc --need z || exit $?"));
    }
    sandbox.add(&Script::new("z"));
    let daemon = Daemon::prepare();
    let text =
        format!("ulimit -n 256; exec serelrc --root {} start 2 --jobs unlimited", sandbox.path().display());
    daemon.shell(&text).expect_code(0);
    assert_eq!(sandbox.journal().len(), 151);
}

#[test]
fn who_waited_at_the_daemon_before_the_run_came_is_not_sent_away() {
    let sandbox = tree(&[Script::new("first"), Script::new("second").says("Required-Start", "first")]);
    let daemon = Daemon::start();
    let needer = daemon.begin("serelc --need second");
    daemon.await_waiting(1);
    serelrc(&daemon, &sandbox, &["start", "2"]).expect_code(0);
    assert_eq!(code(needer), 0);
}

#[test]
fn what_was_started_before_a_resumed_run_is_known_to_the_daemon() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.at("run")).unwrap();
    let (up, go) = (fifo(&sandbox, "up"), fifo(&sandbox, "go"));
    sandbox.add(&Script::new("first"));
    sandbox.add(
        &Script::new("second")
            .says("Required-Start", "first")
            .then(&format!("echo > {up}; read line < {go}")),
    );
    let daemon = Daemon::start();
    let begin = |resume: &[&str]| {
        let mut command = daemon.command("serelrc");
        command.arg("--root").arg(sandbox.path()).args(["start", "2"]).args(resume).stdout(Stdio::null());
        command.stderr(Stdio::null()).spawn().expect("serelrc")
    };
    let mut run = begin(&[]);
    assert_eq!(std::fs::read_to_string(sandbox.at("up")).unwrap(), "\n");
    run.kill().unwrap();
    run.wait().unwrap();
    std::fs::write(sandbox.at("go"), "\n").unwrap();
    assert_eq!(code(begin(&["--resume"])), 0);
    assert_eq!(daemon.state("first"), "available");
    assert_eq!(daemon.state("second"), "available");
}

#[test]
fn what_a_script_stops_is_stopped_at_the_daemon() {
    let sandbox = tree(&[Script::new("a").then("serelc --unprovide disk")]);
    let daemon = Daemon::start();
    daemon.serelc(&["--provide", "disk", "--immediate"]).expect_code(0);
    let done = serelrc(&daemon, &sandbox, &["start", "2"]).expect_code(0);
    assert!(!format!("{}{}", done.stdout, done.stderr).contains("not started"), "{done}");
    assert_eq!(daemon.state("disk"), "stopped");
}

#[test]
fn an_interrupted_run_answers_those_who_wait_for_what_will_not_be_started() {
    let sandbox = Sandbox::new();
    let up = fifo(&sandbox, "up");
    // The signal ends neither of them; `a` ends because its need has its answer, `b` because `a` has ended.
    let over = fifo(&sandbox, "over");
    sandbox.add(&Script::new("a").then(&format!(
        "trap '' INT; echo > {up}; serelc --need late; {}; echo > {over}",
        note(&sandbox, "answered")
    )));
    sandbox.add(&Script::new("b").then(&format!("trap '' INT; read line < {over}")));
    sandbox.add(&Script::new("late").says("Required-Start", "b"));
    let daemon = Daemon::prepare();
    let mut command = daemon.command("serelrc");
    command
        .arg("--root")
        .arg(sandbox.path())
        .args(["start", "2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let run = command.spawn().expect("serelrc");
    assert_eq!(std::fs::read_to_string(sandbox.at("up")).unwrap(), "\n");
    let number = nix::unistd::Pid::from_raw(run.id().cast_signed());
    nix::sys::signal::kill(number, nix::sys::signal::Signal::SIGINT).unwrap();
    assert_eq!(code(run), 130);
    assert!(sandbox.journal().contains(&"answered".to_owned()), "{:?}", sandbox.journal());
}
