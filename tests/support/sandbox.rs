//! A private tree that a program takes for a whole system (`--root`).

use super::program::{Finished, LIMIT, finish};
use super::script::Script;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The tree. It goes when it is dropped, except when the test has failed: then it stays, and is named.
#[derive(Debug)]
pub(crate) struct Sandbox {
    dir: TempDir,
}

impl Sandbox {
    /// An empty tree with `etc/init.d` in it, owned by the caller and closed to others.
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new()
            .prefix("sandbox-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .expect("the build directory is writable");
        let sandbox = Self { dir };
        fs::create_dir_all(sandbox.at("etc/init.d")).expect("a new directory");
        sandbox
    }

    /// The real path of the root.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The real path of something in it.
    pub(crate) fn at(&self, inside: &str) -> PathBuf {
        self.path().join(inside.trim_start_matches('/'))
    }

    /// Writes a file, and the directories that lead to it.
    #[track_caller]
    pub(crate) fn write(&self, inside: &str, text: &str, mode: u32) {
        let path = self.at(inside);
        fs::create_dir_all(path.parent().expect("a file in the tree")).expect("a directory of the tree");
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("our own file");
    }

    /// The text of a file; what is not UTF-8 is replaced (some real scripts are Latin-1).
    #[track_caller]
    pub(crate) fn read(&self, inside: &str) -> String {
        let path = self.at(inside);
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Installs a script in `etc/init.d`.
    #[track_caller]
    pub(crate) fn add(&self, script: &Script) {
        self.write(&format!("etc/init.d/{}", script.name), &script.text(&self.at("journal")), 0o755);
    }

    /// Makes `etc/rcLEVEL.d/LINK`, where LINK is `S05cron` or `K01cron`, as the system's own tools do.
    #[track_caller]
    #[allow(dead_code, reason = "for trees that insserv does not link")]
    pub(crate) fn link(&self, level: &str, link: &str) {
        let dir = self.at(&format!("etc/rc{level}.d"));
        fs::create_dir_all(&dir).expect("a directory of the tree");
        symlink(format!("../init.d/{}", &link[3..]), dir.join(link)).expect("a new link");
    }

    /// The names that stand after `S` or `K` and two digits in a runlevel's directory, sorted; none without one.
    pub(crate) fn linked(&self, level: &str, letter: char) -> Vec<String> {
        let mut names = self.names(&format!("etc/rc{level}.d"));
        names.retain(|name| name.starts_with(letter));
        let mut names: Vec<String> = names.into_iter().map(|name| name[3..].to_owned()).collect();
        names.sort();
        names
    }

    /// The names in a directory that do not begin with a dot, sorted; none without one.
    pub(crate) fn names(&self, inside: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.at(inside)) else { return Vec::new() };
        let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("readable").file_name().into_string();
        let mut names: Vec<String> = entries.map(|entry| name(entry).expect("a UTF-8 name")).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    }

    /// What the scripts wrote down, `NAME ARGUMENT`, in the order in which they ran.
    pub(crate) fn journal(&self) -> Vec<String> {
        let text = fs::read_to_string(self.at("journal")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Begins a new journal.
    pub(crate) fn forget_journal(&self) {
        let _ = fs::remove_file(self.at("journal"));
    }

    /// Runs `serelrc --root TREE ARGUMENTS`.
    #[track_caller]
    pub(crate) fn serelrc(&self, arguments: &[&str]) -> Finished {
        let mut command = Command::new(env!("CARGO_BIN_EXE_serelrc"));
        finish(command.arg("--root").arg(self.path()).args(arguments).current_dir(self.path()), LIMIT)
    }

    /// Keeps the tree after the test and says where it is: for the hand of who looks for a fault.
    pub(crate) fn eject(&mut self) {
        self.dir.disable_cleanup(true);
        eprintln!("the tree of this test stays at {}", self.path().display());
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.eject();
        }
    }
}
