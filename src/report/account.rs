//! All that is told when a run is over: counts, times, the critical path; computed once, for people and for programs.

use super::critical::{Critical, critical_path};
use super::reason::Causes;
use super::roster::shown;
use crate::model::{IdVec, JobId};
use crate::plan::Plan;
use crate::root::Root;
use crate::wavefront::{Nanos, Outcome, Record, Run};

/// A finished run with its sums.
#[derive(Debug)]
pub struct Account<'a> {
    /// The run.
    pub run: &'a Run,
    /// What was run.
    pub plan: &'a Plan,
    /// What the unit is called, as one types it after `serelrc`: `start 2`.
    pub unit: &'a str,
    /// Where the plan came from: `cached`, or `rebuilt: why`.
    pub plan_words: &'a str,
    /// The chain of jobs that decided when it ended.
    pub critical: Critical,
    /// Where scripts are, and the word they were called with: what one types to call one by hand.
    pub(super) call: Option<(&'a Root, &'a str)>,
    /// What one types to go on when the run was interrupted, if that is not what one typed before.
    pub(super) again: Option<String>,
    pub(super) causes: Causes,
    pub(super) names: IdVec<JobId, String>,
}

/// How many jobs ended how; together they are all jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Exit status 0.
    pub ok: usize,
    /// Failed, killed, timed out or not startable: what makes the run fail.
    pub failed: usize,
    /// Skipped for a failed need, not installed or not configured.
    pub skipped: usize,
    /// Never started, because the run was interrupted.
    pub cancelled: usize,
}

impl<'a> Account<'a> {
    /// Computes the account of a run.
    pub fn new(run: &'a Run, plan: &'a Plan, unit: &'a str, plan_words: &'a str) -> Self {
        let mut causes = Causes::new(plan.len());
        run.records.iter().for_each(|record| causes.note(record));
        Self {
            run,
            plan,
            unit,
            plan_words,
            critical: critical_path(run, plan),
            call: None,
            again: None,
            causes,
            names: plan.jobs().map(|job| shown(job.name)).collect(),
        }
    }

    /// Scripts were run under this root and called with this word; else it is `/`, and the word of the phase.
    #[must_use]
    pub fn called(self, root: &'a Root, argument: &'a str) -> Self {
        Self { call: Some((root, argument)), ..self }
    }

    /// Nobody typed the command of this run: this is the one to go on with.
    #[must_use]
    pub fn again(self, command: Option<String>) -> Self {
        Self { again: command, ..self }
    }

    /// How many jobs ended how.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for record in &self.run.records {
            match record.outcome {
                outcome if outcome.fails_the_run() => counts.failed += 1,
                Outcome::Done => counts.ok += 1,
                Outcome::Cancelled => counts.cancelled += 1,
                _ => counts.skipped += 1,
            }
        }
        counts
    }

    /// Time from the beginning to the end of the run.
    pub fn wall(&self) -> Nanos {
        self.run.end.saturating_sub(self.run.begin)
    }

    /// Sum of the times of all jobs, from start to end: what the run would have taken one by one.
    pub fn job_time(&self) -> Nanos {
        self.run.records.iter().map(took).fold(0, Nanos::saturating_add)
    }

    /// How many times faster than one by one; 1 when nothing took any time.
    #[expect(clippy::cast_precision_loss, reason = "a ratio shown with one digit")]
    pub fn speed_up(&self) -> f64 {
        match self.wall() {
            0 => 1.0,
            wall => self.job_time() as f64 / wall as f64,
        }
    }

    /// The name of a job, fit to be shown.
    pub fn name(&self, job: JobId) -> &str {
        self.names.get(job).map_or("?", String::as_str)
    }

    /// Why a job did not end well; empty for one that did.
    pub fn reason(&self, record: &Record) -> String {
        self.causes.explain(record, &self.names)
    }
}

/// How long a job ran; 0 when it was never started.
pub(super) fn took(record: &Record) -> Nanos {
    record.start.map_or(0, |start| record.end.saturating_sub(start))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::{Phase, ServiceId, Strength};
    use crate::plan::{Job, Manner, Need};
    use crate::wavefront::Usage;

    /// Milliseconds.
    pub(in crate::report) fn ms(count: u64) -> Nanos {
        count * 1_000_000
    }

    /// A plan and a run, job by job; every job provides one service of its name.
    pub(in crate::report) struct Case {
        pub(in crate::report) plan: Plan,
        pub(in crate::report) records: Vec<Record>,
    }

    impl Case {
        pub(in crate::report) fn new() -> Self {
            let plan = Plan::new(Phase::Start, true);
            Self { plan, records: Vec::new() }
        }

        fn service(&mut self, name: &str) -> ServiceId {
            let known = self.plan.services.ids().find(|id| &self.plan.services[*id] == name);
            known.unwrap_or_else(|| self.plan.services.push(name))
        }

        /// A job with its needs that ran from and until so many milliseconds, or did not run.
        pub(in crate::report) fn job(&mut self, name: &str, needs: &[&str], ran: Option<(u64, u64)>) {
            // The ten thousand of a stress test need nobody: no search by name for them.
            let provides = if self.records.len() < 100 { vec![self.service(name)] } else { Vec::new() };
            let needs: Vec<Need> = needs
                .iter()
                .map(|need| Need { service: self.service(need), strength: Strength::Need })
                .collect();
            let job = self.plan.add(Job {
                name,
                script: &format!("/etc/init.d/{name}"),
                manner: Manner::default(),
                provides: &provides,
                needs: &needs,
            });
            self.records.push(Record {
                job,
                ready: ran.map(|(start, _)| ms(start)),
                start: ran.map(|(start, _)| ms(start)),
                available: None,
                end: ms(ran.map_or(0, |(_, end)| end)),
                outcome: Outcome::Done,
                usage: Usage::default(),
            });
        }

        /// Sets how the job that was added last ended.
        pub(in crate::report) fn outcome(&mut self, outcome: Outcome) {
            self.records.last_mut().unwrap().outcome = outcome;
        }

        pub(in crate::report) fn run(&self) -> Run {
            Run {
                begin: 0,
                end: self.records.iter().map(|record| record.end).max().unwrap_or(0),
                records: self.records.clone().into(),
                interrupted: None,
                widest: 2,
                full: false,
            }
        }
    }

    #[test]
    fn sums_and_counts_cover_all_jobs() {
        let mut case = Case::new();
        case.job("a", &[], Some((0, 100)));
        case.job("b", &[], Some((0, 300)));
        case.outcome(Outcome::TimedOut);
        case.job("c", &["b"], None);
        case.outcome(Outcome::DependencyFailed(JobId(1)));
        case.job("d", &[], Some((0, 0)));
        case.outcome(Outcome::NotInstalled);
        case.job("e", &[], None);
        case.outcome(Outcome::Cancelled);
        let run = case.run();
        let account = Account::new(&run, &case.plan, "start 2", "cached");
        assert_eq!(account.counts(), Counts { ok: 1, failed: 1, skipped: 2, cancelled: 1 });
        assert_eq!((account.wall(), account.job_time()), (ms(300), ms(400)));
        assert!((account.speed_up() - 4.0 / 3.0).abs() < 1e-9);
    }
}
