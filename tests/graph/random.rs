//! What holds for every graph, tried on many.

use super::support::Case;
use super::support::start;
use proptest::prelude::*;
use serel::definition::diagnostic::{Kind, Severity};
use serel::graph::{Edge, Fate, Graph};
use serel::model::{Definition, Id, JobId, Phase, Place, Relation, RelationKind, Source, Spanned, Strength};
use std::collections::{BTreeMap, BTreeSet};

const KINDS: [RelationKind; 6] = [
    RelationKind::RequiredStart,
    RelationKind::ShouldStart,
    RelationKind::StartBefore,
    RelationKind::RequiredStop,
    RelationKind::ShouldStop,
    RelationKind::StopAfter,
];

/// Relations as (owner, kind, target); the target may be somebody's second name, `$all`, a facility, or nobody's.
fn relations(scripts: u8) -> impl Strategy<Value = Vec<(u8, u8, u8)>> {
    prop::collection::vec((0..scripts, 0..6_u8, 0..scripts + 4), 0..usize::from(scripts) * 3)
}

fn case(scripts: u8, relations: &[(u8, u8, u8)], kinds: &[u8], needs: bool, phase: Phase) -> Case {
    let mut members: Vec<Definition> = (0..scripts)
        .map(|at| {
            let mut definition = Definition::unknown(&format!("s{at}"), &format!("/etc/init.d/s{at}"));
            let kind = kinds[usize::from(at) % kinds.len()];
            definition.source = match kind {
                0 => Source::None,
                1 => Source::Rdf,
                _ => Source::Header,
            };
            definition.stop_declared = kind.is_multiple_of(2);
            if kind == 3 {
                definition.provides.push(Spanned { name: "shared".into(), at: Place::default() });
            }
            definition
        })
        .collect();
    for (line, (owner, kind, target)) in (1..).zip(relations) {
        let definition = &mut members[usize::from(*owner)];
        if definition.source == Source::None {
            continue;
        }
        let name = match target.checked_sub(scripts) {
            None => format!("s{target}"),
            Some(0) => "$all".to_owned(),
            Some(1) => "shared".to_owned(),
            Some(2) => "$some".to_owned(),
            Some(_) => "nobody".to_owned(),
        };
        let target = Spanned { name, at: Place { line, column: 1 } };
        definition.relations.push(Relation { kind: KINDS[usize::from(*kind)], target, optional: false });
    }
    let required = if needs { Strength::Need } else { Strength::Order };
    Case { phase, required, members, ..start("").facility("$some", "s0 +s1 +s2 +s99") }
}

fn cases() -> impl Strategy<Value = Case> {
    let phase = prop::bool::ANY.prop_map(|start| if start { Phase::Start } else { Phase::Stop });
    (2..12_u8)
        .prop_flat_map(move |scripts| {
            let kinds = prop::collection::vec(0..8_u8, 1..8);
            (Just(scripts), relations(scripts), kinds, prop::bool::ANY, phase.clone())
        })
        .prop_map(|(scripts, relations, kinds, needs, phase)| case(scripts, &relations, &kinds, needs, phase))
}

fn pair(edge: &Edge) -> (JobId, JobId) {
    (edge.before, edge.after)
}

fn names(graph: &Graph, edge: &Edge) -> String {
    format!("{} -> {}", graph.nodes[edge.before].name, graph.nodes[edge.after].name)
}

/// Every circle in a problem is one of existing edges, and each of them is listed with its place.
fn circles_are_real(graph: &Graph) {
    for problem in graph.problems.iter().filter(|problem| problem.kind == Kind::Cycle) {
        let around = problem.services.iter().zip(problem.services.iter().cycle().skip(1));
        for (before, after) in around {
            let mut between = graph
                .edges
                .iter()
                .filter(|edge| {
                    graph.nodes[edge.before].name == before && graph.nodes[edge.after].name == after
                })
                .peekable();
            assert!(between.peek().is_some(), "{before} -> {after} of {} is no edge", problem.text);
            let help = problem.help.as_ref().unwrap();
            assert!(between.any(|edge| help.contains(&graph.describe(edge))), "{help}");
            if problem.severity == Severity::Error {
                let mut edges = graph.edges.iter();
                assert!(edges.any(|edge| edge.strength == Strength::Need
                    && names(graph, edge) == format!("{before} -> {after}")));
            }
        }
    }
}

/// What does not hold is in a problem, with all that says the same.
fn nothing_is_silent(graph: &Graph) {
    for edge in graph.edges.iter().filter(|edge| !edge.stands()) {
        let severity = if edge.fate == Fate::Broken { Severity::Error } else { Severity::Warning };
        let told = graph.problems.iter().filter(|problem| problem.kind == Kind::Cycle).any(|problem| {
            let help = problem.help.as_deref().unwrap_or_default();
            problem.severity == severity && help.contains(&names(graph, edge))
        });
        assert!(told, "{} is given up in silence", graph.describe(edge));
        let same = graph.standing().any(|other| pair(other) == pair(edge));
        assert!(!same, "{} is given up but holds", graph.describe(edge));
    }
}

fn order_respects_edges(graph: &Graph) {
    let order = graph.order();
    assert_eq!(order.len(), graph.nodes.len(), "a circle is left");
    let place: BTreeMap<JobId, usize> = order.iter().enumerate().map(|(at, job)| (*job, at)).collect();
    assert_eq!(place.len(), order.len());
    for edge in graph.standing() {
        assert!(place[&edge.before] < place[&edge.after], "{}", graph.describe(edge));
    }
    let is_unknown = |job: &&JobId| graph.nodes[**job].unknown;
    let unknown = order.iter().filter(is_unknown).count();
    if unknown > 0 {
        let starting = graph.phase == Phase::Start;
        let tail = if starting { &order[order.len() - unknown..] } else { &order[..unknown] };
        assert!(tail.iter().all(|job| is_unknown(&job)), "unknown ones run last, and stop first");
        assert!(tail.windows(2).all(|two| two[0] < two[1]), "in the given order");
        let edges: BTreeSet<_> = graph.standing().map(pair).collect();
        assert!(tail.windows(2).all(|two| edges.contains(&(two[0], two[1]))), "one by one");
    }
}

fn plan_is_the_graph(graph: &Graph) {
    let plan = graph.plan();
    let from_plan: BTreeSet<(JobId, JobId)> = plan
        .predecessors()
        .enumerate()
        .flat_map(|(after, before)| before.iter().map(move |before| (*before, after)))
        .collect();
    let from_graph: BTreeSet<(JobId, JobId)> = graph.standing().map(pair).collect();
    assert_eq!(from_plan, from_graph);
    let providers = plan.providers();
    let mut needs: BTreeMap<(JobId, JobId), Strength> = BTreeMap::new();
    for (after, job) in plan.ids().zip(plan.jobs()) {
        let mut services: Vec<_> = job.needs.iter().map(|need| need.service).collect();
        services.sort();
        services.dedup();
        assert_eq!(services.len(), job.needs.len(), "a service is needed twice");
        assert!(job.needs.iter().all(|need| !job.provides.contains(&need.service)), "it waits for itself");
        for need in job.needs {
            for before in &providers[need.service] {
                let strength = needs.entry((*before, after)).or_insert(need.strength);
                *strength = need.strength.min(*strength);
            }
        }
    }
    for ends in &from_graph {
        let strongest = graph.standing().filter(|edge| pair(edge) == *ends).map(|edge| edge.strength).min();
        assert_eq!(strongest, needs.get(ends).copied(), "strength of {ends:?}");
    }
    assert_eq!(plan.parallel, graph.problems.iter().all(|problem| problem.severity == Severity::Warning));
    assert_eq!(serel::plan::Plan::decode(&plan.encode()), Some(plan));
}

/// Needs that stand against no circle of needs must all stand.
fn needs_hold_unless_broken(graph: &Graph) {
    for edge in graph.edges.iter().filter(|edge| edge.strength == Strength::Need) {
        assert_ne!(edge.fate, Fate::Relaxed, "{}", graph.describe(edge));
    }
    let has_error = graph.problems.iter().any(|p| p.kind == Kind::Cycle && p.severity == Severity::Error);
    assert_eq!(graph.edges.iter().any(|edge| edge.fate == Fate::Broken), has_error);
    if graph.phase == Phase::Stop {
        assert!(graph.edges.iter().all(|edge| edge.strength == Strength::Order));
        assert!(graph.is_valid());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_graph_keeps_its_promises(case in cases()) {
        case.see(|graph| {
            circles_are_real(graph);
            nothing_is_silent(graph);
            order_respects_edges(graph);
            plan_is_the_graph(graph);
            needs_hold_unless_broken(graph);
            let sorted = graph.edges.is_sorted_by(|a, b| {
                (a.after, a.before, a.service) < (b.after, b.before, b.service)
            });
            assert!(sorted, "edges are sorted and unique");
        });
    }

    #[test]
    fn stopping_is_starting_backwards(mut case in cases()) {
        // Without declarations about stopping, without unknown ones, and before circles are opened.
        for definition in &mut case.members {
            definition.stop_declared = false;
            if definition.source == Source::None {
                definition.source = Source::Header;
            }
            definition.relations.retain(|relation| relation.target.name != "$all");
        }
        let mut pairs = |phase| {
            case.phase = phase;
            case.see(|graph| graph.edges.iter().map(pair).collect::<BTreeSet<_>>())
        };
        let forward = pairs(Phase::Start);
        let backward = pairs(Phase::Stop);
        prop_assert_eq!(forward.into_iter().map(|(a, b)| (b, a)).collect::<BTreeSet<_>>(), backward);
    }

    #[test]
    fn the_shortest_circle_is_the_one_named(case in cases()) {
        case.see(|graph| {
            let needs: Vec<(usize, usize)> = graph
                .edges
                .iter()
                .filter(|edge| edge.strength == Strength::Need)
                .map(|edge| (edge.before.index(), edge.after.index()))
                .collect();
            let shortest = girth(graph.nodes.len(), &needs);
            let errors = graph.problems.iter().filter(|p| p.kind == Kind::Cycle && p.severity == Severity::Error);
            assert_eq!(errors.map(|problem| problem.services.len()).min(), shortest);
        });
    }
}

/// The length of the shortest circle, by trying everything.
fn girth(count: usize, arcs: &[(usize, usize)]) -> Option<usize> {
    let mut far = vec![vec![usize::MAX / 2; count]; count];
    for (from, to) in arcs {
        far[*from][*to] = 1;
    }
    for by in 0..count {
        for from in 0..count {
            for to in 0..count {
                far[from][to] = far[from][to].min(far[from][by] + far[by][to]);
            }
        }
    }
    (0..count).map(|node| far[node][node]).filter(|length| *length <= count).min()
}
