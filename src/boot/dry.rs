//! `--dry-run`: says what would be started when, by the times of recorded runs, and runs nothing.
//!
//! The dispatcher itself runs the plan, with processes that only take their time on a clock that nobody waits for.

use super::Running;
use super::execute::GRACE;
use crate::exit::Exit;
use crate::plan::{Plan, priorities};
use crate::unit::Loaded;
use crate::wavefront::{Behaviour, Reporter, Settings, Simulated, run};

/// Says what would be started when, by the times of recorded runs.
pub(super) fn dry_run(plan: &Plan, loaded: &Loaded, running: &Running) -> Exit {
    let behaviours = plan
        .ids()
        .map(|job| Behaviour::succeeding(loaded.cost(job).unwrap_or(0).saturating_mul(1000)))
        .collect();
    let (mut simulated, clock) = Simulated::new(behaviours);
    let costs = loaded.costs();
    let settings =
        Settings { slots: running.slots, timeout: None, grace: GRACE, processes: usize::MAX, guests: false };
    let priorities = priorities(plan, costs.as_ref());
    let result = run(plan, &priorities, settings, &[], &mut simulated, &clock, &mut Reporter::silent());
    let mut text = String::new();
    for (job, alone) in &simulated.started {
        let record = &result.records[*job];
        let alone = if *alone { "  (alone on the console)" } else { "" };
        text += &format!(
            "{:>9} {} {}{alone}\n",
            crate::text::seconds(record.start.unwrap_or(0) - result.begin),
            crate::text::harmless(plan.job(*job).name.as_bytes()),
            crate::text::harmless(plan.job(*job).script.as_bytes()),
        );
    }
    let predicted = crate::text::seconds(result.end - result.begin);
    let known = costs.map_or(0, |_| plan.ids().filter(|job| loaded.cost(*job).is_some()).count());
    text += &format!(
        "{} jobs, predicted {predicted} from recorded times of {known}; nothing was run; plan: {}\n",
        plan.len(),
        loaded.plan_words()
    );
    super::print(&text)
}
