//! Edges: who goes first, how much it binds, and where it is written.
//!
//! An edge says where it comes from by position (which relation of which member), not by text, so that two million
//! of them still fit in memory; [`Graph::origin`] turns that into file and line.

use super::{ALL, Graph};
use crate::model::{JobId, Place, RelationKind, ServiceId, Source, Strength};

/// Why there is an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A relation of a member.
    Relation {
        /// Whose.
        of: JobId,
        /// Which of its definition's relations.
        index: u32,
    },
    /// One of them has no definition, and such run one by one, after all others, or before them when stopping.
    Unknown,
    /// One of them is a step of a shutdown or of single-user mode that nothing else may be under way beside.
    Alone,
}

/// What became of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It holds.
    Stands,
    /// It was a wish in a circle and was given up; a warning says so.
    Relaxed,
    /// It was a need in a circle of needs; an error says so and the graph is not valid.
    Broken,
}

/// One script goes before another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// Goes first.
    pub before: JobId,
    /// Waits.
    pub after: JobId,
    /// What happens to `after` if `before` fails; always [`Strength::Order`] in the stop phase.
    pub strength: Strength,
    /// The service that is waited for; `None` waits for the script itself.
    pub service: Option<ServiceId>,
    /// Why.
    pub cause: Cause,
    /// Whether it holds.
    pub fate: Fate,
}

impl Edge {
    /// Whether it holds.
    pub fn stands(&self) -> bool {
        self.fate == Fate::Stands
    }
}

/// Where an edge is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// The file, as a logical path; the script itself for an edge that nobody wrote.
    pub file: &'a str,
    /// Where in it.
    pub at: Place,
    /// What is said there; `None` when nobody wrote it ([`Cause::Unknown`], [`Cause::Alone`]).
    pub kind: Option<RelationKind>,
    /// The name as it is written, a `$facility` unexpanded.
    pub target: &'a str,
}

/// The keyword of a relation in an LSB header.
pub fn keyword(kind: RelationKind) -> &'static str {
    match kind {
        RelationKind::RequiredStart => "Required-Start",
        RelationKind::ShouldStart => "Should-Start",
        RelationKind::StartBefore => "X-Start-Before",
        RelationKind::RequiredStop => "Required-Stop",
        RelationKind::ShouldStop => "Should-Stop",
        RelationKind::StopAfter => "X-Stop-After",
    }
}

/// How hard an edge is to give up, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hold {
    /// It comes from `$all`.
    All,
    /// A wish: `Should-*`, `X-*`.
    Wish,
    /// `Required-*`, executed as an order.
    Required,
    /// A need.
    Need,
}

impl<'a> Graph<'a> {
    /// Where an edge is written.
    pub fn origin(&self, edge: &Edge) -> Origin<'a> {
        match edge.cause {
            Cause::Relation { of, index } => {
                let definition = self.nodes[of].definition;
                let relation = &definition.relations[index as usize];
                Origin {
                    file: &definition.file,
                    at: relation.target.at,
                    kind: Some(relation.kind),
                    target: &relation.target.name,
                }
            }
            Cause::Unknown | Cause::Alone => {
                let file = self.nodes[edge.after].script;
                Origin { file, at: Place::default(), kind: None, target: "" }
            }
        }
    }

    /// `a -> b: FILE:LINE (Required-Start: a)`.
    pub fn describe(&self, edge: &Edge) -> String {
        let (before, after) = (self.nodes[edge.before].name, self.nodes[edge.after].name);
        let origin = self.origin(edge);
        let file = origin.file;
        let place = if origin.at.line == 0 { file.to_owned() } else { format!("{file}:{}", origin.at.line) };
        let said = match (origin.kind, edge.cause) {
            (Some(kind), Cause::Relation { of, .. }) if self.nodes[of].definition.source == Source::Rdf => {
                format!("RDF, {}: {}", keyword(kind), origin.target)
            }
            (Some(kind), _) => format!("{}: {}", keyword(kind), origin.target),
            (None, _) => "no definition".to_owned(),
        };
        format!("{before} -> {after}: {place} ({said})")
    }

    /// How hard an edge is to give up.
    pub(super) fn hold(&self, edge: &Edge) -> Hold {
        if edge.strength == Strength::Need {
            return Hold::Need;
        }
        match self.origin(edge) {
            Origin { target: ALL, .. } => Hold::All,
            Origin { kind: Some(RelationKind::RequiredStart | RelationKind::RequiredStop), .. } => {
                Hold::Required
            }
            _ => Hold::Wish,
        }
    }
}

/// Sorts the edges by who waits, for whom and for which service, and keeps the strongest of those that say the same.
pub(super) fn unite(graph: &mut Graph) {
    let mut edges = std::mem::take(&mut graph.edges);
    // The sort is stable, so of equals the one written first stays.
    edges.sort_by_key(|edge| (edge.after, edge.before, edge.service));
    edges.dedup_by(|next, kept| {
        let same = (next.after, next.before, next.service) == (kept.after, kept.before, kept.service);
        if same && graph.hold(next) > graph.hold(kept) {
            *kept = *next;
        }
        same
    });
    graph.edges = edges;
}
