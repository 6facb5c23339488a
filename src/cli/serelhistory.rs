//! The command line of serelhistory: populate the history, and ask it.

use super::general::{General, parse};
use crate::boot;
use crate::exit::Exit;
use crate::ipc::Servers;
use crate::model::{Phase, Strength};
use crate::root::Root;
use clap::{ArgGroup, Parser, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Manage and use the history of service relations
#[derive(Debug, Parser)]
#[command(name = "serelhistory", group(ArgGroup::new("what").required(true)))]
struct Cli {
    #[command(flatten)]
    general: General,
    /// Read the unit from standard input: [--started SERVICE...] --pairs SERVICE PATH ...
    #[arg(long, group = "what")]
    populate: bool,
    /// Ask about the last --populate
    #[arg(long, group = "what", value_name = "QUESTION")]
    query: Option<Question>,
    /// Tell the daemon what belongs to the script PATH of the last --populate, and wait for what it needs
    #[arg(long, group = "what", value_name = "PATH")]
    apply: Option<String>,
    /// Tell the daemon that the --started services of the last --populate are available
    #[arg(long, group = "what")]
    apply_started: bool,
    /// The unit is being stopped: relations run backwards (K??name paths say so, too)
    #[arg(long, conflicts_with_all = ["query", "apply", "apply_started"])]
    stopping: bool,
    /// What Required-Start means: the needed one must succeed, or must only have ended
    #[arg(long, value_name = "STRENGTH", default_value = "need")]
    required_start: super::serelrc::RequiredStart,
    /// Read everything under this directory
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// The history [default: /etc/serel/history.db, under the root]
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Where to speak to: a path, or @NAME for an abstract name [default: `$SEREL_RUN` in a script of serelrc; else `$SEREL_SOCKET`, else @serel]
    #[arg(long, value_name = "PATH")]
    socket: Option<OsString>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Question {
    /// Does every need have a definition, and is there no circle?
    Verify,
    /// Was the history used?
    PriorHistory,
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
    let done = cli.general.init_log("serelhistory").map_err(|error| error.to_string());
    match done.and_then(|()| cli.carry_out()) {
        Ok(exit) => exit.into(),
        Err(error) => {
            crate::log::say(format_args!("serelhistory: error: {error}"));
            Exit::Usage.into()
        }
    }
}

impl Cli {
    fn carry_out(self) -> Result<Exit, String> {
        let root =
            Root::new(&self.root).map_err(|error| format!("--root {}: {error}", self.root.display()))?;
        let database = self.db.unwrap_or_else(|| root.place(crate::history::PATH));
        let servers = Servers::choose(self.socket);
        if let Some(path) = self.apply {
            return Ok(boot::apply(&root, &database, &servers, &path));
        }
        if self.apply_started {
            return Ok(boot::apply_started(&root, &database, &servers));
        }
        let Some(question) = self.query else {
            let pairs = super::serelrc::read_pairs("-".as_ref())?;
            let phase = if self.stopping || pairs.is_stopping() { Phase::Stop } else { Phase::Start };
            let required: Strength = self.required_start.into();
            return Ok(boot::populate(&root, &database, &servers.daemon, pairs, phase, required));
        };
        let ask = |populated: crate::history::Populated| match question {
            Question::Verify => populated.verify,
            Question::PriorHistory => populated.prior,
        };
        Ok(boot::query(&root, &database, ask))
    }
}
