//! Everything that the definitions of a system are read from, as far as a unit needs it: scripts, overrides, RDF
//! files, facilities. What has not changed since it was last read is taken from the history instead.

use super::listing::{Listing, dead_link};
use super::scripts::Scripts;
use super::take::{Taken, take_all};
use super::wanted::{Wanted, What};
use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::definition::{Facilities, scan, trust};
use crate::fingerprint::{Digest, Entry, Stat, clock};
use crate::history::StoredReading;
use crate::model::{Definition, Place, Source};
use crate::root::Root;
use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io;
use std::path::Path;

/// Where scripts are.
pub const INIT_D: &str = "/etc/init.d";
/// Where RDF definitions are.
const RDF_D: &str = "/etc/serel/rdf.d";
/// Where override headers are, strongest first.
const OVERRIDES: [&str; 3] =
    ["/etc/serel/overrides", "/etc/insserv/overrides", "/usr/share/insserv/overrides"];
/// Facilities, and the directory that adds to them.
const FACILITIES: &str = "/etc/insserv.conf";
const FACILITIES_D: &str = "/etc/insserv.conf.d";
/// More suffixes that are no scripts.
const FILTERS: &str = "/etc/insserv/file-filters";

/// All that was read.
#[derive(Debug, Default)]
pub struct Sources {
    /// A definition for each script, by logical path of the script; overrides and RDF have been applied.
    pub(super) scripts: Scripts,
    /// Facilities and interactive names.
    pub facilities: Facilities,
    /// What was wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// The state of all files that were looked at.
    pub entries: Vec<Entry>,
    /// Readings that the history does not have yet, by logical path.
    pub fresh: Vec<(String, StoredReading)>,
    /// Readings in the history whose file is no more.
    pub forgotten: Vec<String>,
    /// Directories whose state, with the links in them, is among the entries.
    listed: HashSet<String>,
    /// Links and missing paths that are.
    walked: HashSet<String>,
    /// Links to upstart's stand-in script.
    jobs: HashSet<String>,
    /// How many files were read because they had changed or were new.
    pub parsed: usize,
}

impl Sources {
    /// Reads all scripts of [`INIT_D`], those of `extra` (links and pairs, with the names they go by), and all that
    /// adds to them. `known` is what the history has; what is still true of it is not read again.
    /// `listed` are directories that the caller has listed.
    pub fn read(
        root: &Root,
        extra: &[(String, String)],
        listed: HashSet<String>,
        known: &HashMap<String, StoredReading>,
    ) -> Self {
        let mut sources = Sources { listed, ..Sources::default() };
        let wanted = sources.wanted(root, extra);
        let taken = take_all(root, &wanted, known);
        sources.forgotten = forgotten(root, &wanted, known);
        sources.scripts = Scripts::with_capacity(wanted.len());
        sources.entries.reserve(wanted.len());
        sources.fresh.reserve(if known.is_empty() { wanted.len() } else { 0 });
        let mut overrides = HashMap::new();
        let mut rdf = Vec::new();
        for (wanted, taken) in wanted.into_iter().zip(taken.into_iter().flatten()) {
            sources.admit(wanted, taken, &mut overrides, &mut rdf);
        }
        if !sources.facilities.is_configured() {
            sources.facilities = Facilities::defaults();
        }
        sources.diagnostics.extend(sources.facilities.troubles());
        sources.replace(root, overrides, &rdf);
        sources
    }

    /// Resolves a path, and remembers the links that it leads over and where it ends if it ends nowhere. A link that
    /// stands in a listed directory is remembered with that.
    fn resolve(&mut self, root: &Root, path: &str) -> io::Result<String> {
        let mut links = Vec::new();
        let resolved = root.trace(path, &mut links);
        for link in links {
            let parent = link.rsplit_once('/').map_or("", |(parent, _)| parent);
            let is_listed = self.listed.contains(parent) && root.real(&link).is_symlink();
            if !is_listed && self.walked.insert(link.clone()) {
                self.entries.push(Entry::observe(root, &link));
            }
        }
        resolved
    }

    /// Lists the directories and says what is to be read.
    fn wanted(&mut self, root: &Root, extra: &[(String, String)]) -> Vec<Wanted> {
        let filters = self.filters(root);
        let home = root.resolve(INIT_D).unwrap_or_else(|_| INIT_D.to_owned());
        let mut names = self.list(root, INIT_D);
        names.retain(|(name, _)| scan::accepts(name, &filters));
        let (links, plain): (Vec<_>, Vec<_>) = names.into_iter().partition(|(_, is_link)| *is_link);
        let mut scripts: BTreeMap<String, String> =
            plain.into_iter().map(|(name, _)| (format!("{home}/{name}"), name)).collect();
        for (name, _) in links {
            self.script(root, &name, &format!("{INIT_D}/{name}"), &mut scripts);
        }
        for (name, path) in extra {
            if !scripts.contains_key(path) {
                self.script(root, name, path, &mut scripts);
            }
        }
        let overrides: Vec<(&str, String)> = OVERRIDES
            .iter()
            .flat_map(|directory| {
                self.list(root, directory).into_iter().map(move |(name, _)| (*directory, name))
            })
            .collect();
        let names: BTreeSet<String> =
            if overrides.is_empty() { BTreeSet::new() } else { scripts.values().cloned().collect() };
        let what = |path: &str, name| {
            if self.jobs.contains(path) { What::Job { name } } else { What::Script { name } }
        };
        let mut wanted: Vec<Wanted> =
            scripts.into_iter().map(|(path, name)| Wanted { what: what(&path, name), path }).collect();
        // The strongest that speaks of a script is the one that counts.
        let mut overridden = BTreeSet::new();
        for (directory, script) in overrides {
            let path = format!("{directory}/{script}");
            if !names.contains(&script) {
                self.idle_override(directory, &script, &filters);
            } else if overridden.insert(script.clone()) {
                self.file(root, &path, What::Override { script }, &mut wanted);
            }
        }
        let is_rdf = |name: &str| Path::new(name).extension() == Some("rdf".as_ref());
        for (name, _) in self.list(root, RDF_D).iter().filter(|(name, _)| is_rdf(name)) {
            self.file(root, &format!("{RDF_D}/{name}"), What::Rdf, &mut wanted);
        }
        self.file(root, FACILITIES, What::Facilities, &mut wanted);
        // Later ones come first, as insserv reads them.
        for (name, _) in self.list(root, FACILITIES_D).iter().rev() {
            if scan::accepts(name, &filters) {
                self.file(root, &format!("{FACILITIES_D}/{name}"), What::Facilities, &mut wanted);
            }
        }
        wanted
    }

    /// An override that the administrator wrote for nobody; distributions bring many, which may lie idle.
    fn idle_override(&mut self, directory: &str, name: &str, filters: &[String]) {
        if directory.starts_with("/etc/") && scan::accepts(name, filters) {
            let path = format!("{directory}/{name}");
            let text = format!("this overrides nothing: there is no script {INIT_D}/{name}");
            self.diagnostics.push(
                Diagnostic::new(Severity::Warning, Kind::File, &path, Place::default(), text)
                    .help("give it the name of a script, or remove it"),
            );
        }
    }

    /// Names in a directory, sorted, each with whether it is a link; none when there is no such directory.
    fn list(&mut self, root: &Root, directory: &str) -> Vec<(String, bool)> {
        let Listing { mut entries, names, diagnostics } = Listing::read(root, directory);
        self.diagnostics.extend(diagnostics);
        if let Some(directory) = entries.first() {
            self.listed.insert(directory.path.clone());
        }
        self.entries.append(&mut entries);
        names
    }

    fn filters(&mut self, root: &Root) -> Vec<String> {
        let before = clock();
        let path = self.resolve(root, FILTERS).unwrap_or_else(|_| FILTERS.to_owned());
        match trust::read(root, &path) {
            Ok((bytes, meta)) => {
                self.entries.push(Entry::file(&path, Stat::of(&meta), Digest::of(&bytes), before));
                scan::filters(&bytes)
            }
            Err(fault) => {
                if root.real(&path).symlink_metadata().is_ok() {
                    self.diagnostics.push(*fault);
                }
                self.entries.push(Entry::observe(root, &path));
                Vec::new()
            }
        }
    }

    /// Adds a script by the path that its links lead to. A link to upstart's stand-in script stays what it is, for
    /// that asks by which name it was called.
    fn script(&mut self, root: &Root, name: &str, path: &str, scripts: &mut BTreeMap<String, String>) {
        match self.resolve(root, path) {
            Ok(resolved) if scan::is_upstart(&resolved) => {
                let own = scan::script(root, path).unwrap_or(resolved);
                if let Slot::Vacant(vacant) = scripts.entry(own) {
                    let text = "an upstart job has no header that can be read without running it; it is started last";
                    let at = Place::default();
                    let said = Diagnostic::new(Severity::Warning, Kind::File, vacant.key(), at, text);
                    let help = "write an override header for it in /etc/serel/overrides";
                    self.diagnostics.push(said.help(help).services([name]));
                    self.jobs.insert(vacant.key().clone());
                    vacant.insert(name.to_owned());
                }
            }
            Ok(resolved) => {
                // A second name of a script of the same directory is no second script.
                let home = root.resolve(INIT_D).unwrap_or_default();
                let own = resolved.strip_prefix(&home).and_then(|rest| rest.strip_prefix('/'));
                let name = own.filter(|own| !own.contains('/')).unwrap_or(name).to_owned();
                scripts.entry(resolved).or_insert(name);
            }
            Err(error) => self.diagnostics.push(dead_link(path, &error)),
        }
    }

    /// Adds a file if it is there, and remembers it if it is not; a link that leads nowhere is said.
    fn file(&mut self, root: &Root, path: &str, what: What, wanted: &mut Vec<Wanted>) {
        match self.resolve(root, path) {
            Ok(path) => wanted.push(Wanted { path, what }),
            Err(error) if root.real(path).symlink_metadata().is_ok() => {
                self.diagnostics.push(dead_link(path, &error));
            }
            Err(_) => {}
        }
    }

    /// Takes in what was read of one file.
    fn admit(
        &mut self,
        wanted: Wanted,
        taken: Taken,
        overrides: &mut HashMap<String, Definition>,
        rdf: &mut Vec<Definition>,
    ) {
        let Wanted { path, what } = wanted;
        self.diagnostics.extend(taken.reading.diagnostics);
        let mut definitions = taken.reading.definitions.into_iter();
        match what {
            What::Script { .. } | What::Job { .. } => {
                if let Some(definition) = definitions.next() {
                    self.scripts.push(definition);
                }
            }
            What::Override { script } => {
                // Without a header it says nothing that could be stronger; `definitions` is empty if it was not read.
                match definitions.next() {
                    Some(definition) if definition.source == Source::Override => {
                        overrides.insert(script, definition);
                    }
                    Some(_) => self.diagnostics.push(
                        Diagnostic::new(
                            Severity::Warning,
                            Kind::Syntax,
                            &path,
                            Place::default(),
                            "this override has no header, and overrides nothing",
                        )
                        .help("write one, from `### BEGIN INIT INFO` to `### END INIT INFO`")
                        .services([script]),
                    ),
                    None => {}
                }
            }
            What::Rdf => rdf.extend(definitions),
            What::Facilities => {
                self.diagnostics.extend(self.facilities.read(&path, &taken.bytes));
            }
        }
        if let (Some(body), Entry { stat: Some(stat), racy, digest, .. }) = (taken.body, &taken.entry) {
            self.parsed += 1;
            self.fresh.push((path, StoredReading { stat: *stat, racy: *racy, digest: *digest, body }));
        }
        self.entries.push(taken.entry);
    }

    /// Puts stronger definitions in the place of weaker ones: overrides, then RDF, then the script's own header.
    fn replace(&mut self, root: &Root, mut overrides: HashMap<String, Definition>, rdf: &[Definition]) {
        if overrides.is_empty() && rdf.is_empty() {
            return;
        }
        // The first of two counts; a script's or service's own name goes before others that it provides.
        let mut by_name: HashMap<&str, usize> = HashMap::new();
        for (place, definition) in rdf.iter().enumerate() {
            by_name.entry(&definition.name).or_insert(place);
        }
        for (place, definition) in rdf.iter().enumerate() {
            for provided in &definition.provides {
                by_name.entry(&provided.name).or_insert(place);
            }
        }
        // A path may lead over links, such as `/etc/init.d` where that is one.
        let scripts: Vec<String> = rdf
            .iter()
            .map(|found| match found.script.as_str() {
                "" => String::new(),
                script => self.resolve(root, script).unwrap_or_else(|_| script.to_owned()),
            })
            .collect();
        let mut used = vec![false; rdf.len()];
        for definition in self.scripts.iter_mut() {
            let stronger = overrides.remove(&definition.name).or_else(|| {
                let own = (definition.source == Source::Header).then(|| {
                    definition.provides.iter().find_map(|provided| by_name.get(provided.name.as_str()))
                });
                let place = by_name.get(definition.name.as_str()).or(own.flatten())?;
                let found = &rdf[*place];
                (found.script.is_empty() || scripts[*place] == definition.script).then(|| {
                    used[*place] = true;
                    found.clone()
                })
            });
            if let Some(stronger) = stronger {
                let chkconfig = stronger.chkconfig.or(definition.chkconfig);
                let (start, stop) = if stronger.start_levels.is_empty() && stronger.stop_levels.is_empty() {
                    // RDF as it was published has no levels: those of the header stay.
                    (definition.start_levels, definition.stop_levels)
                } else {
                    (stronger.start_levels, stronger.stop_levels)
                };
                *definition = Definition {
                    name: std::mem::take(&mut definition.name),
                    script: std::mem::take(&mut definition.script),
                    chkconfig,
                    start_levels: start,
                    stop_levels: stop,
                    ..stronger
                };
            }
        }
        let names: HashSet<&str> = self.scripts.values().map(|script| script.name.as_str()).collect();
        for (place, idle) in rdf.iter().enumerate().filter(|(place, _)| !used[*place]) {
            let first = by_name.get(idle.name.as_str()).copied().unwrap_or(place);
            let is_there = match scripts[place].as_str() {
                "" => names.contains(idle.name.as_str()),
                script => self.scripts.contains(script),
            };
            self.diagnostics.extend(idle_rdf(idle, (first < place).then_some(&rdf[first]), is_there));
        }
    }
}

/// Why an RDF definition is not used: another has its name, or there is no such script. An override that is stronger
/// is no reason to speak.
fn idle_rdf(idle: &Definition, first: Option<&Definition>, is_there: bool) -> Option<Diagnostic> {
    let (kind, text, help) = if let Some(first) = first {
        let text = format!("{} is defined in {} already; this is not used", idle.primary(), first.file);
        (Kind::Duplicate, text, "keep one of the two definitions")
    } else if is_there {
        return None;
    } else if idle.script.is_empty() {
        let text = format!("no script provides {}; this is not used", idle.primary());
        (Kind::File, text, "install its script, or say with `serel:script` which one it is")
    } else {
        let text = format!("{} has no script {}; this is not used", idle.primary(), idle.script);
        (Kind::File, text, "mend the path in `serel:script`, or leave it out")
    };
    let at = idle.provides.first().map_or(Place::default(), |provided| provided.at);
    let fault = Diagnostic::new(Severity::Warning, kind, &idle.file, at, text).help(help);
    Some(fault.services([idle.primary()]))
}

/// The known files that are not wanted and not there. Those that are there may be wanted by another unit.
fn forgotten(root: &Root, wanted: &[Wanted], known: &HashMap<String, StoredReading>) -> Vec<String> {
    if known.is_empty() {
        return Vec::new();
    }
    let wanted: HashSet<&str> = wanted.iter().map(|wanted| wanted.path.as_str()).collect();
    let unwanted = known.keys().filter(|path| !wanted.contains(path.as_str()));
    unwanted.filter(|path| root.real(path).symlink_metadata().is_err()).cloned().collect()
}
