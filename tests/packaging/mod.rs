//! What is installed beside the programs: manuals, completions, `make install`, the Debian package.
//!
//! Manuals and completions are made of the command lines' own definitions. What is made lies in the tree, since who
//! installs has no tests at hand; here it is compared, and with `SEREL_RENEW=1` in the environment written anew.

mod completion;
mod install;
mod manual;
mod page;

use clap::Command;
use std::fs;
use std::path::{Path, PathBuf};

/// What renews all that is made.
const RENEW: &str = "SEREL_RENEW=1 cargo test --test integration packaging";

fn contrib(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib").join(file)
}

/// The definition of one program's command line.
#[track_caller]
fn command(program: &str) -> Command {
    let mut commands = serel::cli::commands().into_iter().chain([serel::cli::stand_in()]);
    commands.find(|command| command.get_name() == program).unwrap_or_else(|| panic!("no program {program}"))
}

/// Compares a file of contrib/ with what it has to be, or writes it.
#[track_caller]
fn is_fresh(file: &str, text: &str) {
    let path = contrib(file);
    if std::env::var_os("SEREL_RENEW").is_some() {
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == text, "contrib/{file} is not what it would be made now. Renew it: {RENEW}");
}
