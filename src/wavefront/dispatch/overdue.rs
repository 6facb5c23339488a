//! Ends what shall not go on: all jobs after a signal, and those whose time is over.
//!
//! Each gets SIGTERM (or the signal that we got), SIGKILL after its grace, and in the end the run goes on without it.

use super::Dispatcher;
use crate::model::JobId;
use crate::text::signal_name;
use crate::wavefront::clock::Clock;
use crate::wavefront::deadlines::Stage;
use crate::wavefront::spawner::Spawner;
use crate::wavefront::{Nanos, Outcome, Usage};

/// How often those are looked for whom a job left behind that was asked to end.
pub(super) const LOOK: Nanos = 50_000_000;

impl<S: Spawner, C: Clock> Dispatcher<'_, S, C> {
    /// A signal for us: start nothing more, pass it on, and give the jobs their grace. A second one kills.
    pub(super) fn interrupt(&mut self, signal: i32) {
        let again = self.interrupted.is_some();
        self.interrupted.get_or_insert(signal);
        let now = self.clock.now();
        if again {
            self.reporter.say(format!("second signal: killing {} jobs", self.running.len()));
        } else {
            self.reporter.say(format!(
                "{}: starting nothing more, waiting for {} running jobs",
                signal_name(signal),
                self.running.len()
            ));
        }
        self.queue.clear();
        for job in self.engine.cancel() {
            self.record(job, now, Outcome::Cancelled, Usage::default());
        }
        for index in 0..self.running.len() {
            let job = self.running[index];
            if self.records[job].left.is_some() {
                // Its end is near as it is.
                continue;
            }
            if again {
                self.spawner.signal(job, libc::SIGKILL);
                self.deadlines.set(job, now + self.settings.grace, Stage::Abandon);
            } else {
                self.spawner.signal(job, signal);
                self.deadlines.set(job, now + self.settings.grace, Stage::Kill);
            }
        }
    }

    /// Deals with every deadline that has come.
    pub(super) fn expire(&mut self) {
        let now = self.clock.now();
        if let Some(registry) = &mut self.registry {
            registry.expire(&mut self.engine, now);
        }
        while let Some((job, stage)) = self.deadlines.expired(now) {
            // Time that it spends waiting for another job is that one's.
            if let (Stage::Terminate, Some(timeout)) = (stage, self.settings.timeout)
                && self.engine.is_blocked(job)
                && self.taken() > 0
            {
                self.deadlines.set(job, now.saturating_add(timeout), Stage::Terminate);
                continue;
            }
            self.records[job].timed_out |= self.interrupted.is_none();
            match stage {
                Stage::Terminate => {
                    self.spawner.signal(job, libc::SIGTERM);
                    self.deadlines.set(job, now + self.settings.grace, Stage::Kill);
                }
                Stage::Kill => {
                    self.spawner.signal(job, libc::SIGKILL);
                    self.deadlines.set(job, now + self.settings.grace, Stage::Abandon);
                }
                Stage::Linger => self.look_for_left(job, now),
                Stage::Abandon => {
                    self.reporter.say(format!(
                        "{} does not even end on SIGKILL: going on without it",
                        self.plan.job(job).name
                    ));
                    let outcome = if self.records[job].timed_out {
                        Outcome::TimedOut
                    } else {
                        Outcome::Signalled(libc::SIGKILL)
                    };
                    self.end(job, now, outcome, Usage::default());
                }
            }
        }
    }

    /// The process of a job has ended in time, but others of its group had not.
    fn look_for_left(&mut self, job: JobId, now: Nanos) {
        let Some((usage, until)) = self.records[job].left else { return };
        if self.spawner.lingers(job) && now < until {
            return self.deadlines.set(job, now.saturating_add(LOOK).min(until), Stage::Linger);
        }
        self.spawner.signal(job, libc::SIGKILL);
        self.end(job, now, Outcome::TimedOut, usage);
    }
}
