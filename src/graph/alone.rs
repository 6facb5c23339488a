//! The steps of a shutdown, and of the way into single-user mode, beside which nothing else may be under way.
//!
//! Headers leave this open: those of Debian put `sendsigs`, which kills every process, before `umountnfs.sh`, and say
//! nothing of a script that has no relation to either; numbered links had each of them in its turn. So whatever the
//! headers do not put after such a step goes before it (or behind `killprocs`, which opens single-user mode). No circle
//! can come of that: what is moved before a step is just what does not wait for it.

use super::{Cause, Edge, Fate, Graph, Scope};
use crate::model::{IdVec, JobId, Level, Phase, Strength};

/// The side of a step on which scripts go that the headers leave free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Free {
    Before,
    After,
}

/// Steps by name, in the order in which they are taken.
const SHUTDOWN: [(&str, Free); 6] = [
    ("sendsigs", Free::Before),
    ("umountfs", Free::Before),
    ("umountroot", Free::Before),
    ("halt", Free::Before),
    ("reboot", Free::Before),
    ("kexec", Free::Before),
];
const SINGLE: [(&str, Free); 2] = [("killprocs", Free::After), ("single", Free::Before)];

/// The steps of a unit.
fn steps(graph: &Graph, scope: Scope) -> Vec<(JobId, Free)> {
    let steps: &[(&str, Free)] = match (scope, graph.phase) {
        (Scope::Level(level), Phase::Stop) if level.is_shutdown() => &SHUTDOWN,
        (Scope::Level(level), Phase::Start) if Level::parse("1") == Some(level) => &SINGLE,
        _ => return Vec::new(),
    };
    let is_step = |job: JobId, name: &str| {
        let node = &graph.nodes[job];
        node.name == name || node.provides.iter().any(|service| graph.services[*service] == name)
    };
    let find = |(name, free): &(&str, Free)| {
        graph
            .nodes
            .ids()
            .find(|job| is_step(*job, name) && !graph.nodes[*job].unknown)
            .map(|job| (job, *free))
    };
    steps.iter().filter_map(find).collect()
}

/// The steps that even scripts without a definition go before.
pub(super) fn last(graph: &Graph, scope: Scope) -> Vec<JobId> {
    let steps = steps(graph, scope).into_iter();
    steps.filter(|(_, free)| *free == Free::Before).map(|(step, _)| step).collect()
}

/// Adds the edges that keep such steps alone.
pub(super) fn set_apart(graph: &mut Graph, scope: Scope) {
    for (step, free) in steps(graph, scope) {
        let edges = apart(graph, step, free);
        graph.edges.extend(edges);
    }
    graph.edges.sort_by_key(|edge| (edge.after, edge.before));
}

/// The edges between one step and all that are neither before nor after it.
fn apart(graph: &Graph, step: JobId, free: Free) -> Vec<Edge> {
    let earlier = reached(graph, step, |edge| (edge.after, edge.before));
    let later = reached(graph, step, |edge| (edge.before, edge.after));
    let others = graph.nodes.ids().filter(|job| !earlier[*job] && !later[*job]);
    others
        .map(|job| {
            let (before, after) = if free == Free::Before { (job, step) } else { (step, job) };
            let (service, cause, fate) = (None, Cause::Alone, Fate::Stands);
            Edge { before, after, strength: Strength::Order, service, cause, fate }
        })
        .collect()
}

/// Who is reached from a job, itself included, over edges that lead from the first to the second.
fn reached(graph: &Graph, from: JobId, way: impl Fn(&Edge) -> (JobId, JobId)) -> IdVec<JobId, bool> {
    let mut next: IdVec<JobId, Vec<JobId>> = graph.nodes.iter().map(|_| Vec::new()).collect();
    for (one, other) in graph.standing().map(way) {
        next[one].push(other);
    }
    let mut reached: IdVec<JobId, bool> = vec![false; graph.nodes.len()].into();
    let mut left = vec![from];
    while let Some(job) = left.pop() {
        if !std::mem::replace(&mut reached[job], true) {
            left.extend(&next[job]);
        }
    }
    reached
}
