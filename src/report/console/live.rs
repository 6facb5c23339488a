//! The console on a terminal: finished jobs scroll by, and below them a region shows what is running.
//!
//! The region is drawn over itself with the two oldest sequences there are, cursor up and erase, in one `write(2)`, so
//! that any terminal follows and a kill at any time leaves the cursor where it belongs: at the end of the text, never
//! hidden. Lines of the region are cut to the width that the terminal has at that moment. Drawing waits its turn: not
//! more often than [`LEAST_PAUSE`], and on a slow line (a serial console) at most a fifth of the time.

use super::Look;
use super::lines::Lines;
use super::sink::Sink;
use super::terminal::Size;
use crate::model::{IdVec, JobId};
use crate::report::{Roster, palette};
use crate::text;
use crate::wavefront::{Nanos, Observer, Record};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write;
use std::time::Instant;

/// Nanoseconds between two drawings.
const LEAST_PAUSE: Nanos = 50_000_000;

/// How many times longer than a drawing took the pause after it is.
const REST: Nanos = 4;

/// A live display. It erases its region when it is dropped.
pub struct Live<W: Write> {
    out: Sink<W>,
    size: Box<dyn FnMut() -> Size + Send>,
    lines: Lines,
    /// Jobs that run, oldest first.
    running: BTreeSet<(Nanos, JobId)>,
    started: IdVec<JobId, Option<Nanos>>,
    done: usize,
    /// Lines that scroll by with the next drawing.
    waiting: Vec<String>,
    /// Rows of the region on the screen now; the cursor is at the end of the last one.
    drawn: Vec<String>,
    alone: Option<JobId>,
    now: Nanos,
    next: Nanos,
}

impl<W: Write> Live<W> {
    /// Draws to `out`, whose size is asked for at each drawing.
    pub fn new(out: W, roster: Roster, look: Look, size: impl FnMut() -> Size + Send + 'static) -> Self {
        Self {
            out: Sink::new(out),
            size: Box::new(size),
            running: BTreeSet::new(),
            started: (0..roster.len()).map(|_| None).collect(),
            done: 0,
            waiting: Vec::new(),
            drawn: Vec::new(),
            alone: None,
            now: 0,
            next: 0,
            lines: Lines::new(roster, look),
        }
    }

    /// Erases the region and writes what still waits, so that ordinary text can follow.
    pub fn finish(&mut self) {
        self.alone = None;
        self.waiting.extend(self.lines.late());
        self.paint(Vec::new());
    }

    /// Draws, unless it is too early or a job has the console. The end of the last job is drawn at once.
    fn draw(&mut self) {
        let over = self.done >= self.lines.roster.len();
        if self.alone.is_some() || (self.now < self.next && !over) {
            return;
        }
        self.waiting.extend(self.lines.late());
        let size = (self.size)();
        let frame = if over || size.rows < 2 { Vec::new() } else { self.frame(size) };
        if self.waiting.is_empty() && frame == self.drawn {
            return;
        }
        let began = Instant::now();
        self.paint(frame);
        let took = Nanos::try_from(began.elapsed().as_nanos()).unwrap_or(Nanos::MAX);
        self.next = self.now.saturating_add(LEAST_PAUSE.max(took.saturating_mul(REST)));
    }

    /// Writes the waiting lines over the old region, then the new one, or erases it if that is empty.
    fn paint(&mut self, frame: Vec<String>) {
        if self.waiting.is_empty() && frame.is_empty() && self.drawn.is_empty() {
            return;
        }
        let mut bytes = String::from("\r");
        if self.drawn.len() > 1 {
            let _ = write!(bytes, "\x1b[{}A", self.drawn.len() - 1);
        }
        for line in self.waiting.drain(..) {
            let _ = write!(bytes, "{line}\x1b[K\r\n");
        }
        bytes.push_str(&frame.join("\x1b[K\r\n"));
        bytes.push_str("\x1b[J");
        self.out.put(&bytes);
        self.drawn = frame;
    }

    /// The rows of the region: running jobs, oldest first, as many as fit, then the sum of all.
    fn frame(&self, size: Size) -> Vec<String> {
        let room = usize::from(size.rows).saturating_sub(2);
        let shown = if self.running.len() <= room { room } else { room.saturating_sub(1) };
        let mut rows: Vec<String> =
            self.running.iter().take(shown).map(|(start, job)| self.running_row(*job, *start)).collect();
        if rows.len() < self.running.len() && room > 0 {
            rows.push(format!(" {:w$} and {} more", "", self.running.len() - rows.len(), w = palette::WIDTH));
        }
        rows.push(self.sum_row());
        // The last column stays free: a terminal wraps when it is written to.
        let width = usize::from(size.columns).saturating_sub(1).max(1);
        for row in &mut rows {
            *row = text::cut(row, width).trim_end().to_owned();
        }
        if self.lines.look().colour {
            let plain = format!(" {}", palette::paint(palette::RUNNING, false));
            let inked = format!(" {}", palette::paint(palette::RUNNING, true));
            for row in &mut rows {
                if let Some(rest) = row.strip_prefix(&plain) {
                    *row = format!("{inked}{rest}");
                }
            }
        }
        rows
    }

    /// ` run    cron                    3.1s of about 4.0s`.
    fn running_row(&self, job: JobId, start: Nanos) -> String {
        let mut row = self.lines.running(job, self.now.saturating_sub(start), false);
        if let Some(expected) = self.lines.roster.expected(job) {
            let _ = write!(row, " of about {}", text::about(expected));
        }
        row
    }

    /// ` 14/25 done, 2 running, about 4.2s left`.
    fn sum_row(&self) -> String {
        let roster = &self.lines.roster;
        let mut row = format!(" {}/{} done, {} running", self.done, roster.len(), self.running.len());
        let left = roster.left(|job| match self.lines.outcome(job) {
            Some(_) => None,
            None => Some(self.started[job].map_or(0, |start| self.now.saturating_sub(start))),
        });
        if let Some(left) = left.filter(|left| *left > 0) {
            let _ = write!(row, ", about {} left", text::about(left));
        }
        row
    }

    /// After a job had the console: a new row if it left the cursor inside one. A row of blanks takes the cursor to
    /// the last column from the first one, and to the next row from any other.
    fn take_back(&mut self) {
        let width = usize::from((self.size)().columns);
        self.out.put(&format!("{}\r\x1b[K", " ".repeat(width.saturating_sub(1))));
    }
}

impl<W: Write> Drop for Live<W> {
    fn drop(&mut self) {
        self.finish();
    }
}

impl<W: Write + Send> Observer for Live<W> {
    fn started(&mut self, job: JobId, at: Nanos, alone: bool) {
        self.now = self.now.max(at);
        if self.started.get(job).is_some() {
            self.started[job] = Some(at);
            self.running.insert((at, job));
        }
        if alone {
            self.paint(Vec::new());
            self.alone = Some(job);
        }
        self.draw();
    }

    fn output(&mut self, job: JobId, line: &[u8], at: Nanos) {
        self.now = self.now.max(at);
        self.lines.keep(job, line);
    }

    fn ended(&mut self, record: &Record) {
        self.now = self.now.max(record.end);
        if let Some(start) = self.started.get(record.job).copied().flatten() {
            self.running.remove(&(start, record.job));
        }
        self.done += 1;
        self.waiting.extend(self.lines.ended(record));
        if self.alone == Some(record.job) {
            self.alone = None;
            self.take_back();
        }
        self.draw();
    }

    fn tick(&mut self, now: Nanos) {
        self.now = self.now.max(now);
        self.draw();
    }

    fn wants_ticks(&self) -> bool {
        true
    }

    /// At once, even below the text of a job that has the console.
    fn say(&mut self, text: &str) {
        let said = text.lines().map(|line| text::harmless(line.as_bytes()).into_owned());
        if self.alone.is_some() {
            let said: String = said.flat_map(|line| ["\r\n".to_owned(), line]).collect();
            self.out.put(&format!("{said}\r\n"));
            return;
        }
        self.waiting.extend(said);
        let frame = self.drawn.clone();
        self.paint(frame);
    }
}
