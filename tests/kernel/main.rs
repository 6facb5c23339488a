//! What only a kernel of one's own can show, in machines under QEMU: early boot, with nothing mounted, and
//! systemtap-service, end to end. Debian's systemtap compiles real modules, Debian's kernel loads them, and eBPF scripts
//! run in the kernel of this machine where it lets them.
//!
//! A test binary of its own, because libtest cannot say that a test was passed over, and why: these tests need
//! packages that a plain `cargo test` shall neither install nor miss in silence. With `SEREL_TESTS_COMPLETE` in the
//! environment, as `.ci/run` sets it, a missing tool is a failure. All modules are compiled once and all tests of a
//! kind share a boot, so that the whole takes two minutes at first and less from then on.

mod bpf;
mod compiling;
mod early;
mod linux;
mod machine;
mod modules;
mod onboot;
mod plain;
#[path = "../support/program.rs"]
#[allow(dead_code, reason = "shared with the integration tests")]
mod program;
mod service;
mod tools;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;
use tools::Skip;

/// A test: what it is called, and what it does.
type Case = (&'static str, fn() -> Result<(), Skip>);

fn main() -> ExitCode {
    let filters: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let complete = std::env::var_os("SEREL_TESTS_COMPLETE").is_some();
    let (mut passed, mut failed, mut skipped, mut filtered) = (0, Vec::new(), 0, 0);
    let began = Instant::now();
    for &(name, test) in
        &[early::CASES, plain::CASES, compiling::CASES, service::CASES, onboot::CASES, bpf::CASES].concat()
    {
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
