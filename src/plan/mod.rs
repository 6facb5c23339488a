//! The plan: the verified, immutable result of a graph, in arrays that a wavefront can run without thinking.
//!
//! An edge ends at a *service*, not at a job, so that a job may make one of its services available before it exits.
//! Jobs stand in the given order (that of the links, or of the names), which is the order of the sequential
//! fall-back; a valid plan has no circle.

mod priority;

pub use priority::{critical_path, priorities};

use crate::model::{IdVec, JobId, Lists, Phase, ServiceId, Strength};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Format of [`Plan::encode`]; part of the history's key, so another version never meets this decoder.
pub const VERSION: u32 = 1;

/// One thing that a job waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The service.
    pub service: ServiceId,
    /// What happens if it fails.
    pub strength: Strength,
}

/// One run of one script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The script's file name without `S??`/`K??`.
    pub name: String,
    /// The script, as a logical path.
    pub script: String,
    /// Needs the console for itself: runs alone.
    pub interactive: bool,
    /// Has no definition: runs after all others, in the given order.
    pub unknown: bool,
    /// Services that it makes available.
    pub provides: Vec<ServiceId>,
    /// What it waits for; each service at most once.
    pub needs: Vec<Need>,
}

/// A unit ready to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Start or stop.
    pub phase: Phase,
    /// Names of the services.
    pub services: IdVec<ServiceId, String>,
    /// The jobs in the given order.
    pub jobs: IdVec<JobId, Job>,
    /// False when verify failed: run one by one in the given order.
    pub parallel: bool,
}

impl Plan {
    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("BUG: a plan in memory always fits in memory")
    }

    /// Reads the stored form back; `None` when it is not a plan or its ids do not fit together.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let plan: Plan = postcard::from_bytes(bytes).ok()?;
        let known = |id: &ServiceId| plan.services.get(*id).is_some();
        let sound = plan
            .jobs
            .iter()
            .all(|job| job.provides.iter().all(known) && job.needs.iter().all(|need| known(&need.service)));
        sound.then_some(plan)
    }

    /// For each service, the jobs that provide it, in the given order.
    pub fn providers(&self) -> Lists<ServiceId, JobId> {
        Lists::of_pairs(self.services.len(), JobId(0), || {
            self.jobs.enumerate().flat_map(|(id, job)| job.provides.iter().map(move |service| (*service, id)))
        })
    }

    /// For each job, the jobs it waits for, without repeats, in the order of its needs.
    pub fn predecessors(&self) -> Lists<JobId, JobId> {
        let providers = self.providers();
        let mut seen: IdVec<JobId, Option<JobId>> = vec![None; self.jobs.len()].into();
        let mut predecessors = Lists::with_capacity(self.jobs.len(), self.jobs.len());
        for (id, job) in self.jobs.enumerate() {
            for provider in job.needs.iter().flat_map(|need| &providers[need.service]) {
                if *provider != id && seen[*provider] != Some(id) {
                    seen[*provider] = Some(id);
                    predecessors.add(*provider);
                }
            }
            predecessors.close();
        }
        predecessors
    }

    /// For each job, the jobs that wait for it, given their [`Plan::predecessors`].
    pub fn successors(&self, predecessors: &Lists<JobId, JobId>) -> Lists<JobId, JobId> {
        Lists::of_pairs(self.jobs.len(), JobId(0), || {
            predecessors.enumerate().flat_map(|(after, before)| before.iter().map(move |job| (*job, after)))
        })
    }

    /// The same jobs one after another: in the given order, but each after what it waits for as far as that has no
    /// circle. What fails fails nobody else. Each job gets a service of its own for the chain.
    #[must_use]
    pub fn serial(&self) -> Self {
        let mut serial = self.clone();
        let mut previous = None;
        for id in self.serial_order() {
            let own = serial.services.push(format!("{}#{}", self.jobs[id].name, id.0));
            let job = &mut serial.jobs[id];
            job.provides.push(own);
            job.needs =
                previous.map(|service| Need { service, strength: Strength::Order }).into_iter().collect();
            previous = Some(own);
        }
        serial
    }

    /// Smallest given position first among the jobs whose predecessors are placed; a circle is cut at its first job.
    pub fn serial_order(&self) -> Vec<JobId> {
        let predecessors = self.predecessors();
        let successors = self.successors(&predecessors);
        let mut open: IdVec<JobId, usize> = predecessors.iter().map(<[_]>::len).collect();
        let mut ready: BinaryHeap<Reverse<JobId>> =
            self.jobs.ids().filter(|id| open[*id] == 0).map(Reverse).collect();
        let mut placed: IdVec<JobId, bool> = vec![false; self.jobs.len()].into();
        let mut order = Vec::with_capacity(self.jobs.len());
        let mut uncut = self.jobs.ids();
        while order.len() < self.jobs.len() {
            let next = ready.pop().map(|Reverse(id)| id).or_else(|| uncut.by_ref().find(|id| !placed[*id]));
            let Some(id) = next else { break };
            if std::mem::replace(&mut placed[id], true) {
                continue;
            }
            order.push(id);
            for successor in &successors[id] {
                open[*successor] -= 1;
                if open[*successor] == 0 {
                    ready.push(Reverse(*successor));
                }
            }
        }
        order
    }
}
