//! What a boot may rely on: what was saved comes back, and nothing that is wrong with the file does harm.

mod kept;
mod trouble;

use serel::fingerprint::{Digest, Entry, Manifest, Stat};
use serel::history::{Batch, History, JobRow, RunRow, StoredReading, UnitRow};
use serel::model::Phase;
use serel::plan::{Job, Manner, Plan};
use serel::root::Root;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(crate) fn database() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    (dir, path)
}

pub(crate) fn key(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

pub(crate) fn plan(names: &[&str]) -> Plan {
    let mut plan = Plan::new(Phase::Start, true);
    for name in names {
        let own = plan.services.push(name);
        let script = &*format!("/etc/init.d/{name}");
        plan.add(Job { name, script, manner: Manner::default(), provides: &[own], needs: &[] });
    }
    plan
}

pub(crate) fn unit(name: &str, services: &[&str]) -> UnitRow {
    let root = Root::default();
    UnitRow {
        key: key(name),
        label: name.to_owned(),
        manifest: Manifest::new(vec![Entry::observe(&root, "/etc"), Entry::absent("/etc/none")]),
        plan: plan(services).encode(),
        problems: b"problems".to_vec(),
    }
}

pub(crate) fn job(name: &str, outcome: &str, millis: u64) -> JobRow {
    JobRow {
        script: format!("/etc/init.d/{name}"),
        name: name.to_owned(),
        ready: Some(1_000),
        start: Some(2_000),
        available: None,
        end: Some(2_000 + millis * 1_000_000),
        outcome: outcome.to_owned(),
        status: 0,
        user_us: 3,
        system_us: 4,
        max_rss_kib: 5,
    }
}

pub(crate) fn run(name: &str, jobs: Vec<JobRow>) -> RunRow {
    RunRow {
        key: key(name),
        label: name.to_owned(),
        phase: Phase::Start,
        boot: Some("boot".to_owned()),
        begin: 10,
        end: 20,
        cached: true,
        why: "first boot".to_owned(),
        interrupted: None,
        jobs,
    }
}

pub(crate) fn reading(body: &str) -> StoredReading {
    let stat = Stat::of(&fs::metadata("/etc").unwrap());
    StoredReading { stat, racy: true, digest: key(body), body: body.as_bytes().to_vec() }
}

pub(crate) fn save_unit(path: &Path, name: &str) {
    Batch { units: vec![unit(name, &["a", "b"])], ..Batch::default() }.save(path).unwrap();
}

pub(crate) fn open(path: &Path) -> History {
    History::open(path).unwrap().expect("a history was saved")
}
