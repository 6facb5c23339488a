//! `start`: order, sets, what is skipped, what is said.

use super::{position, tree};
use crate::support::program::{LIMIT, finish};
use crate::support::screen::Screen;
use crate::support::tap::{eventually, lives};
use std::fs;
use std::process::{Command, Stdio};

#[test]
fn one_script_in_memory() {
    let tap = tree(&[("one", "")]);
    let done = tap.run(&["start"]).expect_code(0);
    assert_eq!(
        done.stdout,
        "Starting systemtap: \n Compiling one ... done\n Starting one ... done\n[  OK  ]\n"
    );
    assert_eq!(tap.loaded(), ["one"]);
    assert_eq!(tap.sandbox.read("run/one"), "0\n");
    assert_eq!(tap.journal(), ["compile+ one", "compile- one", "start one", "load one"]);
    // Once more: nothing is done, and nothing said.
    tap.forget();
    let again = tap.run(&["start"]).expect_code(0);
    assert_eq!(again.stdout, "Starting systemtap: \n[  OK  ]\n");
    assert_eq!(tap.journal(), [""; 0]);
}

#[test]
fn one_script_on_file_has_a_daemon() {
    let tap = tree(&[("one", "")]);
    tap.parameters(&format!("one_OPT='-o {}'", tap.at("out").display()));
    tap.run(&["start"]).expect_code(0);
    let pid = tap.pid("one");
    assert!(pid > 0);
    assert_eq!(tap.sandbox.read("run/one"), format!("{pid}\n"));
    assert_eq!(tap.run(&["status"]).expect_code(0).stdout, format!("one({pid}) is running...\n"));
    tap.run(&["stop"]).expect_code(0);
    assert_eq!(tap.loaded(), [""; 0]);
    assert_eq!(tap.running(), [""; 0]);
    assert_eq!(position(&tap.journal(), "end one") + 1, position(&tap.journal(), "unload one"));
}

/// The daemon tells its number after staprun has returned.
#[test]
fn the_number_of_a_daemon_may_come_late() {
    let tap = tree(&[("one", "")]);
    tap.parameters("one_OPT='-o /dev/null'");
    tap.gate("pid-one");
    let mut running = tap.command(&["start"]).stdout(Stdio::piped()).spawn().unwrap();
    eventually("the module is loaded", || tap.loaded() == ["one"]);
    assert!(running.try_wait().unwrap().is_none());
    assert_eq!(tap.running(), [""; 0]);
    tap.open("pid-one");
    assert!(running.wait().unwrap().success());
    assert!(tap.pid("one") > 0);
}

/// The original starts one script after another.
#[test]
fn independent_scripts_start_at_the_same_time_and_others_wait_for_their_own_requirements_only() {
    let tap = tree(&[("a", ""), ("b", ""), ("after_a", "a"), ("after_b", "b")]);
    tap.run(&["compile"]).expect_code(0);
    tap.gate("start-a");
    tap.gate("start-b");
    let mut running = tap.command(&["start"]).stdout(Stdio::piped()).spawn().unwrap();
    let wrote = |line: &str| tap.journal().iter().any(|known| known == line);
    eventually("both have begun", || wrote("start a") && wrote("start b"));
    tap.open("start-a");
    eventually("who waits for a alone goes on", || wrote("load after_a"));
    assert!(!wrote("start after_b"));
    tap.open("start-b");
    assert!(running.wait().unwrap().success());
    let journal = tap.journal();
    assert!(position(&journal, "load b") < position(&journal, "start after_b"), "{journal:?}");
}

#[test]
fn compilations_overlap_starts() {
    let tap = tree(&[("quick", ""), ("slow", "")]);
    tap.run(&["compile", "quick"]).expect_code(0);
    tap.gate("compile-slow");
    let mut running = tap.command(&["start"]).stdout(Stdio::piped()).spawn().unwrap();
    eventually("the other one is loaded meanwhile", || {
        tap.loaded() == ["quick"] && tap.journal().iter().any(|line| line == "compile+ slow")
    });
    tap.open("compile-slow");
    assert!(running.wait().unwrap().success());
    assert_eq!(tap.loaded(), ["quick", "slow"]);
}

/// A compilation needs no requirement: that of a dependent does not wait for the start of what it requires.
#[test]
fn compilations_do_not_wait_for_requirements() {
    let tap = tree(&[("a", ""), ("b", "a")]);
    tap.run(&["compile", "a"]).expect_code(0);
    tap.gate("start-a");
    let mut running = tap.command(&["start"]).stdout(Stdio::piped()).spawn().unwrap();
    eventually("b is compiled while a starts", || {
        let journal = tap.journal();
        ["start a", "compile- b"].iter().all(|line| journal.iter().any(|known| known == line))
    });
    tap.open("start-a");
    assert!(running.wait().unwrap().success());
}

#[test]
fn requirements_go_first_in_the_order_given_and_each_once() {
    let tap = tree(&[("d", "b c"), ("b", "a"), ("c", "a"), ("a", "")]);
    tap.run(&["start", "-R", "d"]).expect_code(0);
    let journal = tap.journal();
    let at = |name: &str| position(&journal, &format!("start {name}"));
    let loaded = |name: &str| position(&journal, &format!("load {name}"));
    assert!(loaded("a") < at("b") && loaded("a") < at("c") && loaded("b") < at("d") && loaded("c") < at("d"));
    assert_eq!(tap.loaded(), ["a", "b", "c", "d"]);
}

#[test]
fn without_r_a_script_is_started_alone() {
    let tap = tree(&[("a", ""), ("b", "a")]);
    let done = tap.run(&["start", "b"]).expect_code(0);
    assert!(done.stderr.contains("b requires a, which is not running: -R starts it, too"), "{done}");
    assert_eq!(tap.loaded(), ["b"]);
    tap.config("RECURSIVE=yes\n");
    tap.run(&["stop"]).expect_code(0);
    tap.run(&["start", "b"]).expect_code(0);
    assert_eq!(tap.loaded(), ["a", "b"]);
}

#[test]
fn default_start_is_started_with_its_requirements() {
    let tap = tree(&[("a", ""), ("b", "a"), ("c", "")]);
    tap.config("DEFAULT_START=\"b 1bad\"\n");
    let done = tap.run(&["start"]).expect_code(0);
    assert!(done.stderr.contains("1bad is not a valid script name"), "{done}");
    assert_eq!(tap.loaded(), ["a", "b"]);
    tap.run(&["start", "c"]).expect_code(0);
    assert_eq!(tap.loaded(), ["a", "b", "c"]);
}

/// With `PASSALL=no` the original starts a script whose requirement has failed.
#[test]
fn a_script_whose_requirement_failed_is_not_started() {
    let tap = tree(&[("a", ""), ("b", "a"), ("c", "b"), ("d", "")]);
    tap.config("PASSALL=no\n");
    tap.fail("start-a", "ERROR: Couldn't insert module 'a': Invalid module format");
    let done = tap.run(&["start"]).expect_code(0);
    assert_eq!(tap.loaded(), ["d"]);
    for line in [
        " Starting a ... error: Couldn't insert module 'a': Invalid module format (log: ",
        " Starting b ... skipped: it requires a, which could not be started\n",
        " Starting c ... skipped: it requires b, and a could not be started\n",
        "Warning: 3 failure occurred.\n[WARNING]\n",
    ] {
        assert!(done.stdout.contains(line), "{line:?}\n{done}");
    }
    assert!(tap.log().contains("Warning: Failed to run \"a\". (1) Couldn't insert"), "{}", tap.log());
}

/// With `PASSALL=yes` the original abandons everything behind the first failure.
#[test]
fn what_does_not_depend_on_a_failure_is_finished() {
    let tap = tree(&[("a", ""), ("b", "a"), ("z", "")]);
    tap.fail("compile-a", "semantic error: no probes found");
    let done = tap.run(&["start"]).expect_code(1);
    assert_eq!(tap.loaded(), ["z"]);
    assert!(done.stdout.contains(" Compiling a ... error: semantic error: no probes found (log: "), "{done}");
    assert!(done.stdout.contains(" Starting a ... skipped: it could not be compiled\n"), "{done}");
    assert!(
        done.stdout.contains(" Starting b ... skipped: it requires a, which could not be compiled"),
        "{done}"
    );
    assert!(done.stdout.ends_with("[FAILED]\n"), "{done}");
    let log = tap.log();
    assert!(log.contains("Pass 2: analysis failed.") && log.contains("Exec: "), "{log}");
    assert!(log.contains("Failed to compile script(a)."), "{log}");
}

#[test]
fn a_missing_requirement_fails_who_requires_it() {
    let tap = tree(&[("a", "gone"), ("z", "")]);
    let done = tap.run(&["start"]).expect_code(1);
    assert!(done.stdout.contains(" Starting gone ... error: no script file("), "{done}");
    assert!(done.stdout.contains(" Starting a ... skipped: it requires gone, which could not"), "{done}");
    assert_eq!(tap.loaded(), ["z"]);
}

/// One circle anywhere fails every command of the original, and which one it is stands nowhere.
#[test]
fn a_circle_is_named_and_those_outside_it_can_be_started() {
    let tap = tree(&[("a", "b"), ("b", "c"), ("c", "a"), ("free", "")]);
    let done = tap.run(&["start"]).expect_code(6);
    assert!(done.stderr.contains("Dependency loop detected on "), "{done}");
    for line in ["a requires b", "b requires c", "c requires a"] {
        assert!(done.stderr.contains(line), "{line}\n{done}");
    }
    assert!(done.stderr.contains("conf.d/a.conf:1"), "{done}");
    assert!(done.stderr.contains("Failed to sort dependency"), "{done}");
    assert_eq!(tap.loaded(), [""; 0]);
    tap.run(&["start", "-R", "free"]).expect_code(0);
    assert_eq!(tap.loaded(), ["free"]);
    tap.run(&["start", "-R", "b"]).expect_code(6);
    // Stopping is more important than order.
    tap.run(&["stop"]).expect_code(0);
    assert_eq!(tap.loaded(), [""; 0]);
}

#[test]
fn a_script_that_requires_itself_is_a_circle() {
    let tap = tree(&[("a", "a")]);
    let done = tap.run(&["start"]).expect_code(6);
    assert!(done.stderr.contains("a requires a"), "{done}");
}

#[test]
fn no_scripts_are_no_failure() {
    let tap = tree(&[]);
    for (command, code) in
        [("stop", 0), ("start", 0), ("status", 3), ("restart", 0), ("compile", 0), ("cleanup", 0)]
    {
        tap.run(&[command]).expect_code(code);
    }
    let done = tap.run(&["start"]).expect_code(0);
    assert!(done.stdout.contains("No scripts exist.\n[WARNING]"), "{done}");
    assert_eq!(tap.run(&["status"]).stdout, "No systemtap scripts are present\n");
}

#[test]
fn a_module_of_somebody_else_is_not_taken_for_ours() {
    let tap = tree(&[("one", ""), ("two", "one")]);
    tap.sandbox.write("proc/modules", "one 16384 0 - Live 0x0\n", 0o644);
    let done = tap.run(&["start"]).expect_code(1);
    assert!(done.stdout.contains("one is dead, but another script is running."), "{done}");
    let done = tap.run(&["status", "one"]).expect_code(4);
    assert_eq!(done.stdout, "one is dead, but another script is running.\n");
    let done = tap.run(&["stop", "one"]).expect_code(0);
    assert!(
        done.stdout.contains("one: a module of this name is loaded that this service did not start"),
        "{done}"
    );
    assert!(!tap.calls().iter().any(|call| call.starts_with("staprun -d")), "{:?}", tap.calls());
}

/// What an initramfs has loaded is taken over, by any command.
#[test]
fn modules_that_were_loaded_at_boot_are_adopted() {
    let tap = tree(&[("one", "")]);
    tap.preload("one");
    let done = tap.run(&["status"]).expect_code(0);
    assert_eq!(done.stdout, "one is running...\n");
    assert_eq!(tap.sandbox.read("run/one"), "0\n");
    tap.run(&["start"]).expect_code(0);
    assert_eq!(tap.journal(), [""; 0]);
    tap.run(&["stop"]).expect_code(0);
    assert_eq!(tap.loaded(), [""; 0]);
}

#[test]
fn a_script_that_ended_by_itself_is_unloaded_and_started_again() {
    let tap = tree(&[("one", "")]);
    tap.run(&["start"]).expect_code(0);
    tap.end("one");
    let done = tap.run(&["status"]).expect_code(3);
    assert!(done.stdout.starts_with("one is finished"), "{done}");
    tap.run(&["start"]).expect_code(0);
    assert_eq!(tap.run(&["status"]).expect_code(0).stdout, "one is running...\n");
    assert!(tap.journal().contains(&"unload one".to_owned()));
    // A start holds signals back; what it calls can be ended.
    assert_eq!(tap.sandbox.read("held"), "SigBlk:\t0000000000000000\n");
}

#[test]
fn a_run_is_recorded_as_any_other() {
    let tap = tree(&[("one", ""), ("two", "one")]);
    tap.run(&["start"]).expect_code(0);
    tap.run(&["stop"]).expect_code(0);
    let history = serel::history::History::open(&tap.at("history.db")).unwrap().unwrap();
    let runs = history.runs(5).unwrap();
    let labels: Vec<&str> = runs.iter().map(|run| run.row.label.as_str()).collect();
    assert_eq!(labels, ["systemtap stop", "systemtap start"]);
    let names: Vec<&str> = runs[1].row.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["compilation of one", "start of one", "compilation of two", "start of two"]);
    assert!(runs[1].row.jobs.iter().all(|job| job.outcome == "done" && job.end > job.start));
    assert!(runs[1].plan.is_some());
}

#[test]
fn nothing_is_left_in_the_directory_for_temporary_files() {
    let tap = tree(&[("one", ""), ("bad", "")]);
    tap.fail("compile-bad", "parse error");
    tap.run(&["start"]).expect_code(1);
    assert_eq!(fs::read_dir(tap.at("tmp")).unwrap().count(), 0);
    fs::remove_dir(tap.at("tmp")).unwrap();
    let done = tap.run(&["start", "bad"]).expect_code(1);
    assert!(done.stdout.contains("Failed to create temporary directory"), "{done}");
}

#[test]
fn an_interrupted_start_remembers_what_it_loaded() {
    let tap = tree(&[("a", ""), ("b", "a")]);
    tap.run(&["compile"]).expect_code(0);
    tap.gate("start-b");
    let mut running = tap.command(&["start"]).stdout(Stdio::piped()).spawn().unwrap();
    eventually("b begins", || tap.journal().iter().any(|line| line == "start b"));
    let pid = nix::unistd::Pid::from_raw(i32::try_from(running.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(143));
    assert_eq!((tap.loaded(), tap.running()), (vec!["a".to_owned()], vec!["a".to_owned()]));
    assert_eq!(fs::read_dir(tap.at("tmp")).unwrap().count(), 0);
}

/// Codes that mean something else where init scripts are run.
#[test]
fn every_exit_code_of_staprun_but_0_is_a_failure() {
    for code in ["5", "6", "7", "234"] {
        let tap = tree(&[("one", ""), ("two", "one")]);
        tap.fail("start-one", "ERROR: something");
        tap.sandbox.write("code/start-one", code, 0o644);
        let done = tap.run(&["start"]).expect_code(1);
        assert!(done.stdout.contains(" Starting one ... error: something (log: "), "{done}");
        assert_eq!(tap.loaded(), [""; 0]);
    }
}

/// A status file that a start is about to write is not written by a look at it.
#[test]
fn a_look_during_a_start_takes_nothing_over() {
    let tap = tree(&[("one", "")]);
    tap.parameters("one_OPT='-o /dev/null'");
    tap.gate("pid-one");
    let mut running = tap.command(&["start"]).stdout(Stdio::piped()).spawn().unwrap();
    eventually("the module is loaded", || tap.loaded() == ["one"]);
    tap.run(&["status"]);
    assert_eq!(tap.running(), [""; 0]);
    tap.open("pid-one");
    assert!(running.wait().unwrap().success());
    assert!(tap.pid("one") > 0);
}

#[test]
fn a_circle_of_thousands_is_told_in_short() {
    let tap = tree(&[]);
    let count = 3_000;
    let mut text = String::new();
    for at in 0..count {
        tap.sandbox.write(&format!("script.d/s{at}.stp"), "probe begin {}\n", 0o644);
        text += &format!("s{at}_REQ=s{}\n", (at + 1) % count);
    }
    tap.parameters(&text);
    let done = tap.run(&["start"]).expect_code(6);
    assert!(done.stderr.contains(", and 2984 more"), "{done}");
    assert!(done.stderr.len() < 10_000);
}

/// The original shows nothing while it compiles for minutes.
#[test]
fn a_terminal_has_the_display_of_all_runs() {
    let tap = tree(&[("one", ""), ("two", "one"), ("bad", "")]);
    tap.fail("compile-bad", "semantic error: no probes found");
    let words = format!("{} start -c config", env!("CARGO_BIN_EXE_systemtap-service"));
    let mut command = Command::new("script");
    command.args(["-qec", &words, "/dev/null"]).current_dir(tap.sandbox.path());
    command.env("TERM", "xterm").env("SHELL", "/bin/sh").env_remove("NO_COLOR");
    let done = finish(&mut command, LIMIT);
    assert_eq!(done.code, 1, "{done}");
    let mut screen = Screen::new(50, 200);
    screen.feed(done.stdout.as_bytes());
    let shown = screen.all();
    let has = |words: &[&str]| shown.iter().any(|line| words.iter().all(|word| line.contains(word)));
    for line in [
        &["OK", "compilation of one"][..],
        &["OK", "start of two"],
        &["FAILED", "compilation of bad"],
        &["compilation of bad: semantic error: no probes found"],
        &["DEPEND", "start of bad", "skipped: needs compilation of bad, which failed"],
        &["[FAILED]"],
    ] {
        assert!(has(line), "{line:?} on {shown:#?}");
    }
}

#[test]
fn a_job_that_takes_too_long_is_ended_with_all_it_started() {
    let tap = tree(&[("one", ""), ("two", "one"), ("three", "")]);
    tap.config("JOB_TIMEOUT=1\n");
    tap.gate("compile-one");
    let done = tap.run(&["start"]).expect_code(1);
    assert!(done.stdout.contains(" Compiling one ... error: it took too long (log: "), "{done}");
    assert!(
        done.stdout.contains(" Starting two ... skipped: it requires one, which could not be compiled"),
        "{done}"
    );
    assert_eq!(tap.loaded(), ["three"]);
}

/// As long as the grace that a job has.
#[test]
fn nobody_is_left_of_a_compiler_that_is_deaf() {
    let tap = tree(&[("one", "")]);
    tap.config("JOB_TIMEOUT=1\n");
    let text = "#!/bin/sh\n[ \"$1\" = -V ] && exit 1\ntrap '' TERM\nsleep 1000 &\n\
                echo $$ $! > \"${0%/*}/deaf\"\nwait\n";
    tap.sandbox.write("bin/stap", text, 0o755);
    let done = tap.run(&["start"]).expect_code(1);
    assert!(done.stdout.contains(" Compiling one ... error: it took too long"), "{done}");
    let pids: Vec<i32> =
        tap.sandbox.read("bin/deaf").split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(pids.len(), 2);
    eventually("nobody is left", || !pids.iter().any(|pid| lives(*pid)));
    assert_eq!(fs::read_dir(tap.at("tmp")).unwrap().count(), 0);
}

/// staprun has returned by then, and was content.
#[test]
fn a_daemon_that_never_lives_is_a_failure() {
    let tap = tree(&[("one", "")]);
    tap.parameters("one_OPT='-o /dev/null'");
    tap.fail("daemon-one", "ERROR: Couldn't open output file: one");
    let done = tap.run(&["start"]).expect_code(1);
    assert!(done.stdout.contains(" Starting one ... error: Couldn't open output file: one"), "{done}");
    assert_eq!((tap.loaded(), tap.running()), (vec![], vec![]));
}

/// Whoever ends the job that started it must find it.
#[test]
fn a_runner_that_is_kept_has_a_status_file_from_the_beginning() {
    let tap = tree(&[("one", "")]);
    tap.parameters("one_OPT='-o /dev/null -c \"sleep 10\"'");
    tap.gate("start-one");
    let mut running = tap.command(&["start"]).stdout(Stdio::piped()).spawn().unwrap();
    eventually("there is a status file", || tap.running() == ["one"]);
    assert_eq!(tap.loaded(), [""; 0]);
    tap.fail("start-one", "ERROR: no");
    tap.open("start-one");
    assert!(!running.wait().unwrap().success());
    assert_eq!(tap.running(), [""; 0]);
}

/// A script that calls us with a pipe or a lock open would else wait for ever, or keep its lock.
#[test]
fn a_daemon_keeps_nothing_that_the_caller_had_open() {
    let tap = tree(&[("one", "")]);
    tap.parameters("one_OPT='-o /dev/null'");
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "exec 8>&1; exec \"$@\"",
        "sh",
        env!("CARGO_BIN_EXE_systemtap-service"),
        "start",
        "-c",
    ]);
    // Ends when nobody holds what is 8 there.
    finish(command.arg(tap.at("config")), LIMIT).expect_code(0);
    assert!(lives(tap.pid("one")));
}

/// What it had begun goes on; a stop that did not wait for it would leave it running and say that all is well.
#[test]
fn the_jobs_of_a_command_that_was_killed_are_waited_for() {
    let tap = tree(&[("one", "")]);
    tap.gate("start-one");
    let mut killed = tap.command(&["start"]).stdout(Stdio::null()).spawn().unwrap();
    eventually("one begins", || tap.journal().contains(&"start one".to_owned()));
    killed.kill().unwrap();
    killed.wait().unwrap();
    tap.run(&["stop", "--no-wait"]).expect_code(1);
    let mut stop = tap.command(&["stop"]);
    let mut stop = stop.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut said = std::io::BufReader::new(stop.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    assert!(line.contains("waiting for it"), "{line}");
    tap.open("start-one");
    assert!(stop.wait().unwrap().success());
    assert_eq!((tap.loaded(), tap.running()), (vec![], vec![]));
}
