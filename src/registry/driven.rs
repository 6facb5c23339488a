//! The registry of a run: the plan's services by name, and its jobs by their processes.
//!
//! Whoever drives the engine starts the jobs and sees them end; processes of the jobs may say more, and what they say
//! counts as said by the job. A run knows its unit, so that a need which nothing in it can satisfy ends at once.

use super::{Holder, Nanos, Process, Registry, Seat, stop_of};
use crate::engine::Engine;
use crate::model::{JobId, Phase, ServiceId};
use crate::plan::Plan;

impl Registry {
    /// For the engine of a plan, before anything happened in it. In a unit being stopped, what its jobs provide and
    /// need are the stops of services.
    pub fn of_plan(plan: &Plan, engine: &mut Engine) -> Self {
        let mut registry = Self { driven: true, ..Self::default() };
        for name in plan.services.iter() {
            match plan.phase {
                Phase::Start => registry.names.add(engine, name),
                Phase::Stop => registry.names.add(engine, &stop_of(name)),
            }
        }
        registry
    }

    /// A job of the plan was started as this process.
    pub fn began(&mut self, engine: &mut Engine, job: JobId, pid: u32, now: Nanos) {
        self.oust(engine, pid, now);
        self.sit(job, Process { pid, birth: 0 }, Holder::Driver);
        self.changed(engine, engine.provides(job), now);
    }

    /// The process of a job has ended.
    pub fn over(&mut self, job: JobId) {
        if let Some(process) = self.seats.get(job).and_then(|seat| seat.process) {
            self.seats[job] = Seat::default();
            self.by_pid.remove(&process.pid);
        }
    }

    /// The driver did something that may have changed these services, and whatever waits for them.
    pub fn changed(&mut self, engine: &Engine, services: &[ServiceId], now: Nanos) {
        for service in services {
            self.touch(engine, *service, now);
        }
    }
}
