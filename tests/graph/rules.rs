//! What relations mean: which edge each of them makes, in which phase, of which strength.

use super::support::{Case, start, stop};
use serel::graph::Scope;

fn check(table: &[(&str, Case, &str)]) {
    for (what, case, edges) in table {
        assert_eq!(case.edges(), *edges, "{what}: {:?}", case.words());
        assert_eq!(case.words(), [""; 0], "{what}");
    }
}

#[test]
fn starting() {
    check(&[
        ("required", start("a\nb rs:a"), "a>b"),
        ("required, as an order", start("a\nb rs:a").order_only(), "a-b"),
        ("required by RDF is hard whatever is set", start("a\nb rdf rs:a").order_only(), "a>b"),
        ("should", start("a\nb ss:a"), "a-b"),
        ("before", start("a sb:b\nb"), "a-b"),
        ("both ways of saying it", start("a sb:b\nb rs:a"), "a-b a>b"),
        ("twice", start("a\nb rs:a,a ss:a"), "a>b"),
        ("relations of stopping say nothing here", start("a\nb rp:a sp:a sa:a"), ""),
        ("who is not there and need not be", start("a ss:x sb:y rs:+z"), ""),
        ("an optional one who is there", start("a\nb rs:+a"), "a>b"),
        ("the name is what is provided, not the file", start("a as:x\nb rs:x"), "a>b"),
        ("given names need no edge", start("a\nb rs:a,x ss:x sb:y").given("a x y"), ""),
        ("order of the unit does not matter", start("b rs:a\na"), "a>b"),
    ]);
}

#[test]
fn stopping() {
    check(&[
        ("required", stop("a\nb rp:a"), "b-a"),
        ("should", stop("a\nb sp:a"), "b-a"),
        ("after", stop("a\nb sa:a"), "a-b"),
        ("relations of starting say nothing if stopping is declared", stop("a\nb rs:a stops"), ""),
        ("not declared: all is reversed", stop("a\nb rs:a\nc ss:b sb:d\nd"), "b-a c-b d-c"),
        ("given ones are what is stopped", stop("a\nb rp:a").given("a b"), "b-a"),
        ("who is not stopped here stays up", stop("b rp:a").installed("a"), ""),
        ("or is known to be up", stop("b rp:a").given("a"), ""),
    ]);
}

#[test]
fn facilities() {
    let net = "a\nb\nc rs:$net";
    check(&[
        ("all members", start(net).facility("$net", "a b"), "a>c b>c"),
        ("one that may be missing", start(net).facility("$net", "a +x"), "a>c"),
        ("all may be missing", start(net).facility("$net", "+x +y"), ""),
        ("empty on purpose", start("a rs:$null").facility("$null", ""), ""),
        ("a wish for one that lacks a member", start("a\nc ss:$net").facility("$net", "a x"), "a-c"),
        ("before one", start("c sb:$net\na\nb").facility("$net", "a b x"), "c-a c-b"),
        ("given", start(net).facility("$net", "a x").given("$net"), ""),
        ("a member given", start(net).facility("$net", "a x").given("x"), "a>c"),
        ("provided by name", start("a as:$net\nc rs:$net"), "a>c"),
        ("provided by name and defined", start("a as:$net\nb\nc rs:$net").facility("$net", "b x"), "a>c b>c"),
        ("stopping", stop("a\nb\nc rp:$net").facility("$net", "a b"), "c-a c-b"),
    ]);
}

#[test]
fn all() {
    check(&[
        ("after all", start("z rs:$all\na\nb"), "a-z b-z"),
        ("it is no need", start("a\nz ss:$all"), "a-z"),
        ("two of them have no order", start("y rs:$all\na\nz rs:$all"), "a-y a-z"),
        ("but what they say", start("y rs:$all\na\nz rs:$all,y"), "a-y a-z y>z"),
        ("an edge by name is not repeated", start("a\nz rs:$all,a"), "a>z"),
        ("before all", start("a\nb sb:$all"), "b-a"),
        ("both ends", start("a\nb sb:$all\nz rs:$all"), "a-z b-a b-z"),
        ("stops first", stop("a\nz rp:$all\nb"), "z-a z-b"),
        ("stops last", stop("a\nz sa:$all\nb"), "a-z b-z"),
        ("reversed", stop("a\nz rs:$all"), "z-a"),
        ("reversed at the other end", stop("a\nz sb:$all"), "a-z"),
        ("alone", start("a rs:$all"), ""),
    ]);
}

#[test]
fn what_is_said_by_name_wins_over_all() {
    let case = start("z rs:$all\na\nb rs:z\nc rs:b");
    assert_eq!(case.edges(), "a-z b>c z>b");
    assert_eq!(
        case.words(),
        ["warning conflict 1: z wants to be after $all, but is before b, c by what is said elsewhere"]
    );
    let help = case.problems()[0].help.clone().unwrap();
    assert_eq!(help, "what is said by name wins over $all:\n    z -> b: /etc/init.d/b:3 (Required-Start: z)");
    assert!(case.plan().parallel);

    let case = start("a\nb sb:$all rs:a");
    assert_eq!(case.edges(), "a>b");
    assert_eq!(
        case.words(),
        ["warning conflict 2: b wants to be before $all, but is after a by what is said elsewhere"]
    );

    let case = start("a\nb rs:$all sb:$all");
    assert_eq!(case.edges(), "a-b");
    assert_eq!(case.words(), ["warning conflict 2: b wants to be both before and after $all"]);
}

#[test]
fn unknown_ones_run_last_and_one_by_one() {
    check(&[
        ("after every known one", start("u unknown\na\nb rs:a\nv unknown\nc"), "a>b b-u c-u u-v"),
        ("after $all", start("z rs:$all\nu unknown\na"), "a-z z-u"),
        ("first when stopping", stop("a\nu unknown\nb rs:a\nv unknown"), "b-a u-v v-b"),
        ("nobody else", start("u unknown\nv unknown\nw unknown"), "u-v v-w"),
        ("being before one is no edge of its own", start("a sb:u\nu unknown"), "a-u"),
    ]);
    // The place of a circle that was opened is before them too.
    let case = start("u unknown\na ss:b\nb ss:a\nc");
    assert_eq!(case.edges(), "a-u b-a c-u");
}

#[test]
fn steps_of_a_shutdown_are_taken_alone() {
    let halting =
        "sendsigs rp:umountnfs\numountnfs rp:umountfs\numountfs rp:umountroot\numountroot sp:halt\nhalt";
    let with = |more: &str| stop(&format!("{halting}\n{more}"));
    let all = |more: &str| {
        let always = "sendsigs-umountnfs umountfs-umountroot umountnfs-umountfs umountroot-halt";
        let mut edges: Vec<&str> = always.split(' ').chain(more.split_whitespace()).collect();
        edges.sort_unstable();
        edges.join(" ")
    };
    assert_eq!(with("free stops").edges(), all("free-sendsigs"));
    assert_eq!(with("late stops sa:umountnfs").edges(), all("umountnfs-late late-umountfs"));
    assert_eq!(with("last stops sa:umountroot").edges(), all("umountroot-last last-halt"));
    assert_eq!(with("u unknown").edges(), all("u-sendsigs"));
    // In other levels they are scripts like others.
    assert_eq!(with("free stops").level("2").edges(), all(""));
    let single = start("killprocs\nsingle rs:killprocs\nlogs\nu unknown").level("1");
    assert_eq!(single.edges(), "killprocs-logs killprocs-u killprocs>single logs-single logs-u u-single");
}

#[test]
fn a_whole_tree_has_edges_inside_levels() {
    let tree = |text: &str| start(text).scope(Scope::Tree);
    check(&[
        ("one level shared is enough", tree("a on:23\nb on:34 ss:a"), "a-b"),
        ("none shared", tree("a on:2\nb on:3 ss:a sb:a"), ""),
        ("S is before all others", tree("a on:S\nb on:2345 rs:a"), ""),
        ("$all too", tree("a on:2\nb on:3\nz on:2 rs:$all"), "a-z"),
        ("unknown ones have no level", tree("a on:2\nb on:S\nu unknown"), "a-u b-u"),
        ("RDF without levels is with everyone", tree("a rdf\nb on:2 rs:a\nc on:3 rs:a"), "a>b a>c"),
        ("who runs nowhere asks for nothing", tree("a\nb rs:x"), ""),
    ]);
    let mut stop = stop("a on:2 off:0\nb on:2 off:06 rp:a\nc off:6 rp:a").scope(Scope::Tree);
    assert_eq!(stop.edges(), "b-a");
    stop.members.truncate(2);
    assert_eq!(stop.words(), [""; 0]);
}

#[test]
fn a_unit_of_pairs_asks_for_no_levels() {
    check(&[("levels are not looked at", start("a on:2\nb on:S rs:a").scope(Scope::Unit), "a>b")]);
}

#[test]
fn interactive_by_header_or_by_configuration() {
    let mut case = start("a interactive\nb\nc as:x,y\nd");
    case.conf.interactive = vec!["b", "y"];
    let plan = case.plan();
    let alone: Vec<&str> = plan.jobs().filter(|job| job.manner.interactive).map(|job| job.name).collect();
    assert_eq!(alone, ["a", "b", "c"]);
}

#[test]
fn the_order_is_the_given_one_where_nothing_is_said() {
    assert_eq!(start("d\nc\nb\na").order(), "d c b a");
    assert_eq!(start("d rs:a\nc\nb\na").order(), "c b a d");
    assert_eq!(start("u unknown\nd\nz rs:$all\na").order(), "d a z u");
}

#[test]
fn two_providers_are_both_waited_for() {
    let case = start("a as:mta\nb as:mta,b\nc rs:mta\nd sb:mta");
    assert_eq!(case.edges(), "a>c b>c d-a d-b");
    assert_eq!(
        case.words(),
        ["warning duplicate 2: mta is provided by a (/etc/init.d/a:1) and b (/etc/init.d/b:2)"]
    );
    let plan = case.plan();
    assert_eq!(plan.jobs().map(|job| job.needs.len()).collect::<Vec<_>>(), [1, 1, 1, 0]);

    let tree = start("a on:2 as:mta\nb on:3 as:mta").scope(Scope::Tree);
    assert_eq!(tree.words(), [""; 0], "they never meet");
}
