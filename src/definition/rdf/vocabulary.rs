//! The names of the vocabulary.

/// What relative references are relative to; documents name services by `#name`.
pub(super) const BASE: &str = "http://www.fastboot.org/2002/03/services";

/// Namespaces.
pub(super) const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
pub(super) const GRAPH: &str = "http://www.fastboot.org/2002/03/graph-schema#";
pub(super) const SEREL: &str = "http://www.fastboot.org/2002/03/serel-schema#";

/// How all names of the vocabulary begin, and those that there are.
pub(super) const OURS: &str = "http://www.fastboot.org/2002/03/";
pub(super) const CLASSES: [&str; 2] = ["graph-schema#service", "graph-schema#edge"];
pub(super) const PROPERTIES: [&str; 17] = [
    "graph-schema#edges",
    "graph-schema#source",
    "graph-schema#target",
    "serel-schema#script",
    "serel-schema#provides",
    "serel-schema#startLevels",
    "serel-schema#stopLevels",
    "serel-schema#stopDeclared",
    "serel-schema#interactive",
    "serel-schema#chkconfig",
    "serel-schema#summary",
    "serel-schema#description",
    "serel-schema#extensions",
    "serel-schema#relation",
    "serel-schema#optional",
    "serel-schema#name",
    "serel-schema#facility",
];

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
