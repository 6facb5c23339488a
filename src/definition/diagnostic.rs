//! What is wrong with a text, said so that the reader can mend it: file, line, column, a caret, what to do next.
//!
//! Diagnostics are collected, never thrown: one broken header must not hide the others.

use crate::model::Place;
use crate::root::Root;
use crate::text::{harmless, is_harmful};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// Read as meant, or harmless; worth mending.
    Warning,
    /// The definitions as they stand do not make a valid graph.
    Error,
}

/// What it is about; the word is part of the JSON contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// A text that does not follow its grammar.
    Syntax,
    /// A file that is not to be trusted, or cannot be read.
    File,
    /// A needed name that nobody provides.
    Missing,
    /// A circle of needs.
    Cycle,
    /// Two scripts that provide one name.
    Duplicate,
    /// A relation that cannot hold: a later level needed by an earlier one, oneself, levels that overlap.
    Conflict,
}

impl Kind {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Syntax => "syntax",
            Kind::File => "file",
            Kind::Missing => "missing",
            Kind::Cycle => "cycle",
            Kind::Duplicate => "duplicate",
            Kind::Conflict => "conflict",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How bad.
    pub severity: Severity,
    /// What about.
    pub kind: Kind,
    /// The file, as a logical path, or a stream's name such as `<stdin>`.
    pub file: String,
    /// Where in it.
    pub at: Place,
    /// How many characters from `at` are meant; 0 or 1 gives a single caret.
    pub width: u32,
    /// The source line, without its end, if it helps.
    pub line: Option<String>,
    /// What is wrong, in one sentence without a full stop.
    pub text: String,
    /// What to do next, in one sentence without a full stop.
    pub help: Option<String>,
    /// The services concerned.
    pub services: Vec<String>,
}

impl Diagnostic {
    /// A warning about how something is written.
    pub fn warning(file: &str, at: Place, text: impl Into<String>) -> Self {
        Self::new(Severity::Warning, Kind::Syntax, file, at, text)
    }

    /// A finding of the given severity about a whole file; the fields left empty are public.
    pub fn new(severity: Severity, kind: Kind, file: &str, at: Place, text: impl Into<String>) -> Self {
        Self {
            severity,
            kind,
            file: file.to_owned(),
            at,
            width: 0,
            line: None,
            text: text.into(),
            help: None,
            services: Vec::new(),
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the source line and how much of it is meant.
    #[must_use]
    pub fn line(mut self, line: impl Into<String>, width: usize) -> Self {
        self.line = Some(line.into());
        self.width = u32::try_from(width).unwrap_or(u32::MAX);
        self
    }

    /// Adds the services concerned.
    #[must_use]
    pub fn services<I: IntoIterator<Item = S>, S: Into<String>>(mut self, services: I) -> Self {
        self.services = services.into_iter().map(Into::into).collect();
        self
    }

    /// `error: FILE:LINE:COLUMN: TEXT`, then the line with a caret and the help, if any. Ends with a newline.
    /// Control characters of the input are not repeated to the terminal.
    pub fn render(&self, root: &Root) -> String {
        let word = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let file = if self.file.starts_with('/') { root.shown(&self.file) } else { self.file.clone() };
        let file = harmless(file.as_bytes());
        // Names of files and services stand in the text, too; its own lines stay.
        let lines = |text: &str| {
            text.split('\n').map(|line| harmless(line.as_bytes())).collect::<Vec<_>>().join("\n")
        };
        let text = lines(&self.text);
        let mut out = match self.at {
            Place { line: 0, .. } if file.is_empty() => format!("{word}: {text}\n"),
            Place { line: 0, .. } => format!("{word}: {file}: {text}\n"),
            Place { line, column: 0 } => format!("{word}: {file}:{line}: {text}\n"),
            Place { line, column } => format!("{word}: {file}:{line}:{column}: {text}\n"),
        };
        if let Some(line) = &self.line {
            render_line(&mut out, line, self.at.column, self.width);
        }
        if let Some(help) = &self.help {
            let _ = writeln!(out, "  help: {}", lines(help));
        }
        out
    }
}

/// Characters of a source line that are shown; the window moves so that the caret is inside it.
const SHOWN: usize = 96;

fn render_line(out: &mut String, line: &str, column: u32, width: u32) {
    let column = (column.max(1) - 1) as usize;
    let from = if column > SHOWN * 2 / 3 { column - SHOWN / 3 } else { 0 };
    let shown: String = line
        .chars()
        .skip(from)
        .take(SHOWN)
        .map(|c| if is_harmful(c) || c == '\t' { ' ' } else { c })
        .collect();
    if shown.trim().is_empty() {
        return;
    }
    let caret = column - from;
    let room = shown.chars().count().saturating_sub(caret).max(1);
    let width = (width as usize).clamp(1, room);
    let _ = writeln!(out, "    {}\n    {}{}", shown.trim_end(), " ".repeat(caret), "^".repeat(width));
}
