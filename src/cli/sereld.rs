//! The command line of sereld, the daemon of the synchronisation primitives.

use super::general::{General, parse};
use crate::boot;
use crate::exit::Exit;
use crate::ipc::Address;
use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;

/// Keep track of services that are being started, and of who waits for them
#[derive(Debug, Parser)]
#[command(name = "sereld")]
struct Cli {
    #[command(flatten)]
    general: General,
    /// Stay in the foreground
    #[arg(long)]
    foreground: bool,
    /// Where to listen: a path, or @NAME for an abstract name [default: `$SEREL_SOCKET`, else @serel]
    #[arg(long, value_name = "PATH")]
    socket: Option<OsString>,
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
    if !cli.foreground {
        crate::ipc::close_inherited();
    }
    if let Err(error) = cli.general.init_log("sereld") {
        crate::log::say(format_args!("sereld: error: {error}"));
        return Exit::Usage.into();
    }
    boot::daemon(Address::choose(cli.socket), cli.foreground).into()
}
