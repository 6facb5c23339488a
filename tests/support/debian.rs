//! Real init scripts, insserv and startpar, out of Debian's own packages.
//!
//! The packages are fetched with `apt-get download` and unpacked into the build directory, once for all tests and
//! runs; nothing is installed. Kept of them are `etc/` and two programs. The scripts that orphan-sysvinit-scripts
//! brings for other packages are put into `etc/init.d`, as its own set-up would.

use super::program::{Finished, finish};
use super::sandbox::Sandbox;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// What is fetched: the ground every such system stands on, then services with all kinds of headers (several
/// provides, `$all` in all three places, interactive ones, stops after others, facilities of their own).
const PACKAGES: &[&str] = &[
    "initscripts",
    "orphan-sysvinit-scripts",
    "insserv",
    "startpar",
    "acpid",
    "alsa-utils",
    "apache2",
    "at",
    "avahi-daemon",
    "bind9",
    "bootlogd",
    "chrony",
    "console-setup-linux",
    "cron",
    "cryptsetup",
    "dbus",
    "dnsmasq",
    "exim4-base",
    "haveged",
    "ifupdown",
    "irqbalance",
    "kmod",
    "mdadm",
    "memcached",
    "nfs-common",
    "nginx-common",
    "open-iscsi",
    "openssh-server",
    "openvpn",
    "postfix",
    "procps",
    "redis-server",
    "rpcbind",
    "rsync",
    "rsyslog",
    "smartmontools",
    "sysstat",
    "udev",
    "util-linux-extra",
    "watchdog",
    "x11-common",
];

/// Fewer scripts than this, and the packages are no longer what these tests were written for.
const FEWEST_SCRIPTS: usize = 70;

/// For a fetch over a slow line; apt-get's own time-outs are shorter.
const FETCH_LIMIT: Duration = Duration::from_mins(10);

/// The unpacked packages; read only.
#[derive(Debug)]
pub(crate) struct Debian {
    dir: PathBuf,
}

impl Debian {
    /// Fetches and unpacks, or finds that done already. Tests in other threads and processes wait meanwhile.
    pub(crate) fn unpacked() -> &'static Self {
        static ONCE: OnceLock<Debian> = OnceLock::new();
        ONCE.get_or_init(|| {
            let build = Path::new(env!("CARGO_TARGET_TMPDIR"));
            let lock = File::create(build.join("debian.lock")).expect("the build directory is writable");
            lock.lock().expect("the build directory can lock files");
            let debian = Self { dir: build.join("debian") };
            // The list is written last: without it, or with another one, the work was not done to its end.
            let list = debian.dir.join("packages");
            if fs::read_to_string(&list).ok().as_deref() != Some(PACKAGES.join("\n").as_str()) {
                debian.unpack();
                fs::write(&list, PACKAGES.join("\n")).expect("our own directory");
            }
            debian
        })
    }

    /// Where one of the two programs is.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.dir.join("bin").join(name)
    }

    /// Puts the packages' `etc/` into a tree.
    pub(crate) fn copy_etc(&self, sandbox: &Sandbox) {
        copy(&self.dir.join("etc/."), &sandbox.at("etc"));
    }

    /// Runs insserv inside a tree, with nothing but the tree's files, on all scripts at once and with the levels of
    /// their headers. It makes `etc/rc?.d/*` and `etc/init.d/.depend.*`.
    #[track_caller]
    pub(crate) fn insserv(&self, sandbox: &Sandbox) -> Finished {
        let conf = sandbox.at("etc/insserv.conf");
        if !conf.exists() {
            fs::copy(self.dir.join("etc/insserv.conf"), &conf).expect("insserv brings its configuration");
        }
        for level in ["0", "1", "2", "3", "4", "5", "6", "S"] {
            fs::create_dir_all(sandbox.at(&format!("etc/rc{level}.d"))).expect("a directory of the tree");
        }
        let mut command = Command::new(self.program("insserv"));
        command.arg("--default").arg("--path").arg(sandbox.at("etc/init.d"));
        command.arg("--insserv-dir").arg(sandbox.at("etc/init.d")).arg("--config").arg(&conf);
        command.arg("--override").arg(sandbox.at("etc/insserv/overrides"));
        command.args(sandbox.names("etc/init.d")).current_dir(sandbox.path());
        finish(&mut command, super::program::LIMIT).expect_code(0)
    }

    fn unpack(&self) {
        let (raw, packages) = (self.dir.join("raw"), self.dir.join("packages.d"));
        let _ = fs::remove_dir_all(&self.dir);
        fs::create_dir_all(&raw).expect("the build directory is writable");
        for package in fetch(&packages) {
            run(Command::new("dpkg-deb").arg("--extract").arg(package).arg(&raw));
        }
        fs::rename(raw.join("etc"), self.dir.join("etc")).expect("the packages bring configuration");
        let orphans = fs::read_dir(raw.join("usr/share/orphan-sysvinit-scripts")).expect("they are unpacked");
        for script in orphans.map(|entry| entry.expect("readable").path()) {
            if script.extension().is_none() {
                copy(&script, &self.dir.join("etc/init.d"));
            }
        }
        fs::create_dir(self.dir.join("bin")).expect("our own directory");
        for name in ["insserv", "startpar"] {
            let places = ["bin", "sbin", "usr/bin", "usr/sbin"].map(|place| raw.join(place).join(name));
            let place = places.iter().find(|place| place.exists());
            copy(place.unwrap_or_else(|| panic!("no program {name} in its package")), &self.program(name));
        }
        for done_with in [raw, packages] {
            fs::remove_dir_all(done_with).expect("our own directory");
        }
        let scripts = fs::read_dir(self.dir.join("etc/init.d")).expect("the packages bring scripts").count();
        assert!(scripts >= FEWEST_SCRIPTS, "only {scripts} init scripts in the packages of this Debian");
    }
}

/// Downloads all packages into a directory and names the files, in the order of their names. The package lists are
/// brought up to date only when they have to be.
fn fetch(dir: &Path) -> Vec<PathBuf> {
    fs::create_dir_all(dir).expect("our own directory");
    let download = || apt_get("download", PACKAGES, dir);
    let mut first = download();
    if first.code != 0 {
        let update = apt_get("update", &[], dir);
        let second = download();
        assert!(
            second.code == 0,
            "cannot fetch the Debian packages that this test reads: it needs apt-get and its sources \
             (as root, it brings stale lists up to date itself)\n{first}\n{update}\n{second}"
        );
        first = second;
    }
    let entries = fs::read_dir(dir).expect("our own directory").map(|entry| entry.expect("readable").path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "deb")).collect();
    files.sort();
    assert!(files.len() >= PACKAGES.len(), "apt-get download left {} files\n{first}", files.len());
    files
}

fn apt_get(verb: &str, packages: &[&str], dir: &Path) -> Finished {
    let mut command = Command::new("apt-get");
    // The user _apt, as whom root's apt-get fetches else, cannot write to the build directory.
    command.args(["-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3"]);
    command.args(["-o", "Acquire::http::Timeout=30", "-o", "DPkg::Lock::Timeout=300", verb]);
    finish(command.args(packages).env("LC_ALL", "C").current_dir(dir), FETCH_LIMIT)
}

/// Copies with links, modes and times.
#[track_caller]
fn copy(from: &Path, to: &Path) {
    run(Command::new("cp").arg("--archive").arg(from).arg(to));
}

#[track_caller]
fn run(command: &mut Command) {
    finish(command, super::program::LIMIT).expect_code(0);
}
