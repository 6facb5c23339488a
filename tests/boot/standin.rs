//! Debian's rc calls serelrc, because a link called startpar comes first in its PATH: nothing else is changed.

use crate::cases::{Case, Skip};
use crate::daemons::assert_all_up;
use crate::machine::Machine;
use crate::root::Root;

pub(crate) const CASES: &[Case] = &[
    ("standin::the_daemons_come_up_and_the_next_boot_remembers", the_next_boot_remembers),
    ("standin::switched_off_on_the_command_line", switched_off_on_the_command_line),
    ("standin::levels_that_are_not_ours_are_startpar_s", levels_that_are_not_ours_are_startpar_s),
];

/// What startpar says of this Debian in a container, and rc, when it was answered.
const FAILED: &str = "startpar: service(s) returned failure: smartmontools ...";

fn the_next_boot_remembers() -> Result<(), Skip> {
    let machine = Machine::with_serel(Root::made()?);
    let mut boot = machine.boot("");
    assert_all_up(boot.reached('2'))?;
    let console = boot.stop();
    for text in ["serelrc: start S: ", "serelrc: start 2: ", FAILED] {
        assert!(console.contains(text), "no {text:?}\n{console}");
    }
    assert!(!console.contains("plan: cached"), "there was nothing to remember\n{console}");

    let mut boot = machine.boot("");
    assert_all_up(boot.reached('2'))?;
    let console = boot.stop();
    for unit in ["start S", "start 2"] {
        let summary = console.lines().find(|line| {
            line.strip_prefix("serelrc: ")
                .and_then(|rest| rest.strip_prefix(unit))
                .is_some_and(|rest| rest.contains("; plan: "))
        });
        assert!(
            summary.is_some_and(|line| line.ends_with("; plan: cached")),
            "{unit}: {summary:?}\n{console}"
        );
    }
    Ok(())
}

fn switched_off_on_the_command_line() -> Result<(), Skip> {
    let machine = Machine::with_serel(Root::made()?);
    let mut boot = machine.boot("serel=off");
    assert_all_up(boot.reached('2'))?;
    let console = boot.stop();
    assert!(!console.contains("serelrc: ") && console.contains(FAILED), "{console}");
    assert!(!machine.at("etc/serel").exists(), "it was not off\n{console}");
    Ok(())
}

fn levels_that_are_not_ours_are_startpar_s() -> Result<(), Skip> {
    let machine = Machine::with_serel(Root::made()?);
    let mut boot = machine.boot("SEREL_RUNLEVELS=2");
    assert_all_up(boot.reached('2'))?;
    let console = boot.stop();
    assert!(!console.contains("serelrc: start S: ") && console.contains("serelrc: start 2: "), "{console}");
    Ok(())
}
