//! Scripts that nothing comes after: the root becomes read-only, the machine halts, `single` has init change the level.
//!
//! After them there is nobody to print a summary and no disk to keep what the run learnt. So the run ends before them,
//! with all that belongs to its end, and then they are called one by one, on the console as it is.

use super::plain;
use super::reply::Ended;
use crate::model::{JobId, Level, Phase};
use crate::plan::Plan;
use crate::root::Root;
use crate::unit::{Members, Request};
use std::ffi::CString;

/// Names of such scripts, where a machine is shut down, and on the way into single-user mode.
const SHUTDOWN: [&str; 4] = ["umountroot", "halt", "reboot", "kexec"];
const SINGLE: [&str; 1] = ["single"];

/// The scripts of a unit that close it, in the order in which they are called.
#[derive(Debug)]
pub(super) struct Closing {
    plan: Plan,
    jobs: Vec<JobId>,
}

impl Closing {
    /// Those of a plan, and the rest of it; `None` where there is none.
    pub(super) fn of(plan: &Plan, request: &Request) -> Option<(Self, Vec<JobId>)> {
        let names: &[&str] = match &request.members {
            Members::Level { level, .. } if level.is_shutdown() => &SHUTDOWN,
            Members::Level { level, .. }
                if Level::parse("1") == Some(*level) && request.phase == Phase::Start =>
            {
                &SINGLE
            }
            _ => return None,
        };
        let is_one = |id: &JobId| {
            let job = plan.job(*id);
            let mut provided = job.provides.iter().map(|service| &plan.services[*service]);
            names.contains(&job.name) || provided.any(|service| names.contains(&service))
        };
        let mut left: Vec<JobId> = plan.ids().filter(is_one).collect();
        if left.is_empty() {
            return None;
        }
        // And whoever waits for one of them.
        let successors = plan.successors(&plan.predecessors());
        let mut closes = vec![false; plan.len()];
        while let Some(id) = left.pop() {
            if !std::mem::replace(&mut closes[id.0 as usize], true) {
                left.extend(&successors[id]);
            }
        }
        let closes = |id: &JobId| closes[id.0 as usize];
        let jobs = plan.serial_order().into_iter().filter(closes).collect();
        Some((Self { plan: plan.clone(), jobs }, plan.ids().filter(|id| !closes(id)).collect()))
    }

    /// Calls them.
    pub(super) fn run(&self, argument: &str, environment: &[CString], root: &Root) -> Ended {
        let jobs = self.jobs.iter().map(|id| self.plan.job(*id));
        plain::run(jobs, self.plan.phase == Phase::Stop, argument, environment, root)
    }
}
