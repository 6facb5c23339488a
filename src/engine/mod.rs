//! The pure state machine of a run: services, the jobs that provide them, and who waits for whom.
//!
//! Events go in by method calls, actions come out of [`Engine::next_action`]; there is no I/O and no clock in here, so that
//! a wavefront, a daemon and a simulation drive the very same rules. An edge ends at a *service*: a job that makes
//! one of its services available before it exits releases those who wait for that one.
//!
//! The rules, after the serel manual ("a service is available when its provider has exited with status 0; when a
//! provider fails, its needers fail"):
//!
//! 1. A service is *settled* once it is available, or once every job that could provide it has ended in vain.
//! 2. A job is ready when every service it waits for is settled, and each one it needs hard is available.
//! 3. A job whose hard need is settled in vain is skipped at once, which settles its own services in vain.
//!
//! Processes may also come by themselves, provide and need at run time (live.rs), and block each other (circle.rs).
//!
//! All of it is loops over work lists; a chain of any length needs no stack.

mod call;
mod circle;
mod job;
mod live;
mod service;

pub use call::{Answer, Link};
pub use job::{JobState, Verdict};
pub use live::Provision;
pub use service::ServiceState;

use crate::model::{CallId, IdVec, JobId, ServiceId, Strength};
use crate::plan::{Need, Plan};
use call::Calls;
use job::Job;
use service::{Service, Waiter};
use std::collections::VecDeque;

/// What the driver has to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The last predecessor allows this job: start it when there is a slot.
    Ready(JobId),
    /// This job will never run, because that one ended in vain. It has ended.
    Skip {
        /// The job that is skipped.
        job: JobId,
        /// The provider of its hard need that ended last.
        because: JobId,
    },
}

/// Services, jobs, and the waits between them.
#[derive(Debug, Clone, Default)]
pub struct Engine {
    services: IdVec<ServiceId, Service>,
    jobs: IdVec<JobId, Job>,
    actions: VecDeque<Action>,
    /// Needs of running processes that have their answer: those calls are over.
    answers: VecDeque<(CallId, Answer)>,
    /// Services settled, whose waiters have not been told yet.
    settled: VecDeque<ServiceId>,
    /// Jobs of the plan that have not ended.
    open: usize,
    /// Needs of running processes that wait.
    calls: Calls,
    /// Nobody will come who is not known already.
    complete: bool,
    /// Jobs that have left: their numbers may be given again.
    vacant: Vec<JobId>,
    /// Services whose hope has to be looked into.
    doubts: Vec<ServiceId>,
}

impl Engine {
    /// An engine for a plan; the jobs that wait for nothing are ready.
    pub fn new(plan: &Plan) -> Self {
        let mut engine =
            Self { services: plan.services.iter().map(|_| Service::default()).collect(), ..Self::default() };
        for job in plan.jobs() {
            engine.add_job(job.provides, job.needs);
        }
        for job in engine.jobs.ids() {
            engine.wait_for_services(job);
        }
        engine.complete = true;
        engine
    }

    fn add_job(&mut self, provides: &[ServiceId], needs: &[Need]) {
        let id = self.jobs.push(Job::new(provides.to_vec(), needs.to_vec()));
        for service in provides {
            self.services[*service].providers.push(id);
            self.services[*service].hopes += 1;
        }
        self.open += 1;
    }

    /// Enters the job with every service that is not settled; one that nobody provides counts as there, since the
    /// graph leaves such a need out unless an earlier unit satisfies it.
    fn wait_for_services(&mut self, id: JobId) {
        for index in 0..self.jobs[id].needs.len() {
            let need = self.jobs[id].needs[index];
            let service = &mut self.services[need.service];
            let own = service.providers.len() == 1 && service.providers[0] == id;
            if service.hopes > 0 && !own {
                service.waiters.push(Waiter { job: id, strength: need.strength });
                self.jobs[id].waits += 1;
            }
        }
        if self.jobs[id].waits == 0 {
            self.set(id, JobState::Ready);
        }
    }

    /// The next thing to do, if there is one. Call until `None` after every event.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The next answer to a need of a running process, if there is one. Call until `None` after every event.
    pub fn next_answer(&mut self) -> Option<(CallId, Answer)> {
        let answered = self.answers.pop_front()?;
        self.calls.vacate(answered.0);
        Some(answered)
    }

    /// Whether every job of the plan has ended.
    pub fn is_done(&self) -> bool {
        self.open == 0
    }

    /// The state of a job.
    pub fn job(&self, id: JobId) -> JobState {
        self.jobs[id].state
    }

    /// The state of a service.
    pub fn service(&self, id: ServiceId) -> ServiceState {
        self.services[id].state
    }

    /// A ready job was started.
    pub fn started(&mut self, id: JobId) {
        debug_assert_eq!(self.jobs[id].state, JobState::Ready);
        self.set(id, JobState::Running);
        for index in 0..self.jobs[id].provides.len() {
            let service = self.jobs[id].provides[index];
            if self.services[service].state != ServiceState::Available {
                self.services[service].state = ServiceState::Starting;
            }
        }
    }

    /// A job ended; `succeeded` makes its services available. A job that was not started may end, too (it could not
    /// be started, or the run is over).
    pub fn ended(&mut self, id: JobId, succeeded: bool) {
        self.finish(id, if succeeded { Verdict::Succeeded } else { Verdict::Failed });
        self.tell_waiters();
    }

    /// A job that has not been started was done before this run: its services are available.
    pub fn already(&mut self, id: JobId) {
        if matches!(self.jobs[id].state, JobState::Waiting | JobState::Ready) {
            self.ended(id, true);
        }
    }

    /// Ends every job that has not been started, without an action: the run was interrupted. Returns them.
    pub fn cancel(&mut self) -> Vec<JobId> {
        let cancelled: Vec<JobId> = self
            .jobs
            .ids()
            .filter(|id| matches!(self.jobs[*id].state, JobState::Waiting | JobState::Ready))
            .collect();
        for id in &cancelled {
            self.finish(*id, Verdict::Skipped);
        }
        // Whoever runs and waits for one of them has its answer.
        self.tell_waiters();
        self.actions.clear();
        cancelled
    }

    /// Lets a waiting job go although not all that it waits for is settled: the way out of a circle that should not
    /// be there.
    pub fn release(&mut self, id: JobId) {
        if self.jobs[id].state == JobState::Waiting {
            self.set(id, JobState::Ready);
        }
    }

    /// Every change of a job's state passes through here.
    fn set(&mut self, id: JobId, state: JobState) {
        let before = std::mem::replace(&mut self.jobs[id].state, state);
        debug_assert!(before.may_become(state), "BUG: job {id:?} went from {before:?} to {state:?}");
        match state {
            JobState::Ready => self.actions.push_back(Action::Ready(id)),
            JobState::Ended(_) if self.jobs[id].transient => {}
            JobState::Ended(_) => self.open -= 1,
            JobState::Waiting | JobState::Running => {}
        }
    }

    /// Ends a job and settles those of its services that depended on it alone.
    fn finish(&mut self, id: JobId, verdict: Verdict) {
        self.set(id, JobState::Ended(verdict));
        self.orphan_calls(id);
        for service in std::mem::take(&mut self.jobs[id].provides) {
            self.services[service].hopes -= 1;
            if self.jobs[id].transient {
                self.services[service].providers.retain(|provider| *provider != id);
            } else {
                self.services[service].last = Some(id);
            }
            if verdict == Verdict::Succeeded {
                self.settle(service, ServiceState::Available);
            } else if self.services[service].hopes == 0 {
                self.settle(service, ServiceState::Failed);
            } else {
                self.doubt(service);
            }
        }
    }

    /// The first settlement counts: what was made available early stays so, although its provider fails later.
    fn settle(&mut self, id: ServiceId, state: ServiceState) {
        if !self.services[id].state.is_settled() {
            self.services[id].state = state;
            self.settled.push_back(id);
        }
    }

    /// Tells all who wait for the services that were settled, and those who wait for them, until nothing is left.
    fn tell_waiters(&mut self) {
        while let Some(service) = self.settled.pop_front() {
            let available = self.services[service].state == ServiceState::Available;
            self.answer_callers(service, if available { &Answer::Available } else { &Answer::Failed });
            for waiter in std::mem::take(&mut self.services[service].waiters) {
                if self.jobs[waiter.job].state != JobState::Waiting {
                    continue;
                }
                if !available && waiter.strength == Strength::Need {
                    let because =
                        self.services[service].last.expect("BUG: settled in vain without a provider");
                    self.finish(waiter.job, Verdict::Skipped);
                    self.actions.push_back(Action::Skip { job: waiter.job, because });
                    continue;
                }
                self.jobs[waiter.job].waits -= 1;
                if self.jobs[waiter.job].waits == 0 {
                    self.set(waiter.job, JobState::Ready);
                }
            }
        }
        self.break_circles();
    }
}

#[cfg(test)]
mod tests;
