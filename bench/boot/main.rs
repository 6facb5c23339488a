//! Whole boots of a Debian: one by one, with startpar, with serel at first and from then on.
//!
//! `cargo bench --bench boot` makes ten rounds of each, `-- 20` twenty; `-- plain`, and so on for `waits`, `crowd`, `nspawn`
//! and `qemu`, looks at one configuration. A round boots every way once, so that what disturbs this machine disturbs them all. Without
//! `--bench` on the command line, as under `cargo test`, there is one round, and nothing is judged by its time.

mod arrival;
#[path = "../../tests/boot/boot.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod boot;
mod bound;
#[path = "../../tests/support/cases.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod cases;
#[path = "../../tests/boot/daemons.rs"]
mod daemons;
mod group;
#[path = "../../tests/kernel/linux.rs"]
mod linux;
#[path = "../../tests/boot/machine.rs"]
mod machine;
#[path = "../../tests/boot/namespace.rs"]
mod namespace;
mod nspawn;
mod peers;
#[path = "../../tests/support/program.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod program;
mod qemu;
#[path = "../../tests/boot/root.rs"]
mod root;
#[path = "../support.rs"]
#[allow(dead_code, reason = "shared with the other benches")]
mod support;
#[path = "../../tests/kernel/tools.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod tools;
mod waits;
mod ways;

use cases::Skip;
use root::Root;
use support::{Effort, machine};
use tools::Tools;
use ways::Configuration;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let effort = if words.iter().any(|word| word == "--bench") { Effort::Full } else { Effort::Short };
    let rounds = words.iter().find_map(|word| word.parse().ok()).unwrap_or(10);
    let wanted = |name: &str| {
        let mut named = words.iter().filter(|word| !word.starts_with('-') && word.parse::<usize>().is_err());
        let first = named.next();
        first.is_none() || first.into_iter().chain(named).any(|word| word == name)
    };
    println!("{}", machine());
    let root = match Root::made() {
        Ok(root) => root,
        Err(skip) => return passed_over(&skip),
    };
    for configuration in Configuration::ALL {
        // Those who wait show all that the crowd would, and a crowd takes runit a minute.
        let covered = effort == Effort::Short && configuration == Configuration::Crowd;
        if wanted(configuration.name()) && !covered {
            println!("\n## {}\n", configuration.name());
            ways::compare(root, configuration, effort.rounds(rounds))
                .unwrap_or_else(|skip| passed_over(&skip));
        }
    }
    if wanted("qemu") {
        println!("\n## qemu\n");
        match Tools::ready() {
            Ok(tools) => qemu::compare(root, tools, effort, rounds),
            Err(skip) => passed_over(&skip),
        }
    }
}

fn passed_over(skip: &Skip) {
    match skip {
        Skip::Missing(what) => println!("SKIPPED: not installed: {what}"),
        Skip::Refused(why) => println!("SKIPPED: {why}"),
    }
}
