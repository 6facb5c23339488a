//! Why a job did not end well, in the fewest words, down to the job where the trouble began.

use crate::model::{IdVec, JobId};
use crate::text::{self, signal_name};
use crate::wavefront::{Outcome, Record};
use nix::errno::Errno;
use std::cell::Cell;

/// Names of a chain of causes that are shown before the rest is left out.
const SHOWN: usize = 6;

/// The outcomes seen so far, and for each skipped job the one where it began.
#[derive(Debug)]
pub struct Causes {
    outcomes: IdVec<JobId, Option<Outcome>>,
    /// A job's root cause once it was asked for, so that ten thousand skipped jobs in a row cost ten thousand steps.
    roots: IdVec<JobId, Cell<Option<JobId>>>,
}

impl Causes {
    /// Nothing has ended yet.
    pub fn new(jobs: usize) -> Self {
        Self {
            outcomes: (0..jobs).map(|_| None).collect(),
            roots: (0..jobs).map(|_| Cell::new(None)).collect(),
        }
    }

    /// Notes how a job ended.
    pub fn note(&mut self, record: &Record) {
        if let Some(outcome) = self.outcomes.get(record.job) {
            debug_assert!(outcome.is_none(), "BUG: a job ended twice");
            self.outcomes[record.job] = Some(record.outcome);
        }
    }

    /// How a job ended, if it has.
    pub fn outcome(&self, job: JobId) -> Option<Outcome> {
        self.outcomes.get(job).copied().flatten()
    }

    /// The job that this one was skipped for, if it was skipped.
    fn cause(&self, job: JobId) -> Option<JobId> {
        match self.outcome(job) {
            Some(Outcome::DependencyFailed(by)) if self.outcomes.get(by).is_some() => Some(by),
            _ => None,
        }
    }

    /// Where the trouble of a job began: the first on its chain of causes that was not itself skipped.
    pub fn root(&self, job: JobId) -> JobId {
        let mut root = job;
        let mut walked = Vec::new();
        while let Some(by) = self.cause(root) {
            if walked.len() > self.outcomes.len() {
                break;
            }
            walked.push(root);
            root = self.roots[by].get().unwrap_or(by);
        }
        if self.outcome(root).is_some() {
            for job in walked {
                self.roots[job].set(Some(root));
            }
        }
        root
    }

    /// Why a job did not end well; empty for one that did.
    pub fn explain(&self, record: &Record, names: &IdVec<JobId, String>) -> String {
        match record.outcome {
            Outcome::Done => String::new(),
            Outcome::NotInstalled => "not installed (exit status 5)".to_owned(),
            Outcome::NotConfigured => "not configured (exit status 6)".to_owned(),
            Outcome::Failed(status) => format!("exit status {status}"),
            Outcome::Signalled(signal) => format!("killed by {}", signal_name(signal)),
            Outcome::TimedOut => match record.start {
                Some(start) => format!("timed out after {}", text::about(record.end.saturating_sub(start))),
                None => "timed out".to_owned(),
            },
            // execve(2) says the same for both.
            Outcome::NotStarted(libc::ENOENT) => {
                "not started: no such script, or no such interpreter as its first line names".to_owned()
            }
            Outcome::NotStarted(errno) => format!("not started: {}", Errno::from_raw(errno).desc()),
            Outcome::DependencyFailed(by) => self.explain_skipped(record.job, by, names),
            Outcome::Cancelled => "not started: the run was interrupted".to_owned(),
        }
    }

    /// `skipped: needs db, which failed (db -> app -> this)`; no chain for a direct need.
    fn explain_skipped(&self, job: JobId, by: JobId, names: &IdVec<JobId, String>) -> String {
        let name = |id: JobId| names.get(id).map_or("?", String::as_str);
        let root = self.root(by);
        let mut text = format!("skipped: needs {}, which {}", name(root), self.predicate(root));
        if root == by {
            return text;
        }
        let mut chain = vec!["this", name(by)];
        let mut at = by;
        while let Some(next) = self.cause(at).filter(|next| *next != root && *next != job) {
            if chain.len() + 1 >= SHOWN {
                chain.push("...");
                break;
            }
            chain.push(name(next));
            at = next;
        }
        chain.push(name(root));
        chain.reverse();
        text.push_str(" (");
        text.push_str(&chain.join(" -> "));
        text.push(')');
        text
    }

    /// What happened to the root cause, after "which".
    fn predicate(&self, job: JobId) -> String {
        match self.outcome(job) {
            Some(Outcome::Failed(_)) => "failed".to_owned(),
            Some(Outcome::NotInstalled) => "is not installed".to_owned(),
            Some(Outcome::NotConfigured) => "is not configured".to_owned(),
            Some(Outcome::Signalled(signal)) => format!("was killed by {}", signal_name(signal)),
            Some(Outcome::TimedOut) => "timed out".to_owned(),
            Some(Outcome::NotStarted(_)) => "could not be started".to_owned(),
            Some(Outcome::Cancelled) => "was cancelled".to_owned(),
            Some(Outcome::Done | Outcome::DependencyFailed(_)) | None => {
                "did not become available".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wavefront::Usage;

    fn record(job: u32, outcome: Outcome) -> Record {
        Record {
            job: JobId(job),
            ready: Some(0),
            start: Some(1_000_000_000),
            available: None,
            end: 31_020_000_000,
            outcome,
            usage: Usage::default(),
        }
    }

    /// Job n is called by the n-th letter; each has the given outcome; explains the last.
    fn explain(outcomes: &[Outcome]) -> String {
        let names = (b'a'..=b'z').map(|letter| char::from(letter).to_string()).collect();
        let mut causes = Causes::new(outcomes.len());
        let records: Vec<Record> = outcomes.iter().zip(0..).map(|(o, job)| record(job, *o)).collect();
        for record in &records {
            causes.note(record);
        }
        causes.explain(records.last().unwrap(), &names)
    }

    #[test]
    fn each_outcome_says_why() {
        assert_eq!(explain(&[Outcome::Done]), "");
        assert_eq!(explain(&[Outcome::Failed(3)]), "exit status 3");
        assert_eq!(explain(&[Outcome::Signalled(libc::SIGSEGV)]), "killed by SIGSEGV");
        assert_eq!(explain(&[Outcome::Signalled(40)]), "killed by signal 40");
        assert_eq!(explain(&[Outcome::TimedOut]), "timed out after 30s");
        assert_eq!(explain(&[Outcome::NotStarted(libc::EACCES)]), "not started: Permission denied");
        assert!(explain(&[Outcome::NotStarted(libc::ENOENT)]).contains("interpreter"));
        assert_eq!(explain(&[Outcome::NotInstalled]), "not installed (exit status 5)");
        assert_eq!(explain(&[Outcome::Cancelled]), "not started: the run was interrupted");
    }

    #[test]
    fn a_skipped_job_names_the_whole_chain() {
        let skipped = |by| Outcome::DependencyFailed(JobId(by));
        assert_eq!(explain(&[Outcome::Failed(1), skipped(0)]), "skipped: needs a, which failed");
        assert_eq!(
            explain(&[Outcome::TimedOut, skipped(0), skipped(1)]),
            "skipped: needs a, which timed out (a -> b -> this)"
        );
        let mut long = vec![Outcome::NotInstalled];
        long.extend((0..20).map(skipped));
        assert_eq!(
            explain(&long),
            "skipped: needs a, which is not installed (a -> ... -> q -> r -> s -> t -> this)"
        );
    }

    #[test]
    fn a_cause_that_was_never_seen_does_not_hang_or_panic() {
        let skipped = |by| Outcome::DependencyFailed(JobId(by));
        assert_eq!(explain(&[skipped(9)]), "skipped: needs j, which did not become available");
        explain(&[skipped(1), skipped(0)]);
        explain(&[skipped(0)]);
    }

    #[test]
    fn ten_thousand_in_a_row_are_cheap() {
        let mut causes = Causes::new(10_000);
        causes.note(&record(0, Outcome::Failed(1)));
        for job in 1..10_000 {
            causes.note(&record(job, Outcome::DependencyFailed(JobId(job - 1))));
        }
        for job in (0..10_000).rev() {
            assert_eq!(causes.root(JobId(job)), JobId(0));
        }
    }
}
