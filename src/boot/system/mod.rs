//! `serelrc verify --system`: what the next boot would do, and what is to be mended before it.
//!
//! Every unit of a boot and of a shutdown is looked up as the boot will look it up, by the same request, so that "plan:
//! cached" here is "plan: cached" then. Nothing is written.

mod findings;
mod inittab;
mod level;
mod rc;

use super::switch::Switch;
use super::{Common, print};
use crate::exit::Exit;
use crate::history::{History, Trouble};
use crate::model::Level;
use crate::text;
use crate::unit::{Members, Request};
use findings::{Finding, Findings};
use inittab::Inittab;
use level::{Lacking, Unit};
use rc::{Rc, Way};
use serde::Serialize;
use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// All that is said.
#[derive(Serialize)]
struct Report {
    fit: bool,
    /// Who runs the scripts, in words.
    rc: String,
    /// Whether that is serel.
    enabled: bool,
    /// The levels that serel runs, in words.
    levels: String,
    /// The history, in words.
    history: String,
    units: Vec<Unit>,
    findings: Vec<Finding>,
}

/// What a boot will be told by its settings.
pub struct Foreseen<'a> {
    /// The settings.
    pub switch: Switch,
    /// What of `SEREL_OPTIONS` is left out and why, if so.
    pub fault: Option<String>,
    /// The unit that rc asks for with `start` or `stop`, a level, and a previous one.
    pub unit: &'a dyn Fn(&str, Level, Option<Level>) -> Request,
}

/// Looks at a whole system. Exit status: 0 fit to boot, 6 definitions that are not valid, 1 anything else to mend.
pub fn system(common: &Common, foreseen: &Foreseen<'_>) -> Exit {
    let (root, switch) = (&common.root, &foreseen.switch);
    let mut findings = Findings::default();
    let inittab = Inittab::read(root, &mut findings);
    let rc = Rc::find(root, &inittab, &mut findings);
    for problem in &switch.problems {
        findings.diagnostic(root, problem);
    }
    if let Some(fault) = &foreseen.fault {
        let words = fault.split_whitespace().collect::<Vec<_>>().join(" ");
        findings.error("settings", words, "give options of `serelrc start`");
    }
    let levels = levels(switch, &rc);
    let (history, usable) = history(common, &mut findings);
    let mut lacking = Lacking::default();
    let units: Vec<Unit> = requests(foreseen, inittab.default)
        .iter()
        .map(|request| {
            let serel = runs(switch, &rc, request);
            Unit::look(common, request, serel, &usable, &mut findings, &mut lacking)
        })
        .collect();
    lacking.tell(root, &mut findings);
    if rc.way.is_ours() && !units.iter().any(|unit| unit.serel) {
        let text = format!("serel is in place, and runs no level of a boot; levels: {levels}");
        findings.warning(
            "settings",
            text,
            "name them in SEREL_RUNLEVELS, or take serel out: `serel-boot disable`",
        );
    }
    let valid = units.iter().all(|unit| unit.valid);
    let report = Report {
        fit: valid && !findings.any_error(),
        rc: rc.words(),
        enabled: rc.way.is_ours(),
        levels,
        history,
        units,
        findings: findings.all,
    };
    let printed = if common.json { super::show::print_json(&report) } else { print(&report.text()) };
    match (printed, valid, report.fit) {
        (_, false, _) => Exit::Invalid,
        (_, _, false) => Exit::Failed,
        (printed, ..) => printed,
    }
}

/// The units of a boot, a halt and a reboot, as rc asks for them.
fn requests(foreseen: &Foreseen<'_>, default: Level) -> Vec<Request> {
    let unit = foreseen.unit;
    let mut requests = vec![unit("start", Level::S, None), unit("start", default, None)];
    for level in ["0", "6"].into_iter().filter_map(Level::parse) {
        requests.extend(["stop", "start"].map(|verb| unit(verb, level, Some(default))));
    }
    requests
}

/// Whether serel would run a unit.
fn runs(switch: &Switch, rc: &Rc, request: &Request) -> bool {
    let Members::Level { level, .. } = request.members else { return false };
    match rc.way {
        Way::StandIn { .. } => switch.runs(level, true).is_ok(),
        Way::Hook { .. } => switch.runs(level, false).is_ok(),
        Way::Startpar { .. } | Way::Serial { .. } | Way::Nobody => false,
    }
}

fn levels(switch: &Switch, rc: &Rc) -> String {
    match (&switch.levels, &rc.way) {
        _ if switch.off => "none: `serel=off` is on the kernel command line".to_owned(),
        (Some(levels), _) => {
            // In the order in which a boot runs them: S first.
            let (first, others): (Vec<Level>, Vec<Level>) =
                levels.iter().partition(|level| *level == Level::S);
            let names: Vec<String> = first.iter().chain(&others).map(ToString::to_string).collect();
            let names = if names.is_empty() { "none".to_owned() } else { names.join(" ") };
            format!("{names}: SEREL_RUNLEVELS {}", place(switch))
        }
        (None, Way::StandIn { .. }) => "all: SEREL_RUNLEVELS is not set".to_owned(),
        (None, _) => "none: SEREL_RUNLEVELS is not set".to_owned(),
    }
}

/// `in /etc/default/serel`.
fn place(switch: &Switch) -> String {
    let place = switch.place.as_deref().unwrap_or_default();
    if place.starts_with('/') { format!("in {place}") } else { place.to_owned() }
}

/// The history in words, and why it cannot be used, if so.
fn history(common: &Common, findings: &mut Findings) -> (String, Result<(), String>) {
    let shown = common.database.display();
    match History::open(&common.database) {
        Ok(None) => (format!("{shown} is not there yet"), Ok(())),
        Ok(Some(_)) => match std::fs::symlink_metadata(&common.database) {
            Ok(meta) => {
                let (owner, mode, size) = (meta.uid(), meta.mode() & 0o7777, meta.len() / 1024);
                (format!("{shown}, of user {owner}, mode {mode:04o}, {size} KiB"), Ok(()))
            }
            Err(error) => (format!("{shown}: {error}"), Ok(())),
        },
        Err(trouble) => {
            let text = trouble.to_string();
            let help = match trouble {
                Trouble::Untrusted { ref path, .. } if !is_regular(path) => {
                    "move away what is there: the next boot begins a new one"
                }
                Trouble::Untrusted { .. } => "chown root FILE; chmod 644 FILE",
                Trouble::Damaged { .. } => "leave it to the next boot, or remove it",
                Trouble::Schema { .. } => "remove it, or install the version of serel that wrote it",
                _ => "the next boot does without it; to remove it is safe",
            };
            findings.warning("history", text, help);
            (format!("{shown} cannot be used"), Err("the history cannot be used".to_owned()))
        }
    }
}

fn is_regular(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file())
}

impl Report {
    fn text(&self) -> String {
        let mut out = format!("rc: {}\nlevels: {}\nhistory: {}\n", self.rc, self.levels, self.history);
        for unit in self.units.iter().filter(|unit| unit.jobs > 0) {
            out += &unit.line();
        }
        for finding in &self.findings {
            out += &finding.shown;
        }
        let count = |word| self.findings.iter().filter(|finding| finding.severity == word).count();
        let _ = match (self.fit, count("error"), count("warning")) {
            (true, _, 0) => writeln!(out, "fit to boot"),
            (true, _, some) => writeln!(out, "fit to boot; {}", text::counted(some, "warning")),
            (false, some, _) => writeln!(out, "not fit to boot: {}", text::counted(some, "error")),
        };
        out
    }
}
