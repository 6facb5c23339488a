//! What the history keeps, as plain rows.

use crate::fingerprint::Digest;
use crate::fingerprint::Stat;
use crate::model::Phase;
use serde::{Deserialize, Serialize};

/// A unit as an unchanged boot needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUnit {
    /// The words that name it.
    pub label: String,
    /// An encoded [`Manifest`](crate::fingerprint::Manifest).
    pub manifest: Vec<u8>,
    /// An encoded [`Plan`](crate::plan::Plan).
    pub plan: Vec<u8>,
    /// Encoded diagnostics; empty when there are none.
    pub problems: Vec<u8>,
    /// Median microseconds of each job of the plan, 0 where none is known.
    pub costs: Vec<u32>,
}

/// What a file said when it was last read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReading {
    /// Its stat before it was read.
    pub stat: Stat,
    /// Whether the stat proves nothing.
    pub racy: bool,
    /// Of its content.
    pub digest: Digest,
    /// What was read, encoded.
    pub body: Vec<u8>,
}

/// One run of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// The boot it belongs to, or empty.
    pub boot: String,
    /// The words that name the unit.
    pub label: String,
    /// Start or stop.
    pub phase: Phase,
    /// Monotonic nanoseconds.
    pub begin: u64,
    /// Monotonic nanoseconds.
    pub end: u64,
    /// Whether the plan came from the history.
    pub cached: bool,
    /// Why not, if not.
    pub why: String,
    /// The signal that ended it early.
    pub interrupted: Option<i32>,
    /// For each job the places of its predecessors.
    pub edges: Vec<Vec<u32>>,
    /// Its jobs in the order of the plan.
    pub jobs: Vec<JobRow>,
}

/// One job of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRow {
    /// The script, a logical path.
    pub script: String,
    /// Its name.
    pub name: String,
    /// How it ended, a word of [`JobRow::SUCCEEDED`]'s kind.
    pub outcome: String,
    /// Exit status, signal, errno, or the place of the job that is the cause, as the outcome has it.
    pub status: i32,
    /// Monotonic nanoseconds.
    pub ready: Option<u64>,
    /// Monotonic nanoseconds.
    pub start: Option<u64>,
    /// Monotonic nanoseconds.
    pub available: Option<u64>,
    /// Monotonic nanoseconds.
    pub end: u64,
    /// CPU time, microseconds.
    pub user_us: u64,
    /// CPU time, microseconds.
    pub system_us: u64,
    /// KiB.
    pub max_rss_kib: u64,
}

impl JobRow {
    /// The outcome of a job that went well; only such a one tells what a job costs.
    pub const SUCCEEDED: &str = "done";
}

/// The last `serelhistory --populate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Populated {
    /// The boot it belongs to, or empty.
    pub boot: String,
    /// The encoded request.
    pub request: Vec<u8>,
    /// What `--query verify` says.
    pub verify: String,
    /// What `--query prior-history` says.
    pub history: String,
}
