//! Files that a unit wants read, and what each is read as.

use crate::definition::{Reading, header, rdf};
use crate::model::{Definition, Source};

/// What a file is read as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// A script, by the name that it goes by.
    Script {
        /// That name.
        name: String,
    },
    /// A link to upstart's stand-in script: not read, since that says nothing of the job.
    Job {
        /// The name of the job.
        name: String,
    },
    /// An override header.
    Override {
        /// The name of the script that it is for.
        script: String,
    },
    /// RDF.
    Rdf,
    /// Facilities, as in `insserv.conf`.
    Facilities,
}

/// A file to read.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Its logical path.
    pub(super) path: String,
    /// What it is.
    pub(super) what: What,
}

impl Wanted {
    /// Whether a reading was made for the same use: one file may be known by two names, or be a script and an override.
    pub(super) fn fits(&self, reading: &Reading) -> bool {
        reading.definitions.iter().all(|found| match &self.what {
            What::Script { name } => found.name == *name && found.source != Source::Override,
            What::Override { script } => found.name == *script && found.source == Source::Override,
            What::Rdf => found.source == Source::Rdf,
            What::Job { .. } | What::Facilities => false,
        })
    }

    /// What it says.
    pub(super) fn parse(&self, bytes: &[u8]) -> Reading {
        match &self.what {
            What::Script { name } => header::parse(&self.path, &self.path, name, Source::Header, bytes),
            What::Override { script } => header::parse(&self.path, "", script, Source::Override, bytes),
            What::Rdf => rdf::parse(&self.path, bytes),
            What::Job { name } => {
                let definition = Definition::unknown(name, &self.path);
                Reading { definitions: vec![definition], diagnostics: Vec::new() }
            }
            What::Facilities => Reading::default(),
        }
    }
}
