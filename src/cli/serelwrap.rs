//! The command line of serel-wrap: a script and its arguments.

use super::general::{General, parse};
use crate::boot::{self, Wrapped};
use crate::exit::Exit;
use crate::ipc::Servers;
use clap::Parser;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Run a boot script when what it needs is available, and tell the daemon how it ended
#[derive(Debug, Parser)]
#[command(name = "serel-wrap")]
struct Cli {
    #[command(flatten)]
    general: General,
    /// Where to speak to: a path, or @NAME for an abstract name [default: `$SEREL_RUN` in a script of serelrc; else `$SEREL_SOCKET`, else @serel]
    #[arg(long, value_name = "PATH")]
    socket: Option<OsString>,
    /// The history, for a script that the daemon does not know
    #[arg(long, value_name = "FILE", default_value = crate::history::PATH)]
    db: PathBuf,
    /// The script
    script: PathBuf,
    /// What it is called with
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    arguments: Vec<OsString>,
}

/// What the command line is made of, for the manual and the completions.
pub(super) fn command() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

/// Runs the program.
pub fn run() -> ExitCode {
    let cli: Cli = match parse(std::env::args_os(), Exit::Usage.into()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    // A log that cannot be written is no reason not to run a boot script.
    if let Err(error) = cli.general.init_log("serel-wrap") {
        crate::log::say(format_args!("serel-wrap: error: {error}"));
    }
    let wrapped = Wrapped { script: cli.script, arguments: cli.arguments, database: cli.db };
    ExitCode::from(boot::wrap(&Servers::choose(cli.socket), &wrapped))
}
