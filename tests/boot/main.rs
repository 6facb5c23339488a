//! A whole Debian with sysvinit and its daemons boots as a container, and changes runlevels, and halts: with its own
//! startpar, and with serel in its place.
//!
//! A test binary of its own, because it needs a machine that lets root install a Debian and make namespaces, and because
//! it takes a minute to make the Debian at first. The container has a user namespace in which nobody is a user of this
//! machine, no device that is anybody's, no network but its own, and no way to the clock or the console of this machine.

mod boot;
mod broken;
#[path = "../support/cases.rs"]
mod cases;
mod daemons;
mod hook;
mod levels;
mod machine;
mod namespace;
mod package;
mod plain;
#[path = "../support/program.rs"]
#[allow(dead_code, reason = "shared with the integration tests")]
mod program;
mod root;
mod standin;

use std::process::ExitCode;

fn main() -> ExitCode {
    cases::run(
        &[plain::CASES, standin::CASES, hook::CASES, levels::CASES, broken::CASES, package::CASES].concat(),
    )
}
