//! The critical path of a finished run: the chain of jobs that decided when it ended.
//!
//! It is read off the recorded times, not predicted: from the job that ended last, back to the predecessor that became
//! available last, and so on. A job that was held back by something else than an edge (no free slot, the console, one at
//! a time, or an unknown service that runs after all others) is led back to the job that ended last before it started.

use crate::model::{IdVec, JobId};
use crate::plan::Plan;
use crate::wavefront::{Nanos, Record, Run};

/// From ready to started takes some microseconds, unless something is in the way.
const AT_ONCE: Nanos = 2_000_000;

/// A chain of jobs, each of which waited for the one before it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Critical {
    /// The jobs in the order in which they ran; empty when no job ran.
    pub jobs: Vec<JobId>,
    /// Sum of what each took until the next could start.
    pub length: Nanos,
}

/// Finds the critical path of a run.
pub fn critical_path(run: &Run, plan: &Plan) -> Critical {
    let before = plan.predecessors();
    let by_end = Ends::new(run);
    let mut visited: IdVec<JobId, bool> = run.records.iter().map(|_| false).collect();
    let mut path = Critical::default();
    let mut at = by_end.last();
    // What the job on the path was good for ended at this time; for the last one that is its own end.
    let mut until = at.map_or(0, |record| record.end);
    while let Some(record) = at {
        visited[record.job] = true;
        if let Some(start) = record.start {
            path.jobs.push(record.job);
            path.length = path.length.saturating_add(until.saturating_sub(start));
        }
        let manner = plan.get(record.job).map(|job| job.manner).unwrap_or_default();
        let in_the_way = (run.full || manner.interactive) && held(record);
        let by_clock = !plan.parallel || manner.unknown || in_the_way;
        let next = if by_clock {
            by_end.before(record)
        } else {
            last_of(run, before.get(record.job).unwrap_or_default(), record)
        };
        at = next.filter(|earlier| !visited[earlier.job]);
        until = at.map_or(0, released);
    }
    path.jobs.reverse();
    path
}

/// Whether a job had to wait although nothing it needs held it back.
fn held(record: &Record) -> bool {
    record.start.zip(record.ready).is_some_and(|(start, ready)| start.saturating_sub(ready) > AT_ONCE)
}

/// When a job let go of those that wait for it: when it made its service available, else when it ended.
fn released(record: &Record) -> Nanos {
    record.available.unwrap_or(record.end)
}

/// The predecessor that became available last, of those that did so before the job went on; the first of equals.
/// Of several providers of one service, one that came later than the start was not waited for.
fn last_of<'a>(run: &'a Run, predecessors: &[JobId], record: &Record) -> Option<&'a Record> {
    let limit = record.start.unwrap_or(record.end);
    predecessors
        .iter()
        .filter_map(|job| run.records.get(*job))
        .filter(|earlier| released(earlier) <= limit)
        .reduce(|best, next| if released(next) > released(best) { next } else { best })
}

/// The jobs that ran, by the time of their end.
struct Ends<'a> {
    sorted: Vec<&'a Record>,
}

impl<'a> Ends<'a> {
    fn new(run: &'a Run) -> Self {
        let mut sorted: Vec<&Record> = run.records.iter().filter(|record| record.start.is_some()).collect();
        sorted.sort_by_key(|record| (record.end, std::cmp::Reverse(record.job)));
        Self { sorted }
    }

    /// The job that ended last; the first of equals.
    fn last(&self) -> Option<&'a Record> {
        self.sorted.last().copied()
    }

    /// The job that ended last before this one started.
    fn before(&self, record: &Record) -> Option<&'a Record> {
        let start = record.start?;
        let count = self.sorted.partition_point(|earlier| earlier.end <= start);
        self.sorted[..count].iter().rev().find(|earlier| earlier.job != record.job).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::account::tests::{Case, ms};

    fn names(case: &Case) -> (Vec<String>, Nanos) {
        let path = critical_path(&case.run(), &case.plan);
        (path.jobs.iter().map(|job| case.plan.job(*job).name.to_owned()).collect(), path.length / ms(1))
    }

    #[test]
    fn walks_back_through_the_last_predecessor() {
        let mut case = Case::new();
        case.job("a", &[], Some((0, 100)));
        case.job("b", &[], Some((0, 300)));
        case.job("c", &["a", "b"], Some((310, 400)));
        case.job("d", &["a"], Some((100, 390)));
        assert_eq!(names(&case), (vec!["b".into(), "c".into()], 390));
    }

    #[test]
    fn a_job_that_waited_for_the_console_follows_the_one_before_it() {
        let mut case = Case::new();
        case.job("long", &[], Some((0, 300)));
        case.job("asks", &[], Some((301, 400)));
        case.records[1].ready = Some(0);
        assert_eq!(names(&case), (vec!["asks".into()], 99), "spawning many takes a while, too");
        case.plan.manners[JobId(1)].interactive = true;
        assert_eq!(names(&case), (vec!["long".into(), "asks".into()], 399));
    }

    #[test]
    fn early_availability_counts_not_the_exit() {
        let mut case = Case::new();
        case.job("early", &[], Some((0, 900)));
        case.job("slow", &[], Some((0, 200)));
        case.job("last", &["early", "slow"], Some((200, 1000)));
        case.records[0].available = Some(ms(50));
        assert_eq!(names(&case), (vec!["slow".into(), "last".into()], 1000));
    }

    #[test]
    fn a_provider_that_came_too_late_was_not_waited_for() {
        let mut case = Case::new();
        case.job("late", &[], Some((0, 500)));
        case.job("first", &[], Some((0, 100)));
        case.job("user", &["late", "first"], Some((100, 600)));
        assert_eq!(names(&case), (vec!["first".into(), "user".into()], 600));
    }

    #[test]
    fn a_skipped_job_passes_the_wait_on_and_is_not_listed() {
        let mut case = Case::new();
        case.job("broken", &[], Some((0, 100)));
        case.job("skipped", &["broken"], None);
        case.records[1].end = ms(100);
        case.job("after", &["skipped"], Some((100, 300)));
        assert_eq!(names(&case), (vec!["broken".into(), "after".into()], 300));
    }

    #[test]
    fn one_at_a_time_and_unknown_services_follow_the_clock() {
        let mut case = Case::new();
        case.job("a", &[], Some((0, 100)));
        case.job("b", &[], Some((0, 200)));
        case.job("unknown", &[], Some((201, 300)));
        case.plan.manners[JobId(2)].unknown = true;
        assert_eq!(names(&case), (vec!["b".into(), "unknown".into()], 299));

        let mut case = Case::new();
        case.job("a", &["b"], Some((0, 100)));
        case.job("b", &["a"], Some((100, 200)));
        case.plan.parallel = false;
        assert_eq!(names(&case), (vec!["a".into(), "b".into()], 200));
    }

    #[test]
    fn nothing_ran_and_no_time_at_all() {
        let mut case = Case::new();
        case.job("a", &[], None);
        assert_eq!(names(&case), (vec![], 0));
        let mut case = Case::new();
        case.plan.parallel = false;
        for name in ["a", "b", "c"] {
            case.job(name, &[], Some((0, 0)));
        }
        assert!(!names(&case).0.is_empty());
    }

    #[test]
    fn ten_thousand_one_by_one_are_cheap() {
        let mut case = Case::new();
        case.plan.parallel = false;
        (0..10_000).for_each(|i| case.job(&format!("j{i}"), &[], Some((i, i + 1))));
        assert_eq!(names(&case).0.len(), 10_000);
    }
}
