//! What was saved comes back, is replaced, learnt from and forgotten.

use super::{database, job, key, open, plan, reading, run, save_unit, unit};
use rusqlite::Connection;
use serel::fingerprint::{Entry, Glance, Manifest};
use serel::history::{Batch, History, JobRow, LastUnit, MOST_RUNS, MOST_UNITS, Populated};
use serel::model::Phase;
use std::fs;

#[test]
fn nothing_is_there_at_first() {
    let (dir, path) = database();
    assert!(History::open(&path).unwrap().is_none());
    assert!(History::open(&dir.path().join("no/directory/history.db")).unwrap().is_none());
    fs::write(&path, "").unwrap();
    assert!(History::open(&path).unwrap().is_none(), "a writer was killed before it wrote");
    save_unit(&path, "rc2");
    assert!(open(&path).unit(&key("rc2")).unwrap().is_some());
}

#[test]
fn everything_comes_back() {
    let (_dir, path) = database();
    let rc2 = unit("rc2", &["a", "b"]);
    let ran = run("rc2", vec![job("a", JobRow::DONE, 30), JobRow { start: None, ..job("b", "depend", 0) }]);
    let populated = Populated {
        started: vec!["x y".to_owned()],
        pairs: vec![("a".to_owned(), "/etc/init.d/a".to_owned())],
        last_unit: Vec::new(),
        key: key("rc2"),
        verify: "success".to_owned(),
        prior: "first boot".to_owned(),
        boot: None,
    };
    let batch = Batch {
        units: vec![rc2.clone()],
        readings: vec![("/b".to_owned(), reading("two")), ("/a".to_owned(), reading("one"))],
        runs: vec![ran.clone()],
        populated: Some(populated.clone()),
        ..Batch::default()
    };
    let saved = batch.save(&path).unwrap();
    assert!(saved.created && saved.set_aside.is_none());

    let history = open(&path);
    let stored = history.unit(&rc2.key).unwrap().unwrap();
    assert_eq!(history.manifest(&rc2.key).unwrap().as_ref(), Some(&rc2.manifest));
    assert_eq!(stored.glance, Glance::of(&rc2.manifest));
    assert_eq!((stored.plan, stored.problems), (rc2.plan.clone(), rc2.problems));
    assert_eq!((stored.label.as_str(), stored.costs), ("rc2", vec![30_000, 0]));
    assert!(history.unit(&key("rc3")).unwrap().is_none());
    let definitions = history.definitions().unwrap();
    assert_eq!((definitions.len(), &definitions["/a"]), (2, &reading("one")));
    assert_eq!(history.costs(Phase::Start).unwrap(), [("/etc/init.d/a".to_owned(), 30_000)].into());
    assert!(history.costs(Phase::Stop).unwrap().is_empty());
    assert_eq!(history.populated().unwrap(), Some(populated));
    let runs = history.runs(10).unwrap();
    assert_eq!((runs.len(), runs[0].id, &runs[0].row), (1, saved.runs[0], &ran));
    assert_eq!(runs[0].plan.as_ref(), Some(&rc2.plan));
    assert_eq!(history.run(saved.runs[0]).unwrap().unwrap().row, ran);
    assert!(history.run(99).unwrap().is_none());
}

#[test]
fn readings_are_replaced_and_forgotten_and_manifests_refreshed() {
    let (_dir, path) = database();
    let rc2 = unit("rc2", &["a"]);
    let readings = ["/a", "/b"].map(|name| (name.to_owned(), reading("one"))).into();
    Batch { units: vec![rc2.clone()], readings, ..Batch::default() }.save(&path).unwrap();
    let manifest = Manifest::new(vec![Entry::absent("/new")]);
    let batch = Batch {
        forgotten: vec!["/b".to_owned(), "/never".to_owned()],
        readings: vec![("/a".to_owned(), reading("two"))],
        refreshed: vec![(rc2.key, manifest.clone()), (key("unknown"), Manifest::default())],
        ..Batch::default()
    };
    assert!(!batch.clone().save(&path).unwrap().created);
    let history = open(&path);
    assert_eq!(history.definitions().unwrap(), [("/a".to_owned(), reading("two"))].into());
    let stored = history.unit(&rc2.key).unwrap().unwrap();
    assert_eq!((&stored.glance, stored.plan), (&Glance::of(&manifest), rc2.plan));
    assert_eq!(history.manifest(&rc2.key).unwrap(), Some(manifest));
}

#[test]
fn a_run_keeps_the_plan_that_it_ran() {
    let (_dir, path) = database();
    let (old, new) = (unit("rc2", &["a"]), unit("rc2", &["a", "b"]));
    Batch { units: vec![old.clone()], runs: vec![run("rc2", Vec::new())], ..Batch::default() }
        .save(&path)
        .unwrap();
    Batch { units: vec![new.clone()], runs: vec![run("rc2", Vec::new())], ..Batch::default() }
        .save(&path)
        .unwrap();
    let history = open(&path);
    let plans: Vec<_> = history.runs(2).unwrap().into_iter().map(|run| run.plan.unwrap()).collect();
    assert_eq!(plans, [new.plan.clone(), old.plan]);
    assert_eq!(history.unit(&key("rc2")).unwrap().unwrap().plan, new.plan);
}

#[test]
fn the_last_unit_is_the_last_one_run_or_populated() {
    let (_dir, path) = database();
    save_unit(&path, "saved");
    assert_eq!(open(&path).last_unit(None).unwrap(), None);
    let mut rc_s = unit("rcS", &["udev", "mount"]);
    Batch { units: vec![rc_s.clone()], runs: vec![run("rcS", Vec::new())], ..Batch::default() }
        .save(&path)
        .unwrap();
    save_unit(&path, "later");
    let services = vec!["mount".to_owned(), "udev".to_owned()];
    let last = LastUnit { label: "rcS".to_owned(), phase: Phase::Start, this_boot: true, services };
    assert_eq!(open(&path).last_unit(Some("boot")).unwrap(), Some(last.clone()));
    let elsewhere = LastUnit { this_boot: false, ..last.clone() };
    assert_eq!(open(&path).last_unit(Some("another")).unwrap(), Some(elsewhere.clone()));
    assert_eq!(open(&path).last_unit(None).unwrap(), Some(elsewhere));
    rc_s.plan = plan(&["udev"]).encode();
    Batch { units: vec![rc_s], ..Batch::default() }.save(&path).unwrap();
    assert_eq!(
        open(&path).last_unit(Some("boot")).unwrap(),
        Some(last),
        "what was planned anew has not run yet"
    );
}

#[test]
fn medians_are_of_the_last_eleven_successful_runs() {
    let (_dir, path) = database();
    let runs = |millis: &[u64], outcome: &str| {
        millis.iter().map(|millis| run("rc2", vec![job("a", outcome, *millis)])).collect()
    };
    let units = vec![unit("rc2", &["b", "a"])];
    Batch { units, runs: runs(&[900; 20], JobRow::DONE), ..Batch::default() }.save(&path).unwrap();
    assert_eq!(open(&path).unit(&key("rc2")).unwrap().unwrap().costs, [0, 900_000]);
    Batch { runs: runs(&[10; 5], JobRow::DONE), ..Batch::default() }.save(&path).unwrap();
    assert_eq!(open(&path).costs(Phase::Start).unwrap()["/etc/init.d/a"], 900_000);
    Batch { runs: runs(&[1; 9], "failed"), ..Batch::default() }.save(&path).unwrap();
    assert_eq!(open(&path).costs(Phase::Start).unwrap()["/etc/init.d/a"], 900_000);
    Batch { runs: runs(&[20], JobRow::DONE), ..Batch::default() }.save(&path).unwrap();
    assert_eq!(open(&path).unit(&key("rc2")).unwrap().unwrap().costs, [0, 20_000]);
    save_unit(&path, "rc3");
    assert_eq!(open(&path).unit(&key("rc3")).unwrap().unwrap().costs, [20_000, 0], "known from another unit");
}

#[test]
fn old_runs_and_units_go_by_count() {
    let (_dir, path) = database();
    let units = (0..MOST_UNITS + 8).map(|n| unit(&format!("u{n}"), &["a"])).collect();
    Batch { units, ..Batch::default() }.save(&path).unwrap();
    assert!(open(&path).unit(&key("u7")).unwrap().is_none());
    assert!(open(&path).unit(&key("u8")).unwrap().is_some());
    let again = run("u8", vec![job("old", JobRow::DONE, 1)]);
    Batch { units: vec![unit("new", &["a"])], runs: vec![again], ..Batch::default() }.save(&path).unwrap();
    assert!(open(&path).unit(&key("u8")).unwrap().is_some(), "it was used just now");
    assert!(open(&path).unit(&key("u9")).unwrap().is_none());
    for _ in 0..4 {
        let runs = (0..MOST_RUNS / 2).map(|_| run("u8", vec![job("a", JobRow::DONE, 1)])).collect();
        Batch { runs, ..Batch::default() }.save(&path).unwrap();
    }
    let history = open(&path);
    let runs = history.runs(usize::MAX).unwrap();
    assert_eq!(runs.len(), MOST_RUNS as usize);
    assert!(runs.windows(2).all(|pair| pair[0].id > pair[1].id));
    let known = history.costs(Phase::Start).unwrap();
    assert_eq!(
        known.into_keys().collect::<Vec<_>>(),
        ["/etc/init.d/a"],
        "a script that runs no more is forgotten"
    );
    let jobs: u32 =
        Connection::open(&path).unwrap().query_row("SELECT count(*) FROM job", [], |r| r.get(0)).unwrap();
    assert_eq!(jobs, MOST_RUNS);
}
