//! Carries out the jobs of a command on the wavefront, and keeps what became of them.

use super::console::{Ending, Endings, Lines, Overheard};
use super::job::OPTION;
use super::service::Service;
use super::unit::{Job, Kind};
use crate::fingerprint::{Digest, Manifest};
use crate::history::{Batch, History, RunRow, Trouble, UnitRow, boot_id};
use crate::model::{Id as _, IdVec, JobId};
use crate::plan::{Plan, priorities};
use crate::wavefront::{
    Event, Monotonic, Nanos, Outcome, Processes, Reporter, Run, Script, Session, Settings, Spawner, Watch,
    hold_signals, run,
};
use nix::sys::signal::SigSet;
use std::collections::HashSet;
use std::ffi::{CString, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// From SIGTERM to SIGKILL.
const GRACE: Nanos = 15_000_000_000;

/// Most jobs at one time. Starts and stops wait for staprun, which waits for the kernel; compilations have their own
/// limit.
const SLOTS: usize = 64;

/// A program that is always the one that runs now, even after an upgrade has replaced its file.
const OURSELVES: &str = "/proc/self/exe";

/// What became of the jobs of a command, in their order.
#[derive(Debug, Default)]
pub struct Report {
    /// Each with its kind and script.
    pub jobs: Vec<(Kind, String, Ending)>,
    /// The signal that ended it early.
    pub interrupted: Option<i32>,
}

impl Report {
    /// How many scripts have a job that did not end well.
    pub fn failures(&self) -> usize {
        let failed = |ending: &Ending| matches!(ending, Ending::Failed(..) | Ending::Skipped(_));
        let failed = self.jobs.iter().filter(|(_, _, ending)| failed(ending));
        failed.map(|(_, name, _)| name).collect::<HashSet<_>>().len()
    }
}

/// Runs a plan of these jobs. Errors with the reason why nothing could be run.
pub fn carry_out(service: &Service, label: &str, jobs: &[Job], plan: &Plan) -> Result<Report, String> {
    let mask = hold_signals();
    let ran = execute(service, label, jobs, plan);
    if let Ok(mask) = mask {
        let _ = SigSet::thread_set_mask(&mask);
    }
    let (result, mut endings) = ran?;
    let mut report = Report { jobs: Vec::new(), interrupted: result.interrupted };
    for record in &result.records {
        endings.note(record);
    }
    for (job, record) in jobs.iter().zip(&result.records) {
        report.jobs.push((job.kind, job.name.clone(), endings.of(record)));
    }
    record(service, label, plan, &result);
    Ok(report)
}

fn execute(service: &Service, label: &str, jobs: &[Job], plan: &Plan) -> Result<(Run, Endings), String> {
    let scripts = jobs.iter().map(script).collect::<Result<IdVec<JobId, Script>, String>>()?;
    let processes = Processes::new(scripts, environment(service), Watch::Pidfd, Session::Own)
        .map_err(|errno| format!("no supervision of processes ({})", errno.desc()))?;
    let mut spawner = Jobs {
        inside: processes,
        busy: jobs.iter().map(|job| job.kind == Kind::Compile).collect(),
        slots: crate::processors::count(),
    };
    let already: Vec<JobId> = plan.ids().filter(|job| jobs[job.index()].task.is_none()).collect();
    let costs = costs(service, plan);
    let expected: IdVec<JobId, Option<u64>> =
        plan.ids().map(|job| costs.as_ref().map(|costs| costs[job]).filter(|cost| *cost > 0)).collect();
    let (ear, heard) = crossbeam_channel::unbounded();
    let display = (service.display)(plan, &expected, label);
    let log = service.journal.path().display().to_string();
    let display = display.unwrap_or_else(|| Box::new(Lines::new(jobs, &log)));
    let mut reporter = Reporter::new(Box::new(Overheard { display, ear }));
    let priorities = priorities(plan, costs.as_ref());
    let timeout = service.settings.job_timeout.saturating_mul(1_000_000_000);
    let settings = Settings {
        slots: SLOTS,
        timeout: (timeout > 0).then_some(timeout),
        grace: GRACE,
        processes: usize::MAX,
        guests: false,
    };
    let result = run(plan, &priorities, settings, &already, &mut spawner, &Monotonic, &mut reporter);
    reporter.close();
    // Daemons write to the log, not to our pipes.
    drop(spawner.inside.finish());
    let mut endings = Endings::new(jobs);
    for (job, line) in heard.try_iter() {
        endings.hear(job, &line);
    }
    Ok((result, endings))
}

fn script(job: &Job) -> Result<Script, String> {
    let task = serde_json::to_string(&job.task).map_err(|error| format!("{}: {error}", job.name))?;
    let words = ["systemtap-service", OPTION, &task].map(CString::new);
    let arguments: Result<Vec<CString>, _> = words.into_iter().collect();
    let program = CString::new(OURSELVES).map_err(|error| error.to_string())?;
    let arguments = arguments.map_err(|_| format!("{}: a parameter holds a NUL character", job.name))?;
    Ok(Script { program, arguments })
}

/// Our own environment, without all that changes what stap makes and where it asks for more, and with the PATH of the
/// configuration, so that a script is compiled by hand as it is at boot; and with messages that can be understood.
fn environment(service: &Service<'_>) -> Vec<CString> {
    let path = OsString::from(service.config.value("PATH"));
    std::env::vars_os()
        .filter(|(name, _)| {
            let name = name.as_bytes();
            !matches!(name, b"PATH" | b"LC_ALL" | b"DEBUGINFOD_URLS") && !name.starts_with(b"SYSTEMTAP_")
        })
        .chain([("PATH".into(), path), ("LC_ALL".into(), "C".into())])
        .filter_map(|(name, value)| {
            CString::new([&name.into_vec()[..], b"=", &value.into_vec()].concat()).ok()
        })
        .collect()
}

/// What each job took in recorded runs, in microseconds; 0 is unknown.
fn costs(service: &Service, plan: &Plan) -> Option<IdVec<JobId, u64>> {
    let history = History::open(service.settings.history.as_deref()?).ok()??;
    let known = history.costs(plan.phase).ok()?;
    let costs: IdVec<JobId, u64> =
        plan.jobs().map(|job| known.get(job.script).copied().unwrap_or(0).into()).collect();
    costs.iter().any(|cost| *cost > 0).then_some(costs)
}

/// Remembers a run as any other unit's. Trouble with the history never fails a command.
fn record(service: &Service, label: &str, plan: &Plan, run: &Run) {
    let Some(path) = service.settings.history.as_deref().filter(|_| !plan.is_empty()) else { return };
    let label = format!("systemtap {label}");
    let key = Digest::of(format!("{label}\n{}", service.config_file).as_bytes());
    let jobs = run.records.iter().map(|record| record.row(&plan.job(record.job)));
    let row = RunRow {
        key,
        label: label.clone(),
        phase: plan.phase,
        boot: boot_id(),
        begin: run.begin,
        end: run.end,
        cached: false,
        why: "made from the configuration".to_owned(),
        interrupted: run.interrupted,
        jobs: jobs.collect(),
    };
    let unit =
        UnitRow { key, label, manifest: Manifest::default(), plan: plan.encode(), problems: Vec::new() };
    let batch = Batch { units: vec![unit], runs: vec![row], ..Batch::default() };
    match batch.save(path) {
        Ok(_) | Err(Trouble::ReadOnly { .. }) => {}
        Err(trouble) => crate::log::say(format_args!("systemtap-service: warning: {trouble}")),
    }
}

/// Processes, some of which keep a processor busy.
struct Jobs {
    inside: Processes,
    busy: IdVec<JobId, bool>,
    slots: usize,
}

impl Spawner for Jobs {
    fn spawn(&mut self, job: JobId, alone: bool) -> Result<(), i32> {
        self.inside.spawn(job, alone)
    }

    fn signal(&mut self, job: JobId, signal: i32) {
        self.inside.signal(job, signal);
    }

    fn is_busy(&self, job: JobId) -> bool {
        self.busy[job]
    }

    fn busy_slots(&self) -> usize {
        self.slots
    }

    fn lingers(&mut self, job: JobId) -> bool {
        self.inside.lingers(job)
    }

    fn ended(&mut self, job: JobId, outcome: Outcome) {
        self.inside.ended(job, outcome);
    }

    fn next(&mut self, until: Option<Nanos>) -> Option<Event> {
        self.inside.next(until)
    }
}
