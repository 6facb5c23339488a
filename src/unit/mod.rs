//! Finds a unit and its plan: from the history when nothing has changed, else anew.
//!
//! The unchanged boot takes one row and one walk over the files' stats. Everything else in here is the way there:
//! sources are read (those that changed), members are chosen, the graph is built and verified, and what was learned is
//! left in a batch for the history.

mod listing;
mod members;
mod request;
mod scripts;
mod sources;
mod take;
mod wanted;

pub use members::{Chosen, before, directories};
pub use request::{Members, Pairs, Request};
pub use sources::{INIT_D, Sources};

use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::definition::{Facilities, scan};
use crate::fingerprint::{Change, Check, Digest, Entry, Glance, Manifest, What};
use crate::graph::{self, Expand, Expansion, Graph, Member, Scope};
use crate::history::{Batch, History, StoredUnit, Trouble, UnitRow};
use crate::model::{Id as _, IdVec, JobId, Phase, Place};
use crate::plan::Plan;
use crate::root::Root;
use crate::text;
use listing::Listing;
use members::{Links, Unit};
use std::collections::HashSet;
use std::path::Path;

/// Debian's word of the administrator that the numbers of the links are the order, as before there were headers.
pub const LEGACY: &str = "/etc/init.d/.legacy-bootordering";

/// Changes that a rebuild names; the rest are counted.
const NAMED: usize = 3;

/// A unit ready to run.
#[derive(Debug)]
pub struct Loaded {
    /// What to run.
    pub plan: Plan,
    /// Whether it came from the history.
    pub cached: bool,
    /// Why not, if not.
    pub why: String,
    /// What is wrong with its definitions.
    pub problems: Vec<Diagnostic>,
    /// The history's key of it.
    pub key: Digest,
    /// What to save.
    pub batch: Batch,
    /// Median microseconds of each job, 0 where none is known.
    costs: Vec<u32>,
}

impl Loaded {
    /// What a job is expected to take, in microseconds.
    pub fn cost(&self, job: JobId) -> Option<u64> {
        self.costs.get(job.index()).filter(|cost| **cost > 0).map(|cost| u64::from(*cost))
    }

    /// Keeps the costs of some jobs only: those of [`Plan::only`].
    pub fn keep_costs(&mut self, jobs: &[JobId]) {
        self.costs = jobs.iter().map(|job| self.costs.get(job.index()).copied().unwrap_or(0)).collect();
    }

    /// Whether the time of any job is known.
    pub fn has_costs(&self) -> bool {
        self.costs.iter().any(|cost| *cost > 0)
    }

    /// All costs for priorities; `None` when not one is known. An unknown one counts as the median of the known.
    pub fn costs(&self) -> Option<IdVec<JobId, u64>> {
        let mut known: Vec<u64> = self.plan.ids().filter_map(|job| self.cost(job)).collect();
        known.sort_unstable();
        let median = *known.get(known.len() / 2)?;
        Some(self.plan.ids().map(|job| self.cost(job).unwrap_or(median)).collect())
    }

    /// `cached`, or `rebuilt: why`.
    pub fn plan_words(&self) -> String {
        if self.cached {
            return "cached".to_owned();
        }
        // It has the names of files in it.
        format!("rebuilt: {}", text::harmless(self.why.as_bytes()))
    }
}

/// The plan of a unit.
pub fn load(root: &Root, database: &Path, request: &Request) -> Loaded {
    let key = request.key();
    let mut batch = Batch::default();
    let opened = History::open(database);
    let mut failed = opened.is_err();
    let mut history = said(opened, &mut batch);
    let found = match &history {
        Some(open) => open.unit(&key).map(|stored| stored.map(|stored| (open, stored))),
        None => Ok(None),
    };
    let reused = match found {
        Ok(found) => found.map(|(open, stored)| reuse(root, open, key, stored, &mut batch)),
        Err(trouble) => {
            say(&trouble, &mut batch);
            failed = true;
            history = None;
            None
        }
    };
    let why = match reused {
        Some(Ok(loaded)) => return Loaded { batch, ..loaded },
        Some(Err(why)) => why,
        None if failed => "the history cannot be used".to_owned(),
        None if history.is_some() => "this unit is new, or its settings are".to_owned(),
        None => "there is no history yet".to_owned(),
    };
    rebuild(root, history.as_ref(), request, why, batch)
}

/// The plan of a unit without any history, for this reason.
pub fn load_anew(root: &Root, request: &Request, why: String) -> Loaded {
    rebuild(root, None, request, why, Batch::default())
}

/// The history, if there is one; trouble with it is said.
fn said(opened: Result<Option<History>, Trouble>, batch: &mut Batch) -> Option<History> {
    opened.unwrap_or_else(|trouble| {
        say(&trouble, batch);
        None
    })
}

/// Says what is wrong with the history. What is damaged is begun anew when it is next saved.
fn say(trouble: &Trouble, batch: &mut Batch) {
    log::warn!("{trouble}");
    batch.anew |= matches!(trouble, Trouble::Damaged { .. });
}

/// Uses a stored unit if it is still true; else says why not.
fn reuse(
    root: &Root,
    history: &History,
    key: Digest,
    stored: StoredUnit,
    batch: &mut Batch,
) -> Result<Loaded, String> {
    let damaged = || "the stored plan cannot be read".to_owned();
    let (holds, plan) = stored.glance.holds(root, || Plan::decode(&stored.plan));
    if !holds {
        let manifest = history.manifest(&key).ok().flatten().ok_or_else(damaged)?;
        match manifest.check(root) {
            Check::Same if Glance::of(&manifest) == stored.glance => {}
            Check::Same => batch.refreshed.push((key, manifest)),
            Check::Refreshed(manifest) => batch.refreshed.push((key, manifest)),
            Check::Changed(changes) => return Err(words(root, &manifest, &changes)),
        }
    }
    let problems = if stored.problems.is_empty() {
        Vec::new()
    } else {
        postcard::from_bytes(&stored.problems).map_err(|_| damaged())?
    };
    Ok(Loaded {
        plan: plan.ok_or_else(damaged)?,
        cached: true,
        why: String::new(),
        problems,
        key,
        batch: Batch::default(),
        costs: stored.costs,
    })
}

/// The first changes in words. That the names of [`INIT_D`] changed is said by those that came and went.
fn words(root: &Root, manifest: &Manifest, changes: &[Change]) -> String {
    let home = root.resolve(INIT_D).unwrap_or_else(|_| INIT_D.to_owned());
    let mut words = Vec::new();
    for change in changes {
        let mut named = Vec::new();
        if change.what == What::Names && change.path == home {
            named = appeared(root, manifest, &home);
            let went = |other: &Change| other.what == What::Vanished && other.path.starts_with(&home);
            if named.is_empty() && changes.iter().any(went) {
                continue;
            }
        }
        if named.is_empty() { words.push(change.to_string()) } else { words.append(&mut named) }
    }
    if words.len() > NAMED {
        let more = words.len() - NAMED;
        words.truncate(NAMED);
        words.push(format!("and {more} more"));
    }
    words.join(", ")
}

/// The scripts of a directory that a manifest does not know.
fn appeared(root: &Root, manifest: &Manifest, home: &str) -> Vec<String> {
    let known: HashSet<String> = manifest.entries().map(|entry| entry.path).collect();
    let paths = Listing::read(root, home).names.into_iter();
    let paths = paths.filter(|(name, is_link)| !is_link && scan::accepts(name, &[]));
    let paths = paths.map(|(name, _)| format!("{home}/{name}"));
    paths.filter(|path| !known.contains(path)).map(|path| format!("{path} appeared")).collect()
}

/// Reads what has changed, builds the graph, and makes the plan.
fn rebuild(
    root: &Root,
    history: Option<&History>,
    request: &Request,
    why: String,
    mut batch: Batch,
) -> Loaded {
    crate::memory::take_large_steps();
    let mut gathered = Gathered::read(root, history, request);
    let (mut plan, problems) =
        gathered.with_graph(request, |graph, problems| (graph.plan(), problems.to_vec()));
    if !plan.parallel || closes(request) || gathered.legacy {
        plan = fall_back(plan, gathered.unit.ordered);
    }
    let stored = history.and_then(|history| history.costs(request.phase).ok()).unwrap_or_default();
    let costs = plan.jobs().map(|job| stored.get(job.script).copied().unwrap_or(0)).collect();
    batch.readings = std::mem::take(&mut gathered.sources.fresh);
    batch.forgotten = std::mem::take(&mut gathered.sources.forgotten);
    let key = request.key();
    batch.units.push(UnitRow {
        key,
        label: request.label(),
        manifest: Manifest::new(std::mem::take(&mut gathered.sources.entries)),
        plan: plan.encode(),
        problems: if problems.is_empty() {
            Vec::new()
        } else {
            postcard::to_stdvec(&problems).unwrap_or_default()
        },
    });
    log::info!("{}: {} files read, {} jobs planned", request.label(), gathered.sources.parsed, plan.len());
    // A process builds one or two plans and ends soon: to give back all definitions one by one costs a thirtieth of
    // a cold plan.
    std::mem::forget(gathered);
    Loaded { plan, cached: false, why, problems, key, batch, costs }
}

/// Whether these are the last scripts of a shutdown, the `S` links of level 0 or 6: each is the only one that may be
/// under way, and their numbers say in which order.
fn closes(request: &Request) -> bool {
    let Members::Level { level, .. } = request.members else { return false };
    level.is_shutdown() && request.phase == Phase::Start
}

/// What is run when verify failed: the given order, one by one. Links and pairs are given in an order that means
/// something; names are not, so there the relations hold as far as they have no circle.
fn fall_back(plan: Plan, ordered: bool) -> Plan {
    if ordered { plan.without_needs().serial(false) } else { plan.serial(false) }
}

/// Calls with the graph of a unit and all problems, whatever the history says of the plan.
pub fn with_graph<T>(
    root: &Root,
    database: &Path,
    request: &Request,
    call: impl FnOnce(&Graph, &[Diagnostic]) -> T,
) -> T {
    let history = said(History::open(database), &mut Batch::default());
    Gathered::read(root, history.as_ref(), request).with_graph(request, call)
}

/// A unit with all that it was made from.
struct Gathered {
    sources: Sources,
    unit: Unit,
    /// The order of the links is wanted and nothing else.
    legacy: bool,
}

impl Gathered {
    fn read(root: &Root, history: Option<&History>, request: &Request) -> Self {
        let known = history
            .and_then(|history| history.definitions().map_err(|trouble| log::warn!("{trouble}")).ok())
            .unwrap_or_default();
        let mut links = Links::read(root, request);
        let extra = match &request.members {
            Members::Pairs(pairs) => pairs.pairs.clone(),
            _ => links.scripts(),
        };
        let mut sources = Sources::read(root, &extra, links.listed(), &known);
        sources.entries.append(&mut links.entries);
        let mut unit = members::choose(root, request, &links, &sources);
        let mut legacy = false;
        if matches!(request.members, Members::Level { .. }) {
            sources.entries.push(Entry::observe(root, LEGACY));
            legacy = unit.ordered && root.place(LEGACY).exists();
            if legacy {
                let text = "the links of a level are run one by one in their order, as this file has it";
                let wish = Diagnostic::new(Severity::Warning, Kind::File, LEGACY, Place::default(), text);
                unit.diagnostics.push(wish.help("remove it to have them run in parallel"));
            }
        }
        Self { sources, unit, legacy }
    }

    fn with_graph<T>(&self, request: &Request, call: impl FnOnce(&Graph, &[Diagnostic]) -> T) -> T {
        let members: Vec<Member> = self
            .unit
            .members
            .iter()
            .filter_map(|chosen| {
                let definition = self.sources.scripts.get(&chosen.script)?;
                let member = Member::of(definition, request.phase);
                Some(Member { name: &chosen.name, script: &chosen.script, also: &chosen.also, ..member })
            })
            .collect();
        let installed: Vec<_> = self.sources.scripts.values().collect();
        let graph = graph::build(&graph::Request {
            phase: request.phase,
            scope: match &request.members {
                Members::Level { level, .. } => Scope::Level(*level),
                Members::Pairs(_) => Scope::Unit,
                Members::Tree => Scope::Tree,
            },
            members: &members,
            given: &self.unit.given,
            installed: &installed,
            expand: &self.sources.facilities,
            required: request.required,
        });
        let mut problems = self.sources.diagnostics.clone();
        problems.extend(self.unit.diagnostics.iter().chain(&graph.problems).cloned());
        let difference = matches!(request.members, Members::Level { previous: Some(_), .. });
        if members.is_empty() && !difference {
            problems.push(empty(request));
        }
        if !matches!(request.members, Members::Pairs(_)) {
            problems.extend(unheaded(&graph, &problems));
        }
        call(&graph, &problems)
    }
}

/// A unit without members is a valid one, and worth a word.
fn empty(request: &Request) -> Diagnostic {
    let text = format!("`{}` has no services", request.label());
    let what = match request.phase {
        Phase::Start => "Default-Start",
        Phase::Stop => "Default-Stop",
    };
    Diagnostic::new(Severity::Warning, Kind::File, "", Place::default(), text).help(format!(
        "see that /etc/rcN.d has links, or that headers in {INIT_D} name the level under {what}"
    ))
}

/// Scripts of which nothing is known; links to upstart's stand-in are said by themselves.
fn unheaded(graph: &Graph, said: &[Diagnostic]) -> Option<Diagnostic> {
    let is_job = |script: &str| said.iter().any(|problem| problem.file == script);
    let unknown = graph.nodes.iter().filter(|node| node.unknown && !is_job(node.script));
    let scripts: Vec<(&str, &str)> = unknown.map(|node| (node.name, node.script)).collect();
    let (_, first) = scripts.first()?;
    let names: Vec<&str> = scripts.iter().take(NAMED).map(|(name, _)| *name).collect();
    let more = match scripts.len() - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let verb = if scripts.len() == 1 { "has" } else { "have" };
    let place = match graph.phase {
        Phase::Start => "started last",
        Phase::Stop => "stopped first",
    };
    let text = format!("{}{more} {verb} no header, and so {place}, one by one", names.join(", "));
    let said = Diagnostic::new(Severity::Warning, Kind::Missing, first, Place::default(), text);
    let help =
        "write one, from `### BEGIN INIT INFO` to `### END INIT INFO`, there or in /etc/serel/overrides";
    Some(said.help(help).services(names))
}

impl Expand for Facilities {
    fn expand(&self, facility: &str) -> Expansion {
        self.expand(facility).map_or(Expansion::Undefined, Expansion::Members)
    }

    fn interactive(&self, name: &str) -> bool {
        self.is_interactive(name)
    }

    fn facilities(&self) -> Vec<String> {
        self.names().map(str::to_owned).collect()
    }
}
