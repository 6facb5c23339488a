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
    let mut places: IdVec<ServiceId, Vec<Place>> = IdVec::new();
    let mut nodes = IdVec::new();
    for (at, member) in request.members.iter().enumerate() {
        let id = JobId::from_index(at);
        let mut names = Vec::with_capacity(member.definition.provides.len() + member.also.len());
        let declared =
            member.definition.provides.iter().map(|provided| (provided.name.as_str(), provided.at));
        let extra = member.also.iter().map(|name| (name.as_str(), Place::default()));
        let mut interactive = member.definition.interactive || request.expand.interactive(member.name);
        for (name, place) in declared.chain(extra) {
            let service = *ids.entry(name).or_insert_with(|| {
                providers.push(Vec::new());
                places.push(Vec::new());
                services.push(name)
            });
            // A repeated name is at the end of the list already.
            if providers[service].last() != Some(&id) {
                providers[service].push(id);
                places[service].push(place);
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
    report_duplicates(&mut graph, &places);
    graph
}

/// The ids of the names of a graph.
pub(super) fn ids<'a>(graph: &Graph<'a>) -> HashMap<&'a str, ServiceId> {
    graph.services.enumerate().map(|(id, name)| (*name, id)).collect()
}

/// Warns of each name that two scripts of one level provide; `places` are where the providers say so.
fn report_duplicates(graph: &mut Graph, places: &IdVec<ServiceId, Vec<Place>>) {
    let doubled = graph.providers.enumerate().filter(|(_, providers)| providers.len() > 1);
    let found: Vec<Diagnostic> =
        doubled.filter_map(|(service, _)| duplicate(graph, service, &places[service])).collect();
    graph.problems.extend(found);
}

fn duplicate(graph: &Graph, service: ServiceId, places: &[Place]) -> Option<Diagnostic> {
    let (name, providers) = (graph.services[service], &graph.providers[service]);
    let node = |at: usize| &graph.nodes[providers[at]];
    // Some two that meet; neighbours and the first are looked at, since all pairs would be too many.
    let second = (1..providers.len()).find(|at| node(0).meets(node(*at)) || node(at - 1).meets(node(*at)))?;
    let mut shown: Vec<String> = (0..providers.len().min(NAMED))
        .map(|at| match places[at].line {
            0 => format!("{} ({})", node(at).name, node(at).definition.file),
            line => format!("{} ({}:{line})", node(at).name, node(at).definition.file),
        })
        .collect();
    if providers.len() > NAMED {
        shown.push(format!("{} more", providers.len() - NAMED));
    }
    let text = format!("{name} is provided by {}", shown.join(" and "));
    let file = &node(second).definition.file;
    let mut problem = Diagnostic::new(Severity::Warning, Kind::Duplicate, file, places[second], text);
    problem.width = u32::try_from(name.chars().count()).unwrap_or(u32::MAX);
    let help = match graph.phase {
        Phase::Start => {
            format!("who needs {name} goes on as soon as one of them has succeeded; leave one of them out")
        }
        Phase::Stop => format!("all of them stop after those who need {name}; leave one of them out"),
    };
    Some(problem.help(help).services(providers.iter().map(|job| graph.nodes[*job].name)))
}
