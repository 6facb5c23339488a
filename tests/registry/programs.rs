//! Every form of serelc, every exit code, and the daemon's life, with real processes.

use super::{Daemon, code, line, programs};
use crate::support::program::{LIMIT, finish};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::Stdio;

/// Provides, says that it did, and goes on until its input ends.
fn provider(service: &str) -> String {
    format!("serelc --provide {service}; echo {service}; read line || true")
}

fn pid(child: &std::process::Child) -> Pid {
    Pid::from_raw(child.id().cast_signed())
}

#[test]
fn what_boot_scripts_call_carries_no_database() {
    let carries = |program: &str| {
        let bytes = std::fs::read(programs().join(program)).expect("a program");
        memchr::memmem::find(&bytes, b"SQLite format 3").is_some()
    };
    assert!(carries("serelrc"), "the words by which it is known");
    for program in ["serelc", "sereld"] {
        assert!(!carries(program), "{program}");
    }
}

#[test]
fn a_need_waits_for_the_exit_of_its_provider() {
    let daemon = Daemon::start();
    let mut provider = daemon.begin(&provider("db"));
    assert_eq!(line(&mut provider), "db");
    let needer = daemon.begin("serelc --need db");
    daemon.await_waiting(1);
    assert_eq!(daemon.state("db"), "starting");
    let number = provider.id().to_string();
    assert_eq!(code(provider), 0);
    daemon.serelc(&["--statuschange", &number, "0"]).expect_code(0);
    assert_eq!(code(needer), 0);
    assert_eq!(daemon.state("db"), "available");
    daemon.serelc(&["--need", "db"]).expect_code(0);
}

#[test]
fn a_failed_provider_fails_its_needers_and_may_try_again() {
    let daemon = Daemon::start();
    let mut first = daemon.begin(&provider("db"));
    line(&mut first);
    let needer = daemon.begin("serelc --need db");
    daemon.await_waiting(1);
    daemon.serelc(&["--statuschange", &first.id().to_string(), "3"]).expect_code(0);
    assert_eq!(code(needer), 1);
    daemon.serelc(&["--need", "db"]).expect_code(1);
    code(first);
    daemon.shell("serelc --provide db; serelc --statuschange $$ 0; serelc --need db");
    daemon.serelc(&["--need", "db"]).expect_code(0);
}

#[test]
fn a_provider_that_is_killed_leaves_nobody_waiting() {
    let daemon = Daemon::start();
    let mut provider = daemon.begin(&provider("db"));
    line(&mut provider);
    let needer = daemon.begin("serelc --need db");
    daemon.await_waiting(1);
    kill(pid(&provider), Signal::SIGKILL).unwrap();
    assert_eq!(code(needer), 1, "noticed although nobody has waited for the process");
    provider.wait().unwrap();
}

#[test]
fn immediate_is_before_the_exit_and_several_services_are_one_call() {
    let daemon = Daemon::start();
    let mut provider = daemon.begin("serelc --provide a --provide b --immediate; echo go; read line || true");
    line(&mut provider);
    daemon.serelc(&["--need", "a", "--need", "b"]).expect_code(0);
    kill(pid(&provider), Signal::SIGKILL).unwrap();
    provider.wait().unwrap();
    daemon.serelc(&["--need", "a"]).expect_code(0);
}

#[test]
fn unprovide_stops_a_service() {
    let daemon = Daemon::start();
    daemon.shell("serelc --provide a --immediate");
    daemon.serelc(&["--unprovide", "a"]).expect_code(0);
    assert_eq!(daemon.state("a"), "stopped");
    let needer = daemon.begin("serelc --need a");
    daemon.await_waiting(1);
    daemon.shell("serelc --provide a --immediate");
    assert_eq!(code(needer), 0);
    let again = daemon.serelc(&["--unprovide", "b"]).expect_code(0);
    assert_eq!(again.stderr, "serelc: b was not started\n");
}

#[test]
fn a_circle_is_opened_and_named() {
    let daemon = Daemon::start();
    let both = |own: &str, other: &str| {
        format!("serelc --provide {own}; echo; read line; serelc --need {other} 2>&1 || echo $?")
    };
    let (mut a, mut b) = (daemon.begin(&both("a", "b")), daemon.begin(&both("b", "a")));
    for child in [&mut a, &mut b] {
        line(child);
    }
    for child in [&mut a, &mut b] {
        std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"go\n").unwrap();
    }
    for (child, other) in [(&mut a, "b"), (&mut b, "a")] {
        let words = line(child);
        assert!(words.starts_with(&format!("serelc: {other} waits for us: ")), "{words}");
        assert!(words.contains(") needs a") && words.contains(") needs b"), "{words}");
        assert_eq!(line(child), "2");
    }
    assert_eq!((code(a), code(b)), (0, 0));
}

#[test]
fn the_second_provider_is_told_and_takes_over() {
    let daemon = Daemon::start();
    let mut first = daemon.begin(&provider("mta"));
    line(&mut first);
    let mut second = daemon.begin("serelc --provide mta 2>&1; echo; read line || true");
    let words = line(&mut second);
    assert_eq!(words, format!("serelc: mta is being started by process {} already; standing by", first.id()));
    let needer = daemon.begin("serelc --need mta");
    daemon.await_waiting(1);
    daemon.serelc(&["--statuschange", &first.id().to_string(), "1"]).expect_code(0);
    daemon.await_waiting(1);
    daemon.serelc(&["--statuschange", &second.id().to_string(), "0"]).expect_code(0);
    assert_eq!(code(needer), 0);
    code(first);
    code(second);
}

#[test]
fn time_usage_and_no_daemon_have_codes_of_their_own() {
    let daemon = Daemon::start();
    daemon.serelc(&["--need", "nobody", "--timeout", "0.05"]).expect_code(5);
    for usage in [&["--need"][..], &["--what"], &[], &["--provide", "a/b"], &["--query", "all"]] {
        daemon.serelc(usage).expect_code(3);
    }
    let none = Daemon::prepare();
    let words = none.serelc(&["--need", "a"]).expect_code(4).stderr;
    assert!(words.contains(&format!("no daemon at {}", none.socket)), "{words}");
    daemon.serelc(&["--help"]).expect_code(0);
}

#[test]
fn needers_that_are_killed_wait_no_longer() {
    let daemon = Daemon::start();
    let mut needers: Vec<_> = (0..3).map(|_| daemon.begin("exec serelc --need a")).collect();
    daemon.await_waiting(3);
    for needer in &mut needers {
        needer.kill().unwrap();
        needer.wait().unwrap();
    }
    daemon.await_waiting(0);
}

#[test]
fn queries_show_who_provides_and_who_waits() {
    let daemon = Daemon::start();
    let mut provider = daemon.begin("serelc --provide db; serelc --need disk; true");
    daemon.await_waiting(1);
    let number = provider.id();
    let text = daemon.serelc(&["--query", "services"]).expect_code(0).stdout;
    let row: Vec<&str> = text.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(row[..3], ["db", "starting", &number.to_string()]);
    assert!(text.lines().nth(1).unwrap().ends_with("1 waiting"), "{text}");
    let text = daemon.serelc(&["--query", "waiting"]).expect_code(0).stdout;
    assert!(text.trim_start().starts_with(&number.to_string()) && text.contains("waits for disk"), "{text}");
    let graph = daemon.serelc(&["--query", "graph"]).expect_code(0).stdout;
    assert_eq!(graph, "db needs disk (stopped)\n");
    let graph = daemon.serelc(&["--query", "graph", "--json"]).expect_code(0).json();
    assert_eq!(graph[0]["needer"], "db");
    daemon.serelc(&["--query", "service", "none"]).expect_code(2);
    daemon.shell("serelc --provide disk --immediate");
    provider.wait().unwrap();
}

#[test]
fn it_stops_by_word_and_by_signal_and_there_is_only_one() {
    let daemon = Daemon::start();
    let second = finish(&mut daemon.command("sereld"), LIMIT).expect_code(1);
    assert!(second.stderr.contains("cannot listen"), "{second}");
    let needer = daemon.begin("serelc --need a");
    daemon.await_waiting(1);
    daemon.serelc(&["--control", "stop"]).expect_code(0);
    assert_eq!(code(needer), 4, "it is told that the daemon went away");
    daemon.serelc(&["--query", "services"]).expect_code(4);
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let path = daemon.dir.path().join("socket");
        let mut foreground = daemon.command("sereld");
        foreground.args(["--foreground", "--socket"]).arg(&path).stderr(Stdio::null());
        let child = foreground.spawn().unwrap();
        let begun = std::time::Instant::now();
        let ask = || daemon.command("serelc").args(["--query", "services", "--socket"]).arg(&path).output();
        while !ask().unwrap().status.success() {
            assert!(begun.elapsed() < LIMIT);
        }
        kill(pid(&child), signal).unwrap();
        assert_eq!(code(child), 0);
        assert!(!path.exists(), "the socket file is removed");
    }
}

#[test]
fn a_socket_file_that_nobody_listens_at_is_replaced_and_other_files_are_not() {
    let daemon = Daemon::prepare();
    let path = daemon.dir.path().join("socket");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let start = |path: &std::path::Path| finish(daemon.command("sereld").arg("--socket").arg(path), LIMIT);
    start(&path).expect_code(0);
    finish(daemon.command("serelc").args(["--control", "stop", "--socket"]).arg(&path), LIMIT).expect_code(0);
    let precious = daemon.dir.path().join("precious");
    std::fs::write(&precious, "text").unwrap();
    start(&precious).expect_code(1);
    assert_eq!(std::fs::read_to_string(&precious).unwrap(), "text");
}

#[test]
fn it_leaves_the_callers_terminal_files_and_directory_and_opens_its_log_anew() {
    let daemon = Daemon::prepare();
    daemon.shell("exec 7>held; sereld -d 2 -l log");
    // The peer of a connection is who made the listening socket: the daemon itself.
    let number = super::daemon_pid(&daemon).as_raw();
    let proc = |what: &str| std::fs::read_link(format!("/proc/{number}/{what}")).unwrap();
    assert_eq!(proc("cwd").to_str(), Some("/"));
    for fd in 0..3 {
        assert_eq!(proc(&format!("fd/{fd}")).to_str(), Some("/dev/null"));
    }
    let held = daemon.dir.path().join("held").canonicalize().unwrap();
    for entry in std::fs::read_dir(format!("/proc/{number}/fd")).unwrap() {
        // The daemon closes some of its own meanwhile, such as the connection of whoever asked for its number.
        match std::fs::read_link(entry.unwrap().path()) {
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
            Ok(file) => assert_ne!(file, held, "a file of the caller"),
        }
    }
    let log = daemon.dir.path().join("log");
    std::fs::rename(&log, daemon.dir.path().join("log.1")).unwrap();
    kill(Pid::from_raw(number), Signal::SIGHUP).unwrap();
    daemon.serelc(&["--control", "stop"]).expect_code(0);
    assert!(std::fs::read_to_string(&log).unwrap().contains("stopped by process"));
    let old = std::fs::read_to_string(daemon.dir.path().join("log.1")).unwrap();
    assert!(old.contains("listening at") && !old.contains("stopped"), "{old}");
}
