//! `serelhistory --populate` and `--query`: the four steps of the manual without a daemon, on the history alone.

use super::apply::{hand_over, members};
use super::pending::{self, Kept};
use super::print;
use crate::definition::diagnostic::{Diagnostic, Severity};
use crate::exit::Exit;
use crate::history::{History, Populated, Trouble, boot_id};
use crate::ipc::Address;
use crate::model::{Phase, Strength};
use crate::root::Root;
use crate::unit::{self, Loaded, Members, Pairs, Request};
use std::path::Path;

/// The answer when all is well, alone on its line.
const SUCCESS: &str = "success";

/// Takes a unit in: its definitions are read, its graph is built and verified, or all of that is found in the history.
/// A daemon that is there hears of it.
pub fn populate(
    root: &Root,
    database: &Path,
    address: &Address,
    mut pairs: Pairs,
    phase: Phase,
    required: Strength,
) -> Exit {
    pairs.last_unit = last_unit(root, database, &pairs);
    let request = Request { members: Members::Pairs(pairs), phase, required };
    let mut loaded = unit::load(root, database, &request);
    for problem in loaded.problems.iter().filter(|problem| problem.severity < Severity::Error) {
        log::info!("{}", problem.render(root).trim_end());
    }
    let Members::Pairs(Pairs { started, pairs, last_unit }) = request.members else { return Exit::Usage };
    // Before it is saved, which an early boot cannot do.
    hand_over(address, &members(root, &loaded.plan, &pairs));
    loaded.batch.populated = Some(Populated {
        started,
        pairs,
        last_unit,
        key: loaded.key,
        verify: verify_words(root, &loaded),
        prior: if loaded.cached {
            SUCCESS.to_owned()
        } else {
            format!("history was not used: {}", loaded.why)
        },
        boot: boot_id(),
    });
    let said = loaded.batch.populated.clone();
    match pending::save(root, database, loaded.batch) {
        Ok(Kept::Saved(_)) => Exit::Ok,
        Ok(Kept::Waiting(path, trouble)) => {
            log::info!("{trouble}; the answers wait in {}", path.display());
            Exit::Ok
        }
        // What every early boot meets: the answers are there, from the last time.
        Err(trouble @ Trouble::ReadOnly { .. }) if said.is_some_and(|said| is_stored(database, &said)) => {
            log::info!("{trouble}");
            Exit::Ok
        }
        Err(trouble) => {
            log::error!("{trouble}");
            exit_of(&trouble)
        }
    }
}

/// Whether the history has the answers about the same unit.
fn is_stored(database: &Path, said: &Populated) -> bool {
    let stored =
        History::open(database).ok().flatten().and_then(|history| history.populated().ok().flatten());
    stored.is_some_and(|stored| {
        let same = |populated: &Populated| {
            (populated.key, populated.started.clone(), populated.pairs.clone(), populated.verify.clone())
        };
        same(&stored) == same(said)
    })
}

fn exit_of(trouble: &Trouble) -> Exit {
    match trouble {
        Trouble::Locked { .. } => Exit::Locked,
        Trouble::ReadOnly { .. } => Exit::Privilege,
        _ => Exit::Failed,
    }
}

/// Answers a question about the last populate; exit status 0 on `success`, else 1, and 75 when the history is locked.
pub fn query(root: &Root, database: &Path, ask: impl FnOnce(Populated) -> String) -> Exit {
    let (answer, exit) = match pending::populated(root, database) {
        Ok(Some(populated)) => (ask(populated), Exit::Failed),
        Ok(None) => {
            ("nothing has been populated: call serelhistory --populate first".to_owned(), Exit::Failed)
        }
        Err(trouble) => (trouble.to_string(), exit_of(&trouble)),
    };
    let printed = print(&format!("{}\n", answer.trim_end()));
    if answer == SUCCESS { printed } else { exit }
}

/// What `--query verify` will say.
fn verify_words(root: &Root, loaded: &Loaded) -> String {
    let errors: Vec<&Diagnostic> =
        loaded.problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
    if errors.is_empty() {
        return SUCCESS.to_owned();
    }
    errors.iter().map(|problem| problem.render(root)).collect()
}

/// The services that were started (or stopped) as a unit before this one in this boot; a unit that is populated anew
/// has the one that it had before.
fn last_unit(root: &Root, database: &Path, pairs: &Pairs) -> Vec<String> {
    let populated = pending::populated(root, database).ok().flatten();
    let boot = boot_id();
    match populated.filter(|last| boot.is_some() && last.boot == boot) {
        None => Vec::new(),
        Some(last) if last.pairs == pairs.pairs => last.last_unit,
        Some(last) => {
            let services = last.pairs.into_iter().map(|(service, _)| service);
            let mut all: Vec<String> = services.chain(last.started).chain(last.last_unit).collect();
            all.sort();
            all.dedup();
            all
        }
    }
}
