//! The Debian that boots: made once with debootstrap, then only read.
//!
//! It is kept in the build directory under the hash of what it is made of, the packages beside it, so that a second
//! making needs the network for nothing but the lists. It exists twice: as it is, for an image, and with the owners that
//! it has in a user namespace, where root and all others are users that this machine does not have.

use crate::cases::Skip;
use crate::namespace::{FIRST_ID, Namespace};
use crate::program::finish;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// Programs, and the packages that bring them.
const PROGRAMS: [(&str, &str); 5] = [
    ("debootstrap", "debootstrap"),
    ("apt-get", "apt"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("setpriv", "util-linux"),
];

/// For 120 MB over a slow line, and the installation of 250 packages on a busy machine.
const MAKING_LIMIT: Duration = Duration::from_mins(25);

/// An installed Debian; read only.
#[derive(Debug)]
pub(crate) struct Root {
    dir: PathBuf,
}

impl Root {
    /// Makes it, or finds that done already. Others who want it meanwhile wait.
    pub(crate) fn made() -> Result<&'static Self, Skip> {
        static ONCE: OnceLock<Result<Root, Skip>> = OnceLock::new();
        ONCE.get_or_init(Self::prepare).as_ref().map_err(Clone::clone)
    }

    /// The tree as it is installed.
    #[allow(dead_code, reason = "containers have no use for it, images have")]
    pub(crate) fn plain(&self) -> PathBuf {
        self.dir.join("plain")
    }

    /// The tree of a user namespace that begins at [`FIRST_ID`], without devices.
    pub(crate) fn shifted(&self) -> PathBuf {
        self.dir.join("shifted")
    }

    fn prepare() -> Result<Self, Skip> {
        let found = |program: &str| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            // Where a plain user's PATH does not lead.
            let more = ["/usr/sbin", "/sbin"].map(PathBuf::from);
            std::env::split_paths(&path).chain(more).any(|dir| dir.join(program).exists())
        };
        let missing: Vec<&str> =
            PROGRAMS.into_iter().filter(|(program, _)| !found(program)).map(|known| known.1).collect();
        if !missing.is_empty() {
            return Err(Skip::Missing(format!(
                "{}; on Debian: apt-get install --no-install-recommends {}",
                missing.join(", "),
                missing.join(" ")
            )));
        }
        if !nix::unistd::geteuid().is_root() {
            return Err(Skip::Refused(
                "only root can install a Debian and give its files to others".to_owned(),
            ));
        }
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/boot");
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let suite = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
        let suite = suite.unwrap_or("bookworm").trim_matches('"');
        let mut hash = blake3::Hasher::new();
        for file in ["root.sh", "packages"] {
            hash.update(&fs::read(here.join(file)).expect("a file of these tests"));
        }
        hash.update(suite.as_bytes());
        let build = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let root =
            Self { dir: build.join(format!("debian-root-{}", &hash.finalize().to_hex().as_str()[..16])) };
        fs::create_dir_all(build).expect("the build directory is writable");
        let lock = File::create(build.join("debian-root.lock")).expect("the build directory is writable");
        lock.lock().expect("the build directory can lock files");
        if !root.dir.exists() {
            root.make(build, &here, suite);
        }
        Ok(root)
    }

    fn make(&self, build: &Path, here: &Path, suite: &str) {
        for entry in fs::read_dir(build).expect("our own directory").map(|entry| entry.expect("readable")) {
            if entry.file_name().to_string_lossy().starts_with("debian-root-") {
                fs::remove_dir_all(entry.path()).expect("what an older version of these tests made");
            }
        }
        let making = build.join("debian-root-making");
        fs::create_dir_all(&making).expect("the build directory is writable");
        let mut install = Command::new("unshare");
        install.args(["--mount", "--pid", "--fork", "--kill-child=KILL", "sh"]).arg(here.join("root.sh"));
        install.arg(suite).arg(mirror(suite)).arg(here.join("packages")).arg(build.join("debian-packages"));
        finish(install.arg(making.join("plain")), MAKING_LIMIT).expect_code(0);
        shift(&making.join("plain"), &making.join("shifted"));
        fs::rename(&making, &self.dir).expect("our own directory");
    }
}

/// Where this machine gets its release from.
fn mirror(suite: &str) -> String {
    let mut targets = Command::new("apt-get");
    targets.args(["indextargets", "--format", "$(CODENAME) $(REPO_URI)"]);
    let said = finish(&mut targets, crate::program::LIMIT).expect_code(0).stdout;
    let found = said.lines().find_map(|line| line.strip_prefix(suite)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no source of {suite} among those of apt-get:\n{said}")).to_owned()
}

/// Copies a tree to where its owners are those of a user namespace.
fn shift(from: &Path, to: &Path) {
    fs::create_dir(to).expect("our own directory");
    chown(to, Some(FIRST_ID), Some(FIRST_ID)).expect("root may");
    let tar = ["--numeric-owner", "--xattrs", "--xattrs-include=*"];
    let mut pack = Command::new("tar");
    pack.arg("-C").arg(from).args(tar).args(["--exclude=./dev/*", "-cf", "-", "."]);
    let mut pack = pack.stdout(Stdio::piped()).spawn().expect("tar is there");
    let mut unpack = Command::new("tar");
    // Its working directory, because its path may lead through directories that are closed to strangers.
    unpack.args(tar).args(["-xpf", "-"]).current_dir(to);
    let mut unpack = Namespace::enter(&unpack, None, Stdio::inherit());
    io::copy(pack.stdout.as_mut().expect("a pipe"), unpack.input()).expect("tar reads to the end");
    assert!(pack.wait().expect("a child").success(), "tar could not read {}", from.display());
    assert!(unpack.ended().success(), "tar could not write {}", to.display());
}
