//! A whole Debian on a disk, under a kernel of its own: its root cannot be written before a script of its own says so.
//!
//! One disk for all boots: the later ones find what the earlier ones left. Its Debian is that of the containers
//! (`tests/boot`), with few of its services.

use crate::cases::{Case, Skip};
use crate::image::{Disk, here};
use crate::machine::{Boot, Machine, Steps, history};
use crate::root::Root;
use crate::tools::{Tools, program};
use std::fs;
use std::os::unix::fs::symlink;
use std::sync::OnceLock;

/// The tests.
pub(crate) const CASES: &[Case] = &[
    ("disk::the_first_boot_of_a_read_only_root_records_both_units", first),
    ("disk::the_second_boot_has_both_plans_from_the_history", second),
    ("disk::a_broken_history_and_a_cycle_are_said_and_the_runlevel_is_reached", broken),
    ("disk::killed_half_way_and_deleted_the_machine_boots_all_the_same", killed),
];

/// Daemons that runlevel 2 starts.
const DAEMONS: &str = "rsyslogd\ndbus-daemon\ncron\nsshd\nmemcached\n";

/// How all boots after the first are turned off: at once. The first one has scripts for that.
const OFF: &str = "echo off > /root/over/end\n";

/// The boots, one after another.
struct Boots {
    first: Boot,
    second: Boot,
    broken: Boot,
    killed: Boot,
}

fn boots() -> Result<&'static Boots, Skip> {
    static ONCE: OnceLock<Result<Boots, Skip>> = OnceLock::new();
    ONCE.get_or_init(|| {
        let tools = Tools::ready()?;
        let disk = Disk::new(Root::made()?);
        Ok(Boots {
            first: disk.boot(tools, &trimmed(), |machine| install(machine)),
            second: disk.boot(tools, OFF, |_| {}),
            broken: disk.boot(
                tools,
                &format!("{OFF}yes nonsense | head -c 40000 > /root/etc/serel/history.db\n"),
                |machine| cycle(machine),
            ),
            killed: disk.boot(tools, OFF, |machine| fatal(machine)),
        })
    })
    .as_ref()
    .map_err(Clone::clone)
}

fn trimmed() -> String {
    fs::read_to_string(here().join("trim.sh")).expect("one of our files")
}

/// Puts serelrc in the place of startpar, a report behind the runlevel, and first of all a script that looks whether the
/// root can be written.
fn install(machine: &Machine) {
    machine.stripped(&program("serelrc"), "over/usr/sbin/serelrc");
    symlink("serelrc", machine.at("over/usr/sbin/startpar")).expect("a new link");
    machine.text("over/etc/default/serel", "SEREL_RUNLEVELS=\"S 0 2\"\n", 0o644);
    machine.file(&here().join("report"), "over/usr/sbin/report", 0o755);
    machine.file(&here().with_file_name("steps.sh"), "over/over/steps.sh", 0o644);
    machine.file(&here().join("inittab"), "over/etc/inittab", 0o644);
    machine.text("over/over/end", "halt\n", 0o644);
    machine.text("over/etc/fstab", "/dev/vda / ext4 errors=remount-ro 0 1\n", 0o644);
    machine.text("over/etc/network/interfaces", "auto lo\niface lo inet loopback\n", 0o644);
    let probe = "if touch /etc/probe 2> /dev/null; then echo writable; else echo read-only; fi";
    script(machine, "S", "01", &["Provides: probe", "X-Start-Before: mountkernfs"], probe);
}

/// Two scripts of which each needs the other.
fn cycle(machine: &Machine) {
    for (name, other) in [("egg", "hen"), ("hen", "egg")] {
        let header = [format!("Provides: {name}"), format!("Required-Start: {other}")];
        script(machine, "2", "99", &header.each_ref().map(String::as_str), &format!("echo {name} was here"));
    }
}

/// A script that kills serelrc the first time, and one that removes it from the disk when it is there again.
fn fatal(machine: &Machine) {
    let once = "[ -e /run/murder ] || { : > /run/murder; kill -KILL $PPID; }";
    script(machine, "S", "16", &["Provides: murder", "Required-Start: mountall procps"], once);
    let gone = "rm /usr/sbin/serelrc && echo serelrc is gone";
    script(machine, "S", "17", &["Provides: vandal", "Required-Start: murder"], gone);
}

/// Adds a script to a level. The header's first line provides its name.
fn script(machine: &Machine, level: &str, place: &str, header: &[&str], body: &str) {
    let name = header[0].split_whitespace().nth(1).expect("it provides something");
    let lines = header.join("\n# ");
    let text = format!(
        "#!/bin/sh\n### BEGIN INIT INFO\n# {lines}\n# Default-Start: {level}\n# Default-Stop:\n### END INIT INFO\n{body}\n"
    );
    machine.text(&format!("over/etc/init.d/{name}"), &text, 0o755);
    fs::create_dir_all(machine.at(&format!("over/etc/rc{level}.d"))).expect("a new directory");
    let link = format!("over/etc/rc{level}.d/S{place}{name}");
    symlink(format!("../init.d/{name}"), machine.at(&link)).expect("a new link");
}

/// What every boot must come to, whatever was in its way.
#[track_caller]
fn reached(boot: &Boot) -> Steps<'_> {
    let steps = boot.case("disk");
    assert_eq!(steps.ended("level", 0).stdout, "N 2\n", "{boot}");
    assert_eq!(steps.ended("root", 0).stdout, "rw,relatime,errors=remount-ro\n", "{boot}");
    assert_eq!(steps.ended("daemons", 0).stdout, DAEMONS, "{boot}");
    assert!(!steps.ended("waiting", 0).stdout.contains("pending"), "{boot}");
    steps
}

/// The line in which a run says what it did.
#[track_caller]
fn summary<'a>(boot: &'a Boot, label: &str) -> &'a str {
    let found = boot.console().lines().find_map(|line| line.split_once(&format!("serelrc: {label}: ")));
    found.unwrap_or_else(|| panic!("nothing is said of {label}\n{boot}")).1
}

/// The runs in the history as a boot left it, the first one first: label, boot, whether the plan was there.
#[track_caller]
fn recorded(steps: &Steps) -> Vec<(String, String, bool)> {
    let (_dir, history) = history(&steps.ended("database", 0).stdout);
    let runs = history.runs(100).expect("it is well").into_iter().rev();
    runs.map(|run| (run.row.label, run.row.boot.unwrap_or_default(), run.row.cached)).collect()
}

#[track_caller]
fn boot_of(steps: &Steps) -> String {
    steps.ended("boot", 0).stdout.trim().to_owned()
}

fn first() -> Result<(), Skip> {
    let boot = &boots()?.first;
    let steps = reached(boot);
    let (console, id) = (boot.console(), boot_of(&steps));
    assert!(console.contains("probe: read-only"), "the root was read-only when it began\n{boot}");
    assert!(summary(boot, "start S").contains(" ok in "), "{boot}");
    assert!(summary(boot, "start S").contains("plan: rebuilt: there is no history yet"), "{boot}");
    assert!(summary(boot, "start 2").contains("plan: rebuilt: this unit is new"), "{boot}");
    let runs = recorded(&steps);
    assert_eq!(runs, [("start S".into(), id.clone(), false), ("start 2".into(), id, false)], "{boot}");
    // bootlogd, which takes the console meanwhile, has all that was said between its start and its end.
    let log = &steps.ended("bootlog", 0).stdout;
    assert!(log.contains("serelrc: start S: ") && log.contains("plan: rebuilt"), "{log}\n{boot}");
    for text in
        ["Mounting local filesystems", "Starting enhanced syslogd", "Starting OpenBSD Secure Shell server"]
    {
        assert!(log.contains(text) && console.contains(text), "{text}: {log}\n{boot}");
    }
    // It was turned off by its scripts, and the disk is clean.
    assert!(summary(boot, "stop 0 from 2").contains(" ok in "), "{boot}");
    assert!(console.trim_end().lines().any(|line| line.ends_with("reboot: Power down")), "{boot}");
    Ok(())
}

fn second() -> Result<(), Skip> {
    let (before, boot) = (&boots()?.first, &boots()?.second);
    let steps = reached(boot);
    assert!(boot.console().contains("probe: read-only"), "{boot}");
    assert!(boot.console().contains("root: clean"), "{boot}");
    for label in ["start S", "start 2"] {
        assert!(summary(boot, label).ends_with("plan: cached"), "{boot}");
    }
    let (old, new) = (boot_of(&before.case("disk")), boot_of(&steps));
    assert_ne!(old, new);
    let runs = recorded(&steps);
    let run = |label: &str, boot: &str, cached| (label.to_owned(), boot.to_owned(), cached);
    let all = [
        run("start S", &old, false),
        run("start 2", &old, false),
        run("stop 0 from 2", &old, false),
        run("start S", &new, true),
        run("start 2", &new, true),
    ];
    assert_eq!(runs, all, "{boot}");
    Ok(())
}

fn broken() -> Result<(), Skip> {
    let boot = &boots()?.broken;
    let steps = reached(boot);
    let console = boot.console();
    assert!(console.contains("/etc/serel/history.db: the history is damaged"), "{boot}");
    assert!(console.contains("set aside as /etc/serel/history.db.bad and a new one begun"), "{boot}");
    assert_eq!(steps.ended("history", 0).stdout, "history.db\nhistory.db.bad\n", "{boot}");
    assert!(console.contains("circle: egg -> hen -> egg"), "{boot}");
    for name in ["hen", "egg"] {
        assert!(console.contains(&format!("{name} was here")), "{boot}");
    }
    assert_eq!(recorded(&steps).len(), 2, "{boot}");
    Ok(())
}

fn killed() -> Result<(), Skip> {
    let boot = &boots()?.killed;
    reached(boot);
    let console = boot.console();
    assert!(console.contains("the run was killed by SIGKILL: going on one by one"), "{boot}");
    assert!(console.contains("serelrc is gone"), "{boot}");
    assert!(!console.contains("serelrc: start 2:"), "the real startpar did that\n{boot}");
    Ok(())
}
