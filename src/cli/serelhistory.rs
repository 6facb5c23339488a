//! The command line of serelhistory: populate the history, and ask it.

use super::general::{General, parse};
use crate::boot;
use crate::exit::Exit;
use crate::model::{Phase, Strength};
use crate::root::Root;
use clap::{ArgGroup, Parser, ValueEnum};
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
    /// The unit is being stopped: relations run backwards (K??name paths say so, too)
    #[arg(long, conflicts_with = "query")]
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
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Question {
    /// Does every need have a definition, and is there no circle?
    Verify,
    /// Was the history used?
    PriorHistory,
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
        let Some(question) = self.query else {
            let pairs = super::serelrc::read_pairs("-".as_ref())?;
            let phase = if self.stopping || pairs.is_stopping() { Phase::Stop } else { Phase::Start };
            let required: Strength = self.required_start.into();
            return Ok(boot::populate(&root, &database, pairs, phase, required));
        };
        let ask = |populated: crate::history::Populated| match question {
            Question::Verify => populated.verify,
            Question::PriorHistory => populated.prior,
        };
        Ok(boot::query(&database, ask))
    }
}
