//! Debian's real init scripts from level to level: who is stopped and started, and what a shutdown ends with.
//!
//! Nothing is run: the plans are looked at.

use crate::debian::enabled;
use crate::support::order;
use crate::support::sandbox::Sandbox;
use std::collections::BTreeSet;

/// The names in a dry run, in the order in which they would be started; nobody has recorded times.
#[track_caller]
fn would(sandbox: &Sandbox, arguments: &[&str]) -> Vec<String> {
    let run = sandbox.serelrc(&[arguments, &["--dry-run"]].concat()).expect_code(0);
    let jobs = run.stdout.lines().filter(|line| line.contains("/etc/init.d/"));
    jobs.map(|line| line.split_whitespace().nth(1).unwrap().to_owned()).collect()
}

fn set<'a>(names: impl IntoIterator<Item = &'a String>) -> BTreeSet<&'a str> {
    names.into_iter().map(String::as_str).collect()
}

#[test]
fn the_last_steps_of_a_shutdown_are_alone_and_in_their_order() {
    let sandbox = enabled();
    for (level, last) in [("0", "halt"), ("6", "reboot")] {
        let json = sandbox.serelrc(&["graph", level, "--stop", "--json"]).expect_code(0).json();
        let graph = order::graph(&json);
        let all = order::closure(&graph.pairs);
        let before = |one: &str, other: &str| all.contains(&(one.to_owned(), other.to_owned()));
        let steps = ["sendsigs", "umountfs", "umountroot", last];
        for step in steps {
            let beside: Vec<&String> = graph
                .scripts
                .iter()
                .filter(|name| *name != step && !before(name, step) && !before(step, name))
                .collect();
            assert!(beside.is_empty(), "level {level}: {step} is not alone: {beside:?}");
        }
        for two in steps.windows(2) {
            assert!(before(two[0], two[1]), "level {level}: {two:?}");
        }
        assert!(graph.scripts.iter().all(|name| name == last || before(name, last)), "{last} is not last");
        // What is killed by sendsigs was stopped in its own way before.
        for daemon in ["cron", "ssh", "dbus", "exim4", "redis-server", "urandom", "nftables"] {
            assert!(!graph.scripts.contains(daemon) || before(daemon, "sendsigs"), "{daemon}");
        }
        for late in ["umountnfs.sh", "networking", "rsyslog", "hwclock.sh"] {
            assert!(before("sendsigs", late), "{late} is stopped after the processes that use it");
        }
        let order = would(&sandbox, &["stop", level, "--previous", "2"]);
        assert_eq!(order.last().map(String::as_str), Some(last), "{order:?}");
        assert_eq!(set(&order), set(&sandbox.linked(level, 'K')), "the whole level");
    }
}

#[test]
fn single_user_mode_begins_with_killprocs_and_ends_with_single() {
    let sandbox = enabled();
    let order = would(&sandbox, &["start", "1", "--previous", "2"]);
    assert_eq!(order.first().map(String::as_str), Some("killprocs"), "{order:?}");
    assert_eq!(order.last().map(String::as_str), Some("single"), "{order:?}");
    let (in_2, in_1) = (sandbox.linked("2", 'S'), sandbox.linked("1", 'S'));
    assert_eq!(set(&order), &set(&in_1) - &set(&in_2), "only what level 2 has not started");
}

#[test]
fn from_a_level_to_another_only_the_difference_is_stopped_and_started() {
    let sandbox = enabled();
    for (from, to) in [("2", "3"), ("3", "2"), ("2", "1"), ("1", "2"), ("5", "4")] {
        for (verb, letter) in [("stop", 'K'), ("start", 'S')] {
            let order = would(&sandbox, &[verb, to, "--previous", from]);
            let (new, old) = (sandbox.linked(to, letter), sandbox.linked(from, letter));
            assert_eq!(set(&order), &set(&new) - &set(&old), "{verb} {to} from {from}");
        }
    }
    // Levels 2 to 5 of Debian are one and the same, until somebody takes a service out of one of them.
    assert_eq!(would(&sandbox, &["start", "3", "--previous", "2"]), Vec::<String>::new());
    let links = sandbox.names("etc/rc2.d");
    let cron = links.iter().find(|link| link.ends_with("cron")).unwrap();
    let down = cron.replace('S', "K");
    std::fs::rename(sandbox.at(&format!("etc/rc2.d/{cron}")), sandbox.at(&format!("etc/rc2.d/{down}")))
        .unwrap();
    assert_eq!(would(&sandbox, &["start", "3", "--previous", "2"]), ["cron"]);
    assert_eq!(would(&sandbox, &["stop", "2", "--previous", "3"]), ["cron"]);
}

/// Who is stopped and started in one level is started again: it was stopped on purpose.
#[test]
fn a_service_that_a_level_stops_and_starts_is_started_again() {
    let sandbox = enabled();
    sandbox.link("3", "K01cron");
    assert_eq!(would(&sandbox, &["stop", "3", "--previous", "2"]), ["cron"]);
    assert_eq!(would(&sandbox, &["start", "3", "--previous", "2"]), ["cron"]);
}
