//! What a plan takes, process start to end, as multiples of `/bin/true`: unchanged, and read anew and saved.

use crate::support::{Effort, SERELRC, Times, Tree, quiet, table, time};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

pub(crate) fn bench(effort: Effort) {
    let small = Tree::new(200, 10, 3, "exec sleep 0.02");
    let large = Tree::new(2000, 20, 3, "exec sleep 0.02");
    for tree in [&small, &large] {
        // Twice: the stamps of files that were made just now are not trusted the first time.
        for _ in 0..3 {
            time(&mut tree.serelrc(&["plan", "2"]));
        }
    }
    let mut bare = Command::new("/bin/true");
    let mut version = Command::new(SERELRC);
    version.arg("--version");
    quiet(&mut bare);
    quiet(&mut version);
    let [mut truth, mut start, mut unchanged, mut unchanged_many] = <[Times; 4]>::default();
    for _ in 0..effort.rounds(300) {
        truth.add(time(&mut bare));
        start.add(time(&mut version));
        unchanged.add(time(&mut small.serelrc(&["plan", "2"])));
        unchanged_many.add(time(&mut large.serelrc(&["plan", "2"])));
    }
    let [mut cold, mut cold_many, mut look, mut read] = <[Times; 4]>::default();
    for _ in 0..effort.rounds(40) {
        small.forget();
        cold.add(time(&mut small.serelrc(&["plan", "2"])));
        large.forget();
        cold_many.add(time(&mut large.serelrc(&["plan", "2"])));
        look.add(each(large.root(), |path| assert!(path.symlink_metadata().is_ok())));
        read.add(each(large.root(), read_whole));
    }
    table(&[
        ("`/bin/true`", &truth),
        ("`serelrc --version`", &start),
        ("plan of 200, unchanged", &unchanged),
        ("plan of 2,000, unchanged", &unchanged_many),
        ("plan of 200, read and saved", &cold),
        ("plan of 2,000, read and saved", &cold_many),
        ("for comparison: one thread looks at 2,000 files", &look),
        ("for comparison: one thread opens, reads and closes 2,000 files", &read),
    ]);
}

/// Does something with every script of a root; milliseconds.
fn each(root: &Path, act: impl Fn(&Path)) -> f64 {
    let paths: Vec<_> = (0..2000).map(|n| root.join(format!("etc/init.d/s{n:04}"))).collect();
    let began = Instant::now();
    for path in &paths {
        act(path);
    }
    began.elapsed().as_secs_f64() * 1000.0
}

fn read_whole(path: &Path) {
    let mut buffer = [0; 4096];
    let mut file = File::open(path).expect("a file");
    file.metadata().expect("its stamps");
    assert!(file.read(&mut buffer).expect("its content") > 0);
}
