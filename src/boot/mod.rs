//! One call for each verb of serelrc: what the command line asks for, carried out, and an exit code.

mod apply;
mod calling;
mod closing;
mod daemon;
mod dry;
mod elsewhere;
mod execute;
mod guests;
mod journal;
mod ledger;
mod links;
mod pending;
mod plain;
mod populate;
mod record;
mod regular;
mod reply;
mod rest;
mod resume;
mod say;
mod show;
mod standin;
mod start;
mod switch;
mod system;
mod systemtap;
mod wrap;

pub use apply::{apply, apply_started};
pub use daemon::daemon;
pub use execute::auto_slots;
pub use ledger::Ledger;
pub use links::has_directory;
pub use populate::{populate, query};
pub use say::{Saying, say};
pub use show::{explain, graph, plan, verify};
pub use standin::{Part, call_each, hand_over, run_plainly, stand_in, step_aside};
pub use start::{change, start};
pub use switch::{Switch, one_by_one};
pub use system::{Foreseen, system};
pub use systemtap::systemtap;
pub use wrap::{Wrapped, wrap};

use crate::definition::diagnostic::{Diagnostic, Severity};
use crate::exit::Exit;
use crate::history::{Batch, Saved, Trouble};
use crate::report::console::Color;
use crate::root::Root;
use pending::Kept;
use std::io::Write as _;
use std::path::PathBuf;

/// Where rc looks for programs when nobody has said.
const PATH: &str = "/sbin:/usr/sbin:/bin:/usr/bin";

/// What all verbs share.
#[derive(Debug, Clone)]
pub struct Common {
    /// The root under which everything is read and run.
    pub root: Root,
    /// The history's file, a real path.
    pub database: PathBuf,
    /// Machine-readable output.
    pub json: bool,
    /// Colour on the console.
    pub color: Color,
}

/// How a unit is to be run.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "one for each switch on the command line")]
pub struct Running {
    /// Most jobs at one time; at least 1.
    pub slots: usize,
    /// Seconds that a job may take; 0 is "for ever".
    pub timeout: u64,
    /// One job at a time.
    pub serial: bool,
    /// Go on with a run that was interrupted.
    pub resume: bool,
    /// Say what would be done, and do nothing.
    pub dry_run: bool,
    /// Leave out the output of jobs that went well.
    pub quiet: bool,
    /// Whoever called may go on before the history is saved.
    pub behind: bool,
    /// What is known of a run that somebody else would go on with; what is done in there is not started again.
    pub ledger: Option<Ledger>,
}

/// Prints diagnostics to stderr, errors last, so that they stand where the eye is.
fn tell(root: &Root, problems: &[Diagnostic], least: Severity) {
    let mut text = String::new();
    for severity in [Severity::Warning, Severity::Error] {
        for problem in problems.iter().filter(|problem| problem.severity == severity && severity >= least) {
            text += &problem.render(root);
        }
    }
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Prints data to stdout; a reader that has had enough is no error.
fn print(text: &str) -> Exit {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            log::error!("cannot write to standard output: {error}");
            Exit::Failed
        }
        _ => Exit::Ok,
    }
}

/// Saves what was learned; trouble with the history never fails a command.
fn save(batch: Batch, common: &Common) {
    if batch.is_empty() {
        return;
    }
    match pending::save(&common.root, &common.database, batch) {
        Ok(Kept::Saved(Saved { set_aside: Some((aside, _)), .. })) => {
            log::warn!("the damaged history was set aside as {} and a new one begun", aside.display());
        }
        Ok(Kept::Saved(_)) => {}
        // What every early boot meets. Once more, and the root stays as it is: then somebody should know.
        Ok(Kept::Waiting(path, Trouble::ReadOnly { .. })) if pending::is_first(&path) => {
            log::info!("the history cannot be written yet: what was learnt waits in {}", path.display());
        }
        Ok(Kept::Waiting(path, trouble)) => {
            log::warn!("{trouble}; it waits in {} for the next run", path.display());
        }
        Err(trouble @ Trouble::ReadOnly { .. }) => log::debug!("{trouble}"),
        // Said when it was opened, and nothing has changed since.
        Err(
            trouble @ (Trouble::Untrusted { .. }
            | Trouble::Foreign { .. }
            | Trouble::Schema { .. }
            | Trouble::HotJournal { .. }),
        ) => log::info!("{trouble}"),
        Err(trouble) => log::warn!("{trouble}; what was learnt is lost"),
    }
}
