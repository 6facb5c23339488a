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
    let consoles = two_boots(&Machine::with_serel(Root::made()?))?;
    for console in consoles {
        assert!(console.contains(FAILED), "rc has not heard of it\n{console}");
    }
    Ok(())
}

/// All daemons come up twice, the second time from what the first has left. What the consoles say.
pub(crate) fn two_boots(machine: &Machine) -> Result<[String; 2], Skip> {
    let mut consoles = [String::new(), String::new()];
    for console in &mut consoles {
        let mut boot = machine.boot("");
        assert_all_up(boot.reached('2'))?;
        *console = boot.stop();
    }
    for (console, cached) in consoles.iter().zip([false, true]) {
        for unit in ["serelrc: start S: ", "serelrc: start 2: "] {
            let summary = console.lines().find(|line| line.starts_with(unit) && line.contains("; plan: "));
            let as_expected = summary.is_some_and(|line| line.ends_with("; plan: cached") == cached);
            assert!(as_expected, "{unit}{summary:?}\n{console}");
        }
    }
    Ok(consoles)
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
