//! Names become ids: who is in the unit, what each provides, and which names have two providers.

use super::{Graph, Node, Request, Scope};
use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::model::{Id, IdVec, JobId, Phase, Place, ServiceId, Source};
use std::collections::HashMap;

/// How many providers of one name a message names.
const NAMED: usize = 5;

/// The nodes and services of a unit, without edges.
pub(super) fn gather<'a>(request: &Request<'a>) -> Graph<'a> {
    let mut ids: HashMap<&'a str, ServiceId> = HashMap::with_capacity(request.members.len() * 2);
    let mut services = IdVec::new();
    let mut providers: IdVec<ServiceId, Vec<JobId>> = IdVec::new();
    let mut nodes = IdVec::new();
    for (at, member) in request.members.iter().enumerate() {
        let id = JobId::from_index(at);
        let mut names = Vec::with_capacity(member.definition.provides.len() + member.also.len());
        let declared = member.definition.provides.iter().map(|provided| provided.name.as_str());
        let extra = member.also.iter().map(String::as_str);
        let mut interactive = member.definition.interactive || request.expand.interactive(member.name);
        for name in declared.chain(extra) {
            let service = *ids.entry(name).or_insert_with(|| {
                providers.push(Vec::new());
                services.push(name)
            });
            // A repeated name is at the end of the list already.
            if providers[service].last() != Some(&id) {
                providers[service].push(id);
                names.push(service);
                interactive |= request.expand.interactive(name);
            }
        }
        nodes.push(Node {
            name: member.name,
            script: member.script,
            definition: member.definition,
            provides: names,
            interactive,
            unknown: member.definition.source == Source::None,
            levels: member.levels.filter(|_| request.scope == Scope::Tree),
        });
    }
    let mut graph =
        Graph { phase: request.phase, nodes, services, providers, edges: Vec::new(), problems: Vec::new() };
    report_duplicates(&mut graph);
    graph
}

/// The ids of the names of a graph.
pub(super) fn ids<'a>(graph: &Graph<'a>) -> HashMap<&'a str, ServiceId> {
    graph.services.enumerate().map(|(id, name)| (*name, id)).collect()
}

/// Warns of each name that two scripts of one level provide.
fn report_duplicates(graph: &mut Graph) {
    let doubled = graph.providers.enumerate().filter(|(_, providers)| providers.len() > 1);
    let found: Vec<Diagnostic> =
        doubled.filter_map(|(service, providers)| duplicate(graph, service, providers)).collect();
    graph.problems.extend(found);
}

fn duplicate(graph: &Graph, service: ServiceId, providers: &[JobId]) -> Option<Diagnostic> {
    let first = providers[0];
    let second =
        *providers[1..].iter().find(|other| graph.nodes[first].meets(&graph.nodes[**other])).or_else(
            // Not with the first one; with any other then. Neighbours only: three that meet pairwise are rare enough.
            || {
                providers
                    .windows(2)
                    .find(|two| graph.nodes[two[0]].meets(&graph.nodes[two[1]]))
                    .map(|two| &two[1])
            },
        )?;
    let name = graph.services[service];
    let mut shown: Vec<String> =
        providers.iter().take(NAMED).map(|job| provided_at(graph, *job, service)).collect();
    if providers.len() > NAMED {
        shown.push(format!("{} more", providers.len() - NAMED));
    }
    let node = &graph.nodes[second];
    let at = place(graph, second, service);
    let mut problem = Diagnostic::new(
        Severity::Warning,
        Kind::Duplicate,
        &node.definition.file,
        at,
        format!("{name} is provided by {}", shown.join(" and ")),
    );
    problem.width = u32::try_from(name.chars().count()).unwrap_or(u32::MAX);
    let until = if graph.phase == Phase::Start { "started" } else { "stopped" };
    Some(
        problem
            .help(format!("who needs {name} waits until all of them have {until}; leave one of them out"))
            .services(providers.iter().map(|job| graph.nodes[*job].name)),
    )
}

/// Where a script says that it provides a service; nowhere for a name that it was given with its path.
fn place(graph: &Graph, job: JobId, service: ServiceId) -> Place {
    let provides = &graph.nodes[job].definition.provides;
    provides
        .iter()
        .find(|provided| provided.name == graph.services[service])
        .map_or(Place::default(), |provided| provided.at)
}

fn provided_at(graph: &Graph, job: JobId, service: ServiceId) -> String {
    let node = &graph.nodes[job];
    match place(graph, job, service).line {
        0 => format!("{} ({})", node.name, node.definition.file),
        line => format!("{} ({}:{line})", node.name, node.definition.file),
    }
}
