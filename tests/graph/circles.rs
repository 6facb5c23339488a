//! Circles: which one is named, what gives way, and what the plan makes of it.

use super::support::{Case, start, stop};

/// The text of the only problem.
fn only(case: &Case) -> String {
    let words = case.words();
    assert_eq!(words.len(), 1, "{words:?}");
    words.into_iter().next().unwrap()
}

#[test]
fn a_circle_of_needs_is_an_error_with_all_its_edges() {
    let case = start("a rs:c\nb rs:a\nc rs:b\nd rs:a");
    assert_eq!(only(&case), "error cycle 2: circle of needs: a -> b -> c -> a, each needed by the next");
    let problem = case.problems().remove(0);
    assert_eq!(problem.services, ["a", "b", "c"]);
    assert_eq!(
        problem.help.unwrap(),
        "take out one of these:
    a -> b: /etc/init.d/b:2 (Required-Start: a)
    b -> c: /etc/init.d/c:3 (Required-Start: b)
    c -> a: /etc/init.d/a:1 (Required-Start: c)
  the given order is used instead, against
    c -> a: /etc/init.d/a:1 (Required-Start: c)"
    );
    let plan = case.plan();
    assert!(!plan.parallel);
    assert_eq!(case.edges(), "a>b a>d b>c");
    assert_eq!(case.order(), "a b c d");
}

#[test]
fn the_shortest_is_named() {
    let case = start("a rs:e\nb rs:a\nc rs:b\nd rs:c,e\ne rs:d\nf rs:e,c\n");
    assert_eq!(
        only(&case),
        "error cycle 5: circle of needs: d -> e -> d, each needed by the next; \
         3 other scripts are tangled up with it"
    );
}

#[test]
fn each_knot_is_named() {
    let words = start("a rs:b\nb rs:a\nc rs:d\nd rs:c").words();
    assert_eq!(words.len(), 2);
    assert!(words[0].contains("a -> b -> a") && words[1].contains("c -> d -> c"), "{words:?}");
}

#[test]
fn a_wish_gives_way() {
    for (text, edges, given_up) in [
        ("a rs:b\nb ss:a", "b>a", "a -> b"),
        ("a ss:b\nb rs:a", "a>b", "b -> a"),
        ("a sb:b\nb rs:c\nc rs:d\nd rs:b", "", ""),
        ("a rs:b\nb sb:c\nc sb:b", "b-c b>a", "c -> b"),
        ("a ss:b\nb ss:a", "b-a", "a -> b"),
        ("a\nb rs:a\nc rs:b sb:a", "a>b b>c", "c -> a"),
    ] {
        let case = start(text);
        if given_up.is_empty() {
            assert!(
                only(&case).starts_with("error cycle"),
                "a wish beside a circle of needs changes nothing"
            );
            continue;
        }
        assert_eq!(case.edges(), edges, "{text}");
        let word = only(&case);
        assert!(word.starts_with("warning cycle"), "{word}");
        assert!(word.ends_with(&format!("; {given_up} is given up")), "{text}: {word}");
        assert!(case.plan().parallel);
    }
}

#[test]
fn required_as_an_order_gives_way_after_wishes() {
    let case = start("a ss:c\nb rs:a\nc rs:b").order_only();
    assert_eq!(case.edges(), "a-b b-c");
    assert_eq!(only(&case), "warning cycle 1: circle: a -> b -> c -> a; c -> a is given up");
    let case = start("a rs:c\nb rs:a\nc rs:b").order_only();
    assert_eq!(case.edges(), "a-b c-a", "among equals the one given last");
    assert_eq!(
        case.problems()[0].help.as_deref().unwrap(),
        "given up is the weakest:
    b -> c: /etc/init.d/c:3 (Required-Start: b)
  the circle is:
    a -> b: /etc/init.d/b:2 (Required-Start: a)
    b -> c: /etc/init.d/c:3 (Required-Start: b)
    c -> a: /etc/init.d/a:1 (Required-Start: c)"
    );
}

#[test]
fn a_shutdown_goes_on() {
    let case = stop("a rs:b\nb rs:a");
    assert!(only(&case).starts_with("warning cycle"));
    assert!(case.plan().parallel);
}

#[test]
fn all_that_says_the_same_gives_way_together() {
    // a before b is said twice, softly; b before a is a need.
    let case = start("a rs:b sb:b\nb ss:a");
    assert_eq!(case.edges(), "b>a");
    assert!(only(&case).ends_with("a -> b is given up"));
    let help = case.problems()[0].help.clone().unwrap();
    assert!(help.contains("X-Start-Before: b") && help.contains("Should-Start: a"), "{help}");
}

#[test]
fn all_scripts_that_cross() {
    // Each $all script is needed by a script that the other one waits for.
    let case = start("y rs:$all\nz rs:$all\na rs:y\nb rs:z");
    assert!(case.words().iter().all(|word| word.starts_with("warning")), "{:?}", case.words());
    assert_eq!(case.see(|graph| graph.order().len()), 4);
    assert!(case.edges().contains("y>a") && case.edges().contains("z>b"));
}

#[test]
fn what_is_given_up_does_not_come_back_through_a_second_provider() {
    // c and a both provide x; b wants x before it, but c waits for b.
    let case = start("a as:x,a\nb ss:x\nc as:x,c rs:b");
    assert_eq!(case.edges(), "a-b b>c");
    let plan = case.plan();
    let names = |jobs: &[serel::model::JobId]| -> Vec<String> {
        jobs.iter().map(|job| plan.job(*job).name.to_owned()).collect()
    };
    let predecessors = plan.predecessors();
    let before: Vec<Vec<String>> = predecessors.iter().map(names).collect();
    assert_eq!(before, [vec![], vec!["a".to_owned()], vec!["b".to_owned()]]);
    let private: Vec<&str> = plan.services.iter().filter(|name| name.contains('#')).collect();
    assert_eq!(private, ["a#0"], "x is not a's alone, so a private name stands for it");
}
