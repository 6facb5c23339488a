//! What the history costs at boot.

use super::{database, job, open, reading, run, unit};
use serel::fingerprint::{Digest, Entry, Manifest};
use serel::history::{Batch, JobRow};
use serel::model::Phase;
use serel::root::Root;
use std::fs;
use std::path::PathBuf;

/// Prints what a large installation costs: `cargo test --release measured_on_2000 -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, of use in a release build only"]
fn measured_on_2000() {
    fn median<T>(what: &str, rounds: usize, mut measured: impl FnMut() -> T) {
        let mut times: Vec<u128> = (0..rounds)
            .map(|_| {
                let start = std::time::Instant::now();
                std::hint::black_box(measured());
                start.elapsed().as_micros()
            })
            .collect();
        times.sort_unstable();
        println!("{what:<44} median {:>6} us, best {:>6} us", times[rounds / 2], times[0]);
    }
    for count in [300, 2_000] {
        println!("{count} files");
        let (dir, path) = database();
        fs::create_dir_all(dir.path().join("etc/init.d")).unwrap();
        let names: Vec<String> = (0..count).map(|n| format!("some-service-{n}")).collect();
        for name in &names {
            fs::write(dir.path().join("etc/init.d").join(name), name.repeat(100)).unwrap();
        }
        let root = Root::new(dir.path()).unwrap();
        let entries: Vec<Entry> = names
            .iter()
            .map(|name| Entry { racy: false, ..Entry::observe(&root, &format!("/etc/init.d/{name}")) })
            .collect();
        let manifest = Manifest::new(entries.clone());
        let bytes = manifest.encode();
        println!("manifest {} bytes", bytes.len());
        median("decode a manifest", 200, || Manifest::decode(&bytes));
        median("digest it", 200, || Digest::of(&bytes));
        median("check it, nothing changed", 200, || manifest.check(&root));
        let racy = Manifest::new(entries.iter().map(|e| Entry { racy: true, ..e.clone() }).collect());
        median("check it, all contents read", 50, || racy.check(&root));
        let mut row = unit("rc2", &names.iter().map(String::as_str).collect::<Vec<_>>());
        row.manifest = manifest;
        println!("plan {} bytes", row.plan.len());
        let body = "x".repeat(400);
        let readings = names.iter().map(|name| (format!("/etc/init.d/{name}"), reading(&body))).collect();
        let first = Batch { units: vec![row.clone()], readings, ..Batch::default() };
        let mut batches: Vec<(Batch, PathBuf)> =
            (0..20).map(|n| (first.clone(), dir.path().join(format!("{n}.db")))).collect();
        median("first save: file, readings, plan", 20, || {
            let (batch, path) = batches.pop().unwrap();
            batch.save(&path).unwrap()
        });
        first.save(&path).unwrap();
        println!("database {} bytes", fs::metadata(&path).unwrap().len());
        let jobs: Vec<JobRow> = names.iter().map(|name| job(name, JobRow::DONE, 5)).collect();
        let later = Batch { runs: vec![run("rc2", jobs)], ..Batch::default() };
        median("save of a run", 20, || later.clone().save(&path).unwrap());
        median("open", 200, || open(&path));
        median("open, one unit", 200, || open(&path).unit(&row.key).unwrap());
        median("open, all readings", 50, || open(&path).definitions().unwrap());
        median("open, all costs", 50, || open(&path).costs(Phase::Start).unwrap());
    }
}
