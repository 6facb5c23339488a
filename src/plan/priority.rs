//! What a plan will cost, and who should go first when not all who are ready may start.
//!
//! Who has the longest way still to go, itself included, goes first: with times from recorded runs this is the rule
//! of the critical path (Kelley and Walker 1959; Graham 1969 for its bounds). Without times every job counts one,
//! and among equals the one that more others wait for goes first.

use super::Plan;
use crate::model::{Id, IdVec, JobId, Lists};

/// Dependants are counted among this many jobs, the first in the given order: the count breaks ties only, and so
/// costs 64 walks over the plan at most.
const COUNTED: usize = 64 * 64;

/// The chain of jobs that lasts longest, first job first, and how long it lasts. `costs` are microseconds; a job
/// without one costs nothing. Of equal chains, the one through the jobs given first.
pub fn critical_path(plan: &Plan, costs: &IdVec<JobId, u64>) -> (Vec<JobId>, u64) {
    let ways = Ways::new(plan);
    let remaining = ways.remaining(|job| costs.get(job).copied().unwrap_or(0));
    let longest =
        |jobs: &[JobId]| jobs.iter().copied().max_by_key(|job| (remaining[*job], std::cmp::Reverse(*job)));
    let mut path = Vec::new();
    let mut next = longest(&ways.order);
    let total = next.map_or(0, |job| remaining[job]);
    while let Some(job) = next {
        path.push(job);
        next = longest(&ways.successors[job]);
    }
    (path, total)
}

/// How urgent each job is: the higher, the sooner it should start. With costs (microseconds): the longest remaining
/// path, itself included. Without: the longest remaining chain of jobs, then the number of jobs that wait for it,
/// however indirectly.
pub fn priorities(plan: &Plan, costs: Option<&IdVec<JobId, u64>>) -> IdVec<JobId, u64> {
    let ways = Ways::new(plan);
    if let Some(costs) = costs {
        return ways.remaining(|job| costs.get(job).copied().unwrap_or(0));
    }
    let depths = ways.remaining(|_| 1);
    let dependants = ways.dependants();
    plan.ids().map(|job| depths[job] << 32 | u64::from(dependants[job])).collect()
}

/// Who follows whom.
struct Ways {
    successors: Lists<JobId, JobId>,
    /// Each job before its successors; a job on a circle, which no plan that was verified has, is left out.
    order: Vec<JobId>,
    jobs: usize,
}

impl Ways {
    fn new(plan: &Plan) -> Self {
        let predecessors = plan.predecessors();
        let mut waits: IdVec<JobId, usize> = predecessors.iter().map(<[_]>::len).collect();
        let all = plan.successors(&predecessors);
        let mut order: Vec<JobId> = waits.ids().filter(|job| waits[*job] == 0).collect();
        let mut at = 0;
        while let Some(job) = order.get(at).copied() {
            at += 1;
            for after in &all[job] {
                waits[*after] -= 1;
                if waits[*after] == 0 {
                    order.push(*after);
                }
            }
        }
        // Nobody walks into a circle.
        let successors = if order.len() == plan.len() {
            all
        } else {
            Lists::of_pairs(plan.len(), JobId(0), || {
                let all = all.enumerate().flat_map(|(job, list)| list.iter().map(move |after| (job, *after)));
                all.filter(|(job, after)| waits[*job] == 0 && waits[*after] == 0)
            })
        };
        Self { successors, order, jobs: plan.len() }
    }

    /// For each job, its own cost and that of the most expensive chain after it.
    fn remaining(&self, cost: impl Fn(JobId) -> u64) -> IdVec<JobId, u64> {
        let mut remaining: IdVec<JobId, u64> = vec![0; self.jobs].into();
        for job in self.order.iter().rev() {
            let after = self.successors[*job].iter().map(|after| remaining[*after]).max().unwrap_or(0);
            remaining[*job] = after.saturating_add(cost(*job));
        }
        remaining
    }

    /// For each job, how many wait for it. 64 jobs at a time: a walk from the end collects, in one word for each
    /// job, which of the 64 come after it.
    fn dependants(&self) -> IdVec<JobId, u32> {
        let mut counts: IdVec<JobId, u32> = vec![0; self.jobs].into();
        let mut after: IdVec<JobId, u64> = vec![0; self.jobs].into();
        for first in (0..self.jobs.min(COUNTED)).step_by(64) {
            for job in self.order.iter().rev() {
                after[*job] = self.successors[*job].iter().fold(0, |all, next| {
                    let at = next.index().wrapping_sub(first);
                    all | after[*next] | if at < 64 { 1 << at } else { 0 }
                });
                counts[*job] += after[*job].count_ones();
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Phase, ServiceId, Strength};
    use crate::plan::{Job, Manner, Need};

    /// A plan whose job N provides service N and waits for the services listed.
    fn plan(needs: &[&[u32]]) -> Plan {
        let mut plan = Plan::new(Phase::Start, true);
        for (at, needs) in needs.iter().enumerate() {
            let own = plan.services.push(&at.to_string());
            let need = |at: &u32| Need { service: ServiceId(*at), strength: Strength::Need };
            let needs: Vec<Need> = needs.iter().map(need).collect();
            let (name, manner) = (&*at.to_string(), Manner::default());
            plan.add(Job { name, script: "", manner, provides: &[own], needs: &needs });
        }
        plan
    }

    fn costs(costs: &[u64]) -> IdVec<JobId, u64> {
        costs.to_vec().into()
    }

    #[test]
    fn follows_the_most_expensive_chain() {
        // 0 -> 1 -> 3, 0 -> 2 -> 3, 4 alone.
        let plan = plan(&[&[], &[0], &[0], &[1, 2], &[]]);
        let (path, total) = critical_path(&plan, &costs(&[10, 5, 7, 1, 17]));
        assert_eq!((path, total), (vec![JobId(0), JobId(2), JobId(3)], 18));
        let (path, total) = critical_path(&plan, &costs(&[10, 5, 7, 1, 19]));
        assert_eq!((path, total), (vec![JobId(4)], 19));
        // Equal chains: the first given.
        let (path, _) = critical_path(&plan, &costs(&[1, 1, 1, 1, 0]));
        assert_eq!(path, [JobId(0), JobId(1), JobId(3)]);
    }

    #[test]
    fn an_empty_plan_costs_nothing() {
        assert_eq!(critical_path(&plan(&[]), &costs(&[])), (vec![], 0));
        assert!(priorities(&plan(&[]), None).is_empty());
    }

    #[test]
    fn the_longest_way_goes_first() {
        let plan = plan(&[&[], &[0], &[0], &[1, 2], &[]]);
        let with = priorities(&plan, Some(&costs(&[10, 5, 7, 1, 17])));
        assert_eq!(with, costs(&[18, 6, 8, 1, 17]));
        let without = priorities(&plan, None);
        assert_eq!(without, costs(&[3 << 32 | 3, 2 << 32 | 1, 2 << 32 | 1, 1 << 32, 1 << 32]));
    }

    #[test]
    fn counts_each_dependant_once_however_many_ways_lead_to_it() {
        // 30 diamonds in a row: 2^30 ways to the end.
        let mut needs: Vec<Vec<u32>> = vec![vec![]];
        for last in (0..90).step_by(3) {
            needs.extend([vec![last], vec![last], vec![last + 1, last + 2]]);
        }
        let needs: Vec<&[u32]> = needs.iter().map(Vec::as_slice).collect();
        assert_eq!(priorities(&plan(&needs), None)[JobId(0)], (61 << 32) + 90);
    }

    #[test]
    fn a_long_chain_and_huge_costs_do_no_harm() {
        let chain: Vec<Vec<u32>> =
            (0..10_000_u32).map(|at| at.checked_sub(1).into_iter().collect()).collect();
        let plan = plan(&chain.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let (path, total) = critical_path(&plan, &vec![u64::MAX / 2; plan.len()].into());
        assert_eq!((path.len(), total), (10_000, u64::MAX));
        assert_eq!(priorities(&plan, None)[JobId(0)] >> 32, 10_000);
    }

    #[test]
    fn a_damaged_plan_with_a_circle_ends() {
        let plan = plan(&[&[1, 2], &[0], &[]]);
        assert_eq!(critical_path(&plan, &costs(&[1, 1, 1])), (vec![JobId(2)], 1));
        assert_eq!(priorities(&plan, None)[JobId(0)], 0);
    }
}
