//! `$all`: after, or before, every script that does not say `$all` the same way itself.
//!
//! What a script says by name is stronger: one that comes after an `$all` script by its own words, even indirectly,
//! is not also put before it. The LSB does not know `$all`; insserv does, for `Required-Start` and its kin.
//! `X-Start-Before: $all` is the same thing at the other end. Scripts without a definition are not part of "all":
//! they come later still.

use super::reading::{Sense, sense};
use super::shape::{Followers, Marks};
use super::{ALL, Cause, Edge, Fate, Graph, MAX_EDGES, Request, TooMany, keyword};
use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::model::{IdVec, JobId, Strength};

/// How many scripts a message names.
const NAMED: usize = 5;

/// A script's relation to `$all`: its position, and which way it points.
#[derive(Clone, Copy)]
struct Wish {
    of: JobId,
    index: usize,
    sense: Sense,
}

/// Adds the edges of `$all`; all others must be there already.
pub(super) fn relate(request: &Request, graph: &mut Graph) -> Result<(), TooMany> {
    let wishes = wishes(request, graph);
    if wishes.is_empty() {
        return Ok(());
    }
    let first = add(graph, &wishes, false)?;
    let last = add(graph, &wishes, true)?;
    graph.edges.extend(first.into_iter().chain(last));
    Ok(())
}

/// Who says `$all`, each at most once; who says it both ways is reported.
fn wishes(request: &Request, graph: &mut Graph) -> Vec<Wish> {
    let mut wishes: Vec<Wish> = Vec::new();
    let mut problems = Vec::new();
    for (of, node) in graph.nodes.enumerate() {
        for (index, relation) in node.definition.relations.iter().enumerate() {
            if relation.target.name != ALL {
                continue;
            }
            let Some(sense) = sense(request.phase, node.definition, relation.kind) else { continue };
            match wishes.last() {
                Some(said) if said.of == of && said.sense.target_first == sense.target_first => {}
                Some(said) if said.of == of => {
                    let text = format!("{} wants to be both before and after {ALL}", node.name);
                    let file = &node.definition.file;
                    problems.push(
                        Diagnostic::new(Severity::Warning, Kind::Conflict, file, relation.target.at, text)
                            .help(format!("{} is ignored; remove one of the two", keyword(relation.kind)))
                            .services([node.name]),
                    );
                }
                _ => wishes.push(Wish { of, index, sense }),
            }
        }
    }
    graph.problems.extend(problems);
    wishes
}

/// The edges of those who come last (`target_first`), or of those who come first.
fn add(graph: &mut Graph, wishes: &[Wish], target_first: bool) -> Result<Vec<Edge>, TooMany> {
    let count = graph.nodes.len();
    let mut same: IdVec<JobId, bool> = graph.nodes.iter().map(|node| node.unknown).collect();
    let wishes: Vec<Wish> =
        wishes.iter().filter(|wish| wish.sense.target_first == target_first).copied().collect();
    for wish in &wishes {
        same[wish.of] = true;
    }
    let others: Vec<JobId> = same.enumerate().filter(|(_, same)| !**same).map(|(job, _)| job).collect();
    let mut edges: Vec<Edge> = Vec::new();
    if wishes.len().saturating_mul(others.len()) > MAX_EDGES {
        return Err(TooMany);
    }
    // From an `$all` script away from all others: along the edges for those who come last, against them else.
    let arcs = graph.edges.iter().map(|edge| (edge.before.0, edge.after.0));
    let away = Followers::new(count, arcs.clone().map(|arc| if target_first { arc } else { (arc.1, arc.0) }));
    let back = Followers::new(count, arcs.map(|arc| if target_first { (arc.1, arc.0) } else { arc }));
    let (mut reached, mut direct) = (Marks::new(count), Marks::new(count));
    for wish in wishes {
        reach(&away, wish.of, &mut reached);
        direct.clear();
        back.of(wish.of.0).iter().for_each(|(_, job)| {
            direct.insert(JobId(*job));
        });
        let mut against = Vec::new();
        for other in &others {
            if !graph.nodes[wish.of].meets(&graph.nodes[*other]) {
                continue;
            }
            if reached.contains(*other) {
                against.push(*other);
            } else if !direct.contains(*other) {
                edges.push(edge(wish, *other));
            }
        }
        if !against.is_empty() {
            let problem = contradiction(graph, wish, &against, &away);
            graph.problems.push(problem);
        }
    }
    Ok(edges)
}

fn edge(wish: Wish, other: JobId) -> Edge {
    let (before, after) = if wish.sense.target_first { (other, wish.of) } else { (wish.of, other) };
    let index =
        u32::try_from(wish.index).expect("BUG: a definition of 2^32 relations does not fit in memory");
    Edge {
        before,
        after,
        // Not a need: one failed script must not keep the last one from running.
        strength: Strength::Order,
        service: None,
        cause: Cause::Relation { of: wish.of, index },
        fate: Fate::Stands,
    }
}

/// Marks all that can be reached from a node.
fn reach(followers: &Followers, from: JobId, reached: &mut Marks) {
    reached.clear();
    reached.insert(from);
    let mut open = vec![from.0];
    while let Some(node) = open.pop() {
        for (_, next) in followers.of(node) {
            if reached.insert(JobId(*next)) {
                open.push(*next);
            }
        }
    }
}

/// Some scripts are on the other side of an `$all` script by their own words.
fn contradiction(graph: &Graph, wish: Wish, against: &[JobId], away: &Followers) -> Diagnostic {
    let node = &graph.nodes[wish.of];
    let relation = &node.definition.relations[wish.index];
    let (want, get) = if wish.sense.target_first { ("after", "before") } else { ("before", "after") };
    let mut names: Vec<&str> = against.iter().take(NAMED).map(|job| graph.nodes[*job].name).collect();
    let more = format!("{} more", against.len() - names.len());
    if against.len() > NAMED {
        names.push(&more);
    }
    let names = names.join(", ");
    let said: Vec<String> = away
        .of(wish.of.0)
        .iter()
        .take(NAMED)
        .map(|(arc, _)| format!("\n    {}", graph.describe(&graph.edges[*arc as usize])))
        .collect();
    let text =
        format!("{} wants to be {want} {ALL}, but is {get} {names} by what is said elsewhere", node.name);
    let mut problem =
        Diagnostic::new(Severity::Warning, Kind::Conflict, &node.definition.file, relation.target.at, text);
    problem.width = u32::try_from(ALL.len()).unwrap_or(u32::MAX);
    problem
        .help(format!("what is said by name wins over {ALL}:{}", said.concat()))
        .services(std::iter::once(wish.of).chain(against.iter().copied()).map(|job| graph.nodes[job].name))
}
