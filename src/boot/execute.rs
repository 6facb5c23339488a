//! Runs a plan with real processes, under supervision.
//!
//! What can keep that from being is found before anything is started: whoever calls can do it in a plainer way.

use super::calling::{STOP, argument, environment};
use super::guests::{Ear, Guests, Hosting};
use super::journal::Journalled;
use super::resume::journals;
use super::{Common, Running};
use crate::model::{IdVec, JobId, Level};
use crate::plan::{Job, Plan, priorities};
use crate::processors;
use crate::report::{Logged, Roster, console};
use crate::root::Root;
use crate::unit::{Loaded, Members, Request};
use crate::wavefront::{Monotonic, Processes, Reporter, Run, Script, Session, Settings, Watch, run};
use nix::sys::resource::{Resource, getrlimit};
use std::ffi::CString;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;

/// From SIGTERM to SIGKILL, and from there until a job is given up.
pub(super) const GRACE: u64 = 5_000_000_000;
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
    processors::count().saturating_mul(SLOTS_PER_CPU).max(LEAST_SLOTS)
}

/// What is left when all jobs have ended.
pub(super) struct Ran {
    pub(super) result: Run,
    /// Pipes that daemons still write to.
    pub(super) held: Vec<OwnedFd>,
    /// Nobody reads the console: another word to it would hold us for ever.
    pub(super) stuck: bool,
}

/// Runs the plan. Errors with the reason why there can be no supervision.
pub(super) fn execute(
    common: &Common,
    request: &Request,
    running: &Running,
    plan: &Plan,
    loaded: &Loaded,
) -> Result<Ran, String> {
    let (processes, guests) = processes(common, request, plan)?;
    let (journals, already) = journals(common, request, running, plan);
    let costs = loaded.costs();
    let settings = Settings {
        slots: running.slots,
        timeout: (running.timeout > 0).then(|| running.timeout.saturating_mul(SECOND)),
        grace: GRACE,
        processes: most_processes(),
        guests: guests.is_some(),
    };
    let priorities = priorities(plan, costs.as_ref());
    let mut processes = Hosting::new(Journalled::new(processes, journals, plan), guests);
    let mut reporter = reporter(common, running, plan, loaded);
    let result = run(plan, &priorities, settings, &already, &mut processes, &Monotonic, &mut reporter);
    let mut processes = processes.close();
    if result.interrupted.is_none() {
        processes.finish();
    }
    let stuck = !reporter.close();
    Ok(Ran { result, held: processes.inside.finish(), stuck })
}

/// The scripts as processes to be started, and who hears what they say with serelc.
fn processes(common: &Common, request: &Request, plan: &Plan) -> Result<(Processes, Option<Guests>), String> {
    let scripts = plan
        .jobs()
        .map(|job| script(&common.root, job, argument(request)))
        .collect::<Option<IdVec<JobId, Script>>>()
        .ok_or("a script's path holds a NUL byte")?;
    if most_files() < LEAST_FILES {
        return Err(format!("no supervision (only {} open files are allowed)", most_files()));
    }
    let deaf = |error: &std::io::Error| log::warn!("scripts that call serelc will not be heard: {error}");
    let ear = Ear::open().inspect_err(deaf).ok();
    let environment = environment(request, ear.as_ref().map(Ear::address));
    let processes = Processes::new(scripts, environment, Watch::Pidfd, session(request))
        .map_err(|errno| format!("no supervision ({})", errno.desc()))?;
    let guests = ear.and_then(|ear| ear.serve(processes.events(), plan).inspect_err(deaf).ok());
    Ok((processes, guests))
}

/// Who shows the run. What is printed as JSON has the standard output for itself.
fn reporter(common: &Common, running: &Running, plan: &Plan, loaded: &Loaded) -> Reporter {
    let (stdout, stderr) = (std::io::stdout(), std::io::stderr());
    let output = if common.json { stderr.as_fd() } else { stdout.as_fd() };
    let expected = plan.ids().map(|job| loaded.cost(job)).collect();
    match console::open(output, Roster::new(plan, &expected), common.color, running.quiet) {
        Ok(observer) => Reporter::new(Box::new(Logged::new(observer, plan))),
        Err(error) => {
            crate::log::say(format_args!("serelrc: nothing is shown ({error})"));
            Reporter::silent()
        }
    }
}

/// killall5(8) is called by scripts that are stopped, and by those of the single user's level (Debian's `killprocs`).
fn session(request: &Request) -> Session {
    let single = matches!(request.members, Members::Level { level, .. } if Level::parse("1") == Some(level));
    if single || argument(request) == STOP { Session::Ours } else { Session::Own }
}

fn script(root: &Root, job: Job<'_>, argument: &str) -> Option<Script> {
    let program = CString::new(root.real(job.script).as_os_str().as_bytes()).ok()?;
    Some(Script { arguments: vec![program.clone(), CString::new(argument).ok()?], program })
}
