//! The names of the vocabulary.

/// What relative references are relative to; documents name services by `#name`.
pub(super) const BASE: &str = "http://www.fastboot.org/2002/03/services";

/// Namespaces.
pub(super) const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
pub(super) const GRAPH: &str = "http://www.fastboot.org/2002/03/graph-schema#";
pub(super) const SEREL: &str = "http://www.fastboot.org/2002/03/serel-schema#";

pub(super) const TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";

use crate::model::RelationKind;

/// The words for relations other than `Required-Start`, which is a plain edge.
pub(super) const KINDS: [(&str, RelationKind); 6] = [
    ("required-start", RelationKind::RequiredStart),
    ("should-start", RelationKind::ShouldStart),
    ("start-before", RelationKind::StartBefore),
    ("required-stop", RelationKind::RequiredStop),
    ("should-stop", RelationKind::ShouldStop),
    ("stop-after", RelationKind::StopAfter),
];

/// The word of a relation.
pub(super) fn word(kind: RelationKind) -> &'static str {
    KINDS.iter().find(|(_, known)| *known == kind).map_or("required-start", |(word, _)| word)
}
