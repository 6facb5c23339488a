//! The dispatcher on pretended processes: every failure, timeout and order of events, without forking or waiting.

use super::*;
use crate::model::{Id, ServiceId, Strength};
use crate::plan::{Job, Manner, Need};
use crate::wavefront::{Behaviour, Simulated, VirtualClock};
use proptest::prelude::*;

const SECOND: Nanos = 1_000_000_000;

/// A plan of jobs, each with one service; `needs[j]` names earlier jobs.
fn plan(needs: &[Vec<(u32, Strength)>]) -> Plan {
    let mut plan = Plan::new(Phase::Start, true);
    for (n, needs) in needs.iter().enumerate() {
        let own = plan.services.push(&format!("s{n}"));
        let needs: Vec<Need> =
            needs.iter().map(|(s, strength)| Need { service: ServiceId(*s), strength: *strength }).collect();
        plan.add(Job {
            name: &format!("j{n}"),
            script: &format!("/etc/init.d/j{n}"),
            manner: Manner::default(),
            provides: &[own],
            needs: &needs,
        });
    }
    plan
}

fn settings(slots: usize) -> Settings {
    Settings { slots, timeout: Some(60 * SECOND), grace: 5 * SECOND, processes: usize::MAX, guests: false }
}

fn drive(plan: &Plan, settings: Settings, world: (Simulated, VirtualClock)) -> (Run, Simulated) {
    let (mut simulated, clock) = world;
    let priorities = vec![0; plan.len()].into();
    let run = run(plan, &priorities, settings, &[], &mut simulated, &clock, &mut Reporter::silent());
    (run, simulated)
}

fn all(count: usize, behaviour: Behaviour) -> IdVec<JobId, Behaviour> {
    vec![behaviour; count].into()
}

#[test]
fn a_wavefront_takes_as_long_as_its_longest_path() {
    let need = |n| (n, Strength::Need);
    let plan = plan(&[vec![], vec![], vec![need(0)], vec![need(1), need(2)]]);
    let mut behaviour = all(4, Behaviour::succeeding(SECOND));
    behaviour[JobId(1)] = Behaviour::succeeding(5 * SECOND);
    let (run, _) = drive(&plan, settings(9), Simulated::new(behaviour));
    assert_eq!(run.end - run.begin, 6 * SECOND);
    assert_eq!(run.widest, 2);
}

#[test]
fn an_interactive_job_is_alone_on_the_console() {
    let mut plan = plan(&vec![vec![]; 4]);
    plan.manners[JobId(0)].interactive = true;
    let (run, simulated) = drive(&plan, settings(9), Simulated::new(all(4, Behaviour::succeeding(SECOND))));
    assert_eq!(simulated.started.last(), Some(&(JobId(0), true)));
    let others = run.records.iter().skip(1).map(|record| record.end).max();
    assert!(run.records[JobId(0)].start >= others);
}

#[test]
fn a_slow_job_is_asked_then_made_to_end_then_left_behind() {
    let forever = Behaviour::succeeding(Nanos::MAX / 2);
    let plan = plan(&vec![vec![]; 3]);
    let mut behaviour = all(3, forever);
    behaviour[JobId(1)].obeys = false;
    behaviour[JobId(2)] = Behaviour { immortal: true, ..forever };
    let (run, simulated) = drive(&plan, settings(9), Simulated::new(behaviour));
    let ends: Vec<Nanos> = run.records.iter().map(|record| record.end - run.begin).collect();
    assert_eq!(ends, [60 * SECOND, 65 * SECOND, 70 * SECOND]);
    assert!(run.records.iter().all(|record| record.outcome == Outcome::TimedOut));
    assert_eq!(simulated.sent.iter().filter(|(_, signal)| *signal == libc::SIGKILL).count(), 2);
}

#[test]
fn a_signal_stops_starting_is_passed_on_and_leaves_nothing_unsaid() {
    let plan = plan(&[vec![], vec![(0, Strength::Need)], vec![]]);
    let world = Simulated::new(all(3, Behaviour::succeeding(10 * SECOND)));
    let (run, simulated) = drive(&plan, settings(1), (world.0.signalled(SECOND, libc::SIGTERM), world.1));
    assert_eq!(run.interrupted, Some(libc::SIGTERM));
    assert_eq!(simulated.sent, [(JobId(0), libc::SIGTERM)]);
    assert_eq!(run.records[JobId(0)].outcome, Outcome::Signalled(libc::SIGTERM));
    assert_eq!(run.records[JobId(1)].outcome, Outcome::Cancelled);
    assert_eq!(run.records[JobId(2)].outcome, Outcome::Cancelled);
}

#[test]
fn lsb_codes_five_and_six_do_not_fail_the_run() {
    let plan = plan(&vec![vec![]; 3]);
    let mut behaviour = all(3, Behaviour::succeeding(SECOND));
    behaviour[JobId(0)].exit = Exit::Code(5);
    behaviour[JobId(1)].exit = Exit::Code(6);
    let (run, _) = drive(&plan, settings(9), Simulated::new(behaviour));
    let outcomes: Vec<Outcome> = run.records.iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [Outcome::NotInstalled, Outcome::NotConfigured, Outcome::Done]);
    assert!(!run.records.iter().any(|record| record.outcome.fails_the_run()));
}

#[test]
fn a_plan_with_a_circle_still_starts_everything() {
    let plan = plan(&[vec![(1, Strength::Need)], vec![(0, Strength::Need)], vec![(1, Strength::Need)]]);
    let (run, simulated) = drive(&plan, settings(9), Simulated::new(all(3, Behaviour::succeeding(SECOND))));
    assert_eq!(simulated.started.len(), 3);
    assert!(run.records.iter().all(|record| record.outcome == Outcome::Done));
}

#[test]
fn a_serial_plan_keeps_the_order_and_fails_nobody_else() {
    let plan = plan(&[vec![(2, Strength::Need)], vec![], vec![]]).serial(false);
    let mut behaviour = all(3, Behaviour::succeeding(SECOND));
    behaviour[JobId(2)].exit = Exit::Code(1);
    let (run, simulated) = drive(&plan, settings(9), Simulated::new(behaviour));
    let order: Vec<u32> = simulated.started.iter().map(|(job, _)| job.0).collect();
    assert_eq!(order, [1, 2, 0]);
    assert_eq!(run.widest, 1);
    assert_eq!(run.records[JobId(0)].outcome, Outcome::Done);
}

#[test]
fn slots_go_to_the_longest_way_first() {
    let mut needs = vec![vec![]; 3];
    needs.push(vec![(2, Strength::Need)]);
    let plan = plan(&needs);
    let (mut simulated, clock) = Simulated::new(all(4, Behaviour::succeeding(SECOND)));
    let priorities = vec![1, 1, 2, 1].into();
    run(&plan, &priorities, settings(1), &[], &mut simulated, &clock, &mut Reporter::silent());
    assert_eq!(simulated.started[0].0, JobId(2));
}

/// A random acyclic plan with behaviours: for each job its needs among the earlier ones, time, and how it ends.
type World = (Vec<Vec<(u32, Strength)>>, Vec<Behaviour>, usize);

fn worlds() -> impl Strategy<Value = World> {
    let job = (
        prop::collection::vec((any::<prop::sample::Index>(), prop::bool::ANY), 0..4),
        1..90u64,
        prop_oneof![6 => Just(0), 1 => Just(1), 1 => Just(5)],
        prop_oneof![12 => Just(None), 1 => Just(Some(libc::ENOENT))],
    );
    (prop::collection::vec(job, 1..40), 1..6usize).prop_map(|(jobs, slots)| {
        let mut needs = Vec::new();
        let mut behaviours = Vec::new();
        for (number, (before, takes, code, refused)) in jobs.into_iter().enumerate() {
            let mut mine: Vec<(u32, Strength)> = Vec::new();
            for (index, hard) in before.into_iter().filter(|_| number > 0) {
                let other = u32::try_from(index.index(number)).unwrap();
                if mine.iter().all(|(known, _)| *known != other) {
                    mine.push((other, if hard { Strength::Need } else { Strength::Order }));
                }
            }
            needs.push(mine);
            behaviours.push(Behaviour {
                exit: Exit::Code(code),
                refused,
                ..Behaviour::succeeding(takes * SECOND)
            });
        }
        (needs, behaviours, slots)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_run_keeps_its_promises((needs, behaviours, slots) in worlds()) {
        let plan = plan(&needs);
        let (run, simulated) = drive(&plan, settings(slots), Simulated::new(behaviours.into()));
        prop_assert_eq!(run.records.len(), needs.len());
        prop_assert!(run.widest <= slots);
        for (id, record) in run.records.enumerate() {
            let skipped = matches!(record.outcome, Outcome::DependencyFailed(_));
            let times = simulated.started.iter().filter(|(job, _)| *job == id).count();
            prop_assert_eq!(times, usize::from(!skipped), "each job is started once, or skipped");
            let mut hard_failed = false;
            for (before, strength) in &needs[id.index()] {
                let before = &run.records[JobId(*before)];
                hard_failed |= *strength == Strength::Need && !before.outcome.succeeded();
                if let Some(start) = record.start {
                    prop_assert!(before.end <= start, "no start before its predecessors have ended");
                }
            }
            prop_assert_eq!(skipped, hard_failed, "exactly the hard descendants of failures are skipped");
            if let Outcome::DependencyFailed(by) = record.outcome {
                prop_assert!(needs[id.index()].iter().any(|(before, _)| JobId(*before) == by));
            }
        }
    }

    #[test]
    fn an_interruption_at_any_time_ends_every_job((needs, behaviours, slots) in worlds(), at in 0..100u64) {
        let plan = plan(&needs);
        let (simulated, clock) = Simulated::new(behaviours.into());
        let world = (simulated.signalled(at * SECOND, libc::SIGINT), clock);
        let (run, simulated) = drive(&plan, settings(slots), world);
        prop_assert_eq!(run.records.len(), needs.len());
        if run.interrupted.is_some() {
            let limit = at * SECOND + 10 * SECOND;
            prop_assert!(run.end <= limit, "all is over within the grace");
            prop_assert!(simulated.started.len() <= needs.len());
        }
    }

    #[test]
    fn a_serial_run_starts_all_in_an_order_that_the_relations_allow((needs, behaviours, _) in worlds()) {
        let plan = plan(&needs);
        let (run, _) = drive(&plan.serial(false), settings(7), Simulated::new(behaviours.into()));
        prop_assert!(run.widest <= 1);
        for (id, record) in run.records.enumerate() {
            for (before, _) in &needs[id.index()] {
                prop_assert!(run.records[JobId(*before)].end <= record.start.unwrap_or(record.end));
            }
        }
    }
}

/// The first of the jobs are busy ones, of which two may run.
struct PartlyBusy {
    inside: Simulated,
    busy: u32,
    most: usize,
    running: usize,
}

impl Spawner for PartlyBusy {
    fn spawn(&mut self, job: JobId, alone: bool) -> Result<(), i32> {
        self.running += usize::from(self.is_busy(job));
        self.most = self.most.max(self.running);
        self.inside.spawn(job, alone)
    }

    fn signal(&mut self, job: JobId, signal: i32) {
        self.inside.signal(job, signal);
    }

    fn is_busy(&self, job: JobId) -> bool {
        job.0 < self.busy
    }

    fn busy_slots(&self) -> usize {
        2
    }

    fn ended(&mut self, job: JobId, outcome: Outcome) {
        self.running -= usize::from(self.is_busy(job));
        self.inside.ended(job, outcome);
    }

    fn next(&mut self, until: Option<Nanos>) -> Option<Event> {
        self.inside.next(until)
    }
}

#[test]
fn busy_jobs_have_a_limit_of_their_own_and_hold_nobody_up() {
    let plan = plan(&vec![vec![]; 9]);
    let (inside, clock) = Simulated::new(all(9, Behaviour::succeeding(SECOND)));
    let mut spawner = PartlyBusy { inside, busy: 5, most: 0, running: 0 };
    let priorities = vec![0; 9].into();
    let run = run(&plan, &priorities, settings(9), &[], &mut spawner, &clock, &mut Reporter::silent());
    assert_eq!(spawner.most, 2);
    let ends: Vec<Nanos> = run.records.iter().map(|record| (record.end - run.begin) / SECOND).collect();
    assert_eq!(ends, [1, 1, 2, 2, 3, 1, 1, 1, 1]);
    assert!(run.full && run.widest == 6);
}
