//! Everything that the definitions of a system are read from, as far as a unit needs it: scripts, overrides, RDF
//! files, facilities. What has not changed since it was last read is taken from the history instead.
//!
//! Reading is the part that is slow on a cold disk, so it is done by a pool of threads of its own: a boot disk
//! answers many requests at once faster than one after another, whatever the number of processors.

use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::definition::{Facilities, Reading, header, override_of, rdf, scan, trust};
use crate::fingerprint::{Digest, Entry, Stat};
use crate::history::StoredReading;
use crate::model::{Definition, Place, Source};
use crate::root::Root;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Where scripts are.
pub const INIT_D: &str = "/etc/init.d";
/// Where RDF definitions are.
const RDF_D: &str = "/etc/serel/rdf.d";
/// Where override headers are, strongest first.
const OVERRIDES: [&str; 3] = ["/etc/serel/overrides", "/etc/insserv/overrides", "/usr/share/insserv/overrides"];
/// Facilities, and the directory that adds to them.
const FACILITIES: &str = "/etc/insserv.conf";
const FACILITIES_D: &str = "/etc/insserv.conf.d";
/// More suffixes that are no scripts.
const FILTERS: &str = "/etc/insserv/file-filters";

/// Threads that read; `bench/README.md` says why not the number of processors.
const READERS: usize = 8;
/// Below this many files threads cost more than they save.
const FEW: usize = 32;

/// All that was read.
#[derive(Debug, Default)]
pub struct Sources {
    /// A definition for each script, by logical path of the script; overrides and RDF have been applied.
    pub scripts: BTreeMap<String, Definition>,
    /// Facilities and interactive names.
    pub facilities: Facilities,
    /// What was wrong.
    pub diagnostics: Vec<Diagnostic>,
    /// The state of all files that were looked at.
    pub entries: Vec<Entry>,
    /// Readings that the history does not have yet, by logical path.
    pub fresh: Vec<(String, StoredReading)>,
    /// How many files were read because they had changed or were new.
    pub parsed: usize,
}

/// What a file is read as.
#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Script { name: String },
    Override { script: String },
    Rdf,
    Facilities,
}

/// A file to read.
#[derive(Debug, Clone)]
struct Wanted {
    path: String,
    what: What,
}

/// What became of it.
struct Taken {
    wanted: Wanted,
    entry: Option<Entry>,
    reading: Reading,
    bytes: Vec<u8>,
    fresh: Option<StoredReading>,
}

impl Sources {
    /// Reads all scripts of [`INIT_D`], those of `extra` (links and pairs, with the names they go by), and all that
    /// adds to them. `known` is what the history has; what is still true of it is not read again.
    pub fn read(root: &Root, extra: &[(String, String)], known: &HashMap<String, StoredReading>) -> Self {
        let mut sources = Sources::default();
        let wanted = sources.wanted(root, extra);
        for taken in take_all(root, &wanted, known) {
            sources.admit(taken);
        }
        sources
    }

    /// Lists the directories and says what is to be read.
    fn wanted(&mut self, root: &Root, extra: &[(String, String)]) -> Vec<Wanted> {
        let mut scripts: BTreeMap<String, String> = BTreeMap::new();
        let filters = self.filters(root);
        for name in self.list(root, INIT_D) {
            if scan::accepts(&name, &filters) {
                self.script(root, &name, &format!("{INIT_D}/{name}"), &mut scripts);
            }
        }
        for (name, path) in extra {
            if !scripts.contains_key(path) {
                self.script(root, name, path, &mut scripts);
            }
        }
        let names: BTreeSet<String> = scripts.values().cloned().collect();
        let mut wanted: Vec<Wanted> =
            scripts.into_iter().map(|(path, name)| Wanted { path, what: What::Script { name } }).collect();
        let mut overridden = BTreeSet::new();
        for directory in OVERRIDES {
            for name in self.list(root, directory) {
                // The strongest that speaks of a script is the one that counts.
                if names.contains(&name) && overridden.insert(name.clone()) {
                    self.file(root, &format!("{directory}/{name}"), What::Override { script: name }, &mut wanted);
                }
            }
        }
        for name in self.list(root, RDF_D).iter().filter(|name| name.ends_with(".rdf")) {
            self.file(root, &format!("{RDF_D}/{name}"), What::Rdf, &mut wanted);
        }
        self.file(root, FACILITIES, What::Facilities, &mut wanted);
        // Later ones come first, as insserv reads them.
        for name in self.list(root, FACILITIES_D).iter().rev() {
            if scan::accepts(name, &filters) {
                self.file(root, &format!("{FACILITIES_D}/{name}"), What::Facilities, &mut wanted);
            }
        }
        wanted
    }

    /// Names in a directory, sorted; none when there is no such directory.
    fn list(&mut self, root: &Root, directory: &str) -> Vec<String> {
        let (entry, names) = Entry::directory(root, directory);
        self.entries.push(entry);
        names
    }

    fn filters(&mut self, root: &Root) -> Vec<String> {
        match trust::read(root, FILTERS) {
            Ok((bytes, meta)) => {
                self.entries.push(Entry::file(FILTERS, Stat::of(&meta), Digest::of(&bytes)));
                scan::filters(&bytes)
            }
            Err(_) => {
                self.entries.push(Entry::absent(FILTERS));
                Vec::new()
            }
        }
    }

    /// Adds a script by the path that its links lead to, unless it is not one: a directory, or not executable.
    fn script(&mut self, root: &Root, name: &str, path: &str, scripts: &mut BTreeMap<String, String>) {
        match root.resolve(path) {
            Ok(resolved) => {
                scripts.entry(resolved).or_insert_with(|| name.to_owned());
            }
            Err(error) => self.diagnostics.push(
                Diagnostic::new(Severity::Warning, Kind::File, path, Place::default(), format!("not read: {error}"))
                    .help("remove the dead link, or install what it leads to"),
            ),
        }
    }

    /// Adds a file if it is there, and remembers it if it is not.
    fn file(&mut self, root: &Root, path: &str, what: What, wanted: &mut Vec<Wanted>) {
        match root.resolve(path) {
            Ok(path) => wanted.push(Wanted { path, what }),
            Err(_) => self.entries.push(Entry::absent(path)),
        }
    }
}
