//! The contract of serelrc, held with real scripts and processes: exit codes, the order in which scripts ran, and
//! what is said.
//!
//! Each test has a tree of its own. Scripts write down themselves that they ran; where one has to wait for another,
//! it reads from a fifo.

mod capture;
mod change;
mod channels;
mod failures;
mod fallback;
mod hostile;
mod json;
mod pending;
mod remembered;
mod resume;
mod runs;
mod signals;
mod system;
mod terminal;
mod units;

use crate::support::program::{Finished, LIMIT, finish, job};
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use std::process::Command;

/// A tree with scripts.
fn tree<'a>(scripts: impl IntoIterator<Item = &'a Script>) -> Sandbox {
    let sandbox = Sandbox::new();
    for script in scripts {
        sandbox.add(script);
    }
    sandbox
}

/// A script that needs another one.
fn needer(name: &str, needs: &str) -> Script {
    Script::new(name).says("Required-Start", needs)
}

/// Runs shell text in which `rc ...` and `history ...` are serelrc and serelhistory on the tree, and `$TREE` is where
/// that is.
#[track_caller]
fn shell(sandbox: &Sandbox, text: &str) -> Finished {
    let text = format!(
        "rc() {{ \"$SERELRC\" --root \"$TREE\" \"$@\"; }}\nhistory() {{ \"$SERELHISTORY\" --root \"$TREE\" \"$@\"; }}\n{text}"
    );
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(text).env("SERELRC", env!("CARGO_BIN_EXE_serelrc"));
    command.env("SERELHISTORY", env!("CARGO_BIN_EXE_serelhistory")).env("TREE", sandbox.path());
    finish(command.current_dir(sandbox.path()), LIMIT)
}

/// The names in the journal, in the order in which the scripts ran.
fn ran(sandbox: &Sandbox) -> Vec<String> {
    sandbox.journal().iter().map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
}

/// Whether a script ran before another one; both must have run.
#[track_caller]
fn before(sandbox: &Sandbox, first: &str, second: &str) -> bool {
    let ran = ran(sandbox);
    let place = |name| ran.iter().position(|had| had == name).unwrap_or_else(|| panic!("no {name}: {ran:?}"));
    place(first) < place(second)
}
