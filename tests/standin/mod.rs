//! serelrc called as startpar: the answer that rc evaluates, and that the scripts are run whatever happens to us.

mod answer;
mod switch;
mod trouble;

use crate::support::program::{Finished, LIMIT, finish};
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use std::os::unix::fs::symlink;
use std::process::Command;

/// A tree with scripts and a `bin` in which serelrc is called startpar.
fn tree<'a>(scripts: impl IntoIterator<Item = &'a Script>) -> Sandbox {
    let sandbox = Sandbox::new();
    for script in scripts {
        sandbox.add(script);
    }
    std::fs::create_dir(sandbox.at("bin")).unwrap();
    symlink(env!("CARGO_BIN_EXE_serelrc"), sandbox.at("bin/startpar")).unwrap();
    sandbox
}

/// Puts a startpar behind ours in PATH that writes down what it was called with, and answers.
fn add_real(sandbox: &Sandbox) {
    let text = format!(
        "#!/bin/sh\necho real \"$@\" >>'{}'\necho 'failed_service=\"from the real one\"'\n",
        sandbox.at("journal").display()
    );
    sandbox.write("real/startpar", &text, 0o755);
}

/// Runs shell text with our startpar first in PATH, `$TREE` being where the tree is, and `ours ARGUMENTS` calling it as
/// rc does.
#[track_caller]
fn rc(sandbox: &Sandbox, shell: &str, text: &str) -> Finished {
    let text = format!("ours() {{ startpar -e \"$TREE/etc\" -p 4 -t 20 -T 3 \"$@\"; }}\n{text}");
    let path = format!("{0}/bin:{0}/real:/sbin:/usr/sbin:/bin:/usr/bin", sandbox.path().display());
    let mut command = Command::new(shell);
    command.arg("-c").arg(text).env("PATH", path).env("TREE", sandbox.path());
    for inherited in ["SEREL_RUNLEVELS", "SEREL_OPTIONS", "SEREL_DEBUG", "RUNLEVEL", "PREVLEVEL"] {
        command.env_remove(inherited);
    }
    finish(command.current_dir("/"), LIMIT)
}

/// The three lines with these lists.
fn answer(failed: &str, not_installed: &str, not_configured: &str) -> String {
    format!(
        "failed_service=\"{failed}\"\nskipped_service_not_installed=\"{not_installed}\"\n\
         skipped_service_not_configured=\"{not_configured}\"\n"
    )
}
