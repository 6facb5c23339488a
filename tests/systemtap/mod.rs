//! The contract of systemtap-service: a case for each row of its manual, over a compiler and runners that pretend.

mod bpf;
mod compiling;
mod configuring;
mod contrib;
mod onboot;
mod starting;
mod stopping;

use crate::support::tap::Tap;

/// Positions of lines in a journal; each must be there once.
#[track_caller]
fn position(journal: &[String], line: &str) -> usize {
    let found: Vec<usize> =
        journal.iter().enumerate().filter(|(_, known)| *known == line).map(|(at, _)| at).collect();
    assert_eq!(found.len(), 1, "{line:?} in {journal:#?}");
    found[0]
}

/// A tree with scripts, each with what it requires.
fn tree(scripts: &[(&str, &str)]) -> Tap {
    let tap = Tap::new();
    for (name, requires) in scripts {
        tap.script(name, requires);
    }
    tap
}
