//! Early boot: our programs, busybox and a few scripts in memory, and nothing else. No `/proc`, `/sys`, `/run`, `/tmp`,
//! a `/dev` with a console, a root that cannot be written, a clock that stands at 1970.
//!
//! One boot for all; what each case does there is in `guest/early/`.

use crate::cases::{Case, Skip};
use crate::machine::{Boot, Machine, Steps, history};
use crate::tools::{Tools, program, which};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::OnceLock;

/// The tests.
pub(crate) const CASES: &[Case] = &[
    ("early::nothing_is_mounted_and_all_scripts_run", bare),
    ("early::a_dev_of_the_kernels_own", devices),
    ("early::a_root_that_cannot_be_written", read_only),
    ("early::what_is_learnt_before_the_root_can_be_written_is_saved_later", pending),
    ("early::a_damaged_history", damaged),
    ("early::what_goes_wrong_keeps_no_machine_from_booting", trouble),
    ("early::daemon_history_and_client_on_a_read_only_root", suite),
];

/// Scripts: name, what they need, level.
const SCRIPTS: [(&str, &str, &str); 9] = [
    ("mountkernfs", "", "S"),
    ("udev", "mountkernfs", "S"),
    ("hostname", "", "S"),
    ("checkroot", "udev hostname", "S"),
    ("mountall", "checkroot", "S"),
    ("network", "mountall", "S"),
    ("syslog", "mountall", "2"),
    ("ssh", "syslog network", "2"),
    ("cron", "syslog", "2"),
];

/// One boot for all.
fn boot() -> Result<&'static Boot, Skip> {
    static ONCE: OnceLock<Result<Boot, Skip>> = OnceLock::new();
    ONCE.get_or_init(|| {
        let tools = Tools::ready()?;
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernel/guest/early");
        let mut machine = Machine::empty();
        for dir in ["bin", "sbin", "dev", "proc", "sys", "run", "tmp", "out", "etc/init.d"] {
            fs::create_dir_all(machine.at(dir)).expect("a new directory");
        }
        symlink("busybox", machine.at("bin/sh")).expect("a new link");
        machine.program(&which("busybox").expect("BUG: looked for before"), "bin/busybox");
        for name in ["serelrc", "serelhistory", "sereld", "serelc"] {
            machine.stripped(&program(name), &format!("sbin/{name}"));
        }
        machine.file(&here.join("init"), "init", 0o755);
        let script = fs::read_to_string(here.join("script")).expect("one of our files");
        for (name, needs, level) in SCRIPTS {
            let text = script.replace("@name@", name).replace("@needs@", needs).replace("@level@", level);
            machine.text(&format!("etc/init.d/{name}"), &text, 0o755);
        }
        machine.with(&["-rtc", "base=1970-01-01T00:00:00"]);
        let cases = ["bare", "devices", "read-only", "pending", "damaged", "trouble", "suite"];
        let cases: Vec<String> = cases.iter().map(|name| format!("early/{name}")).collect();
        machine.file(&here.join("tree.sh"), "cases/early/tree.sh", 0o644);
        machine.text("cases/script", &script, 0o644);
        Ok(machine.boot(tools, &cases.iter().map(String::as_str).collect::<Vec<_>>()))
    })
    .as_ref()
    .map_err(Clone::clone)
}

/// All scripts of the levels ran, each after what it needs.
#[track_caller]
fn all_ran(steps: &Steps, name: &str, levels: &[&str]) {
    let said = &steps.ended(name, 0).stdout;
    let lines: Vec<&str> = said.lines().collect();
    let at = |line: String| {
        let found: Vec<usize> = (0..lines.len()).filter(|at| lines[*at] == line).collect();
        assert_eq!(found.len(), 1, "{line}\n{}", steps.all());
        found[0]
    };
    let mut count = 0;
    for (script, needs, _) in SCRIPTS.iter().filter(|script| levels.contains(&script.2)) {
        count += 2;
        for need in needs.split_whitespace() {
            let here = SCRIPTS.iter().any(|known| known.0 == need && levels.contains(&known.2));
            assert!(!here || at(format!("end {need}")) < at(format!("begin {script}")), "{}", steps.all());
        }
        at(format!("end {script}"));
    }
    assert_eq!(lines.len(), count, "{}", steps.all());
}

/// Both runs went well, with plans of this kind.
#[track_caller]
fn both(steps: &Steps, name: &str, plan: &str) {
    for level in ["S", "2"] {
        let step = steps.ended(&format!("{name}-{level}"), 0);
        assert!(step.stdout.contains(&format!("plan: {plan}")), "{plan}: {step:#?}\n{}", steps.all());
    }
}

fn bare() -> Result<(), Skip> {
    let steps = boot()?.case("early/bare");
    assert_eq!(steps.ended("clock", 0).stdout, "1970\n");
    let files = &steps.ended("files", 0).stdout;
    assert_eq!(files, "/dev:\nconsole\n\n/proc:\n\n/run:\n\n/sys:\n\n/tmp:\n", "{}", steps.all());
    assert!(steps.ended("first-S", 0).stdout.contains("plan: rebuilt: there is no history yet"));
    all_ran(&steps, "first-ran", &["S", "2"]);
    both(&steps, "second", "cached");
    all_ran(&steps, "second-ran", &["S", "2"]);
    assert_eq!(steps.ended("left", 0).stdout, "/etc/serel:\nhistory.db\n\n/run:\n", "{}", steps.all());
    assert_eq!(steps.ended("clock-is", 0).stdout, "2031\n");
    both(&steps, "clock", "cached");
    all_ran(&steps, "clock-ran", &["S", "2"]);
    // What took years by the clock on the wall took none by the one that counts.
    assert!(steps.ended("clock-S", 0).stdout.contains("6 ok in 0."), "{}", steps.all());
    Ok(())
}

fn devices() -> Result<(), Skip> {
    let steps = boot()?.case("early/devices");
    both(&steps, "first", "rebuilt");
    all_ran(&steps, "first-ran", &["S", "2"]);
    both(&steps, "second", "cached");
    steps.ended("closed", 0);
    all_ran(&steps, "closed-ran", &["2"]);
    Ok(())
}

fn read_only() -> Result<(), Skip> {
    let steps = boot()?.case("early/read-only");
    both(&steps, "never", "rebuilt: there is no history yet");
    all_ran(&steps, "never-ran", &["S", "2"]);
    assert_eq!(steps.ended("left", 0).stdout, "init.d\n");
    both(&steps, "late", "rebuilt");
    all_ran(&steps, "late-ran", &["S", "2"]);
    both(&steps, "kept", "cached");
    for name in ["never-S", "never-2", "late-S", "late-2", "kept-S", "kept-2"] {
        assert_eq!(steps.ended(name, 0).stderr, "", "every early boot meets that: {}", steps.all());
    }
    Ok(())
}

fn pending() -> Result<(), Skip> {
    let steps = boot()?.case("early/pending");
    both(&steps, "waits", "rebuilt");
    assert_eq!(steps.ended("left", 0).stdout, "init.d\n");
    let waiting = &steps.ended("waiting", 0).stdout;
    assert!(waiting.contains("pending.1\npending.2\n"), "{}", steps.all());
    steps.ended("later", 0);
    assert!(!steps.ended("saved", 0).stdout.contains("pending"), "{}", steps.all());
    let runs = recorded(&steps.ended("database", 0).stdout);
    assert_eq!(runs, ["start S, 6 jobs", "start 2, 3 jobs", "start 2, 3 jobs"], "{}", steps.all());
    Ok(())
}

/// The runs in a history that a machine has sent, the first one first.
fn recorded(sent: &str) -> Vec<String> {
    let (_dir, history) = history(sent);
    let runs = history.runs(100).expect("it is well").into_iter().rev();
    runs.map(|run| format!("{}, {} jobs", run.row.label, run.row.jobs.len())).collect()
}

fn damaged() -> Result<(), Skip> {
    let steps = boot()?.case("early/damaged");
    both(&steps, "first", "rebuilt: the history cannot be used");
    for name in ["first-S", "first-2", "second-S"] {
        assert!(steps.ended(name, 0).stderr.contains("the history is damaged"), "{}", steps.all());
    }
    assert!(steps.ended("second-S", 0).stderr.contains("set aside as /etc/serel/history.db.bad"));
    both(&steps, "second", "rebuilt");
    both(&steps, "third", "cached");
    assert_eq!(steps.ended("files", 0).stdout, "history.db\nhistory.db.bad\n");
    Ok(())
}

fn trouble() -> Result<(), Skip> {
    let steps = boot()?.case("early/trouble");
    both(&steps, "directory", "rebuilt: the history cannot be used");
    both(&steps, "full", "rebuilt");
    for level in ["S", "2"] {
        let said = |name: &str| &steps.ended(&format!("{name}-{level}"), 0).stderr;
        assert!(said("directory").contains("it is not a regular file"), "{}", steps.all());
        assert!(said("full").contains("no space is left for the history"), "{}", steps.all());
    }
    steps.ended("killed", 137);
    let resumed = steps.ended("resumed", 0);
    assert!(resumed.stderr.contains("4 of 6 services were started before"), "{}", steps.all());
    all_ran(&steps, "resumed-ran", &["S"]);
    let circle = steps.ended("circle", 1);
    assert!(circle.stderr.contains("circle of needs: egg -> hen -> egg"), "{}", steps.all());
    assert!(circle.stderr.contains("falling back to the given order, one by one"), "{}", steps.all());
    assert!(circle.stdout.contains("ghost  not started: no such script, or no such interpreter"));
    let ran = &steps.ended("circle-ran", 0).stdout;
    for name in ["egg", "hen", "syslog", "cron", "ssh"] {
        assert!(ran.contains(&format!("end {name}\n")), "{}", steps.all());
    }
    Ok(())
}

fn suite() -> Result<(), Skip> {
    let steps = boot()?.case("early/suite");
    for name in ["daemon", "populate"] {
        assert_eq!(steps.ended(name, 0).stderr, "", "{}", steps.all());
    }
    assert_eq!(steps.ended("verify", 0).stdout, "success\n", "{}", steps.all());
    assert!(steps.ended("unit", 0).stdout.contains("6 ok"), "{}", steps.all());
    let known = &steps.ended("known", 0).stdout;
    for service in ["early", "mountall", "network"] {
        let line = known.lines().find(|line| line.split_whitespace().next() == Some(service));
        assert!(line.is_some_and(|line| line.contains(" available ")), "{service}\n{}", steps.all());
    }
    steps.ended("stop", 0);
    steps.ended("later", 0);
    assert_eq!(steps.ended("verify-later", 0).stdout, "success\n", "{}", steps.all());
    Ok(())
}
