//! There are no limits that a system could meet: thousands of names, lines and services.

use super::{many, script};
use crate::support::sandbox::Sandbox;
use serel::definition::rdf;

/// A header of these lines.
fn header(lines: &str) -> String {
    format!("### BEGIN INIT INFO\n{lines}### END INIT INFO\n")
}

#[test]
fn five_thousand_names_in_one_field() {
    let names = many(0..5000, |n| format!(" name-{n}"));
    let reading = script(header(&format!("# Provides: a\n# Required-Start:{names}\n")).as_bytes());
    assert_eq!((reading.definitions[0].relations.len(), reading.diagnostics.len()), (5000, 0));
    let last = &reading.definitions[0].relations[4999].target;
    assert_eq!((last.name.as_str(), last.at.line, last.at.column), ("name-4999", 3, 48_899));
    let document = rdf::write(&reading.definitions);
    let again = rdf::parse("f", document.as_bytes());
    assert_eq!((again.definitions[0].relations.len(), again.diagnostics.len()), (5000, 0));
}

#[test]
fn ten_thousand_lines() {
    let lines = many(0..10_000, |n| format!("# Should-Start: name-{n}\n"));
    let reading = script(header(&format!("# Provides: a\n{lines}")).as_bytes());
    assert_eq!(reading.definitions[0].relations.len(), 10_000);
    assert_eq!(reading.diagnostics.len(), 51, "the first fifty, and how many more");
    assert!(reading.diagnostics[50].text.starts_with("9949 more warnings"));
    let lines = many(0..10_000, |n| format!("#  line {n}\n"));
    let reading = script(header(&format!("# Provides: a\n# Description: first\n{lines}")).as_bytes());
    assert_eq!(reading.definitions[0].description.lines().count(), 10_001);
}

#[test]
fn ten_thousand_provides_on_one_line_and_on_ten_thousand() {
    for between in [" ", "\n# Provides: "] {
        let names = many(0..10_000, |n| format!("{between}name-{n}"));
        let reading = script(header(&format!("# Provides: a{names}\n")).as_bytes());
        assert_eq!(reading.definitions[0].provides.len(), 10_001);
        let again = rdf::parse("f", rdf::write(&reading.definitions).as_bytes());
        assert_eq!(again.definitions[0].provides.len(), 10_001);
    }
}

#[test]
fn two_thousand_scripts_in_a_chain_are_read_and_verified() {
    let sandbox = Sandbox::new();
    for n in 0..2000 {
        let text = header(&format!("# Provides: s{n}\n# Required-Start: s{}\n# Default-Start: 2\n", n + 1));
        sandbox.write(&format!("etc/init.d/s{n}"), &format!("#!/bin/sh\n{text}"), 0o755);
    }
    sandbox.write("etc/init.d/s2000", &header("# Provides: s2000\n# Default-Start: 2\n"), 0o755);
    let done = sandbox.serelrc(&["verify", "2"]).expect_code(0);
    assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("success\n", ""));
}
