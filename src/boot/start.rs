//! Runs a unit: plan, wavefront, report, record.

use super::calling::{STOP, argument, environment};
use super::closing::Closing;
use super::dry::dry_run;
use super::execute::{Ran, execute};
use super::reply::Ended;
use super::rest::Rest;
use super::{Common, Running, links, plain, record, tell};
use crate::definition::diagnostic::Severity;
use crate::exit::Exit;
use crate::model::Phase;
use crate::plan::Plan;
use crate::report::{self, Account};
use crate::root::Root;
use crate::unit::{self, Loaded, Members, Request};
use crate::wavefront::{Outcome, Run, hold_signals};
use nix::sys::signal::SigSet;
use std::io::Write as _;
use std::os::fd::AsFd as _;

/// Runs one unit.
pub fn start(common: &Common, request: &Request, running: &Running) -> Exit {
    let (ended, rest) = run_unit(common, request, running);
    match rest {
        Some(rest) if running.behind => rest.settle_behind(),
        Some(rest) => rest.settle(),
        None => {}
    }
    ended.exit
}

/// Runs one unit, and says who did not end well, and what is left to do.
pub(super) fn run_unit(common: &Common, request: &Request, running: &Running) -> (Ended, Option<Rest>) {
    // Before any thread is started, for each would else take signals that are meant for the run.
    let mask = hold_signals();
    let mut loaded = unit::load(&common.root, &common.database, request);
    let least = if loaded.cached { Severity::Error } else { Severity::Warning };
    tell(&common.root, &loaded.problems, least);
    if !loaded.plan.parallel {
        crate::log::say(format_args!(
            "serelrc: the definitions of `{}` do not fit together: falling back to the given order, one by one",
            request.label()
        ));
    }
    let mut plan =
        if running.serial { loaded.plan.serial(loaded.plan.parallel) } else { loaded.plan.clone() };
    if argument(request) == STOP {
        // LSB's "program is not running" is what one wants of those that halt, too.
        plan.phase = Phase::Stop;
    }
    if running.dry_run {
        return (Ended { exit: dry_run(&plan, &loaded, running), ..Ended::default() }, None);
    }
    let argument = argument(request);
    // What is printed as JSON has nothing on the same channel.
    let closing = Closing::of(&plan, request).filter(|_| !common.json).map(|(closing, rest)| {
        plan = plan.only(&rest);
        loaded.keep_costs(&rest);
        closing
    });
    let ran = execute(common, request, running, &plan, &loaded);
    if let Ok(mask) = &mask {
        let _ = SigSet::thread_set_mask(mask);
    }
    let environment = || environment(request, None);
    let (mut ended, mut rest) = match ran {
        Ok(ran) => {
            let (ended, rest) = finish(common, request, running, &plan, loaded, ran);
            (ended, Some(rest))
        }
        Err(why) => {
            crate::log::say(format_args!(
                "serelrc: {why}: running the scripts one by one, without supervision"
            ));
            let jobs = plan.serial_order().into_iter().map(|id| plan.job(id));
            (plain::run(jobs, plan.phase == Phase::Stop, argument, &environment(), &common.root), None)
        }
    };
    if let Some(closing) = closing.filter(|_| !matches!(ended.exit, Exit::Interrupted | Exit::Terminated)) {
        rest.take().into_iter().for_each(Rest::settle);
        ended.join(closing.run(argument, &environment(), &common.root));
    }
    (ended, rest)
}

/// Stops what the new level has no more, then starts what it has more than the old one.
pub fn change(common: &Common, stopping: &Request, starting: &Request, running: &Running) -> Exit {
    let stopped = start(common, stopping, running);
    if matches!(stopped, Exit::Interrupted | Exit::Terminated) {
        return stopped;
    }
    if !has_work(&common.root, starting) {
        return stopped;
    }
    let started = start(common, starting, running);
    if started == Exit::Ok { stopped } else { started }
}

/// Whether a unit need be looked at: most machines have no `S` links in the levels that halt.
pub(super) fn has_work(root: &Root, request: &Request) -> bool {
    match (&request.members, request.phase) {
        (Members::Level { level, .. }, Phase::Start) if level.is_shutdown() => {
            !links::lack(root, *level, Phase::Start)
        }
        _ => true,
    }
}

/// Summary, exit code, and what goes into the history.
fn finish(
    common: &Common,
    request: &Request,
    running: &Running,
    plan: &Plan,
    mut loaded: Loaded,
    ran: Ran,
) -> (Ended, Rest) {
    let result = &ran.result;
    let mut batch = std::mem::take(&mut loaded.batch);
    batch.runs.push(record::row(request, plan, result, &loaded));
    let label = request.label();
    let words = loaded.plan_words();
    // rc has called us by another name, by which nobody can go on.
    let again = running.ledger.as_ref().and_then(|_| again(&common.root, request));
    let account =
        Account::new(result, plan, &label, &words).called(&common.root, argument(request)).again(again);
    if !ran.stuck {
        let text = if common.json {
            report::json::json(&account)
        } else {
            report::summary::summary(&account, common.color.wanted(std::io::stdout().as_fd()))
        };
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
    }
    let ended = Ended::of(verdict(result), plan, result);
    // A new plan is saved first: the next level uses what was read for it. And whoever stops something may be about to end
    // all processes.
    let may_wait = loaded.cached && request.phase == Phase::Start && argument(request) != STOP;
    (ended, Rest { common: common.clone(), batch, held: ran.held, stuck: ran.stuck, may_wait })
}

/// The command that goes on with a run of a level.
fn again(root: &Root, request: &Request) -> Option<String> {
    let Members::Level { level, previous } = &request.members else { return None };
    let verb = if request.phase == Phase::Start { "start" } else { "stop" };
    let root = root.path().to_str().filter(|root| *root != "/").map(|root| format!(" --root {root}"));
    let previous = previous.map(|previous| format!(" --previous {previous}"));
    let (root, previous) = (root.unwrap_or_default(), previous.unwrap_or_default());
    Some(format!("serelrc{root} {verb} {level}{previous} --resume"))
}

/// The exit code of a run.
fn verdict(result: &Run) -> Exit {
    match result.interrupted {
        Some(libc::SIGINT) => return Exit::Interrupted,
        Some(_) => return Exit::Terminated,
        None => {}
    }
    let failed =
        || result.records.iter().map(|record| record.outcome).filter(|outcome| outcome.fails_the_run());
    if failed().next().is_none() {
        Exit::Ok
    } else if failed().all(|outcome| outcome == Outcome::TimedOut) {
        Exit::TimedOut
    } else {
        Exit::Failed
    }
}
