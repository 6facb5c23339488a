//! What a directory of definitions or links holds, and what is said of the names in it that cannot be read.

use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::fingerprint::Entry;
use crate::model::Place;
use crate::root::Root;
use std::io;

/// One directory.
pub(super) struct Listing {
    /// Its state, then that of the links on the way to it.
    pub(super) entries: Vec<Entry>,
    /// The names in it, sorted, each with whether it is a link. Those that begin with a dot are left out.
    pub(super) names: Vec<(String, bool)>,
    /// A warning for each name that is not UTF-8, which is left out, too.
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Listing {
    /// Lists a directory by its logical path; without one there are no names.
    pub(super) fn read(root: &Root, directory: &str) -> Self {
        let mut links = Vec::new();
        let path = root.trace(directory, &mut links).unwrap_or_else(|_| directory.to_owned());
        let (entry, found) = Entry::list(root, &path);
        let entries = std::iter::once(entry).chain(links.iter().map(|link| Entry::observe(root, link)));
        let (mut names, mut diagnostics) = (Vec::with_capacity(found.len()), Vec::new());
        for (name, is_link) in found {
            match name.into_string() {
                Ok(name) => names.push((name, is_link)),
                Err(name) => {
                    let path = format!("{directory}/{}", name.to_string_lossy());
                    diagnostics.push(unread(&path, "its name is not UTF-8", "give it a name in ASCII"));
                }
            }
        }
        Self { entries: entries.collect(), names, diagnostics }
    }
}

/// What is said of a link that leads to no file.
pub(super) fn dead_link(path: &str, error: &io::Error) -> Diagnostic {
    unread(path, &error.to_string(), "remove the dead link, or install what it leads to")
}

fn unread(path: &str, why: &str, help: &str) -> Diagnostic {
    let text = format!("not read: {why}");
    Diagnostic::new(Severity::Warning, Kind::File, path, Place::default(), text).help(help)
}
