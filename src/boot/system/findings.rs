//! What is to be mended, with what to do about it.

use crate::definition::diagnostic::{Diagnostic, Severity};
use crate::root::Root;
use crate::text::harmless;
use serde::Serialize;
use std::collections::HashSet;

/// One thing that is to be mended.
#[derive(Debug, Clone, Serialize, PartialEq, Eq, Hash)]
pub(super) struct Finding {
    /// `error` or `warning`.
    pub(super) severity: &'static str,
    /// What it is about, in one word.
    pub(super) kind: &'static str,
    /// What is wrong.
    text: String,
    /// What to do.
    help: Option<String>,
    /// All of it, as diagnostics are printed.
    #[serde(skip)]
    pub(super) shown: String,
}

/// All of them, each once.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) all: Vec<Finding>,
    known: HashSet<Finding>,
}

impl Findings {
    /// The boot would go on, not as it is meant to.
    pub(super) fn error(&mut self, kind: &'static str, text: impl Into<String>, help: &str) {
        self.plain("error", kind, text.into(), help);
    }

    /// Worth mending.
    pub(super) fn warning(&mut self, kind: &'static str, text: impl Into<String>, help: &str) {
        self.plain("warning", kind, text.into(), help);
    }

    /// What is wrong with a definition.
    pub(super) fn diagnostic(&mut self, root: &Root, problem: &Diagnostic) {
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let place = match (problem.file.is_empty(), problem.at.line) {
            (true, _) => String::new(),
            (false, 0) => format!("{}: ", root.shown(&problem.file)),
            (false, line) => format!("{}:{line}:{}: ", root.shown(&problem.file), problem.at.column),
        };
        let (kind, text) = (problem.kind.word(), format!("{place}{}", problem.text));
        let shown = problem.render(root);
        self.add(Finding { severity, kind, text, help: problem.help.clone(), shown });
    }

    /// Whether any of them is more than a warning.
    pub(super) fn any_error(&self) -> bool {
        self.all.iter().any(|finding| finding.severity == "error")
    }

    fn plain(&mut self, severity: &'static str, kind: &'static str, text: String, help: &str) {
        let shown = format!("{severity}: {}\n  help: {help}\n", harmless(text.as_bytes()));
        self.add(Finding { severity, kind, text, help: Some(help.to_owned()), shown });
    }

    fn add(&mut self, finding: Finding) {
        if self.known.insert(finding.clone()) {
            self.all.push(finding);
        }
    }
}
