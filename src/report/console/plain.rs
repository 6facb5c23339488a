//! The console without cursor movement: a line per finished job, its output below it, one write for both.
//!
//! Where somebody may look at it, as on a serial line, a job that takes long is named before it has ended.

use super::Look;
use super::lines::Lines;
use super::sink::Sink;
use crate::model::JobId;
use crate::report::Roster;
use crate::text;
use crate::wavefront::{Nanos, Observer, Record};
use std::collections::BTreeSet;
use std::io::Write;

/// After so long a job is named that still runs.
const LONG: Nanos = 10_000_000_000;

/// Writes lines in the order in which jobs finish. While a job has the console to itself, they wait.
#[derive(Debug)]
pub struct Plain<W: Write> {
    out: Sink<W>,
    lines: Lines,
    alone: Option<JobId>,
    waiting: String,
    /// Jobs that run and were not named yet, oldest first; `None` where nobody looks.
    unnamed: Option<BTreeSet<(Nanos, JobId)>>,
}

impl<W: Write> Plain<W> {
    /// Writes to `out`.
    pub fn new(out: W, roster: Roster, look: Look) -> Self {
        let (out, lines) = (Sink::new(out), Lines::new(roster, look));
        Self { out, lines, alone: None, waiting: String::new(), unnamed: None }
    }

    /// Has jobs named that take longer than ten seconds.
    #[must_use]
    pub fn watched(mut self) -> Self {
        self.unnamed = Some(BTreeSet::new());
        self
    }

    /// Writes what waited for a job that had the console and never ended.
    pub fn finish(&mut self) {
        self.alone = None;
        for line in self.lines.late() {
            self.waiting.push_str(&line);
            self.waiting.push('\n');
        }
        self.out.put(&std::mem::take(&mut self.waiting));
    }
}

impl<W: Write> Drop for Plain<W> {
    fn drop(&mut self) {
        self.finish();
    }
}

impl<W: Write + Send> Observer for Plain<W> {
    fn started(&mut self, job: JobId, at: Nanos, alone: bool) {
        if alone {
            self.alone = Some(job);
        } else if let Some(unnamed) = &mut self.unnamed {
            unnamed.insert((at, job));
        }
    }

    fn output(&mut self, job: JobId, line: &[u8], _at: Nanos) {
        self.lines.keep(job, line);
        if self.alone.is_none() && self.lines.outcome(job).is_some() {
            self.finish();
        }
    }

    fn ended(&mut self, record: &Record) {
        if let Some(unnamed) = &mut self.unnamed {
            unnamed.retain(|(_, job)| *job != record.job);
        }
        for line in self.lines.ended(record) {
            self.waiting.push_str(&line);
            self.waiting.push('\n');
        }
        if self.alone == Some(record.job) {
            self.alone = None;
        }
        if self.alone.is_none() {
            self.finish();
        }
    }

    fn tick(&mut self, now: Nanos) {
        let Some(unnamed) = &mut self.unnamed else { return };
        while let Some((start, job)) = unnamed.pop_first() {
            let elapsed = now.saturating_sub(start);
            if elapsed < LONG {
                unnamed.insert((start, job));
                break;
            }
            let row = self.lines.running(job, elapsed, self.lines.look().colour);
            self.waiting.push_str(&format!("{row} so far\n"));
        }
        if self.alone.is_none() && !self.waiting.is_empty() {
            self.finish();
        }
    }

    fn wants_ticks(&self) -> bool {
        self.unnamed.is_some()
    }

    fn say(&mut self, text: &str) {
        for line in text.lines() {
            self.out.put(&format!("{}\n", text::harmless(line.as_bytes())));
        }
    }
}
