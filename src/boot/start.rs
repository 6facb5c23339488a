//! Runs a unit: plan, wavefront, report, record.

use super::closing::Closing;
use super::guests::{Ear, Hosting};
use super::journal::{Journal, Journalled};
use super::ledger::Known;
use super::reply::Ended;
use super::{Common, PATH, Running, links, pending, plain, record, save, tell};
use crate::definition::diagnostic::Severity;
use crate::exit::Exit;
use crate::ipc::{self, Address};
use crate::model::{IdVec, JobId, Level, Phase};
use crate::plan::{Job, Plan, priorities};
use crate::report::{self, Account, Logged, Roster, console};
use crate::root::Root;
use crate::unit::{self, Loaded, Members, Request};
use crate::wavefront::{
    Behaviour, Monotonic, Outcome, Processes, Reporter, Run, Script, Session, Settings, Simulated, Watch,
    hold_signals, keep_open, run,
};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::signal::SigSet;
use std::ffi::CString;
use std::fs::File;
use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// From SIGTERM to SIGKILL, and from there until a job is given up.
const GRACE: u64 = 5_000_000_000;
/// The word that a script is called with to stop.
const STOP: &str = "stop";
const SECOND: u64 = 1_000_000_000;

/// Slots of `--jobs auto` for each processor, and at least. Boot scripts mostly wait: more slots than processors cost
/// little and save much, up to where all of them compute at once. Measured in `bench/README.md`, "Slots".
const SLOTS_PER_CPU: usize = 32;
const LEAST_SLOTS: usize = 64;

/// Files that a run needs for other things than its jobs.
const OTHER_FILES: u64 = 128;
/// Files that each job takes: its process, its output, and its question when it waits for another.
const FILES: u64 = 3;

/// With fewer, scripts could not be started for want of a pipe: they are run without supervision instead.
const LEAST_FILES: u64 = 32;

/// The limit of open files. It is not raised, since every script would inherit that.
fn most_files() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft)
}

/// Processes that the limit of open files has room for.
fn most_processes() -> usize {
    let soft = most_files();
    usize::try_from(soft.saturating_sub(OTHER_FILES) / FILES).unwrap_or(usize::MAX).max(1)
}

/// Slots for `--jobs auto`.
pub fn auto_slots() -> usize {
    crate::processors::count().saturating_mul(SLOTS_PER_CPU).max(LEAST_SLOTS)
}

/// Runs one unit.
pub fn start(common: &Common, request: &Request, running: &Running) -> Exit {
    run_unit(common, request, running).exit
}

/// Runs one unit, and says who did not end well.
pub(super) fn run_unit(common: &Common, request: &Request, running: &Running) -> Ended {
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
        return Ended { exit: dry_run(&plan, &loaded, running), ..Ended::default() };
    }
    let argument = argument(request);
    // What is printed as JSON has nothing on the same channel.
    let closing = Closing::of(&plan, request).filter(|_| !common.json).map(|(closing, rest)| {
        plan = plan.only(&rest);
        loaded.keep_costs(&rest);
        closing
    });
    let ran = execute(common, request, running, &plan, &loaded, argument);
    if let Ok(mask) = &mask {
        let _ = SigSet::thread_set_mask(mask);
    }
    let environment = || environment(request, None);
    let mut ended = match ran {
        Ok(ran) => finish(common, request, running, &plan, loaded, &ran),
        Err(why) => {
            crate::log::say(format_args!(
                "serelrc: {why}: running the scripts one by one, without supervision"
            ));
            let jobs = plan.serial_order().into_iter().map(|id| plan.job(id));
            plain::run(jobs, plan.phase == Phase::Stop, argument, &environment(), &common.root)
        }
    };
    if let Some(closing) = closing.filter(|_| !matches!(ended.exit, Exit::Interrupted | Exit::Terminated)) {
        ended.join(closing.run(argument, &environment(), &common.root));
    }
    ended
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

/// What the scripts are called with: those that halt and reboot "start" are called to stop, as rc always has.
pub(super) fn argument(request: &Request) -> &'static str {
    match (&request.members, request.phase) {
        (Members::Level { level, .. }, Phase::Start) if level.is_shutdown() => STOP,
        (_, Phase::Start) => "start",
        (_, Phase::Stop) => STOP,
    }
}

/// Runs the plan with real processes. Errors with the reason why there can be no supervision.
fn execute(
    common: &Common,
    request: &Request,
    running: &Running,
    plan: &Plan,
    loaded: &Loaded,
    argument: &str,
) -> Result<Ran, String> {
    let scripts = plan
        .jobs()
        .map(|job| script(&common.root, job, argument))
        .collect::<Option<IdVec<JobId, Script>>>()
        .ok_or("a script's path holds a NUL byte")?;
    if most_files() < LEAST_FILES {
        return Err(format!("no supervision (only {} open files are allowed)", most_files()));
    }
    let ear = Ear::open()
        .inspect_err(|error| log::warn!("scripts that call serelc will not be heard: {error}"))
        .ok();
    let environment = environment(request, ear.as_ref().map(Ear::address));
    let processes = Processes::new(scripts, environment, Watch::Pidfd, session(request))
        .map_err(|errno| format!("no supervision ({})", errno.desc()))?;
    let guests = ear.and_then(|ear| {
        let serving = ear.serve(processes.events(), plan);
        serving.inspect_err(|error| log::warn!("scripts that call serelc will not be heard: {error}")).ok()
    });
    let hears = guests.is_some();
    let (journals, already) = journals(common, request, running, plan);
    let mut processes = Hosting::new(Journalled::new(processes, journals, plan), guests);
    let expected = plan.ids().map(|job| loaded.cost(job)).collect();
    let roster = Roster::new(plan, &expected);
    let console = if common.json {
        console::open(std::io::stderr().as_fd(), roster, common.color, running.quiet)
    } else {
        console::open(std::io::stdout().as_fd(), roster, common.color, running.quiet)
    };
    let mut reporter = match console {
        Ok(observer) => Reporter::new(Box::new(Logged::new(observer, plan))),
        Err(error) => {
            crate::log::say(format_args!("serelrc: nothing is shown ({error})"));
            Reporter::silent()
        }
    };
    let costs = loaded.costs();
    let priorities = priorities(plan, costs.as_ref());
    let settings = Settings {
        slots: running.slots,
        timeout: (running.timeout > 0).then(|| running.timeout.saturating_mul(SECOND)),
        grace: GRACE,
        processes: most_processes(),
        guests: hears,
    };
    let result = run(plan, &priorities, settings, &already, &mut processes, &Monotonic, &mut reporter);
    let mut processes = processes.close();
    if result.interrupted.is_none() {
        processes.finish();
    }
    let stuck = !reporter.close();
    Ok(Ran { result, held: processes.inside.finish(), stuck })
}

/// What is left when all jobs have ended.
struct Ran {
    result: Run,
    /// Pipes that daemons still write to.
    held: Vec<OwnedFd>,
    /// Nobody reads the console: another word to it would hold us for ever.
    stuck: bool,
}

/// killall5(8) is called by scripts that are stopped, and by those of the single user's level (Debian's `killprocs`).
fn session(request: &Request) -> Session {
    let single = matches!(request.members, Members::Level { level, .. } if Level::parse("1") == Some(level));
    if single || argument(request) == STOP { Session::Ours } else { Session::Own }
}

/// Where this run is written down, and the jobs that are done already.
fn journals(common: &Common, request: &Request, running: &Running, plan: &Plan) -> (Vec<File>, Vec<JobId>) {
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

fn script(root: &Root, job: Job<'_>, argument: &str) -> Option<Script> {
    let program = CString::new(root.real(job.script).as_os_str().as_bytes()).ok()?;
    Some(Script { arguments: vec![program.clone(), CString::new(argument).ok()?], program })
}

/// Our own environment, with what rc hands to its scripts where it is not there: levels and a PATH; and where they may
/// speak to the run.
pub(super) fn environment(request: &Request, ear: Option<&Address>) -> Vec<CString> {
    let mut variables: Vec<(Vec<u8>, Vec<u8>)> =
        std::env::vars_os().map(|(name, value)| (name.into_vec(), value.into_vec())).collect();
    let mut set = |name: &str, value: String, overwrite: bool| {
        let there = variables.iter_mut().find(|(known, _)| known == name.as_bytes());
        match there {
            Some((_, old)) if overwrite => *old = value.into_bytes(),
            Some(_) => {}
            None => variables.push((name.into(), value.into_bytes())),
        }
    };
    if let Members::Level { level, previous } = &request.members {
        let previous = previous.map_or("N".to_owned(), |level| level.to_string());
        for name in ["RUNLEVEL", "runlevel"] {
            set(name, level.to_string(), true);
        }
        for name in ["PREVLEVEL", "previous"] {
            set(name, previous.clone(), true);
        }
    }
    if let Some(address) = ear {
        set(ipc::RUN, address.to_string(), true);
    }
    set("PATH", PATH.to_owned(), false);
    variables
        .into_iter()
        .filter_map(|(name, value)| CString::new([&name[..], b"=", &value[..]].concat()).ok())
        .collect()
}

/// Summary, history, exit code.
fn finish(
    common: &Common,
    request: &Request,
    running: &Running,
    plan: &Plan,
    mut loaded: Loaded,
    ran: &Ran,
) -> Ended {
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
    if ran.stuck {
        // Not even a word about the history: it would wait for the console, too.
        log::set_max_level(log::LevelFilter::Off);
        let _ = pending::save(&common.root, &common.database, batch);
    } else {
        save(batch, common);
    }
    keep_open(&ran.held);
    Ended::of(verdict(result), plan, result)
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

/// Says what would be started when, by the times of recorded runs.
fn dry_run(plan: &Plan, loaded: &Loaded, running: &Running) -> Exit {
    let behaviours = plan
        .ids()
        .map(|job| Behaviour::succeeding(loaded.cost(job).unwrap_or(0).saturating_mul(1000)))
        .collect();
    let (mut simulated, clock) = Simulated::new(behaviours);
    let costs = loaded.costs();
    let settings =
        Settings { slots: running.slots, timeout: None, grace: GRACE, processes: usize::MAX, guests: false };
    let priorities = priorities(plan, costs.as_ref());
    let result = run(plan, &priorities, settings, &[], &mut simulated, &clock, &mut Reporter::silent());
    let mut text = String::new();
    for (job, alone) in &simulated.started {
        let record = &result.records[*job];
        let alone = if *alone { "  (alone on the console)" } else { "" };
        text += &format!(
            "{:>9} {} {}{alone}\n",
            crate::text::seconds(record.start.unwrap_or(0) - result.begin),
            crate::text::harmless(plan.job(*job).name.as_bytes()),
            crate::text::harmless(plan.job(*job).script.as_bytes()),
        );
    }
    let predicted = crate::text::seconds(result.end - result.begin);
    let known = costs.map_or(0, |_| plan.ids().filter(|job| loaded.cost(*job).is_some()).count());
    text += &format!(
        "{} jobs, predicted {predicted} from recorded times of {known}; nothing was run; plan: {}\n",
        plan.len(),
        loaded.plan_words()
    );
    super::print(&text)
}
