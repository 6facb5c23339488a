//! The console without cursor movement: a line per finished job, its output below it, one write for both.

use super::Look;
use super::lines::Lines;
use super::sink::Sink;
use crate::model::JobId;
use crate::report::Roster;
use crate::text;
use crate::wavefront::{Nanos, Observer, Record};
use std::io::Write;

/// Writes lines in the order in which jobs finish. While a job has the console to itself, they wait.
#[derive(Debug)]
pub struct Plain<W: Write> {
    out: Sink<W>,
    lines: Lines,
    alone: Option<JobId>,
    waiting: String,
}

impl<W: Write> Plain<W> {
    /// Writes to `out`.
    pub fn new(out: W, roster: Roster, look: Look) -> Self {
        Self { out: Sink::new(out), lines: Lines::new(roster, look), alone: None, waiting: String::new() }
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
    fn started(&mut self, job: JobId, _at: Nanos, alone: bool) {
        if alone {
            self.alone = Some(job);
        }
    }

    fn output(&mut self, job: JobId, line: &[u8], _at: Nanos) {
        self.lines.keep(job, line);
        if self.alone.is_none() && self.lines.outcome(job).is_some() {
            self.finish();
        }
    }

    fn ended(&mut self, record: &Record) {
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

    fn tick(&mut self, _now: Nanos) {}

    fn wants_ticks(&self) -> bool {
        false
    }

    fn say(&mut self, text: &str) {
        for line in text.lines() {
            self.out.put(&format!("{}\n", text::harmless(line.as_bytes())));
        }
    }
}
