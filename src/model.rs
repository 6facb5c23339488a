//! The words that every other module shares: identifiers, levels, relations, definitions.
//!
//! A *definition* is what one source says of one script: what it provides, what it needs, when it runs. A *service*
//! is a name that somebody provides and somebody needs.

pub use crate::ids::{CallId, Id, IdVec, JobId, Lists, ServiceId, Texts};

use serde::{Deserialize, Serialize};
use std::fmt;

/// One runlevel: `S` or `0` to `9`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Level(u8);

impl Level {
    /// The sysinit level, run once before the others.
    pub const S: Level = Level(10);

    /// Reads `S`, `s` or one digit.
    pub fn parse(text: &str) -> Option<Level> {
        match text.as_bytes() {
            [b'S' | b's'] => Some(Level::S),
            [digit @ b'0'..=b'9'] => Some(Level(digit - b'0')),
            _ => None,
        }
    }

    /// Whether scripts started in this level are called with `stop` (halt and reboot).
    pub fn is_shutdown(self) -> bool {
        self.0 == 0 || self.0 == 6
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Level::S { f.write_str("S") } else { write!(f, "{}", self.0) }
    }
}

/// A set of runlevels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Levels(u16);

impl Levels {
    /// No level.
    pub const NONE: Levels = Levels(0);

    /// Adds one.
    pub fn insert(&mut self, level: Level) {
        self.0 |= 1 << level.0;
    }

    /// Whether it holds the level.
    pub fn contains(self, level: Level) -> bool {
        self.0 & (1 << level.0) != 0
    }

    /// The levels that both hold.
    #[must_use]
    pub fn shared(self, other: Levels) -> Levels {
        Levels(self.0 & other.0)
    }

    /// Whether it is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The levels, `0` to `9`, then `S`.
    pub fn iter(self) -> impl Iterator<Item = Level> {
        (0..=10).map(Level).filter(move |level| self.contains(*level))
    }
}

impl FromIterator<Level> for Levels {
    fn from_iter<It: IntoIterator<Item = Level>>(iter: It) -> Self {
        let mut levels = Levels::NONE;
        iter.into_iter().for_each(|level| levels.insert(level));
        levels
    }
}

/// Which way a unit goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Services are started.
    Start,
    /// Services are stopped.
    Stop,
}

/// How much an edge binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// The needed one must succeed, else the needer is skipped.
    Need,
    /// The earlier one must have ended, however.
    Order,
}

/// What a definition says of another service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RelationKind {
    /// `Required-Start`, or an RDF edge: the target starts first and must be there.
    RequiredStart,
    /// `Should-Start`: the target starts first if it is there.
    ShouldStart,
    /// `X-Start-Before`: this one starts before the target.
    StartBefore,
    /// `Required-Stop`: this one stops before the target, which must be there.
    RequiredStop,
    /// `Should-Stop`: this one stops before the target if it is there.
    ShouldStop,
    /// `X-Stop-After`: this one stops after the target.
    StopAfter,
}

/// A line and column, both from 1; the file is that of the definition. 0 means "the file as a whole".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Line number, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spanned {
    /// The name, `$` included for a facility.
    pub name: String,
    /// Where it is written.
    pub at: Place,
}

/// One relation of one definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relation {
    /// What is said.
    pub kind: RelationKind,
    /// Of whom: a service name, a `$facility`, or `$all`.
    pub target: Spanned,
    /// Written as `+name`: a required one that may be missing.
    pub optional: bool,
}

/// Red Hat's `# chkconfig: LEVELS START STOP`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chkconfig {
    /// Levels in which it is started; empty for `-`.
    pub levels: Levels,
    /// Start priority, 0 to 99.
    pub start: u8,
    /// Stop priority, 0 to 99.
    pub stop: u8,
}

/// What kind of text a definition was read from, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Source {
    /// An administrator's override header.
    Override,
    /// An RDF file.
    Rdf,
    /// The comment header of the script itself.
    Header,
    /// There is none: an unknown service, started last and in the given order.
    None,
}

/// All that one source says of one script. Equal definitions make equal graphs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// The script's file name without `S??`/`K??`; for an RDF definition without a script, its service name.
    pub name: String,
    /// The script, as a path inside the root (`/etc/init.d/cron`); empty while it is not known.
    pub script: String,
    /// The file that this was read from, as a path inside the root.
    pub file: String,
    /// What kind of file that is.
    pub source: Source,
    /// Service names that the script provides, first the primary one. Never empty.
    pub provides: Vec<Spanned>,
    /// Its relations in the order in which they are written.
    pub relations: Vec<Relation>,
    /// `Default-Start`.
    pub start_levels: Levels,
    /// `Default-Stop`.
    pub stop_levels: Levels,
    /// Whether it says anything of stopping; if not, its stop relations are its start relations reversed.
    pub stop_declared: bool,
    /// `X-Interactive: true`: needs the console for itself.
    pub interactive: bool,
    /// The `# chkconfig:` line.
    pub chkconfig: Option<Chkconfig>,
    /// `Short-Description`, or empty.
    pub summary: String,
    /// `Description` with its continuation lines joined by newlines, or empty.
    pub description: String,
    /// Unknown `X-*` keywords with their values, kept and not interpreted.
    pub extensions: Vec<(String, String)>,
}

impl Definition {
    /// The first name it provides.
    pub fn primary(&self) -> &str {
        self.provides.first().map_or(self.name.as_str(), |provided| provided.name.as_str())
    }

    /// An unknown service: nothing but a script.
    pub fn unknown(name: &str, script: &str) -> Self {
        Self {
            name: name.to_owned(),
            script: script.to_owned(),
            file: script.to_owned(),
            source: Source::None,
            provides: vec![Spanned { name: name.to_owned(), at: Place::default() }],
            relations: Vec::new(),
            start_levels: Levels::NONE,
            stop_levels: Levels::NONE,
            stop_declared: false,
            interactive: false,
            chkconfig: None,
            summary: String::new(),
            description: String::new(),
            extensions: Vec::new(),
        }
    }
}
