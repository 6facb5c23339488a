//! `stop` and `restart`: the exact reverse order, who is spared, whom a signal may reach.

use super::{position, tree};
use crate::support::program::{LIMIT, finish};
use crate::support::tap::{cache, eventually, lives};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::{Command, Stdio};

/// The original walks a diamond twice, stops `a` before `b`, and leaves both running.
#[test]
fn a_diamond_stops_in_the_reverse_order() {
    let tap = tree(&[("d", "b c"), ("b", "a"), ("c", "a"), ("a", "")]);
    for (name, of) in [("d", "b c"), ("b", "a"), ("c", "a")] {
        tap.symbols(name, of);
    }
    tap.run(&["start"]).expect_code(0);
    tap.run(&["stop"]).expect_code(0);
    assert_eq!((tap.loaded(), tap.running()), (vec![], vec![]));
    let journal = tap.journal();
    let at = |name: &str| position(&journal, &format!("unload {name}"));
    assert!(at("d") < at("b") && at("d") < at("c") && at("b") < at("a") && at("c") < at("a"), "{journal:?}");
}

/// `stop -R b` of the original stops `a`, which `c` requires.
#[test]
fn what_others_still_need_stays_up() {
    let tap = tree(&[("a", ""), ("b", "a"), ("c", "a")]);
    tap.run(&["start"]).expect_code(0);
    let done = tap.run(&["stop", "-R", "b"]).expect_code(0);
    assert!(done.stdout.contains(" a stays up: c requires it\n"), "{done}");
    assert_eq!(tap.loaded(), ["a", "c"]);
    // When nobody needs it any more, it goes with the last.
    tap.run(&["stop", "-R", "c"]).expect_code(0);
    assert_eq!(tap.loaded(), [""; 0]);
}

#[test]
fn a_module_in_use_is_not_stopped_and_who_uses_it_is_said() {
    let tap = tree(&[("host", ""), ("guest", "host")]);
    tap.symbols("guest", "host");
    tap.parameters("host_OPT='-o /dev/null'");
    tap.run(&["start"]).expect_code(0);
    let done = tap.run(&["stop", "host"]).expect_code(1);
    assert!(done.stderr.contains("guest requires host, and is not stopped"), "{done}");
    assert!(done.stdout.contains(" Stopping host ... error: its module is still used by guest"), "{done}");
    // Its daemon was not touched: it would have left an inert module behind.
    assert!(lives(tap.pid("host")));
    tap.run(&["stop", "host", "guest"]).expect_code(0);
    assert_eq!(tap.loaded(), [""; 0]);
}

/// As after a boot whose initramfs has loaded them, under a configuration that says nothing of them.
#[test]
fn what_the_kernel_knows_orders_a_stop_where_nothing_is_written() {
    let tap = tree(&[]);
    for (name, of) in [("top", "middle"), ("middle", "base")] {
        tap.symbols(name, of);
    }
    for name in ["base", "middle", "top"] {
        tap.preload(name);
    }
    tap.run(&["status"]).expect_code(0);
    let done = tap.run(&["stop"]).expect_code(0);
    assert_eq!(tap.loaded(), [""; 0], "{done}");
    let journal = tap.journal();
    let at = |name: &str| position(&journal, &format!("unload {name}"));
    assert!(at("top") < at("middle") && at("middle") < at("base"), "{journal:?}");
}

#[test]
fn who_cannot_be_stopped_keeps_what_it_requires() {
    let tap = tree(&[("a", ""), ("b", "a"), ("z", "")]);
    tap.run(&["start"]).expect_code(0);
    // Somebody else uses it, who is no script of this service.
    tap.sandbox.write("silent/other", "", 0o644);
    tap.symbols("other", "b");
    tap.preload("other");
    let done = tap.run(&["stop"]).expect_code(1);
    assert!(done.stdout.contains(" Stopping b ... error: its module is still used by other"), "{done}");
    assert!(
        done.stdout.contains(" Stopping a ... skipped: b, which requires it, could not be stopped"),
        "{done}"
    );
    assert_eq!(tap.loaded(), ["a", "b", "other"]);
}

/// The original sends a signal to a process that is gone, fails, and fails for ever.
#[test]
fn a_module_whose_reader_was_killed_is_unloaded() {
    let tap = tree(&[("one", "")]);
    tap.parameters("one_OPT='-o /dev/null'");
    tap.run(&["start"]).expect_code(0);
    let pid = tap.pid("one");
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    eventually("it is dead", || !lives(pid));
    let done = tap.run(&["status"]).expect_code(1);
    assert_eq!(done.stdout, format!("one({pid}) is dead, but its module is still loaded.\n"));
    tap.run(&["stop"]).expect_code(0);
    assert_eq!((tap.loaded(), tap.running()), (vec![], vec![]));
    assert!(tap.calls().contains(&"staprun -d one".to_owned()), "{:?}", tap.calls());
}

/// The original sends SIGTERM to whoever has the number now.
#[test]
fn a_process_that_only_has_the_number_is_left_alone() {
    let tap = tree(&[("one", "")]);
    let mut innocent = Command::new("sleep").arg("1000").spawn().unwrap();
    tap.run(&["start"]).expect_code(0);
    tap.sandbox.write("run/one", &format!("{}\n", innocent.id()), 0o644);
    tap.run(&["stop"]).expect_code(0);
    assert!(innocent.try_wait().unwrap().is_none());
    innocent.kill().unwrap();
    innocent.wait().unwrap();
    assert_eq!(tap.loaded(), [""; 0]);
}

/// Not even the reader of another script, or an earlier process of the same number.
#[test]
fn a_reader_is_known_by_its_script_and_its_start() {
    let tap = tree(&[("one", ""), ("two", "")]);
    tap.parameters("one_OPT='-o /dev/null'");
    tap.run(&["start"]).expect_code(0);
    let reader = tap.pid("one");
    tap.sandbox.write("run/two", &format!("{reader}\n"), 0o644);
    tap.run(&["stop", "two"]).expect_code(0);
    assert!(lives(reader));
    tap.sandbox.write("run/.one.started", &format!("{reader} 1\n"), 0o644);
    tap.run(&["stop", "one"]).expect_code(0);
    assert!(lives(reader) && !tap.journal().contains(&"end one".to_owned()));
}

#[test]
fn stopping_what_does_not_run_is_no_failure() {
    let tap = tree(&[("one", "")]);
    tap.run(&["stop"]).expect_code(0);
    tap.run(&["stop", "one"]).expect_code(0);
    // A status file without a module.
    tap.sandbox.write("run/one", "0\n", 0o644);
    assert_eq!(tap.run(&["status"]).expect_code(1).stdout, "one is stopped\n");
    tap.run(&["stop"]).expect_code(0);
    assert_eq!(tap.running(), [""; 0]);
    assert_eq!(tap.run(&["status"]).expect_code(3).stdout, "one is stopped\n");
}

/// A running script whose source was deleted is invisible to `status` of the original.
#[test]
fn a_script_without_a_source_is_seen_and_stopped() {
    let tap = tree(&[("one", "")]);
    tap.run(&["start"]).expect_code(0);
    std::fs::remove_file(tap.at("script.d/one.stp")).unwrap();
    assert_eq!(tap.run(&["status"]).expect_code(0).stdout, "one is running...\n");
    tap.run(&["stop"]).expect_code(0);
    assert_eq!(tap.loaded(), [""; 0]);
}

/// `LOG_BOOT_ERR=yes` of the original puts NAME.log among the status files, and `stop` then never ends.
#[test]
fn other_files_among_the_status_files_are_left_alone() {
    let tap = tree(&[("one", "")]);
    tap.run(&["start"]).expect_code(0);
    tap.sandbox.write("run/one.log", "what staprun said\n", 0o644);
    tap.sandbox.write("run/junk-1", "", 0o644);
    tap.run(&["stop"]).expect_code(0);
    assert_eq!(tap.running(), ["junk-1", "one.log"]);
}

/// The original stops first and compiles then: who cannot be compiled any more is gone.
#[test]
fn a_restart_compiles_before_it_stops() {
    let tap = tree(&[("one", ""), ("two", "")]);
    tap.run(&["start"]).expect_code(0);
    tap.forget();
    tap.sandbox.write("script.d/one.stp", "probe broken\n", 0o644);
    tap.fail("compile-one", "parse error: expected something");
    let done = tap.run(&["restart"]).expect_code(1);
    assert!(done.stdout.contains(" Compiling one ... error: parse error: expected something"), "{done}");
    assert_eq!(tap.loaded(), ["one", "two"]);
    let journal = tap.journal();
    assert!(!journal.contains(&"unload one".to_owned()), "{journal:?}");
    assert!(position(&journal, "unload two") < position(&journal, "load two"), "{journal:?}");
    tap.heal("compile-one");
    tap.forget();
    tap.run(&["restart", "one"]).expect_code(0);
    let journal = tap.journal();
    assert!(position(&journal, "compile- one") < position(&journal, "unload one"), "{journal:?}");
    assert!(position(&journal, "unload one") < position(&journal, "load one"), "{journal:?}");
}

#[test]
fn what_cannot_be_started_again_is_not_stopped() {
    let tap = tree(&[("one", "")]);
    tap.run(&["start"]).expect_code(0);
    std::fs::remove_file(tap.at("script.d/one.stp")).unwrap();
    let done = tap.run(&["restart", "one"]).expect_code(1);
    assert!(done.stdout.contains("it stays as it is: no script file("), "{done}");
    assert_eq!(tap.loaded(), ["one"]);
}

/// `b` is healthy, and would be down without anything new.
#[test]
fn whoever_requires_what_cannot_be_compiled_goes_on() {
    let tap = tree(&[("a", ""), ("b", "a"), ("c", "b")]);
    tap.run(&["start"]).expect_code(0);
    tap.forget();
    tap.sandbox.write("script.d/a.stp", "probe broken\n", 0o644);
    tap.fail("compile-a", "parse error: expected something");
    let done = tap.run(&["restart"]).expect_code(1);
    for line in [
        "a ... error: it stays as it is: it could not be compiled",
        "c ... error: it stays as it is: it requires a: it could",
    ] {
        assert!(done.stdout.contains(&format!(" Stopping {line}")), "{line}\n{done}");
    }
    assert!(!done.stdout.contains("skipped") && !done.stdout.contains("Starting "), "{done}");
    let text = std::fs::read_to_string(tap.at("config")).unwrap();
    tap.sandbox.write("config", &format!("{text}PASSALL=no\n"), 0o644);
    let done = tap.run(&["restart"]).expect_code(0);
    assert!(done.stdout.contains("Warning: 3 failure occurred.\n"), "scripts are counted, not jobs: {done}");
    tap.sandbox.write("config", &text, 0o644);
    assert_eq!(tap.loaded(), ["a", "b", "c"]);
    assert!(!tap.journal().iter().any(|line| line.starts_with("unload")), "{:?}", tap.journal());
    // The same where it is known before anything is run.
    std::fs::remove_file(tap.at("script.d/a.stp")).unwrap();
    let done = tap.run(&["restart"]).expect_code(1);
    for line in
        ["a ... error: it stays as it is: no", "b ... error: it stays as it is: it requires a: no", "c ... e"]
    {
        assert!(done.stdout.contains(&format!(" Stopping {line}")), "{line}\n{done}");
    }
    assert!(!done.stdout.contains("Starting") && !done.stdout.contains("skipped"), "{done}");
    assert_eq!(tap.loaded(), ["a", "b", "c"]);
    assert!(!tap.journal().iter().any(|line| line.starts_with("unload")), "{:?}", tap.journal());
}

#[test]
fn a_restart_stops_nobody_before_all_that_it_requires_is_compiled() {
    let tap = tree(&[("a", ""), ("b", "a")]);
    tap.run(&["start"]).expect_code(0);
    tap.forget();
    tap.sandbox.write("script.d/a.stp", "probe end {}\n", 0o644);
    tap.run(&["restart"]).expect_code(0);
    let journal = tap.journal();
    assert!(position(&journal, "compile- a") < position(&journal, "unload b"), "{journal:?}");
}

#[test]
fn a_restart_that_is_interrupted_while_it_compiles_stops_nothing() {
    let tap = tree(&[("a", ""), ("b", "")]);
    tap.run(&["start"]).expect_code(0);
    tap.forget();
    tap.sandbox.write("script.d/a.stp", "probe end {}\n", 0o644);
    tap.gate("compile-a");
    let mut running = tap.command(&["restart"]).stdout(Stdio::piped()).spawn().unwrap();
    eventually("it compiles", || tap.journal() == ["compile+ a"]);
    kill(Pid::from_raw(i32::try_from(running.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(running.wait().unwrap().code(), Some(143));
    assert_eq!((tap.loaded(), tap.journal().len()), (vec!["a".to_owned(), "b".to_owned()], 1));
}

#[test]
fn a_restart_starts_nobody_whose_requirement_cannot_be_started() {
    let tap = tree(&[("a", ""), ("b", "a")]);
    tap.parameters("a_OPT=-Z");
    let done = tap.run(&["restart", "-R", "b"]).expect_code(1);
    assert!(done.stdout.contains(" Starting b ... skipped: it requires a, which could not"), "{done}");
    assert_eq!(tap.loaded(), [""; 0]);
}

#[test]
fn a_restart_follows_requirements_both_ways() {
    let tap = tree(&[("a", ""), ("b", "a")]);
    tap.symbols("b", "a");
    tap.run(&["start"]).expect_code(0);
    for command in ["restart", "reload", "force-reload"] {
        tap.forget();
        tap.run(&[command]).expect_code(0);
        let order: Vec<String> = tap.journal().into_iter().filter(|line| line.contains("load ")).collect();
        assert_eq!(order, ["unload b", "unload a", "load a", "load b"], "{command}");
    }
}

#[test]
fn condrestart_is_silent_about_what_does_not_run() {
    let tap = tree(&[("one", ""), ("two", "")]);
    for command in ["condrestart", "try-restart"] {
        let done = tap.run(&[command]).expect_code(0);
        assert_eq!((done.stdout.as_str(), tap.journal().len()), ("", 0), "{command}");
    }
    tap.run(&["start", "one"]).expect_code(0);
    tap.run(&["condrestart", "one"]).expect_code(0);
    assert_eq!(tap.loaded(), ["one"]);
    // With no names, one that runs is enough to start all.
    tap.run(&["condrestart"]).expect_code(0);
    assert_eq!(tap.loaded(), ["one", "two"]);
}

/// Two commands of the original at once compile twice and load twice.
#[test]
fn commands_wait_for_each_other() {
    let tap = tree(&[("one", "")]);
    tap.gate("compile-one");
    let mut first = tap.command(&["start"]).stdout(Stdio::piped()).spawn().unwrap();
    eventually("the first compiles", || tap.journal().len() == 1);
    let done = tap.run(&["start", "--no-wait"]).expect_code(1);
    assert!(done.stderr.contains("another command holds") && done.stderr.contains("--no-wait"), "{done}");
    // Looking does not wait.
    tap.run(&["status"]).expect_code(3);
    let mut second = tap.command(&["start"]);
    let mut second = second.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = std::io::BufReader::new(second.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    assert!(line.contains("waiting for it"), "{line}");
    tap.open("compile-one");
    assert!(first.wait().unwrap().success() && second.wait().unwrap().success());
    assert_eq!(tap.journal().iter().filter(|line| *line == "load one").count(), 1, "{:?}", tap.journal());
}

/// An end takes half a second of waiting for the kernel; the original waits for one after the other.
#[test]
fn independent_scripts_stop_at_the_same_time() {
    let tap = tree(&[("a", ""), ("b", ""), ("below_a", "")]);
    tap.sandbox.write("conf.d/a.conf", "a_REQ=below_a\n", 0o644);
    tap.parameters("a_OPT='-o /dev/null'\nb_OPT='-o /dev/null'\nbelow_a_OPT='-o /dev/null'");
    tap.run(&["start"]).expect_code(0);
    tap.gate("end-a");
    tap.gate("end-b");
    let mut running = tap.command(&["stop"]).stdout(Stdio::piped()).spawn().unwrap();
    let wrote = |line: &str| tap.journal().iter().any(|known| known == line);
    eventually("both are ending", || wrote("end a") && wrote("end b"));
    assert!(!wrote("end below_a"));
    tap.open("end-a");
    eventually("what a required ends while b is not done", || wrote("unload below_a"));
    tap.open("end-b");
    assert!(running.wait().unwrap().success());
    assert_eq!(tap.loaded(), [""; 0]);
}

#[test]
fn a_module_that_somebody_reads_is_not_unloaded() {
    let tap = tree(&[("one", "")]);
    tap.run(&["start"]).expect_code(0);
    tap.sandbox.write("attached/one", "", 0o644);
    let done = tap.run(&["stop"]).expect_code(1);
    assert!(
        done.stdout
            .contains(" Stopping one ... error: somebody is attached to its module, as `staprun -A one`")
    );
    assert_eq!((tap.loaded(), tap.running()), (vec!["one".to_owned()], vec!["one".to_owned()]));
    std::fs::remove_file(tap.at("attached/one")).unwrap();
    tap.run(&["stop"]).expect_code(0);
    assert_eq!(tap.loaded(), [""; 0]);
}

/// Its daemon holds the module, and nobody knows its number.
#[test]
fn a_reader_whose_number_was_lost_is_found() {
    let tap = tree(&[("one", "")]);
    tap.parameters("one_OPT='-o /dev/null'");
    tap.run(&["start"]).expect_code(0);
    let pid = tap.pid("one");
    tap.sandbox.write("run/one", "0\n", 0o644);
    std::fs::remove_file(tap.at("run/.one.started")).unwrap();
    tap.sandbox.write("attached/one", "", 0o644);
    tap.run(&["stop"]).expect_code(0);
    eventually("it has ended", || !lives(pid));
    assert_eq!((tap.loaded(), tap.running()), (vec![], vec![]));
}

#[test]
fn a_reader_that_writes_to_a_file_of_the_name_is_of_another_script() {
    let tap = tree(&[("one", ""), ("two", "")]);
    tap.parameters(&format!("two_OPT='-o {}'", tap.at("one").display()));
    tap.run(&["start"]).expect_code(0);
    let pid = tap.pid("two");
    tap.sandbox.write("run/one", &format!("{pid}\n"), 0o644);
    tap.run(&["stop", "one"]).expect_code(0);
    assert!(lives(pid));
    assert_eq!(tap.loaded(), ["two"]);
}

#[test]
fn what_is_dead_needs_nothing() {
    let tap = tree(&[("a", ""), ("b", "a"), ("c", "a")]);
    tap.run(&["start", "-R", "c"]).expect_code(0);
    tap.sandbox.write("run/b", "0\n", 0o644);
    let done = tap.run(&["stop", "-R", "c"]).expect_code(0);
    assert!(!done.stdout.contains("stays up"), "{done}");
    assert_eq!(tap.loaded(), [""; 0]);
}

#[test]
fn a_question_keeps_nobody_waiting() {
    use std::io::Write as _;
    let tap = tree(&[("one", "")]);
    tap.run(&["start"]).expect_code(0);
    for command in ["compile", "cleanup"] {
        let mut asking = tap.command(&[command]);
        let mut asking = asking.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut asked = [0; 4096];
        let mut said = String::new();
        while !said.ends_with("[y/N]: ") {
            let length = std::io::Read::read(asking.stdout.as_mut().unwrap(), &mut asked).unwrap();
            assert!(length > 0, "{said}");
            said += &String::from_utf8_lossy(&asked[..length]);
        }
        tap.run(&["start", "--no-wait"]).expect_code(0);
        asking.stdin.take().unwrap().write_all(b"n\n").unwrap();
        assert!(asking.wait().unwrap().success());
    }
    assert!(!tap.sandbox.names(&cache()).is_empty());
}

/// A full file system, or a stray entry: a stop needs nothing that it cannot read.
#[test]
fn a_stop_needs_to_write_nothing() {
    let tap = tree(&[("one", ""), ("two", ""), ("early", "")]);
    tap.parameters("two_OPT='-o /dev/null'");
    tap.run(&["start", "one", "two"]).expect_code(0);
    tap.preload("early");
    std::fs::create_dir(tap.at("run/early")).unwrap();
    std::fs::remove_file(tap.at("run/.lock")).unwrap();
    std::fs::create_dir(tap.at("run/.lock")).unwrap();
    let done = tap.run(&["status"]).expect_code(0);
    assert!(done.stdout.starts_with("early is running...\none is running...\ntwo("), "{done}");
    let done = tap.run(&["stop"]).expect_code(0);
    assert!(done.stderr.contains("Failed to lock stat directory ("), "{done}");
    assert!(done.stderr.contains("warning: early runs, and has no status file: "), "{done}");
    assert_eq!((tap.loaded(), tap.running()), (vec![], vec!["early".to_owned()]));
    // No directory at all.
    tap.preload("early");
    tap.config("STAT_PATH=$TOP/config/run\n");
    let done = tap.run(&["stop"]).expect_code(0);
    assert!(done.stderr.contains("Failed to make stat directory ("), "{done}");
    assert_eq!(tap.loaded(), [""; 0]);
}

/// The same where not one file more can be made, and what a start makes of that: nothing runs that nobody knows of.
#[test]
fn nothing_is_left_running_whose_status_cannot_be_written() {
    let tap = tree(&[("early", ""), ("memory", ""), ("file", ""), ("command", ""), ("bpf", "")]);
    tap.parameters("file_OPT='-o /dev/null'\ncommand_OPT='-o /dev/null -c x'\nbpf_RUNTIME=bpf");
    tap.preload("early");
    let script = "mount -t tmpfs -o nr_inodes=2 none run && : > run/.lock
        \"$1\" start -c config; echo $?; cat proc/modules; \"$1\" stop -c config; echo $?";
    let mut command = Command::new("unshare");
    command.args(if nix::unistd::geteuid().is_root() { &["-m"][..] } else { &["-r", "-m"] });
    command.args(["sh", "-c", script, "sh", env!("CARGO_BIN_EXE_systemtap-service")]);
    let done = finish(command.current_dir(tap.sandbox.path()), LIMIT).expect_code(0);
    assert_eq!(
        done.stderr.matches("warning: early runs, and has no status file: No space").count(),
        2,
        "{done}"
    );
    let [memory, file] = ["memory", "file"].map(|name| {
        let file = tap.at("run").join(name);
        format!(
            " Starting {name} ... error: its status cannot be written, so it was stopped again: {}: No space",
            file.display()
        )
    });
    for line in [&memory, &file, " Starting command ... error: ", " Starting bpf ... error: "] {
        assert!(done.stdout.contains(line), "{line}\n{done}");
    }
    assert!(
        done.stdout.contains("[FAILED]\n1\nearly 73728 0 - Live 0xffffffffc0a00000 (OE)\nStopping "),
        "{done}"
    );
    assert!(done.stdout.ends_with("[  OK  ]\n0\n"), "{done}");
    assert_eq!(tap.loaded(), [""; 0]);
    let pids = tap.lines("pids");
    eventually("no runner is left", || pids.iter().all(|pid| !lives(pid.parse().unwrap())));
}

#[test]
fn what_fails_in_a_circle_is_logged_and_a_signal_is_no_circle() {
    let tap = tree(&[("one", ""), ("two", "one")]);
    tap.run(&["start"]).expect_code(0);
    tap.parameters("one_REQ=two\ntwo_OPT='-o /dev/null'");
    tap.symbols("other", "two");
    tap.sandbox.write("silent/other", "", 0o644);
    tap.preload("other");
    tap.run(&["stop"]).expect_code(6);
    assert!(
        tap.log().contains("Failed to stop \"two\". (1) its module is still used by other"),
        "{}",
        tap.log()
    );
    tap.gate("end-one");
    tap.parameters("one_OPT='-o /dev/null'");
    tap.run(&["start", "one"]).expect_code(0);
    let mut stop = tap.command(&["stop"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("one is asked to end", || tap.journal().contains(&"end one".to_owned()));
    kill(Pid::from_raw(stop.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(stop.wait().unwrap().code(), Some(143));
}
