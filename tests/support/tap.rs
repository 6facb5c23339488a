//! A tree for systemtap-service, with a compiler and runners that only pretend.
//!
//! They are shell scripts that write down when they were called and keep a list of modules, with those that use each
//! other, where `PROC_PATH` says. What is called `stapio` is a shell of that name, since a runner is known by its
//! program. A file in `fail/` makes a step fail with its text; a fifo in `gate/` holds it until it is written to.

use super::program::{Finished, LIMIT, finish};
use super::sandbox::Sandbox;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

const FAKES: [(&str, &str); 3] = [
    ("stap", include_str!("tap/stap")),
    ("staprun", include_str!("tap/staprun")),
    ("stapbpf", include_str!("tap/stapbpf")),
];

/// The tree; daemons that were left in it end with it.
pub(crate) struct Tap {
    pub(crate) sandbox: Sandbox,
}

impl Tap {
    /// No scripts yet; everything that is not said otherwise lies inside the tree.
    pub(crate) fn new() -> Self {
        let tap = Self { sandbox: Sandbox::new() };
        for (name, text) in FAKES {
            tap.sandbox.write(&format!("bin/{name}"), text, 0o755);
        }
        for name in ["bin/stapio", "inside/stapbpf"] {
            fs::create_dir_all(tap.at(name).parent().expect("in the tree")).expect("a directory of the tree");
            fs::copy("/bin/sh", tap.at(name)).expect("every system has a shell");
        }
        for dir in ["script.d", "conf.d", "cache", "tmp", "run", "proc", "loaded", "fail", "gate", "log"] {
            fs::create_dir_all(tap.at(dir)).expect("a directory of the tree");
            fs::set_permissions(tap.at(dir), fs::Permissions::from_mode(0o755)).expect("our own directory");
        }
        tap.sandbox.write("proc/modules", "", 0o644);
        tap.sandbox.write("stap-version", "4.8/0.188\n", 0o644);
        tap.config("");
        tap
    }

    pub(crate) fn at(&self, inside: &str) -> PathBuf {
        self.sandbox.at(inside)
    }

    /// Writes the global configuration: what makes the tree, and more.
    pub(crate) fn config(&self, more: &str) {
        let top = self.sandbox.path().display();
        let text = format!(
            "TOP={top}\nSCRIPT_PATH=$TOP/script.d CONFIG_PATH=$TOP/conf.d CACHE_PATH=$TOP/cache\n\
             TEMP_PATH=$TOP/tmp STAT_PATH=$TOP/run LOG_FILE=$TOP/log/systemtap.log PROC_PATH=$TOP/proc\n\
             STAP=$TOP/bin/stap STAPRUN=$TOP/bin/staprun STAPBPF=$TOP/bin/stapbpf\n\
             HISTORY_FILE=$TOP/history.db BPF_LOG_PATH=$TOP/log/bpf BPF_RUN_PATH=$TOP/bpf\n{more}"
        );
        self.sandbox.write("config", &text, 0o644);
    }

    /// Writes a script, with its parameters: `one: two three` requires two others.
    pub(crate) fn script(&self, name: &str, requires: &str) {
        self.sandbox.write(&format!("script.d/{name}.stp"), &format!("probe begin {{}} # {name}\n"), 0o644);
        if !requires.is_empty() {
            self.sandbox.write(
                &format!("conf.d/{name}.conf"),
                &format!("{name}_REQ=\"{requires}\"\n"),
                0o644,
            );
        }
    }

    /// Adds parameters.
    pub(crate) fn parameters(&self, text: &str) {
        let old = fs::read_to_string(self.at("conf.d/zz.conf")).unwrap_or_default();
        self.sandbox.write("conf.d/zz.conf", &format!("{old}{text}\n"), 0o644);
    }

    /// Makes a step fail: `compile-one`, `start-one`.
    pub(crate) fn fail(&self, step: &str, says: &str) {
        self.sandbox.write(&format!("fail/{step}"), &format!("{says}\n"), 0o644);
    }

    pub(crate) fn heal(&self, step: &str) {
        fs::remove_file(self.at(&format!("fail/{step}"))).expect("it was made to fail");
    }

    /// Holds a step until it is opened: `compile-one`, `start-one`, `pid-one`, `end-one`.
    pub(crate) fn gate(&self, step: &str) {
        mkfifo(&self.at(&format!("gate/{step}")), Mode::S_IRWXU).expect("a new file");
    }

    /// Lets a held step go on; it must have come that far, or come soon.
    pub(crate) fn open(&self, step: &str) {
        fs::write(self.at(&format!("gate/{step}")), "go\n").expect("somebody reads");
        fs::remove_file(self.at(&format!("gate/{step}"))).expect("our own file");
    }

    /// A module is loaded by somebody else, an initramfs perhaps.
    pub(crate) fn preload(&self, name: &str) {
        let module = self.at(&format!("boot/{name}.ko"));
        self.sandbox.write(&format!("boot/{name}.ko"), "", 0o644);
        finish(Command::new(self.at("bin/staprun")).arg("-L").arg(module), LIMIT).expect_code(0);
        self.forget();
    }

    /// A script calls `exit()`: its module stays, and its first byte cannot be read.
    pub(crate) fn end(&self, name: &str) {
        let file = self.at(&format!("proc/systemtap/{name}/srvstat"));
        fs::remove_file(&file).expect("it was running");
        symlink("/proc/self/mem", file).expect("it was removed");
    }

    /// A module uses symbols of others.
    pub(crate) fn symbols(&self, name: &str, of: &str) {
        self.sandbox.write(&format!("symbols/{name}"), of, 0o644);
    }

    /// Runs `systemtap-service COMMAND -c TREE/config ..`.
    #[track_caller]
    pub(crate) fn run(&self, words: &[&str]) -> Finished {
        finish(&mut self.command(words), LIMIT)
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_systemtap-service"));
        command.arg(words[0]).arg("-c").arg(self.at("config")).args(&words[1..]);
        command.current_dir(self.sandbox.path()).env("HOME", self.sandbox.path());
        command
    }

    /// What the pretenders wrote down.
    pub(crate) fn journal(&self) -> Vec<String> {
        self.lines("journal")
    }

    /// How they were called.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.lines("calls")
    }

    pub(crate) fn lines(&self, file: &str) -> Vec<String> {
        fs::read_to_string(self.at(file)).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// Begins new notes.
    pub(crate) fn forget(&self) {
        for file in ["journal", "calls"] {
            let _ = fs::remove_file(self.at(file));
        }
    }

    /// The modules that are loaded, sorted.
    pub(crate) fn loaded(&self) -> Vec<String> {
        self.sandbox.names("loaded")
    }

    /// The status files, sorted.
    pub(crate) fn running(&self) -> Vec<String> {
        self.sandbox.names("run")
    }

    /// The process of a status file.
    #[track_caller]
    pub(crate) fn pid(&self, name: &str) -> i32 {
        self.sandbox.read(&format!("run/{name}")).trim().parse().expect("a number")
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.at("log/systemtap.log")).unwrap_or_default()
    }

    /// Makes a file younger than all others.
    pub(crate) fn touch(&self, inside: &str) {
        let file = fs::File::options().append(true).open(self.at(inside)).expect("our own file");
        let now = file.metadata().and_then(|meta| meta.modified()).expect("every file system has times");
        file.set_modified(now + Duration::from_secs(1000)).expect("our own file");
    }
}

/// The directory of compiled scripts for the running kernel, inside a tree.
pub(crate) fn cache() -> String {
    format!("cache/{}", release())
}

/// `uname -r`.
pub(crate) fn release() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").expect("Linux").trim().to_owned()
}

/// Waits until something holds; the test fails when it never does.
#[track_caller]
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + LIMIT;
    while !holds() {
        assert!(Instant::now() < until, "never: {what}");
        let (_keep, never) = std::sync::mpsc::channel::<()>();
        let _ = never.recv_timeout(Duration::from_millis(5));
    }
}

/// Whether a process is there.
pub(crate) fn lives(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

impl Drop for Tap {
    fn drop(&mut self) {
        for pid in self.lines("pids").iter().filter_map(|line| line.parse().ok()) {
            if lives(pid) && fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|words| self.is_ours(&words))
            {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
    }
}

impl Tap {
    fn is_ours(&self, cmdline: &[u8]) -> bool {
        String::from_utf8_lossy(cmdline).contains(&*self.sandbox.path().to_string_lossy())
    }
}
