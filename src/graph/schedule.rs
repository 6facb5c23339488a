//! The graph becomes a plan: needs end at services, and each job waits for exactly those the standing edges name.
//!
//! A plan knows jobs only through services. An edge that is about a script and not about a service (`$all`,
//! `X-Start-Before`, an unknown one's place, all of the stop phase) ends at the *identity* of that script: its
//! primary name if it alone provides that, else a private service `NAME#NUMBER` that only it provides. The same is
//! done where a service has several providers and not all of them are waited for, such as after a circle was opened
//! at one: a need on the service itself would bring the given-up edge back.

use super::{Edge, Graph};
use crate::model::{Id, IdVec, JobId, ServiceId};
use crate::plan::{Job, Manner, Need, Plan};
use std::collections::HashSet;

impl Graph<'_> {
    /// The plan of this unit. Its predecessors are the standing edges; it may run in parallel if the graph is valid.
    pub fn plan(&self) -> Plan {
        let mut draft = Draft {
            graph: self,
            private: Vec::new(),
            identities: self.nodes.iter().map(|_| None).collect(),
            counts: vec![0; self.services.len()],
            taken: None,
        };
        let mut needs: Vec<Vec<Need>> = self.nodes.iter().map(|_| Vec::new()).collect();
        for edges in self.edges.chunk_by(|one, next| one.after == next.after) {
            needs[edges[0].after.index()] = draft.needs(edges);
        }
        let mut plan = Plan::new(self.phase, self.is_valid());
        for name in self.services.iter().copied().chain(draft.private.iter().map(String::as_str)) {
            plan.services.push(name);
        }
        for ((job, node), needs) in self.nodes.enumerate().zip(&needs) {
            let mut provides = node.provides.clone();
            provides.extend(draft.identities[job].filter(|identity| identity.index() >= self.services.len()));
            plan.add(Job {
                name: node.name,
                script: node.script,
                manner: Manner { interactive: node.interactive, unknown: node.unknown },
                provides: &provides,
                needs,
            });
        }
        plan
    }
}

struct Draft<'g, 'a> {
    graph: &'g Graph<'a>,
    /// Services that stand for one job, after those of the graph.
    private: Vec<String>,
    identities: IdVec<JobId, Option<ServiceId>>,
    /// For each service of the graph, how many of its providers the job at hand waits for; all zero between jobs.
    counts: Vec<u32>,
    /// Names that a private one must not have; made when the first is wanted.
    taken: Option<HashSet<&'a str>>,
}

impl Draft<'_, '_> {
    /// What one job waits for, given its edges.
    fn needs(&mut self, edges: &[Edge]) -> Vec<Need> {
        let standing = || edges.iter().filter(|edge| edge.stands());
        for service in standing().filter_map(|edge| edge.service) {
            self.counts[service.index()] += 1;
        }
        let mut needs: Vec<Need> = Vec::with_capacity(edges.len());
        for edge in standing() {
            let whole = edge.service.filter(|service| {
                self.counts[service.index()] as usize == self.graph.providers[*service].len()
            });
            let service = whole.unwrap_or_else(|| self.identity(edge.before));
            needs.push(Need { service, strength: edge.strength });
        }
        for service in standing().filter_map(|edge| edge.service) {
            self.counts[service.index()] = 0;
        }
        strongest(needs)
    }

    /// The service that stands for one job alone.
    fn identity(&mut self, job: JobId) -> ServiceId {
        if let Some(known) = self.identities[job] {
            return known;
        }
        let node = &self.graph.nodes[job];
        let alone = |service: &&ServiceId| self.graph.providers[**service].len() == 1;
        let identity = if let Some(primary) = node.provides.first().filter(alone) {
            *primary
        } else {
            let name = self.private(node.name, job);
            self.private.push(name);
            ServiceId::from_index(self.graph.services.len() + self.private.len() - 1)
        };
        self.identities[job] = Some(identity);
        identity
    }

    /// A name that nobody has.
    fn private(&mut self, name: &str, job: JobId) -> String {
        let taken = self.taken.get_or_insert_with(|| self.graph.services.iter().copied().collect());
        let mut private = format!("{name}#{}", job.index());
        while taken.contains(private.as_str()) {
            private.push('#');
        }
        private
    }
}

/// Each service once, with its strongest strength, at its first place.
fn strongest(needs: Vec<Need>) -> Vec<Need> {
    let mut numbered: Vec<(usize, Need)> = needs.into_iter().enumerate().collect();
    numbered.sort_by_key(|(_, need)| need.service);
    numbered.dedup_by(|(_, next), (_, kept)| {
        let same = next.service == kept.service;
        if same {
            kept.strength = kept.strength.min(next.strength);
        }
        same
    });
    numbered.sort_by_key(|(at, _)| *at);
    numbered.into_iter().map(|(_, need)| need).collect()
}
