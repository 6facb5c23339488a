//! One relation as it is read in one phase: which way it points, and how much it binds.

use super::{Node, Request};
use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::model::{Definition, JobId, Phase, Relation, RelationKind, Source, Strength};

/// Which way a relation points in a phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sense {
    /// Its target goes first; if not, its owner does.
    pub(super) target_first: bool,
    /// It says `Required`.
    pub(super) required: bool,
}

/// What a relation means in a phase; `None` if it speaks of the other phase.
pub(super) fn sense(phase: Phase, definition: &Definition, kind: RelationKind) -> Option<Sense> {
    use RelationKind::{RequiredStart, RequiredStop, ShouldStart, ShouldStop, StartBefore, StopAfter};
    let (target_first, required) = match (phase, definition.stop_declared, kind) {
        (Phase::Start, _, RequiredStart | ShouldStart) => (true, kind == RequiredStart),
        (Phase::Start, _, StartBefore) => (false, false),
        (Phase::Stop, true, RequiredStop | ShouldStop) => (false, kind == RequiredStop),
        (Phase::Stop, false, RequiredStart | ShouldStart) => (false, kind == RequiredStart),
        (Phase::Stop, true, StopAfter) | (Phase::Stop, false, StartBefore) => (true, false),
        _ => return None,
    };
    Some(Sense { target_first, required })
}

/// One relation that is being read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    /// Whose.
    pub(super) of: JobId,
    /// Which of its definition's.
    pub(super) index: usize,
    /// The relation.
    pub(super) relation: &'a Relation,
    /// What it means here.
    pub(super) sense: Sense,
}

impl Reading<'_> {
    /// A finding at the place of its target.
    pub(super) fn problem(self, severity: Severity, kind: Kind, node: &Node, text: String) -> Diagnostic {
        let mut problem =
            Diagnostic::new(severity, kind, &node.definition.file, self.relation.target.at, text);
        problem.width = u32::try_from(self.relation.target.name.chars().count()).unwrap_or(u32::MAX);
        problem
    }
}

/// What `Required-Start` of a script means.
pub(super) fn strength(request: &Request, node: &Node) -> Strength {
    if node.definition.source == Source::Rdf { Strength::Need } else { request.required }
}
