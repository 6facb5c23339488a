//! What a job writes, in whole lines, kept until it may be printed unmixed with that of others.
//!
//! Memory is bounded: past [`KEPT`] bytes the oldest lines go, and that is said in their place; the last words of a
//! job that fails are the ones that matter.

use super::Nanos;
use super::spawner::Line;
use std::collections::VecDeque;

/// Bytes kept for each job.
pub(super) const KEPT: usize = 1024 * 1024;
/// A line longer than this is cut into several.
/// Around the number of lines that were dropped, in the line that says so.
const NOT_KEPT: &str = "[";
const NOT_KEPT_END: &str = " earlier lines not kept]";

/// How many lines a line stands for that says how many were not kept.
pub fn not_kept(line: &str) -> Option<usize> {
    line.strip_prefix(NOT_KEPT)?.strip_suffix(NOT_KEPT_END)?.parse().ok()
}

const LONGEST: usize = 64 * 1024;

/// The output of one job so far.
#[derive(Debug, Default)]
pub(super) struct Capture {
    lines: VecDeque<Line>,
    bytes: usize,
    dropped: u64,
    /// A line that has no end yet.
    partial: Vec<u8>,
    /// When the oldest kept line was read.
    pub(super) since: Option<Nanos>,
}

impl Capture {
    /// Adds what was read at a time.
    pub(super) fn push(&mut self, mut bytes: &[u8], at: Nanos) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(&bytes[..end]);
            self.end_line(at);
            bytes = &bytes[end + 1..];
        }
        for piece in bytes.chunks(LONGEST) {
            self.partial.extend_from_slice(piece);
            if self.partial.len() >= LONGEST {
                self.end_line(at);
            }
        }
    }

    fn end_line(&mut self, at: Nanos) {
        let mut line = std::mem::take(&mut self.partial);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        self.bytes += line.len() + size_of::<Line>();
        self.lines.push_back((at, line));
        self.since.get_or_insert(at);
        while self.bytes > KEPT && self.lines.len() > 1 {
            if let Some((_, oldest)) = self.lines.pop_front() {
                self.bytes -= oldest.len() + size_of::<Line>();
                self.dropped += 1;
            }
        }
    }

    /// Takes the whole lines; with `all` an unfinished one, too.
    pub(super) fn take(&mut self, all: bool, at: Nanos) -> Vec<Line> {
        if all && !self.partial.is_empty() {
            self.end_line(at);
        }
        let mut lines = Vec::with_capacity(self.lines.len() + 1);
        if self.dropped > 0 {
            lines.push((at, format!("{NOT_KEPT}{}{NOT_KEPT_END}", self.dropped).into_bytes()));
        }
        lines.extend(self.lines.drain(..));
        self.bytes = 0;
        self.dropped = 0;
        self.since = None;
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[Line]) -> Vec<String> {
        lines.iter().map(|(_, line)| String::from_utf8_lossy(line).into_owned()).collect()
    }

    #[test]
    fn whole_lines_only_until_the_end() {
        let mut capture = Capture::default();
        capture.push(b"one\r\ntw", 1);
        assert_eq!(texts(&capture.take(false, 2)), ["one"]);
        capture.push(b"o", 3);
        assert_eq!(texts(&capture.take(true, 4)), ["two"]);
        assert!(capture.take(true, 5).is_empty());
    }

    #[test]
    fn a_flood_keeps_its_end_and_says_what_it_lost() {
        let mut capture = Capture::default();
        for number in 0..200_000 {
            capture.push(format!("line number {number}\n").as_bytes(), number);
        }
        let lines = capture.take(true, 0);
        assert!(lines.iter().map(|(_, line)| line.len()).sum::<usize>() <= KEPT + 64);
        assert!(texts(&lines[..1])[0].contains("earlier lines not kept"));
        assert_eq!(texts(&lines).last().unwrap(), "line number 199999");
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut capture = Capture::default();
        for _ in 0..100 {
            capture.push(&vec![b'x'; 100_000], 0);
        }
        assert!(capture.take(true, 0).iter().all(|(_, line)| line.len() <= 2 * LONGEST));
    }
}
