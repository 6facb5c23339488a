//! From definitions to a verified graph, and from the graph to a plan.
//!
//! [`build`] does all of it in one go: names become ids, relations become edges, circles are found and opened, and
//! the edges that stand never form a circle. What was wrong is in [`Graph::problems`], each with its place; what was
//! given up is still in [`Graph::edges`], marked so. Nothing is dropped without a problem that says so.
//!
//! Only `circle` names petgraph, and only its iterative algorithms are used: a chain may be as long as it likes.

mod absent;
mod all;
mod alone;
mod circle;
mod edge;
mod names;
mod nearest;
mod reading;
mod relate;
mod relax;
mod schedule;
mod shape;
mod tail;

pub use edge::{Cause, Edge, Fate, Origin, keyword};
pub use shape::{Graph, Node};

use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::model::{Definition, Level, Levels, Phase, Place, Source, Strength};

/// The name that means "all others" in an LSB header.
pub const ALL: &str = "$all";

/// More edges than this are not made: the input is refused and the given order used. A real tree of 2,000 scripts
/// has 6,000; the limit keeps a hostile one from taking all memory (it is reached at some 100 MB).
const MAX_EDGES: usize = 2_000_000;

/// Which members run together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All members run in this runlevel.
    Level(Level),
    /// All members run together; no runlevel is known (`service path` pairs).
    Unit,
    /// A whole tree: members run together in the levels that they share, and those of S before all others.
    Tree,
}

/// What a `$facility` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expansion {
    /// Nobody defines it.
    Undefined,
    /// Its members, nested facilities expanded, each with whether it may be missing (`+name`).
    Members(Vec<(String, bool)>),
}

/// What is configured outside the definitions (`insserv.conf`).
pub trait Expand {
    /// What the facility stands for; the name comes with its `$`.
    fn expand(&self, facility: &str) -> Expansion;

    /// Whether the service or script is marked `<interactive>`.
    fn interactive(&self, name: &str) -> bool;

    /// Names of all facilities, `$` included, to find out what a misspelt one meant.
    fn facilities(&self) -> Vec<String> {
        Vec::new()
    }
}

/// One script of the unit.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    /// What it is called in messages and in the plan.
    pub name: &'a str,
    /// The script, as a logical path.
    pub script: &'a str,
    /// What is known of it.
    pub definition: &'a Definition,
    /// Names that it provides besides those of its definition (from `service path` pairs).
    pub also: &'a [String],
    /// The levels in which it runs in this phase; `None` is "with everyone". Read for [`Scope::Tree`] only.
    pub levels: Option<Levels>,
}

impl<'a> Member<'a> {
    /// A member as its definition has it.
    pub fn of(definition: &'a Definition, phase: Phase) -> Self {
        let declared = match phase {
            Phase::Start => definition.start_levels,
            Phase::Stop => definition.stop_levels,
        };
        let levels = match definition.source {
            // The RDF vocabulary of 2002 has no levels.
            Source::Rdf if definition.start_levels.is_empty() && definition.stop_levels.is_empty() => None,
            // Who has no definition has none either, but perhaps a `# chkconfig` line.
            Source::None => definition.chkconfig.filter(|_| phase == Phase::Start).map(|line| line.levels),
            _ => Some(declared),
        };
        Self { name: &definition.name, script: &definition.script, definition, also: &[], levels }
    }
}

/// A unit, and all that its graph depends on.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Start or stop.
    pub phase: Phase,
    /// Which members run together.
    pub scope: Scope,
    /// The scripts in the given order.
    pub members: &'a [Member<'a>],
    /// Names already provided, by earlier units or by `--started`. When starting they satisfy relations without an
    /// edge; when stopping they only count as known.
    pub given: &'a [String],
    /// All definitions there are; members may be among them. They explain what is missing, and those of level S
    /// satisfy needs of later levels.
    pub installed: &'a [&'a Definition],
    /// Facilities and interactive names.
    pub expand: &'a dyn Expand,
    /// What `Required-Start` of a header means; that of RDF is always [`Strength::Need`].
    pub required: Strength,
}

/// Builds the graph of a unit and verifies it.
///
/// The edges that stand have no circle. The graph is valid when no problem is an error.
pub fn build<'a>(request: &Request<'a>) -> Graph<'a> {
    let mut graph = names::gather(request);
    if let Err(TooMany) = relate::relate(request, &mut graph).and_then(|()| all::relate(request, &mut graph))
    {
        refuse(&mut graph);
    }
    edge::unite(&mut graph);
    relax::relax(&mut graph);
    tail::append(&mut graph, request.scope);
    alone::set_apart(&mut graph, request.scope);
    graph
}

/// The relations make more than [`MAX_EDGES`] edges.
struct TooMany;

/// Gives up a graph that is too large.
fn refuse(graph: &mut Graph) {
    graph.edges.clear();
    let text = format!("the relations make more than {MAX_EDGES} edges, so none of them is used");
    graph.problems.push(
        Diagnostic::new(Severity::Error, Kind::Conflict, "", Place::default(), text)
            .help("use fewer facilities with thousands of members, or fewer scripts with $all"),
    );
}
