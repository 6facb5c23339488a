//! Processes that wait for each other: found when the circle closes, and opened by answering its calls.
//!
//! simpleinit's rule, made precise: a need is hopeless when every process that could still provide the service is
//! itself blocked in a hopeless need. A blocked process needs all that it calls for; a service needs one of its
//! providers. Hope is thus the least fixed point of an and-or graph: it begins at providers that are free to run and
//! spreads to those who wait for them; what it does not reach is stuck.
//!
//! The search begins at one service that has come into doubt and ends at the first free provider, so that what a boot
//! does all day, to wait for one that runs, costs nothing.

use super::{Answer, Engine, JobState, Link};
use crate::model::{CallId, JobId, ServiceId};
use std::collections::{HashMap, HashSet};

/// The part of the graph that was looked at.
#[derive(Default)]
struct Region {
    /// Services, each with the blocked jobs that could provide it.
    services: HashMap<ServiceId, Vec<JobId>>,
    /// Blocked jobs, each with the services that it waits for.
    jobs: HashMap<JobId, Vec<ServiceId>>,
    /// Services for which there is hope.
    hopeful: HashSet<ServiceId>,
}

impl Engine {
    /// Notes that a service which somebody waits for may have become hopeless.
    pub(super) fn doubt(&mut self, service: ServiceId) {
        if !self.calls.is_empty() && self.services[service].is_wanted() {
            self.doubts.push(service);
        }
    }

    /// Looks into every doubt, and opens the circles that it finds.
    pub(super) fn break_circles(&mut self) {
        while let Some(service) = self.doubts.last().copied() {
            let Some(walk) = self.find_circle(service) else {
                self.doubts.pop();
                continue;
            };
            self.open_circle(&walk);
        }
    }

    /// Answers the calls on a circle with the circle.
    fn open_circle(&mut self, circle: &[Link]) {
        let shown: std::sync::Arc<[Link]> = circle.into();
        for link in circle {
            let calls: Vec<CallId> = self.jobs[link.job]
                .calls
                .iter()
                .copied()
                .filter(|call| self.calls.get(*call).is_some_and(|open| open.service == link.service))
                .collect();
            for call in calls {
                self.answer(call, Answer::Circle(shown.clone()));
            }
        }
    }

    /// The links from a service back to itself, if it is stuck: the circle, or, when that has no call that could be
    /// answered (jobs of a bad plan), the whole way there.
    fn find_circle(&self, from: ServiceId) -> Option<Vec<Link>> {
        if self.services[from].state.is_settled() || !self.services[from].is_wanted() {
            return None;
        }
        let region = self.explore(from)?;
        let mut walk: Vec<Link> = Vec::new();
        let mut seen: HashMap<ServiceId, usize> = HashMap::new();
        let mut service = from;
        while !seen.contains_key(&service) {
            seen.insert(service, walk.len());
            let job = *region.services.get(&service)?.first()?;
            let next = region.jobs.get(&job)?.iter().find(|next| !region.hopeful.contains(next))?;
            walk.push(Link { job, service: *next });
            service = *next;
        }
        let answerable = |links: &[Link]| links.iter().any(|link| !self.jobs[link.job].calls.is_empty());
        let circle = &walk[seen[&service]..];
        if answerable(circle) {
            return Some(circle.to_vec());
        }
        answerable(&walk).then_some(walk)
    }

    /// The region around a service, if there is no hope for it; `None` if there is.
    fn explore(&self, from: ServiceId) -> Option<Region> {
        let mut region = Region::default();
        let mut hopes: Vec<ServiceId> = Vec::new();
        let mut left = vec![from];
        // 1. All that can be reached from here. A service that is at hope by itself is not looked behind.
        while let Some(service) = left.pop() {
            if region.services.contains_key(&service) {
                continue;
            }
            let providers: Vec<JobId> = self.providers(service).collect();
            let free = |job: &JobId| match self.jobs[*job].state {
                JobState::Running => self.jobs[*job].calls.is_empty(),
                JobState::Ready => true,
                JobState::Waiting | JobState::Ended(_) => false,
            };
            if providers.is_empty() || providers.iter().any(free) {
                if service == from {
                    return None;
                }
                hopes.push(service);
                region.services.insert(service, Vec::new());
                continue;
            }
            for job in &providers {
                let waits = self.waits_of(*job);
                left.extend(waits.iter().copied());
                region.jobs.insert(*job, waits);
            }
            region.services.insert(service, providers);
        }
        // 2. Hope spreads: to a job when all that it waits for has hope, to a service when one provider has.
        let mut waiters: HashMap<ServiceId, Vec<JobId>> = HashMap::new();
        let mut open: HashMap<JobId, usize> = HashMap::new();
        for (job, waits) in &region.jobs {
            open.insert(*job, waits.len());
            for service in waits {
                waiters.entry(*service).or_default().push(*job);
            }
            if waits.is_empty() {
                hopes.extend(self.jobs[*job].provides.iter().copied());
            }
        }
        while let Some(service) = hopes.pop() {
            if !region.hopeful.insert(service) {
                continue;
            }
            for job in waiters.get(&service).into_iter().flatten() {
                if let Some(count) = open.get_mut(job) {
                    *count -= 1;
                    if *count == 0 {
                        hopes.extend(self.jobs[*job].provides.iter().copied());
                    }
                }
            }
        }
        (!region.hopeful.contains(&from)).then_some(region)
    }

    /// The services that a blocked or waiting job waits for, each once.
    fn waits_of(&self, id: JobId) -> Vec<ServiceId> {
        let job = &self.jobs[id];
        let mut waits: Vec<ServiceId> = if job.state == JobState::Waiting {
            let unsettled = |need: &ServiceId| {
                let service = &self.services[*need];
                !service.state.is_settled() && service.providers != [id]
            };
            job.needs.iter().map(|need| need.service).filter(unsettled).collect()
        } else {
            job.calls.iter().filter_map(|call| self.calls.get(*call)).map(|call| call.service).collect()
        };
        waits.sort_unstable();
        waits.dedup();
        waits
    }
}
