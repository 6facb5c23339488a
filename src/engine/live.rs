//! What happens while the engine runs: processes come, provide, withdraw and need.
//!
//! First come provides: a second provider of the same service stands by, and takes over when the first has ended in
//! vain; those who wait go on waiting. A service that failed or was stopped may be provided again.
//!
//! A job of a plan, an *expected* job (known, not begun: somebody will come for it) and a *running* one (a process
//! that came by itself) are the same to those who wait: as long as one of them could still provide, there is hope.

use super::job::Job;
use super::{Answer, Engine, JobState, ServiceState};
use crate::model::{CallId, IdVec, JobId, ServiceId};

/// What a provide found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provision {
    /// Nobody else provides it.
    First,
    /// Somebody else is starting it; this one stands by.
    Beside(JobId),
    /// It is available already.
    Already,
}

impl Engine {
    /// A service that nobody provides yet.
    pub fn add_service(&mut self) -> ServiceId {
        self.services.push(super::service::Service::default())
    }

    /// A process that runs and was in no plan.
    pub fn add_running(&mut self) -> JobId {
        self.add(Job::transient(JobState::Running, Vec::new()))
    }

    /// A job that somebody else will start: from now on there is hope for its services. [`Engine::started`] when it
    /// comes, [`Engine::discard`] when it will not.
    pub fn add_expected(&mut self, provides: Vec<ServiceId>) -> JobId {
        for service in &provides {
            let service = &mut self.services[*service];
            service.hopes += 1;
            // What failed may be tried again: whoever needs it now waits for that.
            if service.state == ServiceState::Failed {
                service.state = ServiceState::Stopped;
            }
        }
        let id = self.add(Job::transient(JobState::Ready, provides));
        for index in 0..self.jobs[id].provides.len() {
            let service = self.jobs[id].provides[index];
            self.services[service].providers.push(id);
        }
        id
    }

    fn add(&mut self, job: Job) -> JobId {
        match self.vacant.pop() {
            Some(id) => {
                self.jobs[id] = job;
                id
            }
            None => self.jobs.push(job),
        }
    }

    /// Gives the number of an ended job away. Only for jobs that were in no plan.
    pub fn remove(&mut self, id: JobId) {
        debug_assert!(self.jobs[id].transient && matches!(self.jobs[id].state, JobState::Ended(_)));
        self.vacant.push(id);
    }

    /// An expected job will not come. Its services are as if it had never been expected.
    pub fn discard(&mut self, id: JobId) {
        debug_assert!(self.jobs[id].transient);
        for service in self.jobs[id].provides.clone() {
            self.drop_claim(id, service);
        }
        self.finish(id, super::Verdict::Skipped);
        self.tell_waiters();
    }

    /// A running job provides a service, at its successful end or, `immediate`, now.
    pub fn provide(&mut self, id: JobId, service: ServiceId, immediate: bool) -> Provision {
        let own = self.jobs[id].provides.contains(&service);
        let other = self.services[service]
            .providers
            .iter()
            .copied()
            .find(|other| *other != id && matches!(self.jobs[*other].state, JobState::Running));
        let found = match (self.services[service].state, other) {
            (ServiceState::Available, _) => Provision::Already,
            (_, Some(other)) => Provision::Beside(other),
            _ => Provision::First,
        };
        if !own {
            self.jobs[id].provides.push(service);
            self.services[service].providers.push(id);
            self.services[service].hopes += 1;
        }
        if found != Provision::Already {
            self.services[service].state = ServiceState::Starting;
        }
        if immediate {
            self.settle(service, ServiceState::Available);
            self.tell_waiters();
            self.drop_claim(id, service);
        } else if !self.jobs[id].calls.is_empty() {
            self.doubt(service);
            self.break_circles();
        }
        found
    }

    /// A service is being stopped, by this job or another. Providers that still run may yet make it available.
    /// Returns whether it was anything else than stopped.
    pub fn withdraw(&mut self, id: Option<JobId>, service: ServiceId) -> bool {
        let before = self.services[service].state;
        if let Some(id) = id {
            self.drop_claim(id, service);
        }
        let starting = self.services[service]
            .providers
            .iter()
            .any(|other| matches!(self.jobs[*other].state, JobState::Running));
        self.services[service].state = if starting { ServiceState::Starting } else { ServiceState::Stopped };
        self.tell_waiters();
        before != ServiceState::Stopped
    }

    /// A running job will not make this one of its services available, whatever becomes of the others.
    pub fn fail(&mut self, id: JobId, service: ServiceId) {
        let known = self.jobs[id].provides.contains(&service);
        if known && self.services[service].hopes == 1 {
            self.settle(service, ServiceState::Failed);
        }
        self.drop_claim(id, service);
        self.tell_waiters();
    }

    /// Takes a service out of what a job provides.
    fn drop_claim(&mut self, id: JobId, service: ServiceId) {
        let Some(place) = self.jobs[id].provides.iter().position(|own| *own == service) else { return };
        self.jobs[id].provides.swap_remove(place);
        self.services[service].providers.retain(|other| *other != id);
        self.services[service].hopes -= 1;
        if !self.jobs[id].transient {
            self.services[service].last = Some(id);
        }
        if self.services[service].hopes == 0 {
            self.lose_hope(service);
        } else {
            self.doubt(service);
        }
    }

    /// Nobody is left who could provide a service that is not settled.
    fn lose_hope(&mut self, service: ServiceId) {
        if !self.complete || self.services[service].state.is_settled() {
            return;
        }
        self.answer_callers(service, &Answer::Nobody);
        if !self.services[service].waiters.is_empty() {
            self.settle(service, ServiceState::Failed);
        }
    }

    /// A process needs a service; `caller` is its job, if it has one. The answer comes out of
    /// [`Engine::next_answer`], at once or later.
    pub fn need(&mut self, caller: Option<JobId>, service: ServiceId) -> CallId {
        let call = self.enter(service, caller);
        let now = match self.services[service].state {
            ServiceState::Available => Some(Answer::Available),
            ServiceState::Failed => Some(Answer::Failed),
            _ if self.complete && self.services[service].hopes == 0 => Some(Answer::Nobody),
            _ => None,
        };
        if let Some(answer) = now {
            self.answer(call, answer);
        } else if caller
            .is_some_and(|job| self.jobs[job].provides.iter().any(|own| self.services[*own].is_wanted()))
        {
            self.doubt(service);
            self.break_circles();
        }
        call
    }

    /// Whether a job waits for the answer to a need of its own.
    pub fn is_blocked(&self, id: JobId) -> bool {
        !self.jobs[id].calls.is_empty()
    }

    /// Whether any process waits for the answer to a need.
    pub fn has_calls(&self) -> bool {
        !self.calls.is_empty()
    }

    /// Says whether all who will ever provide are known: jobs of the plan, expected ones and running ones. If so,
    /// a need that none of them provides is answered at once.
    pub fn set_complete(&mut self, complete: bool) {
        self.complete = complete;
        if complete {
            for service in self.services.ids() {
                if self.services[service].hopes == 0 && self.services[service].is_wanted() {
                    self.lose_hope(service);
                }
            }
            self.tell_waiters();
        }
    }

    /// The providers of a service that have not ended, in the order in which they came.
    pub fn providers(&self, id: ServiceId) -> impl Iterator<Item = JobId> + '_ {
        let live = |job: &JobId| !matches!(self.jobs[*job].state, JobState::Ended(_));
        self.services[id].providers.iter().copied().filter(live)
    }

    /// What a job would make available at its end.
    pub fn provides(&self, id: JobId) -> &[ServiceId] {
        &self.jobs[id].provides
    }

    /// How many calls wait for a service.
    pub fn callers(&self, id: ServiceId) -> usize {
        self.services[id].callers.len()
    }

    /// All services.
    pub fn services(&self) -> impl ExactSizeIterator<Item = ServiceId> + use<> {
        IdVec::ids(&self.services)
    }
}
