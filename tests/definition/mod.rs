//! What definitions are read as: headers, RDF, facilities, overrides, and what is said of those that are not in order.

mod arbitrary;
mod bad;
mod facilities;
mod grammar;
mod hostile;
mod large;
mod lsb2rdf;
mod program;
mod readers;
mod round_trip;
mod sources;
mod spellings;

use serel::definition::diagnostic::Diagnostic;
use serel::definition::{Reading, header};
use serel::model::{Definition, Levels, RelationKind, Source};
use serel::root::Root;
use std::fmt::Write as _;

/// Reads a whole script, `/etc/init.d/this`.
fn script(bytes: &[u8]) -> Reading {
    header::parse("/etc/init.d/this", "/etc/init.d/this", "this", Source::Header, bytes)
}

/// Reads a script whose header has these lines.
fn block(lines: &str) -> Reading {
    script(format!("#!/bin/sh\n### BEGIN INIT INFO\n{lines}\n### END INIT INFO\nexit 0\n").as_bytes())
}

/// What a reading says in short: a line for each thing that is not empty.
#[track_caller]
fn short(reading: &Reading) -> String {
    let [definition] = &reading.definitions[..] else { panic!("one definition: {reading:?}") };
    shorten(definition)
}

fn shorten(definition: &Definition) -> String {
    let mut out = String::new();
    let mut line = |word: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(out, "{word} {value}");
        }
    };
    let provides: Vec<&str> = definition.provides.iter().map(|provided| provided.name.as_str()).collect();
    line("provides", &provides.join(" "));
    for (word, kind) in [
        ("required-start", RelationKind::RequiredStart),
        ("should-start", RelationKind::ShouldStart),
        ("start-before", RelationKind::StartBefore),
        ("required-stop", RelationKind::RequiredStop),
        ("should-stop", RelationKind::ShouldStop),
        ("stop-after", RelationKind::StopAfter),
    ] {
        let targets: Vec<String> = definition
            .relations
            .iter()
            .filter(|relation| relation.kind == kind)
            .map(|relation| format!("{}{}", if relation.optional { "+" } else { "" }, relation.target.name))
            .collect();
        line(word, &targets.join(" "));
    }
    line("start", &words(definition.start_levels));
    line("stop", &words(definition.stop_levels));
    line("interactive", if definition.interactive { "yes" } else { "" });
    line("summary", &definition.summary);
    line("description", &definition.description.replace('\n', "|"));
    for (word, value) in &definition.extensions {
        line("extension", &format!("{word}={value}"));
    }
    if let Some(chkconfig) = definition.chkconfig {
        line("chkconfig", &format!("[{}] {} {}", words(chkconfig.levels), chkconfig.start, chkconfig.stop));
    }
    out
}

fn words(levels: Levels) -> String {
    levels.iter().map(|level| level.to_string()).collect::<Vec<_>>().join(" ")
}

/// `LINE:COLUMN TEXT` of each diagnostic.
fn said(diagnostics: &[Diagnostic]) -> Vec<String> {
    let said = |found: &Diagnostic| format!("{}:{} {}", found.at.line, found.at.column, found.text);
    diagnostics.iter().map(said).collect()
}

/// All diagnostics as a person sees them.
fn rendered(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|found| found.render(&Root::default())).collect()
}

/// Whether a diagnostic helps: it has a place or is about the whole file, and says what to do next.
fn helps(found: &Diagnostic) -> bool {
    found.help.as_ref().is_some_and(|help| !help.is_empty() && !help.ends_with('.'))
        && !found.text.is_empty()
        && (!found.text.ends_with('.') || found.text.ends_with("..."))
}

/// The texts of many numbers, one after the other.
fn many(numbers: std::ops::Range<usize>, text: impl Fn(usize) -> String) -> String {
    numbers.map(text).collect::<Vec<_>>().concat()
}
