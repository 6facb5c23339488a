//! Debian's rc has one line more, which calls `contrib/rc/serel-rc`: startpar is not touched, and not called.

use crate::cases::{Case, Skip};
use crate::daemons::assert_all_up;
use crate::machine::Machine;
use crate::root::Root;
use crate::standin::two_boots;
use std::fs;

pub(crate) const CASES: &[Case] = &[
    ("hook::the_daemons_come_up_and_the_next_boot_remembers", the_next_boot_remembers),
    ("hook::levels_that_are_not_named_are_startpar_s", levels_that_are_not_named_are_startpar_s),
    ("hook::serelrc_is_gone", serelrc_is_gone),
    ("hook::the_hook_is_gone", the_hook_is_gone),
    ("hook::serelrc_is_killed_half_way", serelrc_is_killed_half_way),
];

/// What rc says of what startpar answered.
const ITS_OWN_WAY: &str = "startpar: service(s) returned failure: smartmontools ...";

fn the_next_boot_remembers() -> Result<(), Skip> {
    for console in two_boots(&Machine::with_hook(Root::made()?))? {
        assert!(!console.contains(ITS_OWN_WAY), "startpar was called\n{console}");
    }
    Ok(())
}

fn levels_that_are_not_named_are_startpar_s() -> Result<(), Skip> {
    let machine = Machine::with_hook(Root::made()?);
    machine.text("etc/default/serel", "SEREL_RUNLEVELS=S\n", 0o644);
    let mut boot = machine.boot("");
    assert_all_up(boot.reached('2'))?;
    let console = boot.stop();
    assert!(console.contains("serelrc: start S: ") && !console.contains("serelrc: start 2: "), "{console}");
    assert!(console.contains(ITS_OWN_WAY), "{console}");
    Ok(())
}

fn serelrc_is_gone() -> Result<(), Skip> {
    let machine = Machine::with_hook(Root::made()?);
    fs::remove_file(machine.at("usr/sbin/serelrc")).expect("it was there");
    let mut boot = machine.boot("");
    assert_all_up(boot.reached('2'))?;
    let console = boot.stop();
    for text in ["serel: there is no serelrc: going on without it", ITS_OWN_WAY] {
        assert!(console.contains(text), "nobody said {text:?}\n{console}");
    }
    Ok(())
}

fn the_hook_is_gone() -> Result<(), Skip> {
    let machine = Machine::with_hook(Root::made()?);
    fs::remove_dir_all(machine.at("usr/lib/serel")).expect("it was there");
    let mut boot = machine.boot("");
    assert_all_up(boot.reached('2'))?;
    let console = boot.stop();
    assert!(console.contains(ITS_OWN_WAY), "{console}");
    Ok(())
}

fn serelrc_is_killed_half_way() -> Result<(), Skip> {
    let machine = Machine::with_hook(Root::made()?);
    // Once: rc calls it again.
    machine.script(
        "killer",
        '2',
        "# Required-Start: rsyslog",
        "mkdir /run/killed && kill -KILL \"$PPID\"\nexit 0",
    );
    let mut boot = machine.boot("");
    assert_all_up(boot.reached('2'))?;
    let console = boot.stop();
    for text in ["serel: serelrc ended with 137; ", ITS_OWN_WAY] {
        assert!(console.contains(text), "nobody said {text:?}\n{console}");
    }
    Ok(())
}
