//! Where a run is written down, and what of it an earlier one has done.
//!
//! A run of the stand-in goes on by its ledger, whatever it was told; any other by the journal, when `--resume` says so.

use super::journal::Journal;
use super::ledger::Known;
use super::{Common, Running};
use crate::model::JobId;
use crate::plan::Plan;
use crate::unit::Request;
use std::fs::File;

/// Where this run is written down, and the jobs that are done already.
pub(super) fn journals(
    common: &Common,
    request: &Request,
    running: &Running,
    plan: &Plan,
) -> (Vec<File>, Vec<JobId>) {
    let Some(ledger) = &running.ledger else {
        let (journal, already) = journal(common, request, running, plan);
        return (journal.into_iter().collect(), already);
    };
    let known = ledger.read();
    let already =
        plan.ids().filter(|id| known.get(plan.job(*id).script) == Some(&Known::Done)).collect::<Vec<_>>();
    let go_on = plan.jobs().any(|job| known.contains_key(job.script));
    let journal =
        Journal::of(&common.root, &request.label()).ok().and_then(|journal| journal.open(go_on).ok());
    (journal.into_iter().chain(ledger.writer().ok()).collect(), already)
}

/// The journal of this run, where there can be one, and with `--resume` the jobs that are done.
fn journal(common: &Common, request: &Request, running: &Running, plan: &Plan) -> (Option<File>, Vec<JobId>) {
    let say = |why: &str| {
        if running.resume {
            crate::log::say(format_args!("serelrc: nothing to resume ({why}): starting from the beginning"));
        } else {
            log::debug!("no journal of this run: {why}");
        }
    };
    let journal = match Journal::of(&common.root, &request.label()) {
        Ok(journal) => journal,
        Err(why) => {
            say(&why);
            return (None, Vec::new());
        }
    };
    let done = if running.resume { journal.done(plan) } else { Ok((Vec::new(), Vec::new())) };
    let go_on = running.resume && done.is_ok();
    let (done, unseen) = done.unwrap_or_else(|why| {
        say(&why);
        (Vec::new(), Vec::new())
    });
    for job in unseen {
        crate::log::say(format_args!(
            "serelrc: {} was begun before and nobody saw its end: it counts as started; see whether it is up",
            crate::text::harmless(plan.job(job).name.as_bytes())
        ));
    }
    if go_on {
        crate::log::say(format_args!(
            "serelrc: going on: {} of {} services were started before, and are not started again",
            done.len(),
            plan.len()
        ));
    }
    match journal.open(go_on) {
        Ok(file) => (Some(file), done),
        Err(error) => {
            log::debug!("no journal of this run: {error}");
            (None, done)
        }
    }
}
