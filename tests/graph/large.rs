//! Size: long chains, long lists, dense knots. All of it must end soon even without optimisation.

use super::support::{Case, start};
use serel::model::{Definition, Place, Relation, RelationKind, Source, Spanned};

fn script(name: &str, kind: RelationKind, targets: impl Iterator<Item = String>) -> Definition {
    let mut definition = Definition::unknown(name, &format!("/etc/init.d/{name}"));
    definition.source = Source::Header;
    let relation = |name| Relation { kind, target: Spanned { name, at: Place::default() }, optional: false };
    definition.relations = targets.map(relation).collect();
    definition
}

fn unit(members: Vec<Definition>) -> Case {
    Case { members, ..start("") }
}

#[test]
fn a_chain_of_ten_thousand() {
    // Given backwards, so that nothing is in order by chance.
    let members = (0..10_000_u32).rev().map(|at| {
        let before = at.checked_sub(1).map(|before| format!("s{before}"));
        script(&format!("s{at}"), RelationKind::RequiredStart, before.into_iter())
    });
    let case = unit(members.collect());
    case.see(|graph| {
        assert!(graph.is_valid());
        let order = graph.order();
        assert!(order.iter().map(|job| job.0).eq((0..10_000).rev()));
    });
}

#[test]
fn a_circle_of_ten_thousand() {
    let ring = |kind| {
        let target = |at: u32| std::iter::once(format!("s{}", (at + 9_999) % 10_000));
        unit((0..10_000).map(|at| script(&format!("s{at}"), kind, target(at))).collect())
    };
    let problems = ring(RelationKind::RequiredStart).problems();
    assert_eq!((problems.len(), problems[0].services.len()), (1, 10_000));
    assert!(problems[0].text.len() < 1_000, "{}", problems[0].text);
    let case = ring(RelationKind::ShouldStart);
    case.see(|graph| {
        assert_eq!(graph.problems.len(), 1);
        assert_eq!(graph.standing().count(), 9_999);
    });
}

#[test]
fn a_list_of_five_thousand_names() {
    let names = || (0..5_000).map(|at| format!("s{at}"));
    let mut members: Vec<Definition> =
        names().map(|name| script(&name, RelationKind::ShouldStart, std::iter::empty())).collect();
    members.push(script("last", RelationKind::RequiredStart, names()));
    let case = unit(members);
    assert_eq!(case.plan().jobs().map(|job| job.needs.len()).max(), Some(5_000));
    // And if none of them is there.
    let case = unit(vec![script("last", RelationKind::RequiredStart, names())]);
    assert_eq!(case.problems().len(), 5_000);
}

#[test]
fn everyone_against_everyone() {
    // Each of `count` against the `near` next ones, around.
    let knot = |kind, count: usize, near: usize| {
        let others = |at| (1..=near).map(move |step| format!("s{}", (at + step) % count));
        unit((0..count).map(|at| script(&format!("s{at}"), kind, others(at))).collect())
    };
    knot(RelationKind::RequiredStart, 300, 299).see(|graph| {
        assert_eq!(graph.problems.len(), 1);
        assert!(graph.problems[0].text.contains("s0 -> s1 -> s0, each needed by the next; 298 other"));
        assert_eq!(graph.order().len(), 300);
    });
    knot(RelationKind::ShouldStart, 1_000, 300).see(|graph| {
        assert!(graph.is_valid());
        assert_eq!(graph.order().len(), 1_000);
        assert!(graph.problems.last().unwrap().text.contains("1000 scripts are tangled up in circles"));
    });
    knot(RelationKind::ShouldStart, 20, 19).see(|graph| {
        assert_eq!(graph.standing().count(), 20 * 19 / 2, "no more is given up than must be");
        assert_eq!(graph.problems.len(), 20 * 19 / 2);
    });
}

#[test]
fn too_many_edges_are_refused() {
    // Two thousand scripts want to come after two thousand others: four million edges in a few lines.
    let all = |at| script(&format!("z{at}"), RelationKind::RequiredStart, std::iter::once("$all".to_owned()));
    let plain = |at| script(&format!("a{at}"), RelationKind::RequiredStart, std::iter::empty());
    let case = unit((0..2_000).map(plain).chain((0..2_000).map(all)).collect());
    assert!(!case.plan().parallel);
    assert_eq!(case.problems().len(), 1);
    assert!(case.problems()[0].text.contains("more than 2000000 edges"));
}

#[test]
fn a_wide_tree_of_two_thousand() {
    let members = (0..2_000_usize).map(|at| {
        let before = [at / 2, at * 7 % at.max(1), at.saturating_sub(13)];
        let before = before.into_iter().filter(move |other| *other < at).map(|other| format!("s{other}"));
        script(&format!("s{at}"), RelationKind::RequiredStart, before)
    });
    let case = unit(members.collect());
    let plan = case.plan();
    assert!(plan.parallel);
    assert_eq!(plan.len(), 2_000);
}
