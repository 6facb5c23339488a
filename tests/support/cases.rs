//! Runs the cases of a test binary that has no libtest: it can say that a test was passed over, and why.
//!
//! Tests that need packages which a plain `cargo test` shall neither install nor miss in silence are such cases. With
//! `SEREL_TESTS_COMPLETE` in the environment, as `.ci/run` sets it, a missing tool is a failure.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

/// Why a test was passed over.
#[derive(Debug, Clone)]
pub(crate) enum Skip {
    /// Something is not installed: a failure where the tests have to be complete.
    Missing(String),
    /// The kernel of this machine does not allow it, or its user.
    Refused(String),
}

/// A test: what it is called, and what it does.
pub(crate) type Case = (&'static str, fn() -> Result<(), Skip>);

/// Runs those whose names contain a word of the command line, or all, one after another.
pub(crate) fn run(cases: &[Case]) -> ExitCode {
    let filters: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let complete = std::env::var_os("SEREL_TESTS_COMPLETE").is_some();
    let (mut passed, mut failed, mut skipped, mut filtered) = (0, Vec::new(), 0, 0);
    let began = Instant::now();
    for &(name, test) in cases {
        if !filters.is_empty() && !filters.iter().any(|filter| name.contains(filter)) {
            filtered += 1;
            continue;
        }
        match catch_unwind(AssertUnwindSafe(test)) {
            Ok(Ok(())) => {
                println!("test {name} ... ok");
                passed += 1;
            }
            Ok(Err(Skip::Missing(what))) if complete => {
                println!("test {name} ... FAILED: not installed: {what}");
                failed.push(name);
            }
            Ok(Err(Skip::Missing(what))) => {
                println!("test {name} ... SKIPPED: not installed: {what}");
                skipped += 1;
            }
            Ok(Err(Skip::Refused(why))) => {
                println!("test {name} ... SKIPPED: {why}");
                skipped += 1;
            }
            // The panic has said the rest on standard error.
            Err(_) => {
                println!("test {name} ... FAILED");
                failed.push(name);
            }
        }
    }
    let verdict = if failed.is_empty() { "ok" } else { "FAILED" };
    for name in &failed {
        println!("    {name}");
    }
    println!(
        "\ntest result: {verdict}. {passed} passed; {} failed; {skipped} ignored; 0 measured; {filtered} filtered \
         out; finished in {:.2}s\n",
        failed.len(),
        began.elapsed().as_secs_f64()
    );
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(101) }
}
