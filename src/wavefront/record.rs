//! What became of a job: one outcome per reason, its times, what it cost.

use crate::history::JobRow;
use crate::model::{Id as _, IdVec, JobId};
use crate::plan::Job;

/// Nanoseconds of the monotonic clock (`CLOCK_MONOTONIC`: it does not jump when the wall clock is set).
pub type Nanos = u64;

/// How a job ended. Each job ends in exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Exit status 0.
    Done,
    /// Exit status 5: the program is not installed (LSB); its services count as not there, the boot goes on.
    NotInstalled,
    /// Exit status 6: the program is not configured (LSB); its services count as not there, the boot goes on.
    NotConfigured,
    /// Any other exit status.
    Failed(i32),
    /// Killed by a signal.
    Signalled(i32),
    /// Its time was over: SIGTERM, then SIGKILL.
    TimedOut,
    /// It could not be started; the errno.
    NotStarted(i32),
    /// Skipped: what it needs of this job did not become available.
    DependencyFailed(JobId),
    /// Never started, because the run was interrupted.
    Cancelled,
}

impl Outcome {
    /// Whether its services are there now.
    pub fn succeeded(self) -> bool {
        self == Outcome::Done
    }

    /// Whether it makes the run fail (exit status 1). Codes 5 and 6, and what is skipped for their sake, do not.
    pub fn fails_the_run(self) -> bool {
        matches!(
            self,
            Outcome::Failed(_) | Outcome::Signalled(_) | Outcome::TimedOut | Outcome::NotStarted(_)
        )
    }

    /// The word in JSON and in the history.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::NotInstalled => "not-installed",
            Outcome::NotConfigured => "not-configured",
            Outcome::Failed(_) => "failed",
            Outcome::Signalled(_) => "signalled",
            Outcome::TimedOut => "timed-out",
            Outcome::NotStarted(_) => "not-started",
            Outcome::DependencyFailed(_) => "dependency-failed",
            Outcome::Cancelled => "cancelled",
        }
    }

    /// The word on the console, at most six letters wide.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Done => "OK",
            Outcome::NotInstalled | Outcome::NotConfigured => "SKIP",
            Outcome::Failed(_) | Outcome::Signalled(_) | Outcome::NotStarted(_) => "FAILED",
            Outcome::TimedOut => "TIME",
            Outcome::DependencyFailed(_) => "DEPEND",
            Outcome::Cancelled => "CANCEL",
        }
    }
}

/// What a job cost, from `wait4(2)`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time in user mode, microseconds, of the script and all it waited for.
    pub user_us: u64,
    /// CPU time in the kernel, microseconds.
    pub system_us: u64,
    /// Largest resident set of one process, KiB.
    pub max_rss_kib: u64,
}

/// The history of one job in one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Which.
    pub job: JobId,
    /// When its last predecessor allowed it.
    pub ready: Option<Nanos>,
    /// When it was started.
    pub start: Option<Nanos>,
    /// When its first service became available.
    pub available: Option<Nanos>,
    /// When it ended.
    pub end: Nanos,
    /// How.
    pub outcome: Outcome,
    /// What it cost.
    pub usage: Usage,
}

impl Outcome {
    /// The number that goes with its stored word: an exit status, a signal, an errno, a job.
    fn number(self) -> i32 {
        match self {
            Outcome::Done | Outcome::TimedOut | Outcome::Cancelled => 0,
            Outcome::NotInstalled => 5,
            Outcome::NotConfigured => 6,
            Outcome::Failed(status) => status,
            Outcome::Signalled(signal) => signal,
            Outcome::NotStarted(errno) => errno,
            Outcome::DependencyFailed(by) => i32::try_from(by.index()).unwrap_or(i32::MAX),
        }
    }
}

impl Record {
    /// What the history keeps of it.
    pub fn row(&self, job: &Job<'_>) -> JobRow {
        JobRow {
            script: job.script.to_owned(),
            name: job.name.to_owned(),
            outcome: self.outcome.name().to_owned(),
            status: self.outcome.number(),
            ready: self.ready,
            start: self.start,
            available: self.available,
            end: Some(self.end),
            user_us: self.usage.user_us,
            system_us: self.usage.system_us,
            max_rss_kib: self.usage.max_rss_kib,
        }
    }
}

/// One whole run.
#[derive(Debug, Clone)]
pub struct Run {
    /// When it began.
    pub begin: Nanos,
    /// When the last job ended.
    pub end: Nanos,
    /// A record for each job of the plan.
    pub records: IdVec<JobId, Record>,
    /// The signal that ended it early, if one did.
    pub interrupted: Option<i32>,
    /// Most jobs that ran at one time.
    pub widest: usize,
    /// Whether there was a time when a ready job had no free slot.
    pub full: bool,
}

/// Whoever watches a run. Called on the reporter's own thread, so it may block on a slow console.
pub trait Observer: Send {
    /// A job was started. `alone` means it has the console: draw nothing until it has ended.
    fn started(&mut self, job: JobId, at: Nanos, alone: bool);
    /// A job wrote a line (newline cut off; an unfinished last line too).
    fn output(&mut self, job: JobId, line: &[u8], at: Nanos);
    /// A job ended or was skipped. All its output came before.
    fn ended(&mut self, record: &Record);
    /// Time went by: about ten times a second, only when [`Observer::wants_ticks`].
    fn tick(&mut self, now: Nanos);
    /// Whether ticks are of use (a live display on a terminal).
    fn wants_ticks(&self) -> bool;
    /// Something that the operator must know at once.
    fn say(&mut self, text: &str);
}
