//! Scripts without a definition run last: after all that are known, one by one, in the given order. When stopping they
//! run first, for whatever they use must still be there, and a machine that halts does not come back to them.
//!
//! The first of them waits for every known script that nobody else waits for, which is to wait for all; when stopping,
//! every known script that waits for nobody waits for the last of them. In a whole tree this is so in each level by
//! itself. It comes after the circles are opened, so that none is left out.

use super::{Cause, Edge, Fate, Graph, Scope, alone};
use crate::model::{IdVec, JobId, Level, Levels, Phase, Strength};

/// Adds the edges of the unknown ones.
pub(super) fn append(graph: &mut Graph, scope: Scope) {
    if !graph.nodes.iter().any(|node| node.unknown) {
        return;
    }
    let mut levels: Levels =
        graph.nodes.iter().filter_map(|node| node.levels).flat_map(Levels::iter).collect();
    if levels.is_empty() {
        levels.insert(Level::S); // nobody says a level: one stands for all
    }
    let mut pairs: Vec<(JobId, JobId)> = levels.iter().flat_map(|level| tail(graph, scope, level)).collect();
    pairs.sort_by_key(|(before, after)| (*after, *before));
    pairs.dedup();
    let edges = pairs.into_iter().map(|(before, after)| Edge {
        before,
        after,
        strength: Strength::Order,
        service: None,
        cause: Cause::Unknown,
        fate: Fate::Stands,
    });
    graph.edges.extend(edges);
    // No edge of a relation ends or begins at an unknown one: this moves them to their place and nothing more.
    graph.edges.sort_by_key(|edge| (edge.after, edge.before));
}

/// The edges of one level.
fn tail(graph: &Graph, scope: Scope, level: Level) -> Vec<(JobId, JobId)> {
    let here = |job: &JobId| graph.nodes[*job].runs_in(level);
    let unknown: Vec<JobId> =
        graph.nodes.ids().filter(|job| graph.nodes[*job].unknown && here(job)).collect();
    let (Some(first), Some(last)) = (unknown.first(), unknown.last()) else { return Vec::new() };
    let mut is_end: IdVec<JobId, bool> = graph.nodes.iter().map(|node| !node.unknown).collect();
    for edge in graph.standing().filter(|edge| here(&edge.before) && here(&edge.after)) {
        is_end[if graph.phase == Phase::Start { edge.before } else { edge.after }] = false;
    }
    // They close the level: nobody comes after them.
    for step in alone::last(graph, scope) {
        is_end[step] = false;
    }
    let ends = graph.nodes.ids().filter(|job| is_end[*job] && here(job));
    let joined = ends.map(|job| if graph.phase == Phase::Start { (job, *first) } else { (*last, job) });
    joined.chain(unknown.windows(2).map(|two| (two[0], two[1]))).collect()
}
