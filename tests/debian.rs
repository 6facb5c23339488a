//! Debian's real init scripts: the order that serelrc finds against the one that insserv finds.
//!
//! insserv writes its order into `.depend.boot` (level S), `.depend.start` (1 to 5) and `.depend.stop` (0, 1 and 6).
//! Both orders are compared whole, as transitive closures. Where they differ on purpose, [`EXPLAINED`] says why;
//! any other difference is a fault.

use crate::support::debian::Debian;
use crate::support::order::{self, Pairs, Stated};
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

/// A runlevel in one of its two phases.
#[derive(Debug, Clone, Copy)]
struct Unit {
    level: &'static str,
    /// `S` or `K`, as in the names of the links.
    letter: char,
    /// Where insserv keeps the order.
    depend: &'static str,
}

const fn unit(level: &'static str, letter: char, depend: &'static str) -> Unit {
    Unit { level, letter, depend }
}

const UNITS: [Unit; 9] = [
    unit("S", 'S', ".depend.boot"),
    unit("1", 'S', ".depend.start"),
    unit("2", 'S', ".depend.start"),
    unit("3", 'S', ".depend.start"),
    unit("4", 'S', ".depend.start"),
    unit("5", 'S', ".depend.start"),
    unit("0", 'K', ".depend.stop"),
    unit("1", 'K', ".depend.stop"),
    unit("6", 'K', ".depend.stop"),
];

/// Differences that are shown; one lost edge can make hundreds.
const SHOWN: usize = 30;

/// One unit as both see it, and who is in it.
struct Seen {
    members: Vec<String>,
    insserv: Stated,
    ours: Stated,
}

/// A kind of difference that is as it should be.
struct Explained {
    why: &'static str,
    holds: fn(Unit, &Seen, &Difference) -> bool,
}

/// A pair that only one of the two puts in order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    OnlyOurs(String, String),
    OnlyInsserv(String, String),
}

/// Steps of a shutdown that nothing else is under way beside, and the ways into single-user mode: whatever the headers
/// leave free goes before them, or after `killprocs`. insserv's numbers say it by the way; its order does not.
const STEPS: [&str; 7] = ["sendsigs", "umountfs", "umountroot", "halt", "reboot", "killprocs", "single"];

/// An edge or pair that comes from one of them.
fn of_a_step(unit: Unit, earlier: &str, later: &str) -> bool {
    let closes = match (unit.level, unit.letter) {
        ("0" | "6", 'K') => true,
        ("1", 'S') => STEPS.contains(&earlier) || STEPS.contains(&later),
        _ => false,
    };
    closes && (STEPS.contains(&later) || earlier == "killprocs")
}

const EXPLAINED: [Explained; 3] = [
    Explained {
        why: "insserv leaves it open who is under way beside sendsigs, umountfs, umountroot, halt and their like",
        holds: |unit, seen, difference| {
            let Difference::OnlyOurs(earlier, later) = difference else { return false };
            // By itself, or over a step: who is before it is before all that follow it.
            let ours = order::closure(&seen.ours.pairs);
            let before = |one: &str, other: &str| one == other || ours.contains(&(one.into(), other.into()));
            let over = |step: &&str| before(earlier, step) && before(step, later);
            of_a_step(unit, earlier, later)
                || (STEPS.iter().any(over) && (unit.letter == 'K') == (unit.level != "1"))
        },
    },
    Explained {
        why: "wd_keepalive says `X-Start-Before: $all`, which insserv reads and leaves without effect",
        holds: |unit, _, difference| {
            let first = matches!(difference, Difference::OnlyOurs(first, _) if first == "wd_keepalive");
            first && unit.letter == 'S' && ["2", "3", "4", "5"].contains(&unit.level)
        },
    },
    Explained {
        why: "one `.depend.stop` serves levels 0, 1 and 6: the order comes about through scripts that are not \
              stopped in level 1 (sendsigs, umountnfs.sh), so that nothing says it of level 1",
        holds: |unit, seen, difference| {
            let Difference::OnlyInsserv(first, last) = difference else { return false };
            let inside = order::closure(&order::among(&seen.members, &seen.insserv.pairs));
            unit.level == "1" && unit.letter == 'K' && !inside.contains(&(first.clone(), last.clone()))
        },
    },
];

/// Debian's scripts, all enabled by insserv.
pub(crate) fn enabled() -> Sandbox {
    let debian = Debian::unpacked();
    let sandbox = Sandbox::new();
    debian.copy_etc(&sandbox);
    debian.insserv(&sandbox);
    sandbox
}

/// The same without `rc?.d`: what runs in a level is up to the headers.
fn headers_only() -> Sandbox {
    let sandbox = enabled();
    for level in ["0", "1", "2", "3", "4", "5", "6", "S"] {
        fs::remove_dir_all(sandbox.at(&format!("etc/rc{level}.d"))).unwrap();
    }
    sandbox
}

fn graph(sandbox: &Sandbox, unit: Unit) -> Value {
    let mut arguments = vec!["graph", unit.level, "--json"];
    if unit.letter == 'K' {
        arguments.push("--stop");
    }
    sandbox.serelrc(&arguments).expect_code(0).json()
}

fn differences(seen: &Seen) -> BTreeSet<Difference> {
    let ours = order::closure(&seen.ours.pairs);
    let insserv = order::among(&seen.members, &order::closure(&seen.insserv.pairs));
    let only = |one: &Pairs, other: &Pairs, kind: fn(String, String) -> Difference| -> Vec<Difference> {
        one.difference(other).cloned().map(|(first, last)| kind(first, last)).collect()
    };
    let mut all: BTreeSet<Difference> = only(&ours, &insserv, Difference::OnlyOurs).into_iter().collect();
    all.extend(only(&insserv, &ours, Difference::OnlyInsserv));
    all
}

#[test]
fn the_order_is_insserv_s() {
    let sandbox = enabled();
    let mut unexplained = Vec::new();
    let mut used = [0; EXPLAINED.len()];
    for unit in UNITS {
        let members = sandbox.linked(unit.level, unit.letter);
        let insserv = order::depend(&sandbox.read(&format!("etc/init.d/{}", unit.depend)));
        let seen = Seen { members, insserv, ours: order::graph(&graph(&sandbox, unit)) };
        assert!(!seen.members.is_empty(), "insserv made no links for {unit:?}");
        assert!(seen.ours.scripts.iter().eq(&seen.members), "{unit:?}: {:#?}", seen.ours.scripts);
        for difference in differences(&seen) {
            match EXPLAINED.iter().position(|known| (known.holds)(unit, &seen, &difference)) {
                Some(known) => used[known] += 1,
                None => unexplained.push(format!("level {} {}: {difference:?}", unit.level, unit.letter)),
            }
        }
    }
    let shown = unexplained.iter().take(SHOWN).cloned().collect::<Vec<String>>().join("\n");
    assert!(unexplained.is_empty(), "{} differences, the first of them:\n{shown}", unexplained.len());
    for (known, used) in EXPLAINED.iter().zip(used) {
        assert!(used > 0, "no longer so: {}", known.why);
    }
}

/// Whoever is in two levels is ordered alike in both: the levels say who runs, and the headers say in which order.
#[test]
fn levels_agree_on_what_they_share() {
    let sandbox = enabled();
    let graphs = UNITS.map(|unit| (unit, order::graph(&graph(&sandbox, unit))));
    for (unit, one) in &graphs {
        for (_, other) in graphs.iter().filter(|(other, _)| other.letter == unit.letter) {
            let shared: Vec<String> = one.scripts.intersection(&other.scripts).cloned().collect();
            assert_eq!(order::among(&shared, &one.pairs), order::among(&shared, &other.pairs), "{unit:?}");
        }
    }
}

#[test]
fn insserv_s_numbers_agree() {
    let sandbox = enabled();
    for unit in UNITS {
        let links = sandbox.names(&format!("etc/rc{}.d", unit.level));
        let number = |name: &str| {
            let link = links.iter().find(|link| link.starts_with(unit.letter) && &link[3..] == name);
            link.unwrap_or_else(|| panic!("{name} is not linked in {unit:?}"))[1..3].parse::<u8>().unwrap()
        };
        for (first, last) in &order::graph(&graph(&sandbox, unit)).pairs {
            let known = first == "wd_keepalive" || of_a_step(unit, first, last); // see EXPLAINED
            assert!(known || number(first) < number(last), "{unit:?}: {first} before {last}");
        }
    }
}

#[test]
fn headers_alone_give_the_same_graph() {
    let (linked, bare) = (enabled(), headers_only());
    for unit in UNITS {
        let (linked, bare) = (graph(&linked, unit), graph(&bare, unit));
        for key in ["services", "edges"] {
            let sorted = |json: &Value| {
                order::items(json, key).iter().map(Value::to_string).collect::<BTreeSet<String>>()
            };
            assert_eq!(sorted(&linked), sorted(&bare), "{key} of {unit:?}");
        }
    }
}

#[test]
fn each_edge_names_the_line_that_says_it() {
    let sandbox = enabled();
    for unit in UNITS {
        for edge in order::items(&graph(&sandbox, unit), "edges") {
            let (before, after) = (edge["before"].as_str().unwrap(), edge["after"].as_str().unwrap());
            let file = edge["file"].as_str().unwrap().rsplit('/').next().unwrap();
            let line = usize::try_from(edge["line"].as_u64().unwrap()).unwrap();
            if line == 0 {
                assert!(of_a_step(unit, before, after), "nobody says it: {edge}");
                continue;
            }
            assert!([before, after].contains(&file), "neither end says it: {edge}");
            let text = sandbox.read(&format!("etc/init.d/{file}"));
            let said = text.lines().nth(line - 1).unwrap_or_else(|| panic!("no such line: {edge}"));
            let keyword = said.trim_start_matches(['#', ' ', '\t']).to_lowercase();
            let relations = if unit.letter == 'S' {
                ["required-start:", "should-start:", "x-start-before:"]
            } else {
                ["required-stop:", "should-stop:", "x-stop-after:"]
            };
            assert!(
                relations.iter().any(|known| keyword.starts_with(known)),
                "{edge} is not said by {said:?}"
            );
        }
    }
}

#[test]
fn required_binds_and_should_only_orders() {
    let sandbox = enabled();
    let json = graph(&sandbox, UNITS[2]);
    let kind = |before: &str, after: &str| {
        let edges = order::items(&json, "edges").iter();
        let mut between = edges.filter(|edge| edge["before"] == before && edge["after"] == after);
        between.next().unwrap_or_else(|| panic!("{before} is not before {after}"))["kind"].clone()
    };
    assert_eq!(kind("avahi-daemon", "avahi-dnsconfd"), "need"); // Required-Start: avahi-daemon
    assert_eq!(kind("dbus", "gpsd"), "order"); // Should-Start: dbus
    assert_eq!(kind("cron", "rc.local"), "order"); // Required-Start: $all
}

/// What there is to say of these scripts: (kind, a word of the text or a service, why).
const EXPECTED_PROBLEMS: [(&str, &str, &str); 1] = [(
    "missing",
    "$x-display-manager",
    "bootlogs and openvpn name it, and no package here says who it is; nobody needs it, so it is a warning",
)];

#[test]
fn real_headers_are_read_without_complaint() {
    for sandbox in [enabled(), headers_only()] {
        let json = sandbox.serelrc(&["graph", "--json"]).expect_code(0).json();
        let services = order::items(&json, "services").len();
        let scripts = sandbox.names("etc/init.d").len();
        assert_eq!(services, scripts, "a service for each script");
        for problem in order::items(&json, "problems") {
            let text = problem.to_string();
            let expected = EXPECTED_PROBLEMS
                .iter()
                .any(|(kind, word, _)| problem["kind"] == *kind && text.contains(word));
            assert!(expected, "not expected: {text}");
        }
    }
}

#[test]
fn verify_finds_nothing_that_must_be_mended() {
    for sandbox in [enabled(), headers_only()] {
        for level in ["S", "1", "2", "3", "4", "5"] {
            let verified = sandbox.serelrc(&["verify", level]).expect_code(0);
            assert!(!verified.stderr.contains("error:"), "{verified}");
        }
    }
}

#[test]
fn verify_says_where_a_need_is_that_nobody_meets() {
    let sandbox = headers_only();
    sandbox.add(&Script::new("needer").says("Required-Start", "cron nobody"));
    let verified = sandbox.serelrc(&["verify", "2"]).expect_code(6);
    let said = format!("{}{}", verified.stdout, verified.stderr);
    assert!(said.contains("etc/init.d/needer:4") && said.contains("nobody"), "{verified}");
}

#[test]
fn the_second_plan_comes_from_the_history() {
    for sandbox in [enabled(), headers_only()] {
        let plan = || sandbox.serelrc(&["plan", "2", "--json"]).expect_code(0).json();
        let (first, second) = (plan(), plan());
        assert_eq!((&first["cached"], &second["cached"]), (&Value::Bool(false), &Value::Bool(true)));
        assert_eq!(first["jobs"], second["jobs"]);
        assert_eq!(
            order::items(&first, "jobs").len(),
            order::graph(&graph(&sandbox, UNITS[2])).scripts.len()
        );
    }
}
