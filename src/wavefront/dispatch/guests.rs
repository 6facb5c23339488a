//! Runs whose scripts provide and need while they run: nobody hangs, and nobody goes on too early.

use super::*;
use crate::model::{Id, Strength};
use crate::plan::{Job, Manner, Need};
use crate::registry::{Batch, Op, Outcome as Answered, Parentage, Process, Reply, Request};
use crate::wavefront::VirtualClock;
use proptest::prelude::*;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a pretended script does, one after another; then it ends.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// `serelc --need`.
    Need(u32),
    /// `serelc --provide --immediate` of a service, mostly its own.
    Release(u32),
    /// Lets others have a turn.
    Work,
}

/// serelc is a child of its script, and has this much more of a number.
const CHILD: u32 = 50_000;

/// Processes that only pretend, and speak. Time does not pass; turns do.
struct Talkers {
    scripts: Vec<Vec<Step>>,
    succeeds: Vec<bool>,
    /// Needs that must be satisfied before the start.
    hard: Vec<Vec<u32>>,
    /// What each running job has still to do, and whether it waits for an answer.
    running: BTreeMap<JobId, (VecDeque<Step>, bool)>,
    /// In the order of their turns.
    turns: VecDeque<JobId>,
    available: BTreeSet<u32>,
    slots: usize,
    log: RefCell<Vec<String>>,
}

impl Talkers {
    fn say(job: JobId, op: Op) -> Event {
        let pid = pid(job);
        let batch = Batch { ops: vec![op], ..Batch::default() };
        Event::Asked { client: job.index() as u64, caller: pid + CHILD, request: Request::Say { pid, batch } }
    }
}

fn pid(job: JobId) -> u32 {
    u32::try_from(job.index()).unwrap() + 1000
}

impl Spawner for Talkers {
    fn spawn(&mut self, job: JobId, _alone: bool) -> Result<(), i32> {
        let busy = self.running.values().filter(|(_, waits)| !waits).count();
        assert!(busy < self.slots, "more than {} work: {:?}", self.slots, self.log);
        self.running.insert(job, (self.scripts[job.index()].iter().copied().collect(), false));
        self.turns.push_back(job);
        Ok(())
    }

    fn signal(&mut self, _job: JobId, _signal: i32) {}

    fn ended(&mut self, job: JobId, outcome: Outcome) {
        let satisfied = self.hard[job.index()].iter().all(|service| self.available.contains(service));
        match outcome {
            Outcome::DependencyFailed(_) => assert!(!satisfied, "skipped for nothing: {:?}", self.log),
            _ => assert_eq!((satisfied, outcome.succeeded()), (true, self.succeeds[job.index()])),
        }
    }

    fn pid(&self, job: JobId) -> Option<u32> {
        Some(pid(job))
    }

    fn parentage(&self) -> Parentage {
        |pid| {
            let parent = if pid > CHILD { pid - CHILD } else { 1 };
            Some((Process { pid, birth: 4 }, parent))
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        let Effect::Reply(client, Reply { outcome, .. }) = effect else { return };
        let job = JobId::from_index(usize::try_from(client).unwrap());
        let (steps, waits) = self.running.get_mut(&job).expect("whoever asks is there");
        assert!(*waits, "an answer that nobody asked for: {:?}", self.log);
        *waits = false;
        self.log.borrow_mut().push(format!("{job:?} {outcome:?}"));
        if let (Some(Step::Need(service)), Answered::Done) = (steps.front(), &outcome) {
            assert!(self.available.contains(service), "too early: {:?}", self.log);
        }
        steps.pop_front();
        self.turns.push_back(job);
    }

    fn next(&mut self, _until: Option<Nanos>) -> Option<Event> {
        loop {
            let job = self.turns.pop_front().unwrap_or_else(|| panic!("they hang: {:?}", self.log));
            let (steps, waits) = self.running.get_mut(&job).expect("whoever has a turn runs");
            match steps.front() {
                Some(Step::Need(service)) => {
                    *waits = true;
                    let service = format!("s{service}");
                    return Some(Self::say(job, Op::Need { service, strength: Strength::Need }));
                }
                Some(Step::Release(service)) => {
                    *waits = true;
                    self.available.insert(*service);
                    let service = format!("s{service}");
                    return Some(Self::say(job, Op::Provide { service, immediate: true }));
                }
                Some(Step::Work) => {
                    steps.pop_front();
                    self.turns.push_back(job);
                }
                None => {
                    self.running.remove(&job);
                    let code = i32::from(!self.succeeds[job.index()]);
                    if code == 0 {
                        self.available.insert(u32::try_from(job.index()).unwrap());
                    }
                    let (exit, usage) = (Exit::Code(code), Usage::default());
                    return Some(Event::Exited { job, at: 0, exit, usage, lines: Vec::new() });
                }
            }
        }
    }
}

type Scripts = Vec<(Vec<(u32, bool)>, Vec<Step>, bool)>;

/// Scripts with needs in their headers (of earlier ones, hard or soft), steps, and an end; and slots.
fn worlds() -> impl Strategy<Value = (Scripts, usize)> {
    (1..9u32).prop_flat_map(|count| {
        let scripts: Vec<_> = (0..count)
            .map(|own| {
                let needs =
                    prop::collection::vec((0..own.max(1), any::<bool>()), 0..(own.min(3) as usize + 1));
                let step = prop_oneof![
                    // One more than there are: a name that nobody has.
                    3 => (0..=count).prop_map(Step::Need),
                    1 => Just(Step::Release(own)),
                    1 => (0..count).prop_map(Step::Release),
                    2 => Just(Step::Work),
                ];
                let needs = needs.prop_map(move |needs| if own == 0 { Vec::new() } else { needs });
                (needs, prop::collection::vec(step, 0..4), prop::bool::weighted(0.8))
            })
            .collect();
        (scripts, 1..4usize)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn nobody_hangs_and_nobody_goes_on_too_early((scripts, slots) in worlds()) {
        let mut plan = Plan::new(Phase::Start, true);
        for (number, (needs, ..)) in scripts.iter().enumerate() {
            let own = plan.services.push(&format!("s{number}"));
            let strength = |hard: bool| if hard { Strength::Need } else { Strength::Order };
            let needs: Vec<Need> =
                needs.iter().map(|(s, hard)| Need { service: ServiceId(*s), strength: strength(*hard) }).collect();
            let name = format!("j{number}");
            plan.add(Job { name: &name, script: &name, manner: Manner::default(), provides: &[own], needs: &needs });
        }
        let hard = |needs: &[(u32, bool)]| needs.iter().filter(|(_, hard)| *hard).map(|(s, _)| *s).collect();
        let mut talkers = Talkers {
            scripts: scripts.iter().map(|(_, steps, _)| steps.clone()).collect(),
            succeeds: scripts.iter().map(|(.., succeeds)| *succeeds).collect(),
            hard: scripts.iter().map(|(needs, ..)| hard(needs)).collect(),
            running: BTreeMap::new(),
            turns: VecDeque::new(),
            available: BTreeSet::new(),
            slots,
            log: RefCell::default(),
        };
        let settings = Settings { slots, timeout: None, grace: 1, processes: usize::MAX, guests: true };
        let (priorities, clock) = (vec![0; plan.len()].into(), VirtualClock::default());
        let run = run(&plan, &priorities, settings, &[], &mut talkers, &clock, &mut Reporter::silent());
        prop_assert_eq!(run.records.len(), scripts.len());
        prop_assert!(talkers.running.is_empty());
    }
}
