//! What these tests stand on: Debian's systemtap, kernel headers, kernel and QEMU.
//!
//! The kernel is the one that Debian's `linux-headers-amd64` stands for: the newest of the release, which is also the
//! series that the release's systemtap knows.

pub(crate) use crate::cases::Skip;
use crate::program::{Finished, LIMIT, finish};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// Programs, and the packages that bring them.
const PROGRAMS: [(&str, &str); 8] = [
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("stap", "systemtap"),
    ("staprun", "systemtap-runtime"),
    ("busybox", "busybox-static"),
    ("gcc", "gcc"),
    ("xz", "xz-utils"),
    ("strip", "binutils"),
    ("mkfs.ext4", "e2fsprogs"),
];

/// The package that depends on the headers of the release's newest kernel.
const HEADERS: &str = "linux-headers-amd64";

/// For a fetch of 70 MB over a slow line.
const FETCH_LIMIT: Duration = Duration::from_mins(10);

/// What was found and made.
#[derive(Debug)]
pub(crate) struct Tools {
    /// `uname -r` of the kernel in the machine.
    pub(crate) release: String,
    /// The version of the headers' package, `6.1.192-2`.
    pub(crate) headers: String,
    /// What `stap -V` says of itself.
    pub(crate) systemtap: String,
    /// systemtap's runtime, to be given with `-R`.
    pub(crate) runtime: PathBuf,
    /// systemtap's own cache (`SYSTEMTAP_DIR`), kept from run to run.
    pub(crate) stap_dir: PathBuf,
}

impl Tools {
    /// Looks for the tools; the first call copies the runtime.
    pub(crate) fn ready() -> Result<&'static Self, Skip> {
        static ONCE: OnceLock<Result<Tools, Skip>> = OnceLock::new();
        ONCE.get_or_init(Self::prepare).as_ref().map_err(Clone::clone)
    }

    fn prepare() -> Result<Self, Skip> {
        let mut missing: Vec<&str> = Vec::new();
        missing.extend(PROGRAMS.iter().filter(|(program, _)| which(program).is_none()).map(|known| known.1));
        let headers = headers();
        if headers.is_none() {
            missing.push(HEADERS);
        }
        let Some((release, version)) = headers.filter(|_| missing.is_empty()) else {
            return Err(Skip::Missing(format!(
                "{}; on Debian for amd64: apt-get install --no-install-recommends {}",
                missing.join(", "),
                missing.join(" ")
            )));
        };
        let dir = build_dir();
        let tools = Self {
            runtime: runtime(&dir, &release),
            stap_dir: dir.join("stap"),
            systemtap: run(Command::new("stap").arg("-V")).stderr,
            release,
            headers: version,
        };
        fs::create_dir_all(&tools.stap_dir).expect("our own directory");
        Ok(tools)
    }

    /// The options which all scripts are compiled with: the runtime, guru mode for embedded C, and the symbol that the
    /// host's module has for the guest's.
    pub(crate) fn options(&self) -> Vec<String> {
        let symbols = build_dir().join("host.symvers");
        if !symbols.exists() {
            let line = "0x00000000\tserel_host_note\t/nowhere/host\tEXPORT_SYMBOL_GPL\t\n";
            fs::write(&symbols, line).expect("our own directory");
        }
        let symbols = format!("KBUILD_EXTRA_SYMBOLS={}", symbols.display());
        ["-g", "-R", &self.runtime.display().to_string(), "-B", &symbols].map(str::to_owned).to_vec()
    }
}

/// Where these tests keep what they make, from run to run. Another process that wants it waits until this one ends.
pub(crate) fn build_dir() -> PathBuf {
    static ONCE: OnceLock<(PathBuf, File)> = OnceLock::new();
    let locked = || {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("systemtap");
        fs::create_dir_all(&dir).expect("the build directory is writable");
        let lock = File::create(dir.join("lock")).expect("the build directory is writable");
        lock.lock().expect("the build directory can lock files");
        (dir, lock)
    };
    ONCE.get_or_init(locked).0.clone()
}

/// One of our programs: as it was built with the tests, or as it is released, in the directory that
/// `SEREL_TESTS_PROGRAMS` names.
pub(crate) fn program(name: &str) -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_serelrc")).parent().expect("a directory").to_owned();
    std::env::var_os("SEREL_TESTS_PROGRAMS").map_or(built, PathBuf::from).join(name)
}

/// The path of a program.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    dirs.map(|dir| dir.join(program)).find(|path| path.is_file())
}

/// Runs a command that has to succeed.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Finished {
    finish(command, LIMIT).expect_code(0)
}

/// The kernel release whose headers the package depends on, and the package's version: `6.1.0-56-amd64` and
/// `6.1.192-2`.
fn headers() -> Option<(String, String)> {
    let query = Command::new("dpkg-query")
        .args(["--show", "--showformat=${Version}|${db:Status-Status}|${Depends}", HEADERS])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&query.stdout).into_owned();
    let mut fields = text.split('|');
    let version = fields.next()?.to_owned();
    fields.next().filter(|status| *status == "installed")?;
    let depends = fields.next()?.split(',').next()?.split_whitespace().next()?;
    let release = depends.strip_prefix("linux-headers-")?.to_owned();
    Path::new("/lib/modules").join(&release).join("build/.config").exists().then_some((release, version))
}

/// A copy of systemtap's runtime, mended where it does not compile with these headers: since 6.1.101 the kernel calls
/// `task_work_cancel_func` what systemtap before 5.2 knows as `task_work_cancel`.
fn runtime(dir: &Path, release: &str) -> PathBuf {
    let copy = dir.join("runtime");
    let _ = fs::remove_dir_all(&copy);
    run(Command::new("cp").args(["--archive", "/usr/share/systemtap/runtime"]).arg(&copy));
    let header = format!("/lib/modules/{release}/source/include/linux/task_work.h");
    let header = fs::read_to_string(&header).unwrap_or_else(|error| panic!("{header}: {error}"));
    let path = copy.join("stp_task_work.c");
    let text = fs::read_to_string(&path).unwrap_or_default();
    if !header.contains("task_work_cancel_func(") || text.contains("task_work_cancel_func") {
        println!("systemtap's runtime is used as it is");
        return copy;
    }
    let mended = [
        ("typeof(&task_work_cancel)", "typeof(&task_work_cancel_func)"),
        ("kallsyms_lookup_name(\"task_work_cancel\")", "kallsyms_lookup_name(\"task_work_cancel_func\")"),
    ]
    .iter()
    .fold(text, |text, (old, new)| {
        assert_eq!(text.matches(old).count(), 1, "{}: {old}", path.display());
        text.replace(old, new)
    });
    fs::write(&path, mended).expect("our own copy");
    println!("systemtap's runtime is used with two places mended in stp_task_work.c, for Linux {release}");
    copy
}

/// Downloads packages into a new directory. `advice` is what to do if the archive has newer ones by now.
pub(crate) fn fetch(dir: &Path, packages: &[&str], advice: &str) {
    let _ = fs::remove_dir_all(dir);
    fs::create_dir_all(dir).expect("our own directory");
    let mut fetch = Command::new("apt-get");
    // The user _apt, as whom root's apt-get fetches else, cannot write to the build directory.
    fetch.args(["-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3", "download"]);
    let fetch = finish(fetch.args(packages).env("LC_ALL", "C").current_dir(dir), FETCH_LIMIT);
    assert!(fetch.code == 0, "cannot fetch {packages:?}; perhaps the lists are old: {advice}\n{fetch}");
}

/// A place of its own for systemtap-service, in a new directory: `script.d`, `conf.d`, and everything that it writes.
/// Its configuration, with more lines at the end.
pub(crate) fn site(dir: &Path, more: &str) -> PathBuf {
    let _ = fs::remove_dir_all(dir);
    for inside in ["script.d", "conf.d", "tmp", "proc"] {
        fs::create_dir_all(dir.join(inside)).expect("our own directory");
    }
    let mut text = String::new();
    for (name, inside) in [
        ("SCRIPT_PATH", "script.d"),
        ("CONFIG_PATH", "conf.d"),
        ("CACHE_PATH", "cache"),
        ("TEMP_PATH", "tmp"),
        ("STAT_PATH", "run"),
        ("LOG_FILE", "log"),
        ("PROC_PATH", "proc"),
        ("HISTORY_FILE", "history.db"),
        ("BPF_LOG_PATH", "log.d"),
    ] {
        text += &format!("{name}={}\n", dir.join(inside).display());
    }
    fs::write(dir.join("config"), text + more).expect("our own directory");
    dir.join("config")
}

/// Lets systemtap-service work with the cache of systemtap's own that is kept from run to run. The cache directory is
/// made; the link does not belong into an image.
pub(crate) fn share_stap_dir(cache: &Path, tools: &Tools) -> PathBuf {
    std::fs::create_dir_all(&tools.stap_dir).expect("the build directory is writable");
    std::fs::create_dir_all(cache).expect("our own directory");
    let link = cache.join(".systemtap");
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(&tools.stap_dir, &link).expect("a new link");
    link
}
