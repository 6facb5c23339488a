//! What is missing or cannot be, and the words for it.

use super::support::{Case, start, stop};
use serel::definition::diagnostic::Diagnostic;
use serel::graph::Scope;

fn only(case: &Case) -> (String, String, bool) {
    let problems = case.problems();
    assert_eq!(problems.len(), 1, "{:?}", case.words());
    let Diagnostic { help, .. } = problems.into_iter().next().unwrap();
    (case.words().remove(0), help.unwrap(), case.plan().parallel)
}

fn check(table: &[(Case, &str, &str)]) {
    for (case, text, help) in table {
        let (found, advice, parallel) = only(case);
        assert_eq!(found, *text);
        assert_eq!(advice, *help, "{text}");
        assert_eq!(parallel, text.starts_with("warning"), "{text}");
    }
}

#[test]
fn needs_that_nobody_meets() {
    check(&[
        (
            start("cron rs:sylog\nrsyslogd as:syslog"),
            "error missing 1: cron needs sylog, which nobody provides",
            "perhaps syslog is meant",
        ),
        (
            start("cron rs:zebra").order_only(),
            "warning missing 1: cron needs zebra, which nobody provides",
            "install what provides it, or write +zebra if it may be missing",
        ),
        (
            start("cron rdf rs:zebra").order_only(),
            "error missing 1: cron needs zebra, which nobody provides",
            "install what provides it, or write +zebra if it may be missing",
        ),
        (
            start("cron rs:syslog").installed("rsyslogd as:syslog on:35"),
            "error missing 1: cron needs syslog, which is not started in runlevel 2",
            "it is installed: /etc/init.d/rsyslogd provides it in runlevels 3 5; enable it here too",
        ),
        (
            start("cron rs:syslog").installed("rsyslogd as:syslog"),
            "error missing 1: cron needs syslog, which is not started in runlevel 2",
            "it is installed: /etc/init.d/rsyslogd provides it, but names no level to start in; enable it",
        ),
        (
            start("cron rs:syslog").installed("rsyslogd as:syslog on:2").scope(Scope::Unit),
            "error missing 1: cron needs syslog, which is not part of this unit",
            "it is installed: /etc/init.d/rsyslogd provides it; add it to the unit",
        ),
        (
            start("cron rs:syslog\nsyslog unknown"),
            "error missing 1: cron needs syslog, of which nothing is known: /etc/init.d/syslog has no definition",
            "give syslog a comment header or an .rdf file; without, it runs last",
        ),
        (
            start("cron ss:syslog\nsyslog unknown"),
            "warning missing 1: cron names syslog, of which nothing is known: /etc/init.d/syslog has no definition",
            "give syslog a comment header or an .rdf file; without, it runs last",
        ),
        (
            stop("cron rp:zebra"),
            "warning missing 1: cron needs zebra, which nobody provides",
            "install what provides it, or write +zebra if it may be missing",
        ),
    ]);
}

#[test]
fn what_ran_in_s_is_there_later() {
    assert_eq!(start("cron rs:udev").installed("udev on:S").words(), [""; 0]);
    assert_eq!(start("cron rs:$fs").facility("$fs", "udev").installed("udev on:S").words(), [""; 0]);
}

#[test]
fn levels_that_cannot_be() {
    check(&[
        (
            start("udev rs:cron").level("S").installed("cron on:2"),
            "error conflict 1: udev runs in level S and needs cron, which is started later",
            "/etc/init.d/cron provides it in runlevel 2; start it in S, or do without",
        ),
        (
            start("udev rs:cron").level("S").installed("cron on:2").order_only(),
            "warning conflict 1: udev runs in level S and needs cron, which is started later",
            "/etc/init.d/cron provides it in runlevel 2; start it in S, or do without",
        ),
        (
            start("udev on:S rs:cron\ncron on:23").scope(Scope::Tree),
            "error conflict 1: udev runs in level S and needs cron, which is started later",
            "/etc/init.d/cron provides it in runlevels 2 3; start it in S, or do without",
        ),
        (
            start("a on:2 rs:b\nb on:3").scope(Scope::Tree),
            "error missing 1: a needs b, which is not started in runlevel 2",
            "it is installed: /etc/init.d/b provides it in runlevel 3; enable it here too",
        ),
        (
            start("a on:234 rs:b\nb on:3").scope(Scope::Tree),
            "warning missing 1: a needs b, which is not started in runlevels 2 4",
            "make the Default-Start of the two agree, or ask for +b",
        ),
    ]);
}

#[test]
fn oneself() {
    let help = "it is ignored; remove the name";
    check(&[
        (start("a rs:a"), "warning conflict 1: a names a, which it provides itself, in Required-Start", help),
        (start("a sb:a"), "warning conflict 1: a names a, which it provides itself, in X-Start-Before", help),
        (stop("a sp:a"), "warning conflict 1: a names a, which it provides itself, in Should-Stop", help),
        (
            start("a rs:$me\nb").facility("$me", "a b"),
            "warning conflict 1: a names a by way of $me, which it provides itself, in Required-Start",
            help,
        ),
    ]);
    assert_eq!(start("a rs:$me\nb").facility("$me", "a b").edges(), "b>a");
}

#[test]
fn facilities_are_reported_once() {
    check(&[
        (
            start("a rs:$remote\nb rs:$remote\nc ss:$remote").facility("$remotes", ""),
            "warning missing 1: a names $remote, which is defined nowhere; so do 2 others",
            "it is ignored; perhaps $remotes is meant",
        ),
        (
            start("a rs:$net\nb rs:$net").facility("$net", "ifupdown"),
            "error missing 1: a needs ifupdown by way of $net, which nobody provides; so does 1 other",
            "install what provides it, or write +ifupdown if it may be missing",
        ),
        (
            stop("a rs:$unheard"),
            "warning missing 1: a names $unheard, which is defined nowhere",
            "it is ignored; define it in insserv.conf, or leave it out",
        ),
    ]);
    let problems = start("a rs:$net\nb rs:$net").facility("$net", "ifupdown").problems();
    assert_eq!(problems[0].services, ["ifupdown", "a", "b"]);
}

#[test]
fn a_problem_has_its_place_and_its_services() {
    let problem = start("a\ncron rs:zebra").problems().remove(0);
    assert_eq!((problem.file.as_str(), problem.at.line, problem.at.column), ("/etc/init.d/cron", 2, 20));
    assert_eq!((problem.width, problem.services), (5, vec!["zebra".to_owned(), "cron".to_owned()]));
}

#[test]
fn many_providers_are_counted() {
    let text: Vec<String> = (0..9).map(|at| format!("s{at} as:mta")).collect();
    let words = start(&text.join("\n")).words();
    assert_eq!(words.len(), 1);
    assert!(words[0].ends_with("and s4 (/etc/init.d/s4:5) and 4 more"), "{}", words[0]);
}
