//! The benches: ratios against the bare floor, measured side by side in one run.
//!
//! `cargo bench` runs all, `cargo bench --bench ratios -- plan` one of them. Without `--bench` on the command line, as
//! under `cargo test`, each makes one short round and judges nothing by its time.

#[path = "../tests/support/cases.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod cases;
mod executor;
mod plan;
#[path = "../tests/support/program.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod program;
mod registry;
mod slots;
mod support;
mod systemtap;
#[path = "../tests/kernel/tools.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod tools;

use support::Effort;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let effort = if words.iter().any(|word| word == "--bench") { Effort::Full } else { Effort::Short };
    let wanted = |name: &str| {
        let mut named = words.iter().filter(|word| !word.starts_with('-')).peekable();
        named.peek().is_none() || named.any(|word| word == name)
    };
    println!("{}", support::machine());
    for (name, bench) in [
        ("plan", plan::bench as fn(Effort)),
        ("executor", executor::bench),
        ("slots", slots::bench),
        ("registry", registry::bench),
        ("systemtap", systemtap::bench),
    ] {
        if wanted(name) {
            println!("\n## {name}\n");
            bench(effort);
        }
    }
}
