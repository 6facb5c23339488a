//! One unit of the next boot: whether it is sound, where its plan comes from, and how long it would take.

use super::super::Common;
use super::super::show::{millis, predicted};
use super::findings::Findings;
use crate::definition::diagnostic::Severity;
use crate::plan::Plan;
use crate::root::Root;
use crate::text::{self, harmless};
use crate::unit::{self, Request};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;

/// Longest first line of a script that Linux reads.
const FIRST_LINE: u64 = 256;

/// Scripts that are named; the rest are counted.
const NAMED: usize = 3;

/// What is said of it.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the JSON")]
pub(super) struct Unit {
    /// `start 2`.
    label: String,
    /// Whether serel runs it.
    pub(super) serel: bool,
    pub(super) jobs: usize,
    /// Whether its definitions are.
    pub(super) valid: bool,
    /// Whether it would run in parallel.
    parallel: bool,
    cached: bool,
    why: String,
    predicted_ms: Option<f64>,
    critical_path: Vec<String>,
    #[serde(skip)]
    micros: u64,
}

impl Unit {
    /// Looks at the unit of a request. `usable`: why the history cannot be used, if so.
    pub(super) fn look(
        common: &Common,
        request: &Request,
        serel: bool,
        usable: &Result<(), String>,
        findings: &mut Findings,
        lacking: &mut Lacking,
    ) -> Self {
        let loaded = match usable {
            Ok(()) => unit::load(&common.root, &common.database, request),
            // What is wrong with the history has been said.
            Err(why) => unit::load_anew(&common.root, request, why.clone()),
        };
        for problem in &loaded.problems {
            findings.diagnostic(&common.root, problem);
        }
        interpreters(&common.root, &loaded.plan, lacking);
        let (path, micros) = predicted(&loaded);
        Self {
            label: request.label(),
            serel,
            jobs: loaded.plan.len(),
            valid: loaded.problems.iter().all(|problem| problem.severity < Severity::Error),
            parallel: loaded.plan.parallel,
            cached: loaded.cached,
            why: loaded.why.clone(),
            predicted_ms: (micros > 0).then(|| millis(micros)),
            critical_path: path.iter().map(|job| loaded.plan.job(*job).name.to_owned()).collect(),
            micros,
        }
    }

    /// One line.
    pub(super) fn line(&self) -> String {
        let who = if self.serel { "serel" } else { "as without serel" };
        let mut line = format!("{}: {who}; {}", self.label, text::counted(self.jobs, "script"));
        if !self.valid {
            line += "; not valid";
        }
        if !self.parallel {
            line += "; one by one in the given order";
        }
        if self.cached {
            line += "; plan: cached";
        } else {
            line += &format!("; plan: to be made, {}", harmless(self.why.as_bytes()));
        }
        if self.micros > 0 {
            let names: Vec<_> = self.critical_path.iter().map(|name| harmless(name.as_bytes())).collect();
            let predicted = text::seconds(self.micros.saturating_mul(1000));
            line += &format!("; predicted {predicted}: {}", names.join(" > "));
        }
        line + "\n"
    }
}

/// Finds scripts whose interpreter is not there, which nobody can start.
fn interpreters(root: &Root, plan: &Plan, lacking: &mut Lacking) {
    for job in plan.jobs() {
        let Some(program) = interpreter(root, job.script) else { continue };
        let runs = root.resolve(&program).is_ok_and(|file| {
            root.real(&file).metadata().is_ok_and(|meta| meta.is_file() && meta.mode() & 0o111 != 0)
        });
        if !runs {
            lacking.0.entry(program).or_default().insert(job.script.to_owned());
        }
    }
}

/// Scripts by the interpreter that they lack.
#[derive(Debug, Default)]
pub(super) struct Lacking(BTreeMap<String, BTreeSet<String>>);

impl Lacking {
    /// Says one thing of each interpreter.
    pub(super) fn tell(&self, root: &Root, findings: &mut Findings) {
        for (program, scripts) in &self.0 {
            let first: Vec<String> = scripts.iter().take(NAMED).map(|script| root.shown(script)).collect();
            let more = scripts.len() - first.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let text = format!(
                "{program} is not there, or cannot be run: it is the interpreter of {}{more}",
                first.join(", ")
            );
            findings.error("program", text, "install it, or remove the scripts from the levels");
        }
    }
}

/// The interpreter that the first line of a script names.
fn interpreter(root: &Root, script: &str) -> Option<String> {
    let mut first = Vec::new();
    File::open(root.real(script)).ok()?.take(FIRST_LINE).read_to_end(&mut first).ok()?;
    let line = first.split(|byte| *byte == b'\n').next()?.strip_prefix(b"#!")?;
    let line = String::from_utf8_lossy(line);
    line.split_whitespace().next().filter(|program| program.starts_with('/')).map(str::to_owned)
}
