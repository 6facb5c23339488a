//! What a boot may rely on: what was saved comes back, and nothing that is wrong with the file does harm.

use rusqlite::Connection;
use serel::fingerprint::{Digest, Entry, Manifest, Stat};
use serel::history::{
    Batch, History, JobRow, LastUnit, MOST_RUNS, MOST_UNITS, Populated, RunRow, StoredReading, Trouble,
    UnitRow,
};
use serel::model::{IdVec, JobId, Phase, ServiceId};
use serel::plan::{Job, Plan};
use serel::root::Root;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Set for a test that is run again by another one, in a process or a mount namespace of its own.
const INNER: &str = "SEREL_TEST_DIRECTORY";

fn database() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    (dir, path)
}

fn key(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

fn plan(names: &[&str]) -> Plan {
    let services: IdVec<ServiceId, String> = names.iter().map(|name| (*name).to_owned()).collect();
    let jobs: IdVec<JobId, Job> = (0..)
        .zip(names)
        .map(|(index, name)| Job {
            name: (*name).to_owned(),
            script: format!("/etc/init.d/{name}"),
            interactive: false,
            unknown: false,
            provides: vec![ServiceId(index)],
            needs: Vec::new(),
        })
        .collect();
    Plan { phase: Phase::Start, services, jobs, parallel: true }
}

fn unit(name: &str, services: &[&str]) -> UnitRow {
    let root = Root::default();
    UnitRow {
        key: key(name),
        label: name.to_owned(),
        manifest: Manifest::new(vec![Entry::observe(&root, "/etc"), Entry::absent("/etc/none")]),
        plan: plan(services).encode(),
        problems: b"problems".to_vec(),
    }
}

fn job(name: &str, outcome: &str, millis: u64) -> JobRow {
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

fn run(name: &str, jobs: Vec<JobRow>) -> RunRow {
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

fn reading(body: &str) -> StoredReading {
    let stat = Stat::of(&fs::metadata("/etc").unwrap());
    StoredReading { stat, racy: true, digest: key(body), body: body.as_bytes().to_vec() }
}

fn save_unit(path: &Path, name: &str) {
    Batch { units: vec![unit(name, &["a", "b"])], ..Batch::default() }.save(path).unwrap();
}

fn open(path: &Path) -> History {
    History::open(path).unwrap().expect("a history was saved")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Runs an ignored test of this file again, after a shell command on its directory (`$1`), where mounts are private.
fn run_inner(test: &str, mount: &str, dir: &Path) {
    // Without root a user namespace may stand in; where that is not allowed either, the test fails.
    let root = nix::unistd::geteuid().is_root();
    let script = format!("{mount} && exec \"$2\" --exact \"history::{test}\" --ignored --nocapture");
    let output = Command::new("unshare")
        .args(if root { &["-m"][..] } else { &["-r", "-m"][..] })
        .args(["sh", "-c", &script, "sh"])
        .arg(dir)
        .arg(std::env::current_exe().unwrap())
        .env(INNER, dir)
        .output()
        .expect("unshare of util-linux");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stdout.contains("1 passed"), "{test}: {stdout}{stderr}");
}

fn inner_directory() -> PathBuf {
    PathBuf::from(std::env::var_os(INNER).expect("this test is run by another one"))
}

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
    assert_eq!(stored.manifest, rc2.manifest);
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
    assert_eq!((stored.manifest, stored.plan), (manifest, rc2.plan));
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

#[test]
fn file_and_directory_are_made_readable_whatever_the_umask() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .args(["-c", "umask 077 && exec \"$1\" --exact history::inner_save --ignored", "sh"])
        .arg(std::env::current_exe().unwrap())
        .env(INNER, dir.path())
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(mode(&dir.path().join("serel")), 0o755);
    assert_eq!(mode(&dir.path().join("serel/history.db")), 0o644);
}

#[test]
#[ignore = "run by another test in a process of its own"]
fn inner_save() {
    save_unit(&inner_directory().join("serel/history.db"), "rc2");
}

#[test]
fn a_damaged_file_is_set_aside_and_begun_anew() {
    let (_dir, good) = database();
    save_unit(&good, "rc2");
    let good = fs::read(good).unwrap();
    let cut = &good[..good.len() / 2];
    for bytes in [cut, &good[..50], b"garbage", &vec![0xff; 20_000], &vec![0; 8192]] {
        let (dir, path) = database();
        fs::write(&path, bytes).unwrap();
        fs::write(dir.path().join("history.db.bad"), "an earlier one").unwrap();
        let trouble = match History::open(&path) {
            Err(trouble) => trouble,
            Ok(history) => history.expect("there is something").unit(&key("rc2")).unwrap_err(),
        };
        assert!(matches!(trouble, Trouble::Damaged { .. }), "{trouble:?}");
        assert!(trouble.to_string().starts_with(&path.display().to_string()), "{trouble}");
        let saved = Batch { units: vec![unit("rc3", &["a"])], ..Batch::default() }.save(&path).unwrap();
        let (bad, why) = saved.set_aside.unwrap();
        assert!(matches!(why, Trouble::Damaged { .. }));
        assert_eq!(fs::read(bad).unwrap(), bytes);
        assert!(open(&path).unit(&key("rc3")).unwrap().is_some());
    }
}

#[test]
fn a_changed_byte_is_never_taken_for_a_plan() {
    let (dir, path) = database();
    let names: Vec<String> = (0..2_000).map(|n| format!("service-{n}")).collect();
    let rc2 = unit("rc2", &names.iter().map(String::as_str).collect::<Vec<_>>());
    Batch { units: vec![rc2.clone()], ..Batch::default() }.save(&path).unwrap();
    let good = fs::read(&path).unwrap();
    let changed = dir.path().join("changed.db");
    for at in (0..good.len()).step_by(997) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        fs::write(&changed, bytes).unwrap();
        if let Ok(Some(history)) = History::open(&changed)
            && let Ok(Some(stored)) = history.unit(&rc2.key)
        {
            assert_eq!((stored.plan, stored.manifest), (rc2.plan.clone(), rc2.manifest.clone()), "byte {at}");
        }
    }
    assert!(Batch { anew: true, ..Batch::default() }.save(&path).unwrap().set_aside.is_some());
    assert_eq!(open(&path).unit(&rc2.key).unwrap(), None);
}

#[test]
fn what_is_not_ours_is_left_alone() {
    let (dir, path) = database();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE bookmark (url TEXT)").unwrap();
    let text = dir.path().join("passwd");
    fs::write(&text, "root:x:0:0").unwrap();
    for (path, before) in [(&path, fs::read(&path).unwrap()), (&text, fs::read(&text).unwrap())] {
        History::open(path).unwrap_err();
        Batch { units: vec![unit("rc2", &["a"])], ..Batch::default() }.save(path).unwrap_err();
        assert_eq!(fs::read(path).unwrap(), before);
    }
    assert!(matches!(History::open(&path), Err(Trouble::Foreign { .. })));
    assert!(matches!(History::open(Path::new("/dev/null")), Err(Trouble::Untrusted { .. })));
    assert!(matches!(Batch::default().save(Path::new("/dev/null")), Err(Trouble::Untrusted { .. })));
    assert!(matches!(Batch::default().save(dir.path()), Err(Trouble::Untrusted { .. })));
}

#[test]
fn a_newer_schema_is_set_aside_by_a_save() {
    let (_dir, path) = database();
    save_unit(&path, "rc2");
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let trouble = History::open(&path).unwrap_err();
    assert!(matches!(trouble, Trouble::Schema { found: 99, .. }), "{trouble:?}");
    let saved = Batch { units: vec![unit("rc3", &["a"])], ..Batch::default() }.save(&path).unwrap();
    assert_eq!(saved.set_aside.unwrap().1, trouble);
    assert!(open(&path).unit(&key("rc3")).unwrap().is_some());
}

#[test]
fn what_others_may_write_is_not_trusted() {
    let (dir, path) = database();
    save_unit(&path, "rc2");
    let link = dir.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(matches!(History::open(&link), Err(Trouble::Untrusted { .. })));
    for open_mode in [0o664, 0o646] {
        fs::set_permissions(&path, Permissions::from_mode(open_mode)).unwrap();
        let words = History::open(&path).unwrap_err().to_string();
        assert!(words.contains(&format!("its mode {open_mode:04o} lets others write it")), "{words}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(12_345), None).unwrap();
        let words = History::open(&path).unwrap_err().to_string();
        assert!(words.contains("it belongs to user 12345"), "{words}");
        let saved = Batch { units: vec![unit("rc3", &["a"])], ..Batch::default() }.save(&path).unwrap();
        assert!(matches!(saved.set_aside, Some((_, Trouble::Untrusted { .. }))));
        assert!(open(&path).unit(&key("rc2")).unwrap().is_none(), "nothing of it was taken over");
    } else {
        eprintln!("SKIPPED: a file of another user: only root can make one");
    }
}

#[test]
fn a_read_only_file_system_is_read_and_not_written() {
    let (dir, path) = database();
    save_unit(&path, "rc2");
    let read_only = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\"";
    run_inner("inner_read_only", read_only, dir.path());
}

#[test]
#[ignore = "run by another test in a mount namespace of its own"]
fn inner_read_only() {
    let dir = inner_directory();
    let path = dir.join("history.db");
    assert!(open(&path).unit(&key("rc2")).unwrap().is_some());
    for path in [path, dir.join("other.db"), dir.join("new/history.db")] {
        let trouble = Batch { units: vec![unit("rc3", &["a"])], ..Batch::default() }.save(&path).unwrap_err();
        assert!(matches!(trouble, Trouble::ReadOnly { .. }), "{trouble:?}");
    }
}

/// A history and its journal as a writer leaves them that is killed after its pages began to reach the disk.
fn killed_in_mid_write() -> TempDir {
    let (dir, path) = database();
    save_unit(&path, "rc2");
    let copy = tempfile::tempdir().unwrap();
    let writer = Connection::open(&path).unwrap();
    writer
        .execute_batch(
            "PRAGMA cache_size = 2; BEGIN IMMEDIATE; UPDATE unit SET label = 'half', plan = x'00';
             WITH RECURSIVE many (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 2000)
             INSERT INTO reading SELECT 'path' || n, x'', 0, x'', randomblob(500) FROM many;",
        )
        .unwrap();
    for name in ["history.db", "history.db-journal"] {
        fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    let half = fs::metadata(copy.path().join("history.db")).unwrap().len();
    assert!(half > 500_000, "half of it is there");
    copy
}

#[test]
fn a_killed_writer_is_rolled_back() {
    let copy = killed_in_mid_write();
    let path = copy.path().join("history.db");
    let history = open(&path);
    assert_eq!(history.unit(&key("rc2")).unwrap().unwrap().label, "rc2");
    assert!(history.definitions().unwrap().is_empty());
    drop(history);
    let copy = killed_in_mid_write();
    let path = copy.path().join("history.db");
    save_unit(&path, "rc3");
    assert_eq!(open(&path).unit(&key("rc2")).unwrap().unwrap().label, "rc2");
    assert!(!copy.path().join("history.db-journal").exists());
}

#[test]
fn a_journal_of_somebody_else_is_not_replayed() {
    let copy = killed_in_mid_write();
    let journal = copy.path().join("history.db-journal");
    fs::set_permissions(&journal, Permissions::from_mode(0o666)).unwrap();
    let trouble = History::open(&copy.path().join("history.db")).unwrap_err();
    assert!(matches!(&trouble, Trouble::Untrusted { path, .. } if *path == journal), "{trouble:?}");
    let saved =
        Batch { units: vec![unit("rc3", &["a"])], ..Batch::default() }.save(&copy.path().join("history.db"));
    assert!(saved.unwrap().set_aside.is_some());
    assert!(!journal.exists() && copy.path().join("history.db.bad-journal").exists());
}

#[test]
fn a_killed_writer_on_a_read_only_file_system_means_the_cold_path() {
    let copy = killed_in_mid_write();
    let read_only = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\"";
    run_inner("inner_hot_journal", read_only, copy.path());
}

#[test]
#[ignore = "run by another test in a mount namespace of its own"]
fn inner_hot_journal() {
    let path = inner_directory().join("history.db");
    let trouble = History::open(&path).unwrap_err();
    assert!(matches!(trouble, Trouble::HotJournal { .. }), "{trouble:?}");
    let trouble = Batch::default().save(&path).unwrap_err();
    assert!(matches!(trouble, Trouble::HotJournal { .. } | Trouble::ReadOnly { .. }), "{trouble:?}");
}

#[test]
fn a_full_disk_leaves_what_was_there() {
    let dir = tempfile::tempdir().unwrap();
    run_inner("inner_full_disk", "mount -t tmpfs -o size=512k tmpfs \"$1\"", dir.path());
}

#[test]
#[ignore = "run by another test in a mount namespace of its own"]
fn inner_full_disk() {
    let dir = inner_directory();
    let path = dir.join("history.db");
    let large = || {
        let body = "x".repeat(1_000);
        let readings = (0..2_000).map(|n| (format!("/etc/init.d/{n}"), reading(&body))).collect();
        Batch { readings, ..Batch::default() }
    };
    let trouble = large().save(&path).unwrap_err();
    assert!(matches!(trouble, Trouble::Full { .. }), "{trouble:?}");
    assert!(History::open(&path).unwrap().is_none(), "not even half of it");
    save_unit(&path, "rc2");
    let before = fs::read(&path).unwrap();
    let trouble = large().save(&path).unwrap_err();
    assert!(matches!(trouble, Trouble::Full { .. }), "{trouble:?}");
    assert!(open(&path).unit(&key("rc2")).unwrap().is_some());
    assert!(open(&path).definitions().unwrap().is_empty());
    assert_eq!(fs::read(&path).unwrap(), before);
    fs::write(dir.join("filler"), vec![0; 600_000]).unwrap_err();
    let other = dir.join("other.db");
    let trouble = Batch { units: vec![unit("rc2", &["a"])], ..Batch::default() }.save(&other).unwrap_err();
    assert!(matches!(trouble, Trouble::Full { .. }), "{trouble:?}");
}

#[test]
fn two_writers_both_get_their_turn() {
    let dir = tempfile::tempdir().unwrap();
    let writers: Vec<_> = (0..2)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "history::inner_writer", "--ignored"])
                .env(INNER, dir.path())
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    let runs = open(&dir.path().join("history.db")).runs(100).unwrap();
    assert_eq!(runs.len(), 40);
    assert!(runs.iter().all(|run| run.plan.is_some()));
}

#[test]
#[ignore = "run by another test in a process of its own"]
fn inner_writer() {
    let path = inner_directory().join("history.db");
    for _ in 0..20 {
        let runs = vec![run("rc2", vec![job("a", JobRow::DONE, 1)])];
        Batch { units: vec![unit("rc2", &["a"])], runs, ..Batch::default() }.save(&path).unwrap();
    }
}

#[test]
fn a_locked_history_is_not_waited_for_long() {
    let (_dir, path) = database();
    save_unit(&path, "rc2");
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert_eq!(History::open(&path).unwrap_err(), Trouble::Locked { path: path.clone() });
    assert_eq!(Batch::default().save(&path).unwrap_err(), Trouble::Locked { path: path.clone() });
    holder.execute_batch("ROLLBACK").unwrap();
    assert!(open(&path).unit(&key("rc2")).unwrap().is_some());
}

#[test]
fn a_file_turned_to_wal_by_hand_is_turned_back() {
    let (dir, path) = database();
    save_unit(&path, "rc2");
    Connection::open(&path).unwrap().query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
    save_unit(&path, "rc3");
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|found| found.unwrap().file_name()).collect();
    assert_eq!(names, ["history.db"]);
    assert_eq!(fs::read(&path).unwrap()[18..20], [1, 1], "the mark of a rollback journal");
}

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
        median("first save: file, readings, plan", 20, || {
            fs::remove_file(&path).ok();
            first.clone().save(&path).unwrap()
        });
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
