//! What users rely on: an unchanged tree is known without reading it, a touched one by its content, and every change
//! is named.

use serel::fingerprint::{Check, Entry, Manifest, Stat};
use serel::root::Root;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

const PATHS: [&str; 6] = [
    "/etc/init.d",
    "/etc/init.d/cron",
    "/etc/init.d/ssh",
    "/etc/rc2.d",
    "/etc/insserv.conf",
    "/etc/override/cron",
];

struct Tree {
    dir: TempDir,
    root: Root,
}

impl Tree {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path()).unwrap();
        let tree = Self { dir, root };
        fs::create_dir_all(tree.at("/etc/init.d")).unwrap();
        fs::create_dir_all(tree.at("/etc/rc2.d")).unwrap();
        fs::write(tree.at("/etc/init.d/cron"), "cron").unwrap();
        fs::write(tree.at("/etc/init.d/ssh"), "ssh").unwrap();
        fs::write(tree.at("/etc/insserv.conf"), "$local_fs mountall").unwrap();
        symlink("../init.d/cron", tree.at("/etc/rc2.d/S01cron")).unwrap();
        tree
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.real(path)
    }

    /// What is there, believed at once although it was made just now.
    fn manifest(&self) -> Manifest {
        let seen = PATHS.iter().map(|path| Entry { racy: false, ..Entry::observe(&self.root, path) });
        Manifest::new(seen.collect())
    }

    /// The words of each change.
    fn changes(&self, manifest: &Manifest) -> Vec<String> {
        match manifest.check(&self.root) {
            Check::Changed(changes) => changes.iter().map(ToString::to_string).collect(),
            other => panic!("expected changes, not {other:?}"),
        }
    }

    fn touch(&self, path: &str, date: &str) {
        let status = Command::new("touch").args(["-d", date]).arg(self.at(path)).status().unwrap();
        assert!(status.success());
    }
}

fn refreshed(check: Check) -> Manifest {
    match check {
        Check::Refreshed(manifest) => manifest,
        other => panic!("expected new stamps, not {other:?}"),
    }
}

#[test]
fn an_unchanged_tree_is_the_same() {
    let tree = Tree::new();
    let stored = Manifest::decode(&tree.manifest().encode()).unwrap();
    assert_eq!(stored.len(), PATHS.len());
    assert_eq!(stored.check(&tree.root), Check::Same);
}

#[test]
fn a_touched_file_needs_new_stamps_only_whatever_the_clock_said() {
    let tree = Tree::new();
    let mut manifest = tree.manifest();
    for date in ["1970-01-02", "2100-01-01", "now"] {
        tree.touch("/etc/init.d/cron", date);
        manifest = refreshed(manifest.check(&tree.root));
    }
    let entries = manifest.entries().map(|entry| Entry { racy: false, ..entry }).collect();
    assert_eq!(Manifest::new(entries).check(&tree.root), Check::Same);
}

#[test]
fn a_tree_copied_to_other_inodes_needs_new_stamps_only() {
    let tree = Tree::new();
    let manifest = tree.manifest();
    let copy = tempfile::tempdir().unwrap();
    let from = format!("{}/.", tree.dir.path().display());
    assert!(Command::new("cp").args(["-a", &from]).arg(copy.path()).status().unwrap().success());
    refreshed(manifest.check(&Root::new(copy.path()).unwrap()));
}

#[test]
fn every_change_is_named() {
    let tree = Tree::new();
    let manifest = tree.manifest();
    fs::write(tree.at("/etc/init.d/cron"), "cron, longer").unwrap();
    fs::set_permissions(tree.at("/etc/init.d/ssh"), Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(tree.at("/etc/insserv.conf")).unwrap();
    fs::create_dir(tree.at("/etc/override")).unwrap();
    fs::write(tree.at("/etc/override/cron"), "").unwrap();
    symlink("../init.d/ssh", tree.at("/etc/rc2.d/S02ssh")).unwrap();
    let expected = [
        "/etc/init.d/cron changed",
        "owner or mode of /etc/init.d/ssh changed",
        "/etc/insserv.conf vanished",
        "/etc/override/cron appeared",
        "the names in /etc/rc2.d changed",
    ];
    assert_eq!(tree.changes(&manifest), expected);
}

#[test]
fn a_change_that_leaves_size_and_time_is_found() {
    let tree = Tree::new();
    let manifest = tree.manifest();
    let before = fs::metadata(tree.at("/etc/init.d/cron")).unwrap().modified().unwrap();
    fs::write(tree.at("/etc/init.d/cron"), "CRON").unwrap();
    let file = fs::File::options().write(true).open(tree.at("/etc/init.d/cron")).unwrap();
    file.set_modified(before).unwrap();
    drop(file);
    // Were the change time the same too, only the entry's raciness could tell: that is the next test.
    assert_eq!(tree.changes(&manifest), ["/etc/init.d/cron changed"]);
}

#[test]
fn a_racy_entry_is_read_until_it_is_old_enough() {
    let tree = Tree::new();
    // On a busy machine a tick may pass between the writing and the reading: then it is written again.
    let write_and_observe = |_| {
        fs::write(tree.at("/etc/init.d/cron"), "cron").unwrap();
        Some(Entry::observe(&tree.root, "/etc/init.d/cron")).filter(|entry| entry.racy)
    };
    let fresh = (0..1_000).find_map(write_and_observe).expect("it was written a moment ago");
    // The very same stamps with another content: what a second write within one tick leaves behind.
    fs::write(tree.at("/etc/init.d/cron"), "CRON").unwrap();
    let stat = Some(Stat::of(&fs::symlink_metadata(tree.at("/etc/init.d/cron")).unwrap()));
    let hidden = Manifest::new(vec![Entry { stat, ..fresh.clone() }]);
    assert_eq!(tree.changes(&hidden), ["/etc/init.d/cron changed"]);
    let trusted = Manifest::new(vec![Entry { stat, racy: false, ..fresh }]);
    assert_eq!(trusted.check(&tree.root), Check::Same, "which is why it must be marked");
}

#[test]
fn a_file_replaced_by_something_else_changed() {
    let tree = Tree::new();
    let manifest = tree.manifest();
    fs::remove_file(tree.at("/etc/init.d/ssh")).unwrap();
    symlink("cron", tree.at("/etc/init.d/ssh")).unwrap();
    fs::remove_dir_all(tree.at("/etc/rc2.d")).unwrap();
    let expected = ["the names in /etc/init.d changed", "/etc/init.d/ssh changed", "/etc/rc2.d vanished"];
    assert_eq!(tree.changes(&manifest), expected);
}

#[test]
fn many_changes_are_read_by_many_threads_and_stay_in_order() {
    let tree = Tree::new();
    let paths: Vec<String> = (0..500).map(|n| format!("/etc/init.d/s{n:03}")).collect();
    for path in &paths {
        fs::write(tree.at(path), path).unwrap();
    }
    let manifest = Manifest::new(paths.iter().map(|path| Entry::observe(&tree.root, path)).collect());
    for path in &paths {
        fs::write(tree.at(path), "else").unwrap();
    }
    let expected: Vec<String> = paths.iter().map(|path| format!("{path} changed")).collect();
    assert_eq!(tree.changes(&manifest), expected);
}
