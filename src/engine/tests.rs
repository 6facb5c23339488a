//! The rules one by one; the many orders of events are in the property tests of the wavefront.

use super::*;
use crate::model::Phase;
use crate::plan::{Job as PlanJob, Manner};

/// Jobs as (provides, [(needed service, strength)]); services are numbered from 0.
type Sketch<'a> = (&'a [u32], &'a [(u32, Strength)]);

fn engine(services: usize, jobs: &[Sketch]) -> Engine {
    let mut plan = Plan::new(Phase::Start, true);
    for n in 0..services {
        plan.services.push(&format!("s{n}"));
    }
    for (n, (provides, needs)) in jobs.iter().enumerate() {
        let provides: Vec<ServiceId> = provides.iter().map(|s| ServiceId(*s)).collect();
        let needs: Vec<Need> =
            needs.iter().map(|(s, strength)| Need { service: ServiceId(*s), strength: *strength }).collect();
        plan.add(PlanJob {
            name: &format!("j{n}"),
            script: "",
            manner: Manner::default(),
            provides: &provides,
            needs: &needs,
        });
    }
    Engine::new(&plan)
}

fn actions(engine: &mut Engine) -> Vec<Action> {
    std::iter::from_fn(|| engine.next_action()).collect()
}

const A: JobId = JobId(0);
const B: JobId = JobId(1);
const C: JobId = JobId(2);

#[test]
fn an_early_provide_releases_those_who_wait_for_that_service_only() {
    let need = |s| [(s, Strength::Need)];
    let mut engine = engine(4, &[(&[0, 1], &[]), (&[2], &need(0)), (&[3], &need(1))]);
    assert_eq!(actions(&mut engine), [Action::Ready(A)]);
    engine.started(A);
    assert_eq!(engine.provide(A, ServiceId(0), true), Provision::First);
    assert_eq!(actions(&mut engine), [Action::Ready(B)]);
    engine.ended(A, true);
    assert_eq!(actions(&mut engine), [Action::Ready(C)]);
}

#[test]
fn what_was_available_stays_so_when_its_provider_fails_later() {
    let mut engine = engine(2, &[(&[0], &[]), (&[1], &[(0, Strength::Need)])]);
    actions(&mut engine);
    engine.started(A);
    engine.provide(A, ServiceId(0), true);
    engine.ended(A, false);
    assert_eq!(actions(&mut engine), [Action::Ready(B)]);
    assert_eq!(engine.service(ServiceId(0)), ServiceState::Available);
}

#[test]
fn the_next_provider_takes_over() {
    let mut engine = engine(2, &[(&[0], &[]), (&[0], &[]), (&[1], &[(0, Strength::Need)])]);
    actions(&mut engine);
    engine.started(A);
    engine.started(B);
    engine.ended(A, false);
    assert_eq!(actions(&mut engine), []);
    engine.ended(B, true);
    assert_eq!(actions(&mut engine), [Action::Ready(C)]);
}

#[test]
fn a_failure_skips_hard_needers_and_releases_soft_ones() {
    let mut engine =
        engine(3, &[(&[0], &[]), (&[1], &[(0, Strength::Need)]), (&[2], &[(1, Strength::Order)])]);
    actions(&mut engine);
    engine.started(A);
    engine.ended(A, false);
    assert_eq!(actions(&mut engine), [Action::Skip { job: B, because: A }, Action::Ready(C)]);
    assert_eq!(engine.job(B), JobState::Ended(Verdict::Skipped));
}

#[test]
fn a_chain_of_any_length_fails_without_a_stack() {
    let count = 100_000u32;
    let needs: Vec<[(u32, Strength); 1]> = (0..count).map(|n| [(n, Strength::Need)]).collect();
    let own: Vec<[u32; 1]> = (0..=count).map(|n| [n]).collect();
    let jobs: Vec<Sketch> = (0..=count as usize)
        .map(|n| (&own[n][..], if n == 0 { &[][..] } else { &needs[n - 1][..] }))
        .collect();
    let mut engine = engine(count as usize + 1, &jobs);
    actions(&mut engine);
    engine.started(A);
    engine.ended(A, false);
    assert_eq!(actions(&mut engine).len(), count as usize);
    assert!(engine.is_done());
}

#[test]
fn an_interruption_ends_what_was_not_started() {
    let mut engine = engine(3, &[(&[0], &[]), (&[1], &[(0, Strength::Need)]), (&[2], &[])]);
    actions(&mut engine);
    engine.started(A);
    assert_eq!(engine.cancel(), [B, C]);
    engine.ended(A, true);
    assert_eq!(actions(&mut engine), []);
    assert!(engine.is_done());
}
