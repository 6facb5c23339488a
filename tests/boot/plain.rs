//! Debian's own boot, which all others are measured by: with startpar, one by one, and stopped by force.

use crate::cases::{Case, Skip};
use crate::daemons::{assert_all_up, reference};
use crate::machine::Machine;
use crate::root::Root;

pub(crate) const CASES: &[Case] = &[
    ("plain::startpar_gets_the_daemons_up", startpar_gets_the_daemons_up),
    ("plain::one_by_one_the_same_daemons_come_up", one_by_one_the_same_daemons_come_up),
    ("plain::a_machine_stopped_by_force_leaves_nothing", a_machine_stopped_by_force_leaves_nothing),
];

fn startpar_gets_the_daemons_up() -> Result<(), Skip> {
    reference().map(|_| ())
}

fn one_by_one_the_same_daemons_come_up() -> Result<(), Skip> {
    let machine = Machine::new(Root::made()?);
    let mut boot = machine.boot("concurrency=none");
    assert_all_up(boot.reached('2'))?;
    let console = boot.stop();
    assert!(!console.contains("makefile-style"), "it was not serial\n{console}");
    Ok(())
}

fn a_machine_stopped_by_force_leaves_nothing() -> Result<(), Skip> {
    let machine = Machine::new(Root::made()?);
    let mut boot = machine.boot("");
    boot.reached('2');
    // Panics if it runs on.
    boot.kill();
    Ok(())
}
