//! How many scripts at one time are best: what `--jobs auto` was chosen by.

use crate::support::{Effort, Times, Tree, time};

/// Pure waiting, pure work, and the mixture that boot scripts are.
const BODIES: [(&str, &str); 3] = [
    ("wait", "exec sleep 0.05"),
    ("work", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"),
    ("both", "i=0; while [ $i -lt 4000 ]; do i=$((i+1)); done; exec sleep 0.02"),
];

pub(crate) fn bench(effort: Effort) {
    let limits = ["1", "2", "4", "8", "16", "32", "64", "unlimited", "auto"];
    println!("128 scripts in 2 layers, 2 needs each; median wall time in ms by `--jobs`:\n");
    println!("| | {} |\n|---|{}", limits.join(" | "), "---:|".repeat(limits.len()));
    for (name, body) in BODIES {
        let tree = Tree::new(128, 2, 2, body);
        time(&mut tree.serelrc(&["start", "2"]));
        let mut rows: Vec<Times> = limits.iter().map(|_| Times::default()).collect();
        for _ in 0..effort.rounds(5) {
            for (limit, times) in limits.iter().zip(&mut rows) {
                times.add(time(&mut tree.serelrc(&["start", "2", "--jobs", limit])));
            }
        }
        let medians: Vec<String> = rows.iter().map(|times| format!("{:.0}", times.median())).collect();
        println!("| {name} | {} |", medians.join(" | "));
    }
}
