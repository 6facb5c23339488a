//! Finds the block in a script, wherever it is.

use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::model::Place;
use memchr::memmem::Finder;
use memchr::{memchr, memchr_iter};
use std::sync::LazyLock;

const BEGIN: &[u8] = b"### BEGIN INIT INFO";
const WORDS: &[u8] = b"BEGIN INIT INFO";
const END: &[u8] = b"### END INIT INFO";

/// Made once: making one takes longer than a search in a small script.
static FIND_BEGIN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BEGIN));
static FIND_END: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(END));

/// The lines of a block, without its first and last one.
pub(super) struct Lines<'a> {
    /// Number of the BEGIN line.
    pub(super) begin: u32,
    rest: &'a [u8],
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = memchr(b'\n', self.rest);
        let line = &self.rest[..end.unwrap_or(self.rest.len())];
        self.rest = end.map_or(&[][..], |end| &self.rest[end + 1..]);
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

/// The first block; more than one, and one without an end, are said.
pub(super) fn find<'a>(file: &str, bytes: &'a [u8], diagnostics: &mut Vec<Diagnostic>) -> Option<Lines<'a>> {
    let begin = marker(bytes, &FIND_BEGIN, 0)?;
    let first = u32::try_from(memchr_iter(b'\n', &bytes[..begin]).count() + 1).unwrap_or(u32::MAX);
    let inside = next_line(bytes, begin);
    let end = marker(bytes, &FIND_END, inside);
    let until = end.unwrap_or_else(|| {
        diagnostics.push(
            Diagnostic::new(
                Severity::Error,
                Kind::Syntax,
                file,
                Place { line: first, column: 1 },
                "this header has no `### END INIT INFO`",
            )
            .help("end it with that line; what follows it up to the first line that is no comment was read")
            .line(String::from_utf8_lossy(BEGIN), BEGIN.len()),
        );
        comments_end(bytes, inside)
    });
    if let Some(second) = end.and_then(|end| marker(bytes, &FIND_BEGIN, next_line(bytes, end))) {
        let line = u32::try_from(memchr_iter(b'\n', &bytes[..second]).count() + 1).unwrap_or(u32::MAX);
        diagnostics.push(
            Diagnostic::warning(
                file,
                Place { line, column: 1 },
                "a second header, which is not read".to_owned(),
            )
            .help("keep one header in each script"),
        );
    }
    Some(Lines { begin: first, rest: &bytes[inside..until] })
}

/// Where a line begins that is the marker, followed by nothing but blanks.
fn marker(bytes: &[u8], marker: &Finder<'_>, from: usize) -> Option<usize> {
    marker.find_iter(&bytes[from..]).map(|at| from + at).find(|at| {
        // What is cheap comes first: a line of a megabyte may hold the marker fifty thousand times.
        (*at == 0 || bytes[at - 1] == b'\n')
            && bytes[at + marker.needle().len()..]
                .iter()
                .take_while(|byte| **byte != b'\n')
                .all(u8::is_ascii_whitespace)
    })
}

/// The first comment that was meant to begin a header, in a script that has none.
pub(super) fn nearly(file: &str, bytes: &[u8]) -> Option<Diagnostic> {
    let (number, line) = (1u32..).zip(bytes.split(|byte| *byte == b'\n')).find(|(_, line)| {
        let text = line.trim_ascii_start();
        let from = text.iter().position(|byte| !matches!(byte, b'#' | b' ' | b'\t')).unwrap_or(text.len());
        let words = text[from..].get(..WORDS.len());
        text.starts_with(b"#") && words.is_some_and(|words| words.eq_ignore_ascii_case(WORDS))
    })?;
    let line = String::from_utf8_lossy(line.trim_ascii_end());
    let at = Place { line: number, column: 1 };
    let text = "this is not quite the first line of a header".to_owned();
    Some(
        Diagnostic::warning(file, at, text)
            .help("write `### BEGIN INIT INFO` and nothing else; as it is, the script has no header")
            .line(line.clone(), line.chars().count()),
    )
}

fn next_line(bytes: &[u8], at: usize) -> usize {
    memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end + 1)
}

/// Where the comment lines that begin at a place end.
fn comments_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() && bytes[at] == b'#' {
        at = next_line(bytes, at);
    }
    at
}
