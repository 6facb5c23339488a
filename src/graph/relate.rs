//! Relations become edges: which way each one points in this phase, whom it means, and what if nobody is there.
//!
//! LSB 5.0, 22.3 says what the keywords mean for a start; when stopping, who needs another stops before it. The
//! stop phase has orders only, since a shutdown goes on even if one script fails. `$all` is not handled here.

use super::absent::{Absent, Wanted};
use super::reading::{Reading, sense, strength};
use super::{ALL, Cause, Edge, Expansion, Fate, Graph, MAX_EDGES, Node, Request, TooMany, keyword, names};
use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::model::{JobId, Levels, Phase, RelationKind, ServiceId, Strength};
use std::collections::{HashMap, HashSet};

/// A member of a facility: its name, whether it may be missing, and its id if somebody here provides it.
type Part = (String, bool, Option<ServiceId>);

/// All that is known while relations are read.
struct Names<'r, 'a> {
    request: &'r Request<'a>,
    ids: HashMap<&'a str, ServiceId>,
    given: HashSet<&'a str>,
    /// `None` is an undefined one.
    facilities: HashMap<&'a str, Option<Vec<Part>>>,
}

/// Adds an edge for each relation of each member to each script that it means, `$all` apart.
pub(super) fn relate<'a>(request: &Request<'a>, graph: &mut Graph<'a>) -> Result<(), TooMany> {
    let ids = names::ids(graph);
    let given = request.given.iter().map(String::as_str).collect();
    let facilities = expand(request, &ids);
    let names = Names { request, ids, given, facilities };
    let mut absent = Absent::new(request, &names.given);
    let mut edges = Vec::new();
    for (of, node) in graph.nodes.enumerate() {
        if node.levels.is_some_and(Levels::is_empty) {
            continue; // it runs nowhere
        }
        for (index, relation) in node.definition.relations.iter().enumerate() {
            let Some(sense) = sense(request.phase, node.definition, relation.kind) else { continue };
            let reading = Reading { of, index, relation, sense };
            let name = relation.target.name.as_str();
            if name == ALL {
                continue;
            }
            if name.starts_with('$') {
                names.facility(graph, reading, &mut edges, &mut absent);
            } else {
                let id = names.ids.get(name).copied();
                let wanted = Wanted { name, id, facility: None, optional: relation.optional };
                names.name(graph, reading, wanted, &mut edges, &mut absent);
            }
        }
    }
    graph.problems.extend(absent.finish());
    graph.edges = edges;
    if graph.edges.len() > MAX_EDGES { Err(TooMany) } else { Ok(()) }
}

/// Expands each facility that is named, once.
fn expand<'a>(
    request: &Request<'a>,
    ids: &HashMap<&'a str, ServiceId>,
) -> HashMap<&'a str, Option<Vec<Part>>> {
    let mut facilities = HashMap::new();
    let relations = request.members.iter().flat_map(|member| &member.definition.relations);
    for name in relations.map(|relation| relation.target.name.as_str()) {
        if name == ALL || !name.starts_with('$') {
            continue;
        }
        facilities.entry(name).or_insert_with(|| match request.expand.expand(name) {
            Expansion::Undefined => None,
            Expansion::Members(members) => {
                let part = |(member, optional): (String, bool)| {
                    let id = ids.get(member.as_str()).copied();
                    (member, optional, id)
                };
                Some(members.into_iter().map(part).collect())
            }
        });
    }
    facilities
}

impl<'a> Names<'_, 'a> {
    /// Whether an earlier unit has done what a relation asks for. When stopping, what is up is what is stopped.
    fn is_given(&self, name: &str) -> bool {
        self.request.phase == Phase::Start && self.given.contains(name)
    }

    /// A relation to a `$facility`: one to each of its members, and to whoever provides it by that name.
    fn facility(
        &self,
        graph: &Graph<'a>,
        reading: Reading<'a>,
        edges: &mut Vec<Edge>,
        absent: &mut Absent<'_, 'a>,
    ) {
        let facility = reading.relation.target.name.as_str();
        if self.is_given(facility) {
            return;
        }
        let provided = self.ids.get(facility).copied();
        let mut optional = reading.relation.optional;
        if provided.is_some() {
            let wanted = Wanted { name: facility, id: provided, facility: None, optional: true };
            self.name(graph, reading, wanted, edges, absent);
            optional = true;
        }
        match &self.facilities[facility] {
            None if provided.is_none() => absent.undefined(graph, reading),
            None => {}
            Some(parts) => {
                for (name, may_miss, id) in parts {
                    let optional = optional || *may_miss;
                    let wanted = Wanted { name, id: *id, facility: Some(facility), optional };
                    self.name(graph, reading, wanted, edges, absent);
                }
            }
        }
    }

    /// A relation to a service name: an edge for each of its providers that runs when the owner does.
    fn name(
        &self,
        graph: &Graph<'a>,
        reading: Reading<'a>,
        wanted: Wanted<'_, 'a>,
        edges: &mut Vec<Edge>,
        absent: &mut Absent<'_, 'a>,
    ) {
        if self.is_given(wanted.name) {
            return;
        }
        let node = &graph.nodes[reading.of];
        if wanted.id.is_some_and(|id| node.provides.contains(&id)) {
            absent.push(itself(node, reading, &wanted));
            return;
        }
        let mut linked = false;
        let mut unknown = None;
        for provider in wanted.id.into_iter().flat_map(|id| &graph.providers[id]) {
            if !node.meets(&graph.nodes[*provider]) {
                continue;
            }
            if graph.nodes[*provider].unknown {
                unknown.get_or_insert(*provider);
                continue;
            }
            linked = true;
            if edges.len() <= MAX_EDGES {
                edges.push(self.edge(node, reading, *provider, wanted.id));
            }
        }
        match unknown {
            // Who comes last anyway needs no edge to come after; nor does who stops first to come before.
            Some(provider)
                if reading.sense.target_first == (self.request.phase == Phase::Start) && !linked =>
            {
                absent.unknown(graph, reading, wanted, provider);
            }
            Some(_) => {}
            None => absent.check(graph, reading, wanted, linked),
        }
    }

    fn edge(&self, node: &Node, reading: Reading, target: JobId, service: Option<ServiceId>) -> Edge {
        let Reading { of, index, relation, sense } = reading;
        let (before, after) = if sense.target_first { (target, of) } else { (of, target) };
        let is_need = self.request.phase == Phase::Start && relation.kind == RelationKind::RequiredStart;
        let index = u32::try_from(index).expect("BUG: a definition of 2^32 relations does not fit in memory");
        Edge {
            before,
            after,
            strength: if is_need { strength(self.request, node) } else { Strength::Order },
            // A service is waited for only where it comes up; all else waits for the script itself.
            service: service.filter(|_| self.request.phase == Phase::Start && sense.target_first),
            cause: Cause::Relation { of, index },
            fate: Fate::Stands,
        }
    }
}

/// Somebody relates to what it provides itself.
fn itself(node: &Node, reading: Reading, wanted: &Wanted) -> Diagnostic {
    let way = wanted.facility.map_or(String::new(), |facility| format!(" by way of {facility}"));
    let text = format!(
        "{} names {}{way}, which it provides itself, in {}",
        node.name,
        wanted.name,
        keyword(reading.relation.kind)
    );
    reading
        .problem(Severity::Warning, Kind::Conflict, node, text)
        .help("it is ignored; remove the name")
        .services([node.name])
}
