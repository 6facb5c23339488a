//! Whatever is wrong with the file, a boot goes on and a save does no harm.
//!
//! File systems that are read-only or full are real ones: the test runs itself again where mounts are private.

use super::{database, job, key, open, reading, run, save_unit, unit};
use rusqlite::Connection;
use serel::fingerprint::Glance;
use serel::history::{Batch, History, JobRow, Trouble};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Set for a test that is run again by another one, in a process or a mount namespace of its own.
const INNER: &str = "SEREL_TEST_DIRECTORY";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Runs a test of this file again in a process of its own, after a shell command on a directory (`$1`) that `before`
/// made; there `body` is called with that directory. With `mounts`, the command may mount, and nobody else sees it.
fn again(test: &str, mounts: bool, command: &str, before: impl Fn() -> TempDir, body: impl Fn(&Path)) {
    if let Some(dir) = std::env::var_os(INNER) {
        return body(Path::new(&dir));
    }
    let dir = before();
    // Without root a user namespace may stand in; where that is not allowed either, the test fails.
    let unshare: &[&str] = match (mounts, nix::unistd::geteuid().is_root()) {
        (false, _) => &[],
        (true, true) => &["-m"],
        (true, false) => &["-r", "-m"],
    };
    let script = format!("{command} && exec \"$2\" --exact \"history::trouble::{test}\" --nocapture");
    let output = Command::new("unshare")
        .args(unshare)
        .args(["sh", "-c", &script, "sh"])
        .arg(dir.path())
        .arg(std::env::current_exe().unwrap())
        .env(INNER, dir.path())
        .output()
        .expect("unshare of util-linux");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stdout.contains("1 passed"), "{test}: {stdout}{stderr}");
}

const READ_ONLY: &str = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\"";

#[test]
fn file_and_directory_are_made_readable_whatever_the_umask() {
    let test = "file_and_directory_are_made_readable_whatever_the_umask";
    again(
        test,
        false,
        "umask 077",
        || tempfile::tempdir().unwrap(),
        |dir| {
            save_unit(&dir.join("serel/history.db"), "rc2");
            assert_eq!(mode(&dir.join("serel")), 0o755);
            assert_eq!(mode(&dir.join("serel/history.db")), 0o644);
        },
    );
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
            assert_eq!(
                (stored.plan, stored.glance),
                (rc2.plan.clone(), Glance::of(&rc2.manifest)),
                "byte {at}"
            );
            if let Ok(Some(manifest)) = history.manifest(&rc2.key) {
                assert_eq!(manifest, rc2.manifest, "byte {at}");
            }
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
    let before = || {
        let (dir, path) = database();
        save_unit(&path, "rc2");
        dir
    };
    again("a_read_only_file_system_is_read_and_not_written", true, READ_ONLY, before, |dir| {
        let path = dir.join("history.db");
        assert!(open(&path).unit(&key("rc2")).unwrap().is_some());
        for path in [path, dir.join("other.db"), dir.join("new/history.db")] {
            let batch = Batch { units: vec![unit("rc3", &["a"])], ..Batch::default() };
            let trouble = batch.save(&path).unwrap_err();
            assert!(matches!(trouble, Trouble::ReadOnly { .. }), "{trouble:?}");
        }
    });
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
             INSERT INTO reading SELECT n, randomblob(500) FROM many;",
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
    let test = "a_killed_writer_on_a_read_only_file_system_means_the_cold_path";
    again(test, true, READ_ONLY, killed_in_mid_write, |dir| {
        let path = dir.join("history.db");
        let trouble = History::open(&path).unwrap_err();
        assert!(matches!(trouble, Trouble::HotJournal { .. }), "{trouble:?}");
        let trouble = Batch::default().save(&path).unwrap_err();
        assert!(matches!(trouble, Trouble::HotJournal { .. } | Trouble::ReadOnly { .. }), "{trouble:?}");
    });
}

#[test]
fn a_full_disk_leaves_what_was_there() {
    let small = "mount -t tmpfs -o size=512k tmpfs \"$1\"";
    let before = || tempfile::tempdir().unwrap();
    again("a_full_disk_leaves_what_was_there", true, small, before, fills_the_disk);
}

fn fills_the_disk(dir: &Path) {
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
    if let Some(dir) = std::env::var_os(INNER) {
        return write_twenty_times(&Path::new(&dir).join("history.db"));
    }
    let dir = tempfile::tempdir().unwrap();
    let writers: Vec<_> = (0..2)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "history::trouble::two_writers_both_get_their_turn"])
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

fn write_twenty_times(path: &Path) {
    for _ in 0..20 {
        let runs = vec![run("rc2", vec![job("a", JobRow::DONE, 1)])];
        Batch { units: vec![unit("rc2", &["a"])], runs, ..Batch::default() }.save(path).unwrap();
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
