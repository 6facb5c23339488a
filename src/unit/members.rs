//! Which scripts make a unit, and in which order they are given.
//!
//! A runlevel's unit is what its links say (`etc/rcN.d/S*`, or `K*` to stop) where that directory exists, and what the
//! headers say where it does not. Links are given in their order, headers by name.

use super::Sources;
use super::listing::Listing;
use super::request::{Members, Pairs, Request};
use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::definition::scan::{self, Link};
use crate::fingerprint::{Entry, Kind as FileKind};
use crate::model::{Definition, Level, Phase, Place};
use crate::root::Root;
use std::collections::HashSet;

/// One member: the name it goes by, its script, and names that it was given besides its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The script's name without `S??`/`K??`, or the service's name of a pair.
    pub name: String,
    /// The script, a logical path.
    pub script: String,
    /// Further names that it provides, from pairs.
    pub also: Vec<String>,
}

/// The links of a runlevel, before their scripts have been read.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Links by level that was looked at.
    levels: Vec<Of>,
    /// States of the directories.
    pub(super) entries: Vec<Entry>,
    /// What was wrong with them.
    diagnostics: Vec<Diagnostic>,
}

/// What one level has.
#[derive(Debug)]
struct Of {
    level: Level,
    /// Where its links are.
    directory: String,
    /// `None` when the level has no directory.
    links: Option<Vec<Link>>,
}

impl Links {
    /// Reads the link directories that a request needs: its own level's, the one before it, and that of S.
    pub(super) fn read(root: &Root, request: &Request) -> Self {
        let mut links = Links::default();
        if let Members::Level { level, previous } = &request.members {
            for level in [Some(*level), *previous, Some(Level::S)].into_iter().flatten() {
                if links.levels.iter().all(|known| known.level != level) {
                    links.look(root, level);
                }
            }
        }
        links
    }

    /// Reads the directory of one level.
    fn look(&mut self, root: &Root, level: Level) {
        let [usual, other] = directories(level);
        let is_there = |listing: &Listing| {
            listing.entries.first().is_some_and(|entry| entry.kind == FileKind::Directory)
        };
        let unreadable = |listing: &Listing| listing.entries.first().is_some_and(Entry::is_unreadable);
        let mut directory = usual;
        let mut listing = Listing::read(root, &directory);
        if !is_there(&listing) && !unreadable(&listing) {
            let second = Listing::read(root, &other);
            // That the first appears is a change, too.
            self.entries.append(&mut listing.entries);
            if is_there(&second) {
                directory = other;
            }
            listing = second;
        }
        let (there, unreadable) = (is_there(&listing), unreadable(&listing));
        let Listing { mut entries, names, mut diagnostics } = listing;
        self.diagnostics.append(&mut diagnostics);
        if unreadable {
            let text = "this directory cannot be read: the headers say what runs in this level";
            let at = Place::default();
            self.diagnostics.push(
                Diagnostic::new(Severity::Error, Kind::File, &directory, at, text)
                    .help("see that the disk is well and that you may read it"),
            );
        }
        let names: Vec<String> = names.into_iter().map(|(name, _)| name).collect();
        self.entries.append(&mut entries);
        self.misnamed(&directory, &names);
        let links = (there && !unreadable).then(|| scan::links(&names));
        self.levels.push(Of { level, directory, links });
    }

    /// Warns of names that look like links of a runlevel and are none.
    fn misnamed(&mut self, directory: &str, names: &[String]) {
        for name in names
            .iter()
            .filter(|name| name.starts_with(['S', 'K']) && scan::links(&[(*name).clone()]).is_empty())
        {
            let text = "this name is not `S` or `K`, two digits and a name, and is left out";
            let at = Place::default();
            self.diagnostics.push(
                Diagnostic::new(Severity::Warning, Kind::File, &format!("{directory}/{name}"), at, text)
                    .help("rename the link, or remove it"),
            );
        }
    }

    /// The directories that were listed.
    pub(super) fn listed(&self) -> HashSet<String> {
        let is_directory = |entry: &&Entry| entry.kind == FileKind::Directory;
        self.entries.iter().filter(is_directory).map(|entry| entry.path.clone()).collect()
    }

    /// All scripts that they lead to, with the names they go by.
    pub(super) fn scripts(&self) -> Vec<(String, String)> {
        let of_level = |of: &Of| {
            let script = |link: &Link| (link.name.clone(), format!("{}/{}", of.directory, link.file));
            of.links.iter().flatten().map(script).collect::<Vec<_>>()
        };
        self.levels.iter().flat_map(of_level).collect()
    }

    /// The directory and the links of a level that has a directory.
    fn of(&self, level: Level) -> Option<(&str, &[Link])> {
        let of = self.levels.iter().find(|known| known.level == level)?;
        Some((&of.directory, of.links.as_deref()?))
    }
}

/// Where the links of a level may be: Debian's place and, where there is none of that name, that of Red Hat, Slackware
/// and Linux From Scratch.
pub fn directories(level: Level) -> [String; 2] {
    [format!("/etc/rc{level}.d"), format!("/etc/rc.d/rc{level}.d")]
}

/// The unit of a request.
#[derive(Debug, Default)]
pub(super) struct Unit {
    /// Its members in the given order.
    pub(super) members: Vec<Chosen>,
    /// Names that earlier units provide.
    pub(super) given: Vec<String>,
    /// Whether the given order means something: links and pairs, not names.
    pub(super) ordered: bool,
    /// What was wrong.
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Chooses the members of a unit.
pub(super) fn choose(root: &Root, request: &Request, links: &Links, sources: &Sources) -> Unit {
    let mut unit = Unit { diagnostics: links.diagnostics.clone(), ..Unit::default() };
    match &request.members {
        Members::Tree => unit.members = sources.scripts.values().map(chosen).collect(),
        Members::Pairs(pairs) => choose_pairs(root, pairs, sources, &mut unit),
        Members::Level { level, previous } => {
            let mut members = of_level(root, *level, request.phase, links, sources, &mut unit.diagnostics);
            unit.ordered = links.of(*level).is_some();
            if let Some(previous) = before(*level, *previous) {
                let before = of_level(root, previous, request.phase, links, sources, &mut Vec::new());
                let mut had: HashSet<&str> = before.iter().map(|member| member.script.as_str()).collect();
                let stopped = match request.phase {
                    // Who has a `K` link, too, was stopped on purpose just now, and is started again.
                    Phase::Start => of_level(root, *level, Phase::Stop, links, sources, &mut Vec::new()),
                    Phase::Stop => Vec::new(),
                };
                for member in &stopped {
                    had.remove(member.script.as_str());
                }
                members.retain(|member| !had.contains(member.script.as_str()));
                if request.phase == Phase::Start {
                    unit.given.extend(provided(&before, sources));
                }
            }
            if request.phase == Phase::Start && *level != Level::S {
                let sysinit = of_level(root, Level::S, Phase::Start, links, sources, &mut Vec::new());
                unit.given.extend(provided(&sysinit, sources));
            }
            unit.members = members;
        }
    }
    unit
}

/// The level that one is compared with. What ends it all is done whole: somebody may have started by hand what the
/// level before had stopped. And level S has started nothing that it would be said of.
pub fn before(level: Level, previous: Option<Level>) -> Option<Level> {
    previous.filter(|previous| *previous != Level::S && !level.is_shutdown())
}

fn chosen(definition: &Definition) -> Chosen {
    Chosen { name: definition.name.clone(), script: definition.script.clone(), also: Vec::new() }
}

/// The scripts of one level in one phase.
fn of_level(
    root: &Root,
    level: Level,
    phase: Phase,
    links: &Links,
    sources: &Sources,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Chosen> {
    let Some((directory, links)) = links.of(level) else {
        let levels = |definition: &Definition| match phase {
            Phase::Start => definition.start_levels,
            Phase::Stop => definition.stop_levels,
        };
        return sources
            .scripts
            .values()
            .filter(|definition| levels(definition).contains(level))
            .map(chosen)
            .collect();
    };
    let mut members: Vec<Chosen> = Vec::with_capacity(links.len());
    let mut seen = HashSet::new();
    for link in links.iter().filter(|link| link.phase == phase) {
        let path = format!("{directory}/{}", link.file);
        match scan::script(root, &path) {
            Ok(script) if sources.scripts.contains(&script) => {
                if seen.insert(script.clone()) {
                    members.push(Chosen { name: link.name.clone(), script, also: Vec::new() });
                } else {
                    let text = format!("this is a second link to {script}, which is run once");
                    diagnostics.push(
                        Diagnostic::new(Severity::Warning, Kind::Duplicate, &path, Place::default(), text)
                            .help("remove one of the links; for two instances, make a script of its own for each")
                            .services([link.name.clone()]),
                    );
                }
            }
            Ok(_) | Err(_) => diagnostics.push(
                Diagnostic::new(
                    Severity::Warning,
                    Kind::File,
                    &path,
                    Place::default(),
                    "this link leads to no script that can be run, and is left out",
                )
                .help("remove the link, or install its script and make it executable")
                .services([link.name.clone()]),
            ),
        }
    }
    members
}

/// All names that some members provide.
fn provided(members: &[Chosen], sources: &Sources) -> Vec<String> {
    members
        .iter()
        .filter_map(|member| sources.scripts.get(&member.script))
        .flat_map(|definition| definition.provides.iter().map(|provided| provided.name.clone()))
        .collect()
}

/// Pairs: one member for each path, with all services that were paired with it.
fn choose_pairs(root: &Root, pairs: &Pairs, sources: &Sources, unit: &mut Unit) {
    unit.ordered = true;
    unit.given.extend(pairs.started.iter().chain(&pairs.last_unit).cloned());
    let mut places: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for (service, path) in &pairs.pairs {
        let script = scan::script(root, path).unwrap_or_else(|_| path.clone());
        if !sources.scripts.contains(&script) {
            unit.diagnostics.push(
                Diagnostic::new(
                    Severity::Error,
                    Kind::File,
                    path,
                    Place::default(),
                    "there is no such script",
                )
                .help("give the path of an executable file")
                .services([service.clone()]),
            );
            continue;
        }
        if let Some(place) = places.get(&script) {
            unit.members[*place].also.push(service.clone());
        } else {
            places.insert(script.clone(), unit.members.len());
            unit.members.push(Chosen { name: service.clone(), script, also: vec![service.clone()] });
        }
    }
}
