//! The plan: the verified, immutable result of a graph, in arrays that a wavefront can run without thinking.
//!
//! An edge ends at a *service*, not at a job, so that a job may make one of its services available before it exits.
//! Jobs stand in the given order (that of the links, or of the names), which is the order of the sequential
//! fall-back; a valid plan has no circle.

mod priority;

pub use priority::{critical_path, priorities};

use crate::model::{IdVec, JobId, Lists, Phase, ServiceId, Strength, Texts};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Begins the names of services that chain the jobs of a serial plan; no service can have such a name.
const CHAIN: &str = "/";

/// Format of [`Plan::encode`]; part of the history's key, so another version never meets this decoder.
pub const VERSION: u32 = 1;

/// One thing that a job waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "u32", into = "u32")]
pub struct Need {
    /// The service.
    pub service: ServiceId,
    /// What happens if it fails.
    pub strength: Strength,
}

/// The stored form: one number.
impl From<Need> for u32 {
    fn from(need: Need) -> u32 {
        need.service.0 << 1 | u32::from(need.strength == Strength::Order)
    }
}

impl From<u32> for Need {
    fn from(number: u32) -> Need {
        let strength = if number & 1 == 0 { Strength::Need } else { Strength::Order };
        Need { service: ServiceId(number >> 1), strength }
    }
}

/// One run of one script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job<'p> {
    /// The script's file name without `S??`/`K??`.
    pub name: &'p str,
    /// The script, as a logical path.
    pub script: &'p str,
    /// How it runs.
    pub manner: Manner,
    /// Services that it makes available.
    pub provides: &'p [ServiceId],
    /// What it waits for; each service at most once.
    pub needs: &'p [Need],
}

/// How a job runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manner {
    /// Needs the console for itself: runs alone.
    pub interactive: bool,
    /// Has no definition: runs after all others, in the given order.
    pub unknown: bool,
}

/// A unit ready to run. A handful of arrays, whatever the number of jobs, because an unchanged boot reads it before
/// anything is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Start or stop.
    pub phase: Phase,
    /// False when verify failed: run one by one in the given order.
    pub parallel: bool,
    /// Names of the services.
    pub services: Texts<ServiceId>,
    names: Texts<JobId>,
    scripts: Texts<JobId>,
    /// How each job runs.
    pub manners: IdVec<JobId, Manner>,
    provides: Lists<JobId, ServiceId>,
    needs: Lists<JobId, Need>,
}

impl Plan {
    /// A plan without jobs.
    pub fn new(phase: Phase, parallel: bool) -> Self {
        Self {
            phase,
            parallel,
            services: Texts::default(),
            names: Texts::default(),
            scripts: Texts::default(),
            manners: IdVec::new(),
            provides: Lists::default(),
            needs: Lists::default(),
        }
    }

    /// Appends a job. Its services must be known already.
    pub fn add(&mut self, job: Job<'_>) -> JobId {
        self.names.push(job.name);
        self.scripts.push(job.script);
        self.provides.push(job.provides);
        self.needs.push(job.needs);
        self.manners.push(job.manner)
    }

    /// One job.
    pub fn job(&self, id: JobId) -> Job<'_> {
        Job {
            name: &self.names[id],
            script: &self.scripts[id],
            manner: self.manners[id],
            provides: &self.provides[id],
            needs: &self.needs[id],
        }
    }

    /// The job of an id that may come from outside.
    pub fn get(&self, id: JobId) -> Option<Job<'_>> {
        self.manners.get(id).map(|_| self.job(id))
    }

    /// All jobs in the given order.
    pub fn jobs(&self) -> impl ExactSizeIterator<Item = Job<'_>> {
        self.ids().map(|id| self.job(id))
    }

    /// The ids of all jobs.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = JobId> + ExactSizeIterator + use<> {
        self.manners.ids()
    }

    /// Number of jobs.
    pub fn len(&self) -> usize {
        self.manners.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.manners.is_empty()
    }

    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("BUG: a plan in memory always fits in memory")
    }

    /// Reads the stored form back; `None` when it is not a plan or its ids do not fit together.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let plan: Plan = postcard::from_bytes(bytes).ok()?;
        let known = |id: &ServiceId| plan.services.get(*id).is_some();
        let count = plan.len();
        let sound = [&plan.names, &plan.scripts].iter().all(|texts| texts.is_sound() && texts.len() == count)
            && plan.services.is_sound()
            && plan.provides.is_sound()
            && plan.needs.is_sound()
            && plan.provides.len() == count
            && plan.needs.len() == count
            && plan.provides.items().iter().all(known)
            && plan.needs.items().iter().all(|need| known(&need.service));
        sound.then_some(plan)
    }

    /// Some of the jobs, in the same order. Nobody of them may need a service of one that is left out.
    #[must_use]
    pub fn only(&self, jobs: &[JobId]) -> Self {
        let mut plan = Self { services: self.services.clone(), ..Self::new(self.phase, self.parallel) };
        for id in jobs {
            plan.add(self.job(*id));
        }
        plan
    }

    /// The same jobs without their needs.
    #[must_use]
    pub fn without_needs(mut self) -> Self {
        self.needs = Lists::default();
        for _ in 0..self.len() {
            self.needs.push(&[]);
        }
        self
    }

    /// For each service, the jobs that provide it, in the given order.
    pub fn providers(&self) -> Lists<ServiceId, JobId> {
        Lists::of_pairs(self.services.len(), JobId(0), || {
            self.provides.enumerate().flat_map(|(id, list)| list.iter().map(move |service| (*service, id)))
        })
    }

    /// For each job, the jobs it waits for, without repeats, in the order of its needs.
    pub fn predecessors(&self) -> Lists<JobId, JobId> {
        let providers = self.providers();
        let mut seen: IdVec<JobId, Option<JobId>> = vec![None; self.len()].into();
        let mut predecessors = Lists::with_capacity(self.len(), self.needs.items().len());
        for (id, needs) in self.needs.enumerate() {
            for provider in needs.iter().flat_map(|need| &providers[need.service]) {
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
        Lists::of_pairs(self.len(), JobId(0), || {
            predecessors.enumerate().flat_map(|(after, before)| before.iter().map(move |job| (*job, after)))
        })
    }

    /// Whether a service is one that [`Plan::serial`] made.
    pub fn is_link(name: &str) -> bool {
        name.starts_with(CHAIN)
    }

    /// The same jobs one after another: in the given order, but each after what it waits for as far as that has no
    /// circle. Each job gets a service of its own for the chain. What fails fails those who need it, too, if the needs
    /// are kept, and else nobody; keep none that may lie on a circle.
    #[must_use]
    pub fn serial(&self, keep_needs: bool) -> Self {
        let mut serial = self.clone();
        let mut chain: IdVec<JobId, (Option<ServiceId>, ServiceId)> =
            vec![(None, ServiceId(0)); self.len()].into();
        let mut previous = None;
        for id in self.serial_order() {
            let own = serial.services.push(&format!("{CHAIN}{}", id.0));
            chain[id] = (previous.replace(own), own);
        }
        (serial.provides, serial.needs) = (Lists::default(), Lists::default());
        for (id, (previous, own)) in chain.enumerate() {
            serial.provides.push(&[&self.provides[id], &[*own]].concat());
            let need = previous.map(|service| Need { service, strength: Strength::Order });
            let kept = if keep_needs { &self.needs[id] } else { &[][..] };
            serial.needs.push(&[kept, need.as_slice()].concat());
        }
        serial
    }

    /// Smallest given position first among the jobs whose predecessors are placed; a circle is cut at its first job.
    pub fn serial_order(&self) -> Vec<JobId> {
        let predecessors = self.predecessors();
        let successors = self.successors(&predecessors);
        let mut open: IdVec<JobId, usize> = predecessors.iter().map(<[_]>::len).collect();
        let mut ready: BinaryHeap<Reverse<JobId>> =
            self.ids().filter(|id| open[*id] == 0).map(Reverse).collect();
        let mut placed: IdVec<JobId, bool> = vec![false; self.len()].into();
        let mut order = Vec::with_capacity(self.len());
        let mut uncut = self.ids();
        while order.len() < self.len() {
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
