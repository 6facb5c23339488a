//! Who is meant but not there: is it wrong, why is it so, and what could have been meant.
//!
//! Each finding says who asks and where that is written. What a facility lacks is said once for all who use it,
//! since a wall of equal messages hides the others.

use super::nearest::Nearest;
use super::reading::{Reading, strength};
use super::{Graph, Node, Request, Scope};
use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::model::{Definition, JobId, Level, Levels, Phase, ServiceId, Strength};
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;

/// A name that a relation means.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'n, 'a> {
    /// The name.
    pub(super) name: &'n str,
    /// Its id, if somebody in the unit provides it.
    pub(super) id: Option<ServiceId>,
    /// The facility that it belongs to, if the relation names that.
    pub(super) facility: Option<&'a str>,
    /// It may be missing.
    pub(super) optional: bool,
}

/// What is wrong with the targets of relations.
pub(super) struct Absent<'r, 'a> {
    request: &'r Request<'a>,
    given: &'r HashSet<&'a str>,
    /// Who provides a name, of all that is installed; made when the first name is not found.
    installed: OnceCell<HashMap<&'a str, Vec<&'a Definition>>>,
    nearest: OnceCell<Nearest<'a>>,
    problems: Vec<Diagnostic>,
    /// Problems of facilities that wait for others who have the same one.
    shared: BTreeMap<(&'a str, String, Severity), usize>,
}

impl<'r, 'a> Absent<'r, 'a> {
    pub(super) fn new(request: &'r Request<'a>, given: &'r HashSet<&'a str>) -> Self {
        let (installed, nearest) = (OnceCell::new(), OnceCell::new());
        Self { request, given, installed, nearest, problems: Vec::new(), shared: BTreeMap::new() }
    }

    /// Adds a finding made elsewhere, in its turn.
    pub(super) fn push(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    /// All findings.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        for at in self.shared.into_values() {
            let problem = &mut self.problems[at];
            // The first two are the name and the first who asks.
            match problem.services.len().saturating_sub(2) {
                0 => {}
                1 => problem.text.push_str("; so does 1 other"),
                others => {
                    let _ = write!(problem.text, "; so do {others} others");
                }
            }
        }
        self.problems
    }

    /// A facility that nobody defines.
    pub(super) fn undefined(&mut self, graph: &Graph<'a>, reading: Reading<'a>) {
        let node = &graph.nodes[reading.of];
        let facility = reading.relation.target.name.as_str();
        if self.join(facility, "", Severity::Warning, node) {
            return;
        }
        let text = format!("{} names {facility}, which is defined nowhere", node.name);
        let help = match self.nearest(graph).facility(facility) {
            Some(meant) => format!("it is ignored; perhaps {meant} is meant"),
            None => "it is ignored; define it in insserv.conf, or leave it out".to_owned(),
        };
        let problem = reading
            .problem(Severity::Warning, Kind::Missing, node, text)
            .help(help)
            .services([facility, node.name]);
        self.share(facility, "", problem);
    }

    /// Only a script without a definition provides the name, and such run after all others, or stop before them.
    pub(super) fn unknown(
        &mut self,
        graph: &Graph<'a>,
        reading: Reading<'a>,
        wanted: Wanted<'_, 'a>,
        by: JobId,
    ) {
        let (node, provider) = (&graph.nodes[reading.of], &graph.nodes[by]);
        let hard = reading.sense.required && !wanted.optional;
        let starting = self.request.phase == Phase::Start;
        let severity = if hard && starting { self.severity(node) } else { Severity::Warning };
        let verb = if hard { "needs" } else { "names" };
        let text = format!(
            "{} {verb} {}{}, of which nothing is known: {} has no definition",
            node.name,
            wanted.name,
            way(&wanted),
            provider.script
        );
        let place = if starting { "it runs last" } else { "it is stopped first" };
        let help = format!("give {} a comment header or an .rdf file; without, {place}", provider.name);
        self.report(node, wanted, reading.problem(severity, Kind::Missing, node, text).help(help));
    }

    /// A name that nobody unknown provides; `linked` says that somebody known does, in one of the owner's levels.
    pub(super) fn check(
        &mut self,
        graph: &Graph<'a>,
        reading: Reading<'a>,
        wanted: Wanted<'_, 'a>,
        linked: bool,
    ) {
        if !reading.sense.required || wanted.optional {
            return;
        }
        match (self.request.phase, linked) {
            (Phase::Start, true) => self.check_levels(graph, reading, wanted),
            (Phase::Start, false) => self.explain(graph, reading, wanted),
            // What is not stopped here stays up, or is down already: only a name that is nowhere is suspect.
            (Phase::Stop, _) if linked || wanted.id.is_some() || self.given.contains(wanted.name) => {}
            (Phase::Stop, _) if self.installed().contains_key(wanted.name) => {}
            (Phase::Stop, _) => self.nowhere(graph, reading, wanted, Severity::Warning),
        }
    }

    /// In a whole tree: is the name provided in all levels in which the owner runs?
    fn check_levels(&mut self, graph: &Graph<'a>, reading: Reading<'a>, wanted: Wanted<'_, 'a>) {
        let node = &graph.nodes[reading.of];
        let (Some(mine), Some(id)) = (node.levels, wanted.id) else { return };
        let providers: Vec<&Node> = graph.providers[id].iter().map(|job| &graph.nodes[*job]).collect();
        let sysinit = providers.iter().any(|node| node.runs_in(Level::S));
        let covered = |level: Level| {
            sysinit && level != Level::S || providers.iter().any(|provider| provider.runs_in(level))
        };
        let open: Levels = mine.iter().filter(|level| !covered(*level)).collect();
        if open.is_empty() {
            return;
        }
        let text = format!(
            "{} needs {}{}, which is not started in {}",
            node.name,
            wanted.name,
            way(&wanted),
            runlevels(open)
        );
        let help = format!("make the Default-Start of the two agree, or ask for +{}", wanted.name);
        let problem = reading.problem(Severity::Warning, Kind::Missing, node, text).help(help);
        self.report(node, wanted, problem);
    }

    /// A required name that nobody in the unit provides.
    fn explain(&mut self, graph: &Graph<'a>, reading: Reading<'a>, wanted: Wanted<'_, 'a>) {
        let node = &graph.nodes[reading.of];
        let severity = self.severity(node);
        let mine = match self.request.scope {
            Scope::Level(level) => Levels::from_iter([level]),
            Scope::Unit => Levels::NONE,
            Scope::Tree => node.levels.unwrap_or(Levels::NONE),
        };
        let mut file = None;
        let mut theirs = Levels::NONE;
        let elsewhere = wanted.id.into_iter().flat_map(|id| &graph.providers[id]).map(|job| {
            let node = &graph.nodes[*job];
            (node.definition, node.levels.unwrap_or(Levels::NONE))
        });
        let found = self.installed().get(wanted.name).map_or(&[][..], Vec::as_slice);
        for (definition, levels) in elsewhere.chain(found.iter().map(|found| (*found, found.start_levels))) {
            file.get_or_insert(definition.file.as_str());
            levels.iter().for_each(|level| theirs.insert(level));
        }
        let Some(file) = file else { return self.nowhere(graph, reading, wanted, severity) };
        let is_sysinit = mine.contains(Level::S);
        if theirs.contains(Level::S) && !mine.is_empty() && !is_sysinit {
            return; // all of S has run before
        }
        let (owner, name, way) = (node.name, wanted.name, way(&wanted));
        let (kind, text, help) = if is_sysinit && !theirs.is_empty() {
            let text = format!("{owner} runs in level S and needs {name}{way}, which is started later");
            let help = format!("{file} provides it in {}; start it in S, or do without", runlevels(theirs));
            (Kind::Conflict, text, help)
        } else if mine.is_empty() {
            let text = format!("{owner} needs {name}{way}, which is not part of this unit");
            (Kind::Missing, text, format!("it is installed: {file} provides it; add it to the unit"))
        } else {
            let text = format!("{owner} needs {name}{way}, which is not started in {}", runlevels(mine));
            let help = if theirs.is_empty() {
                format!("it is installed: {file} provides it, but names no level to start in; enable it")
            } else {
                format!("it is installed: {file} provides it in {}; enable it here too", runlevels(theirs))
            };
            (Kind::Missing, text, help)
        };
        self.report(node, wanted, reading.problem(severity, kind, node, text).help(help));
    }

    /// A required name that is not installed at all.
    fn nowhere(
        &mut self,
        graph: &Graph<'a>,
        reading: Reading<'a>,
        wanted: Wanted<'_, 'a>,
        severity: Severity,
    ) {
        let node = &graph.nodes[reading.of];
        let text = format!("{} needs {}{}, which nobody provides", node.name, wanted.name, way(&wanted));
        let help = match self.nearest(graph).service(wanted.name) {
            Some(meant) => format!("perhaps {meant} is meant"),
            None => format!("install what provides it, or write +{} if it may be missing", wanted.name),
        };
        self.report(node, wanted, reading.problem(severity, Kind::Missing, node, text).help(help));
    }

    fn severity(&self, node: &Node) -> Severity {
        match strength(self.request, node) {
            Strength::Need => Severity::Error,
            Strength::Order => Severity::Warning,
        }
    }

    /// Adds a problem with its services; one of a facility only if nobody had it yet.
    fn report(&mut self, node: &Node, wanted: Wanted<'_, 'a>, problem: Diagnostic) {
        let problem = problem.services([wanted.name, node.name]);
        match wanted.facility {
            None => self.problems.push(problem),
            Some(facility) if self.join(facility, wanted.name, problem.severity, node) => {}
            Some(facility) => self.share(facility, wanted.name, problem),
        }
    }

    /// Adds a script to those who have the problem already; false if nobody has.
    fn join(&mut self, facility: &'a str, name: &str, severity: Severity, node: &Node) -> bool {
        let Some(at) = self.shared.get(&(facility, name.to_owned(), severity)) else { return false };
        let services = &mut self.problems[*at].services;
        if services.last().is_none_or(|last| last != node.name) {
            services.push(node.name.to_owned());
        }
        true
    }

    fn share(&mut self, facility: &'a str, name: &str, problem: Diagnostic) {
        self.shared.insert((facility, name.to_owned(), problem.severity), self.problems.len());
        self.problems.push(problem);
    }

    fn installed(&self) -> &HashMap<&'a str, Vec<&'a Definition>> {
        self.installed.get_or_init(|| {
            let mut found: HashMap<&'a str, Vec<&'a Definition>> = HashMap::new();
            for definition in self.request.installed {
                for provided in &definition.provides {
                    found.entry(&provided.name).or_default().push(definition);
                }
            }
            found
        })
    }

    fn nearest(&self, graph: &Graph<'a>) -> &Nearest<'a> {
        self.nearest.get_or_init(|| {
            let installed = self.request.installed.iter().flat_map(|definition| &definition.provides);
            let given = self.request.given.iter().map(String::as_str);
            let names = graph.services.iter().copied().chain(given);
            Nearest::new(
                names.chain(installed.map(|provided| provided.name.as_str())).collect(),
                self.request.expand.facilities(),
            )
        })
    }
}

fn way(wanted: &Wanted) -> String {
    wanted.facility.map_or(String::new(), |facility| format!(" by way of {facility}"))
}

/// `runlevel 2` or `runlevels 2 3 S`.
fn runlevels(levels: Levels) -> String {
    let words: Vec<String> = levels.iter().map(|level| level.to_string()).collect();
    format!("runlevel{} {}", if words.len() == 1 { "" } else { "s" }, words.join(" "))
}
