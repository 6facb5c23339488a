//! What goes into the history and what comes out of it, as plain rows.
//!
//! The history lies below whoever runs units, so it has words of its own for a run: numbers and short texts.

use crate::fingerprint::{Digest, Glance, Manifest, Stat};
use crate::model::Phase;
use serde::{Deserialize, Serialize};

/// A unit to be stored, or to take the place of one with the same key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitRow {
    /// Digest of all that was asked for: the unit, settings, format versions.
    pub key: Digest,
    /// Its name for people: `start 2`, `stop 6`, `start pairs`.
    pub label: String,
    /// Everything that the plan was made from.
    pub manifest: Manifest,
    /// [`crate::plan::Plan::encode`].
    pub plan: Vec<u8>,
    /// The findings of verify, in the caller's own form.
    pub problems: Vec<u8>,
}

/// A stored unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUnit {
    /// Its name for people.
    pub label: String,
    /// Whether anything has changed since; [`super::History::manifest`] tells what.
    pub glance: Glance,
    /// [`crate::plan::Plan::encode`].
    pub plan: Vec<u8>,
    /// The findings of verify, in the caller's own form.
    pub problems: Vec<u8>,
    /// Median duration of each job in microseconds, in the order of the plan's jobs; 0 is unknown. As long as the plan
    /// has jobs, or empty.
    pub costs: Vec<u32>,
}

/// What was read in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReading {
    /// The stamps of the file before it was read.
    pub stat: Stat,
    /// Whether the stamps were too young to be trusted; see [`crate::fingerprint::Entry::racy`].
    pub racy: bool,
    /// Digest of the content.
    pub digest: Digest,
    /// What was made of it, in the caller's own form.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// One run of one unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRow {
    /// Key of the unit.
    pub key: Digest,
    /// Its name for people.
    pub label: String,
    /// Start or stop.
    pub phase: Phase,
    /// The boot in which it ran; `None` where `/proc` was not there.
    pub boot: Option<String>,
    /// Beginning, in nanoseconds of the monotonic clock.
    pub begin: u64,
    /// End of the last job.
    pub end: u64,
    /// Whether the plan came from the history.
    pub cached: bool,
    /// Why it did not, or in which tier it matched.
    pub why: String,
    /// The signal that ended it early.
    pub interrupted: Option<i32>,
    /// Its jobs in the order of the plan.
    pub jobs: Vec<JobRow>,
}

/// What became of one job. Times are nanoseconds of the monotonic clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRow {
    /// The script, as a logical path.
    pub script: String,
    /// Its name for people.
    pub name: String,
    /// When its last predecessor allowed it.
    pub ready: Option<u64>,
    /// When it was started.
    pub start: Option<u64>,
    /// When its first service became available.
    pub available: Option<u64>,
    /// When it ended.
    pub end: Option<u64>,
    /// How it ended, in one small word; [`JobRow::DONE`] is the one that counts for the medians.
    pub outcome: String,
    /// The exit status, the signal, the errno: what the word asks for.
    pub status: i32,
    /// CPU time in user mode, microseconds.
    pub user_us: u64,
    /// CPU time in the kernel, microseconds.
    pub system_us: u64,
    /// Largest resident set, KiB.
    pub max_rss_kib: u64,
}

impl JobRow {
    /// The outcome of a job that did what it should.
    pub const DONE: &'static str = "done";

    /// How long it ran, in microseconds; `None` if it did not run to its end.
    pub fn micros(&self) -> Option<u32> {
        let span = self.end?.checked_sub(self.start?)?;
        Some(u32::try_from(span / 1000).unwrap_or(u32::MAX))
    }
}

/// A recorded run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRun {
    /// Its number; a later run has a greater one.
    pub id: i64,
    /// What was recorded.
    pub row: RunRow,
    /// The very plan that ran, if it is still kept.
    pub plan: Option<Vec<u8>>,
}

/// The last call of `serelhistory --populate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Populated {
    /// Services that were started elsewhere.
    pub started: Vec<String>,
    /// Services and their paths, in the given order.
    pub pairs: Vec<(String, String)>,
    /// Services of the unit that came before it in its boot.
    pub last_unit: Vec<String>,
    /// Key of the unit.
    pub key: Digest,
    /// What `--query verify` says.
    pub verify: String,
    /// What `--query prior-history` says.
    pub prior: String,
    /// The boot in which it was called.
    pub boot: Option<String>,
}

/// The unit that was last run or populated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUnit {
    /// Its name for people.
    pub label: String,
    /// Whether it was started or stopped.
    pub phase: Phase,
    /// Whether that was in this boot.
    pub this_boot: bool,
    /// Names of the services that its jobs provide, sorted.
    pub services: Vec<String>,
}

/// The stored word of a phase.
pub(super) fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Start => "start",
        Phase::Stop => "stop",
    }
}

/// The phase of a stored word.
pub(super) fn phase_of(word: &str) -> Option<Phase> {
    match word {
        "start" => Some(Phase::Start),
        "stop" => Some(Phase::Stop),
        _ => None,
    }
}

/// SQLite's integers are signed; what we count stays below 2^63.
pub(super) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Back again; a negative one was not written by us and counts as 0.
pub(super) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
