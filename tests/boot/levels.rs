//! From one runlevel to another, and down to the end: the same is asked of startpar and of serel in its place.

use crate::boot::Boot;
use crate::cases::{Case, Skip};
use crate::daemons::assert_all_up;
use crate::machine::Machine;
use crate::root::Root;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const CASES: &[Case] = &[
    ("levels::startpar_changes_levels", || change(&Machine::new(Root::made()?))),
    ("levels::serel_starts_and_stops_only_the_difference", || change(&Machine::with_serel(Root::made()?))),
    ("levels::the_hook_starts_and_stops_only_the_difference", || change(&Machine::with_hook(Root::made()?))),
    ("levels::a_change_in_the_middle_of_a_boot_kills_no_script", change_half_way),
    ("levels::startpar_stops_in_order", || halt(&Machine::new(Root::made()?))),
    ("levels::serel_stops_in_order", || halt(&Machine::with_serel(Root::made()?))),
    ("levels::the_hook_stops_in_order", || halt(&Machine::with_hook(Root::made()?))),
    ("levels::serel_goes_down_to_single_user", || single_user(Machine::with_serel)),
    ("levels::the_hook_goes_down_to_single_user", || single_user(Machine::with_hook)),
    ("levels::startpar_boots_for_a_single_user", || for_one(&Machine::new(Root::made()?), "")),
    ("levels::serel_boots_for_a_single_user", || for_one(&Machine::with_serel(Root::made()?), SAID)),
    ("levels::the_hook_boots_for_a_single_user", || for_one(&Machine::with_hook(Root::made()?), SAID)),
    ("levels::serel_boots_into_level_1", into_level_1),
];

/// Process numbers by pid file.
fn pids(boot: &Boot) -> BTreeMap<String, String> {
    let list = r#"for file in /run/*.pid /run/*/*.pid /run/*/pid; do
        read -r pid rest < "$file"; [ "$pid" ] && [ -d "/proc/$pid" ] && echo "$file $pid"
    done; true"#;
    let said = boot.run(&["sh", "-c", list]).stdout;
    said.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(file, pid)| (file.into(), pid.into()))
        .collect()
}

const REDIS: &str = "/run/redis/redis-server.pid";
const TINYPROXY: &str = "/run/tinyproxy/tinyproxy.pid";

/// redis is in level 2 only, tinyproxy in level 3 only, all others in both.
fn change(machine: &Machine) -> Result<(), Skip> {
    let mut boot = machine.boot("");
    assert_all_up(boot.reached('2'))?;
    boot.run(&["update-rc.d", "redis-server", "disable", "3"]);
    boot.run(&["update-rc.d", "tinyproxy", "disable", "2"]);
    let at_first = pids(&boot);
    assert!(at_first.contains_key(REDIS) && at_first.contains_key(TINYPROXY), "{at_first:#?}");

    boot.run(&["telinit", "3"]);
    let at_three = pids(boot.reached('3'));
    let mut expected = at_first.clone();
    expected.remove(REDIS);
    assert_eq!(at_three, expected, "2 to 3\n{boot}");

    boot.run(&["telinit", "2"]);
    boot.says_times("@@ end 2 ", 2);
    let mut at_last = pids(&boot);
    let redis = at_last.remove(REDIS);
    assert!(
        redis.is_some_and(|pid| Some(&pid) != at_first.get(REDIS)),
        "redis was not started again\n{boot}"
    );
    expected.remove(TINYPROXY);
    assert_eq!(at_last, expected, "3 to 2\n{boot}");
    boot.stop();
    Ok(())
}

/// init ends rc with its process group; scripts that are under way have the time to end.
fn change_half_way() -> Result<(), Skip> {
    let machine = Machine::with_serel(Root::made()?);
    let waits = "trap 'sleep 1; echo ended well > /dev/console; exit 0' TERM\n\
                 echo under way > /dev/console; while :; do sleep 60 & wait; done";
    machine.script("waits", '2', "# Required-Start: rsyslog", waits);
    let mut boot = machine.boot("");
    boot.says("under way").run(&["telinit", "3"]);
    boot.says("ended well").reached('3');
    let console = boot.stop();
    assert!(!console.contains("second signal"), "{console}");
    Ok(())
}

fn halt(machine: &Machine) -> Result<(), Skip> {
    let mut boot = machine.boot("");
    assert_all_up(boot.reached('2'))?;
    let console = boot.stop();
    // Each stops what those before it still need.
    let steps = [
        "Stopping nginx",
        "Asking all remaining processes to terminate",
        "Stopping enhanced syslogd",
        "Deconfiguring network interfaces",
        "Unmounting local filesystems",
        "Will now halt",
    ];
    let places = steps.map(|step| console.rfind(step));
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{steps:?}: {places:?}\n{console}");
    Ok(())
}

fn single_user(made: fn(&Root) -> Machine) -> Result<(), Skip> {
    let machine = made(Root::made()?);
    let mut boot = machine.boot("");
    boot.reached('2');
    boot.run(&["telinit", "1"]);
    // The scripts of level 1 end in level S, where somebody is asked for a password.
    boot.says(ASKS);
    let left = pids(&boot);
    assert!(left.is_empty(), "still up: {left:#?}\n{boot}");
    boot.stop();
    Ok(())
}

/// `1` on the kernel's command line: level S, then level 1, which ends all processes; what level S had begun does not come
/// back with level 2, whoever starts it.
fn into_level_1() -> Result<(), Skip> {
    let machine = Machine::with_serel(Root::made()?);
    let mut boot = machine.boot("1");
    boot.says(SAID).says(ASKS);
    let left = pids(&boot);
    assert!(left.is_empty(), "still up: {left:#?}\n{boot}");
    boot.run(&["telinit", "2"]);
    let up = pids(boot.reached('2'));
    assert!(up.contains_key(REDIS) && up.contains_key(TINYPROXY), "{up:#?}\n{boot}");
    boot.stop();
    Ok(())
}

/// What sulogin asks.
const ASKS: &str = "for maintenance";

/// What serel has said then.
const SAID: &str = "serelrc: start S: ";

/// `single` on the kernel's command line: level S and nothing else, until somebody goes on from there.
fn for_one(machine: &Machine, said: &str) -> Result<(), Skip> {
    let mut boot = machine.boot("single");
    boot.says(said).says(ASKS);
    let up = pids(&boot);
    assert!(!up.contains_key(REDIS) && !up.contains_key(TINYPROXY), "up too soon: {up:#?}\n{boot}");
    boot.run(&["telinit", "2"]);
    assert_all_up(boot.reached('2'))?;
    let console = boot.stop();
    // Each mark is said twice.
    let begun: BTreeSet<&str> =
        console.lines().filter(|line| line.contains("@@ begin 2 ")).map(str::trim).collect();
    assert_eq!(begun.len(), 1, "{console}");
    Ok(())
}
