//! What systemtap-service stands on: how staprun, stapio and the kernel behave, without systemtap-service.
//!
//! When one of these fails, the machine, the kernel or systemtap has changed, and the failures of systemtap-service's
//! own tests follow from that.

use crate::cases::Case;
use crate::machine::{Boot, Machine, Steps};
use crate::modules::compiled;
use crate::tools::{Skip, Tools};
use std::sync::OnceLock;

/// The tests.
pub(crate) const CASES: &[Case] = &[
    ("plain::the_kernel_keeps_the_order_of_modules", load),
    ("plain::recorders_in_memory_and_in_a_file", recorders),
    ("plain::a_killed_daemon_leaves_its_module", killed),
    ("plain::a_stopped_daemon_leaves_a_held_module", held),
    ("plain::an_ended_script_keeps_its_module_and_loses_its_state", ended),
];

/// One boot for all.
fn boot() -> Result<&'static Boot, Skip> {
    static ONCE: OnceLock<Result<Boot, Skip>> = OnceLock::new();
    ONCE.get_or_init(|| {
        let modules = compiled()?;
        let machine = Machine::new();
        machine.files(&modules, "modules");
        Ok(machine.boot(Tools::ready()?, &["load", "recorders", "killed", "held", "ended"]))
    })
    .as_ref()
    .map_err(Clone::clone)
}

/// The last step of each case: no module is left.
#[track_caller]
fn nothing_left(steps: &Steps) {
    assert_eq!(steps.ended("left", 0).stdout, "", "{}", steps.all());
}

fn load() -> Result<(), Skip> {
    let steps = boot()?.case("load");
    assert!(steps.ended("guest-alone", 1).stderr.contains("Unknown symbol in module"), "{}", steps.all());
    for name in ["host", "other", "guest"] {
        let step = steps.ended(name, 0);
        assert_eq!(step.stdout, "");
        assert!(step.stderr.contains("Disconnecting from systemtap module"), "{}", steps.all());
    }
    assert!(steps.ended("again", 1).stderr.contains("File exists"), "{}", steps.all());
    assert_eq!(steps.ended("loaded", 0).stdout, "guest 0 -\nother 0 -\nhost 1 guest,\n");
    assert_eq!(steps.ended("srvstat", 0).stdout, "running\n");
    assert!(steps.ended("unload-host-held", 1).stderr.contains("Couldn't remove module 'host'"));
    for name in ["unload-guest", "unload-host", "unload-other"] {
        steps.ended(name, 0);
    }
    assert!(steps.ended("unload-unloaded", 234).stderr.contains("not a zombie systemtap module"));
    nothing_left(&steps);
    Ok(())
}

fn recorders() -> Result<(), Skip> {
    let steps = boot()?.case("recorders");
    steps.ended("memory", 0);
    assert!(steps.ended("attach", 0).stdout.starts_with("other begins\nother tick 1\nother tick 2\n"));
    assert_eq!(steps.ended("memory-loaded", 0).stdout, "other 0 -\n");
    steps.ended("unload-memory", 0);
    let pid = steps.ended("daemon", 0).stdout.clone();
    assert!(pid.trim_end().parse::<u32>().is_ok_and(|pid| pid > 1), "{pid:?}");
    assert!(steps.ended("daemon-is", 0).stdout.ends_with("/stapio\n"));
    assert_eq!(steps.ended("daemon-loaded", 0).stdout, "other 1 -\n");
    steps.ended("stop", 0);
    let log = &steps.ended("log", 0).stdout;
    assert!(
        log.starts_with("other begins\nother tick 1\n") && log.ends_with("other ends after 1\n"),
        "{log}"
    );
    nothing_left(&steps);
    Ok(())
}

fn killed() -> Result<(), Skip> {
    let steps = boot()?.case("killed");
    steps.ended("attached", 234);
    assert_eq!(steps.ended("orphan", 0).stdout, "other 0 -\n");
    steps.ended("unload", 0);
    nothing_left(&steps);
    Ok(())
}

fn held() -> Result<(), Skip> {
    let steps = boot()?.case("held");
    steps.ended("guest", 0);
    assert_eq!(steps.ended("zombie", 0).stdout, "guest 0 -\nhost 1 guest,\n");
    assert!(steps.ended("unload-held", 1).stderr.contains("Resource temporarily unavailable"));
    steps.ended("unload-guest", 0);
    steps.ended("unload-host", 0);
    assert!(steps.ended("log", 0).stdout.ends_with("host ends\n"), "{}", steps.all());
    nothing_left(&steps);
    Ok(())
}

fn ended() -> Result<(), Skip> {
    let steps = boot()?.case("ended");
    assert_eq!(steps.ended("loaded", 0).stdout, "ender 0 -\n");
    assert!(steps.ended("srvstat", 1).stderr.contains("Input/output error"), "{}", steps.all());
    steps.ended("unload", 0);
    nothing_left(&steps);
    Ok(())
}
