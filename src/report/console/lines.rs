//! The lines of a finished job: word, name, time, reason, and the output that it wrote.

use super::Look;
use crate::model::{IdVec, JobId};
use crate::report::Roster;
use crate::report::account::took;
use crate::report::palette;
use crate::report::reason::Causes;
use crate::text;
use crate::wavefront::{Nanos, Outcome, Record, not_kept};
use std::collections::VecDeque;

/// Bytes of memory for the output of each job; of a flood the end is shown, since it says what went wrong.
const MOST_KEPT: usize = 64 * 1024;

/// Bytes that are shown of one line.
const LONGEST_LINE: usize = 4096;

/// Bounds of the column of names.
const NAME_WIDTH: (usize, usize) = (20, 32);

/// Collects what jobs write and makes their lines when they end.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) roster: Roster,
    look: Look,
    causes: Causes,
    captured: IdVec<JobId, Captured>,
    /// Jobs that have ended and wrote more through a daemon that they left behind.
    late: Vec<JobId>,
    name_width: usize,
}

/// The last lines that a job wrote.
#[derive(Debug, Default)]
struct Captured {
    lines: VecDeque<String>,
    bytes: usize,
    left_out: usize,
}

impl Lines {
    pub(super) fn new(roster: Roster, look: Look) -> Self {
        let longest = roster.names().iter().map(|name| text::columns(name)).max().unwrap_or(0);
        Self {
            look,
            causes: Causes::new(roster.len()),
            captured: (0..roster.len()).map(|_| Captured::default()).collect(),
            late: Vec::new(),
            name_width: longest.clamp(NAME_WIDTH.0, NAME_WIDTH.1),
            roster,
        }
    }

    pub(super) fn look(&self) -> Look {
        self.look
    }

    /// How a job ended, if it has.
    pub(super) fn outcome(&self, job: JobId) -> Option<Outcome> {
        self.causes.outcome(job)
    }

    /// A name, filled up to the column of names.
    pub(super) fn name(&self, job: JobId) -> String {
        text::pad(self.roster.name(job), self.name_width)
    }

    /// ` run    cron                    3.1s`: a job that still runs, and for how long.
    pub(super) fn running(&self, job: JobId, elapsed: Nanos, colour: bool) -> String {
        let word = palette::paint(palette::RUNNING, colour);
        format!(" {word} {} {:>7}", self.name(job), text::about(elapsed))
    }

    /// Keeps a line until the job has ended, or, when it has, until [`Lines::late`] asks for it.
    pub(super) fn keep(&mut self, job: JobId, line: &[u8]) {
        if self.captured.get(job).is_none() {
            return;
        }
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let shown = &line[..line.len().min(LONGEST_LINE)];
        let mut text = text::harmless(shown).into_owned();
        if shown.len() < line.len() {
            text.push_str("...");
        }
        self.captured[job].push(text);
        if self.outcome(job).is_some() && !self.late.contains(&job) {
            self.late.push(job);
        }
    }

    /// The lines that were written for jobs after their ends, and have not been shown.
    pub(super) fn late(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for job in std::mem::take(&mut self.late) {
            let outcome = self.outcome(job);
            self.words(job, outcome, &mut lines);
        }
        lines
    }

    /// The lines of a job that ended, each without its newline.
    pub(super) fn ended(&mut self, record: &Record) -> Vec<String> {
        self.causes.note(record);
        let mut lines = vec![self.line(record)];
        self.words(record.job, Some(record.outcome), &mut lines);
        lines
    }

    /// Takes what a job wrote, as lines to be shown.
    fn words(&mut self, job: JobId, outcome: Option<Outcome>, lines: &mut Vec<String>) {
        if self.captured.get(job).is_none() {
            return;
        }
        let captured = std::mem::take(&mut self.captured[job]);
        if outcome == Some(Outcome::Done) && self.look.quiet {
            return;
        }
        let name = self.roster.name(job);
        if captured.left_out > 0 {
            lines.push(format!("  {name}: ({} earlier lines left out)", captured.left_out));
        }
        lines.extend(captured.lines.iter().map(|line| format!("  {name}: {line}")));
    }

    /// ` OK     cron                  0.12s`, and the reason of a failure.
    fn line(&self, record: &Record) -> String {
        let word = palette::word(record.outcome, self.look.colour);
        let time = if record.start.is_some() { text::seconds(took(record)) } else { "-".to_owned() };
        let mut line = format!(" {word} {} {time:>7}", self.name(record.job));
        let reason = self.causes.explain(record, self.roster.names());
        if !reason.is_empty() {
            line.push_str("  ");
            line.push_str(&reason);
        }
        line
    }
}

impl Captured {
    fn push(&mut self, line: String) {
        self.bytes += line.len() + size_of::<String>();
        self.lines.push_back(line);
        while self.bytes > MOST_KEPT {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.len() + size_of::<String>();
            self.left_out += not_kept(&oldest).unwrap_or(1);
        }
    }
}
