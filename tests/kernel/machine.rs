//! The test machine: Debian's kernel, busybox, staprun and what a test adds, in memory, under QEMU.
//!
//! Its processor is interpreted (TCG) even where there is a `/dev/kvm`: a boot takes seven seconds so, and machines were
//! seen whose `/dev/kvm` opens and then runs nothing. It has no network, no disk but one that a test gives it, and ends
//! when its init does, when its kernel panics, or when the time is over.

use crate::linux::Linux;
use crate::program::finish;
use crate::tools::{Tools, build_dir, run, which};
use serel::history::History;
use std::fmt;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// A boot with all its cases takes twenty seconds; a busy machine makes that a minute.
const BOOT_LIMIT: Duration = Duration::from_mins(4);

/// The helper of staprun, where this Debian has it.
const STAPIO: [&str; 2] = ["/usr/lib/systemtap/stapio", "/usr/libexec/systemtap/stapio"];

/// A machine in the making: a tree that becomes its initramfs.
#[derive(Debug)]
pub(crate) struct Machine {
    root: TempDir,
    /// Further words for QEMU.
    more: Vec<String>,
    /// Further words for the kernel.
    words: String,
}

impl Machine {
    /// Nothing.
    pub(crate) fn empty() -> Self {
        let root = tempfile::tempdir_in(build_dir()).expect("the build directory is writable");
        Self { root, more: Vec::new(), words: String::new() }
    }

    /// More words for the kernel's command line.
    #[allow(dead_code, reason = "for the bench")]
    pub(crate) fn with_kernel(&mut self, words: &str) {
        self.words = format!(" {words}");
    }

    /// More words for QEMU: a disk, a clock. Of a word that can be there only once, the last one counts.
    pub(crate) fn with(&mut self, words: &[&str]) {
        self.more.extend(words.iter().map(|word| (*word).to_owned()));
    }

    /// busybox, staprun and stapio with their libraries, and our init.
    pub(crate) fn new() -> Self {
        let machine = Self::empty();
        for dir in ["bin", "dev", "proc", "root", "run", "sys", "tmp", "var", "cases", "usr/bin", "usr/sbin"]
        {
            fs::create_dir_all(machine.at(dir)).expect("a new directory");
        }
        symlink("busybox", machine.at("bin/sh")).expect("a new link");
        symlink("/run", machine.at("var/run")).expect("a new link");
        machine.program(&which("busybox").expect("BUG: looked for before"), "bin/busybox");
        machine.program(&which("staprun").expect("BUG: looked for before"), "usr/bin/staprun");
        let stapio = STAPIO.into_iter().find(|path| Path::new(path).exists());
        let stapio = stapio.unwrap_or_else(|| panic!("systemtap-runtime brings none of {STAPIO:?}"));
        machine.program(Path::new(stapio), stapio);
        machine.text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n", 0o644);
        let groups = ["root:x:0:", "stapusr:x:991:", "stapsys:x:992:", "stapdev:x:993:", ""];
        machine.text("etc/group", &groups.join("\n"), 0o644);
        machine.file(&here().join("init"), "init", 0o755);
        machine
    }

    /// A path of the tree.
    pub(crate) fn at(&self, inside: &str) -> PathBuf {
        self.root.path().join(inside.trim_start_matches('/'))
    }

    /// Writes a file.
    pub(crate) fn text(&self, inside: &str, text: &str, mode: u32) {
        let path = self.at(inside);
        fs::create_dir_all(path.parent().expect("a file in the tree")).expect("a directory of the tree");
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("our own file");
    }

    /// Copies a file.
    pub(crate) fn file(&self, from: &Path, inside: &str, mode: u32) {
        let path = self.at(inside);
        fs::create_dir_all(path.parent().expect("a file in the tree")).expect("a directory of the tree");
        fs::copy(from, &path).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("our own file");
    }

    /// Copies a program with the libraries that it names, which ldd knows; it knows none of a static program.
    pub(crate) fn program(&self, from: &Path, inside: &str) {
        self.file(from, inside, 0o755);
        let ldd = finish(Command::new("ldd").arg(from), Duration::from_mins(1));
        for library in ldd.stdout.split_whitespace().filter(|word| word.starts_with('/')) {
            self.file(Path::new(library), library, 0o755);
        }
    }

    /// Copies a static program without what only debuggers read, which is nine tenths of it.
    pub(crate) fn stripped(&self, from: &Path, inside: &str) {
        self.text(inside, "", 0o755);
        run(Command::new("strip").arg("-o").arg(self.at(inside)).arg(from));
        fs::set_permissions(self.at(inside), Permissions::from_mode(0o755)).expect("our own file");
    }

    /// Copies all files of a directory.
    pub(crate) fn files(&self, from: &Path, inside: &str) {
        for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
            let path = entry.expect("readable").path();
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            self.file(&path, &format!("{inside}/{name}"), 0o644);
        }
    }

    /// Boots it, runs the cases of `guest/` one after another, and reads what they said.
    #[track_caller]
    pub(crate) fn boot(self, tools: &Tools, cases: &[&str]) -> Boot {
        self.cases("cases", cases);
        self.start(tools, None)
    }

    /// Copies cases, their list and what they begin with into a directory.
    pub(crate) fn cases(&self, inside: &str, cases: &[&str]) {
        for name in cases.iter().chain(&["steps"]) {
            self.file(&here().join(format!("{name}.sh")), &format!("{inside}/{name}.sh"), 0o755);
        }
        self.text(&format!("{inside}/list"), &format!("{}\n", cases.join("\n")), 0o644);
    }

    /// Boots it on top of another initramfs, if there is one, and waits for its end.
    pub(crate) fn start(self, tools: &Tools, below: Option<&Path>) -> Boot {
        let outside = tempfile::tempdir_in(build_dir()).expect("the build directory is writable");
        let [initrd, console, said] = ["initrd", "console", "said"].map(|name| outside.path().join(name));
        // The kernel unpacks one archive after the other; the second begins at a multiple of four.
        let mut first = below.map(|image| fs::read(image).expect("an image")).unwrap_or_default();
        first.resize(first.len().next_multiple_of(512), 0);
        fs::write(&initrd, first).expect("our own directory");
        let pack = r#"find . | busybox cpio -o -H newc >> "$0""#;
        run(Command::new("sh").args(["-c", pack]).arg(&initrd).current_dir(self.root.path()));
        let mut qemu = Command::new("qemu-system-x86_64");
        qemu.args([
            "-accel",
            "tcg,thread=multi,tb-size=256",
            "-cpu",
            "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt",
        ]);
        qemu.args([
            "-smp",
            "2",
            "-m",
            "512M",
            "-nodefaults",
            "-no-user-config",
            "-no-reboot",
            "-nic",
            "none",
        ]);
        qemu.args(["-display", "none", "-monitor", "none"]);
        for serial in [&console, &said] {
            qemu.arg("-serial").arg(format!("file:{}", serial.display()));
        }
        qemu.arg("-kernel").arg(Linux::ready(tools).kernel()).arg("-initrd").arg(&initrd);
        let words = format!("console=ttyS0 loglevel=4 panic=-1{}", self.words);
        qemu.args(["-append", &words]).args(&self.more);
        // A machine that hangs is killed from outside, and what it had said is still there.
        let mut limited = Command::new("timeout");
        limited.args(["--signal=KILL", &BOOT_LIMIT.as_secs().to_string()]);
        limited.arg(qemu.get_program()).args(qemu.get_args());
        let ended = finish(&mut limited, BOOT_LIMIT + Duration::from_secs(30));
        let read = |path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).replace('\r', "");
        // Whether it came to its end is for the cases to say: what came before an end too soon is good.
        Boot { said: read(&said), console: format!("{}\n{ended}", read(&console)) }
    }
}

/// What a machine has said.
#[derive(Debug)]
pub(crate) struct Boot {
    said: String,
    console: String,
}

impl fmt::Display for Boot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--- the machine's console\n{}\n--- the cases\n{}", self.console, self.said)
    }
}

impl Boot {
    /// All that was written to its console.
    pub(crate) fn console(&self) -> &str {
        &self.console
    }

    /// The steps of one case. It must have come to its end.
    #[track_caller]
    pub(crate) fn case<'a>(&'a self, name: &'a str) -> Steps<'a> {
        let mut steps = Vec::new();
        let of_case = self.said.lines().skip_while(|line| line.strip_prefix("@case ") != Some(name)).skip(1);
        for line in of_case {
            if let Some(name) = line.strip_prefix("@step ") {
                steps.push(Step {
                    name: name.to_owned(),
                    code: None,
                    stdout: String::new(),
                    stderr: String::new(),
                });
            } else if let Some(code) = line.strip_prefix("@end ") {
                assert_eq!(code, "0", "case {name} did not come to its end\n{self}");
                return Steps { boot: self, case: name, done: steps };
            } else if let Some(step) = steps.last_mut() {
                match line.split_at_checked(2) {
                    Some(("1 ", text)) => step.stdout += &format!("{text}\n"),
                    Some(("2 ", text)) => step.stderr += &format!("{text}\n"),
                    _ => {
                        step.code =
                            line.strip_prefix("@code ").and_then(|code| code.parse().ok()).or(step.code);
                    }
                }
            }
        }
        panic!("case {name} was not run to its end\n{self}");
    }
}

/// The steps of a case, to be asked by name.
#[derive(Debug)]
pub(crate) struct Steps<'a> {
    boot: &'a Boot,
    case: &'a str,
    done: Vec<Step>,
}

impl Steps<'_> {
    /// A step, which must have ended with this exit code.
    #[track_caller]
    pub(crate) fn ended(&self, name: &str, code: i32) -> &Step {
        let Self { boot, case, done } = self;
        let step = done.iter().find(|step| step.name == name);
        let step = step.unwrap_or_else(|| panic!("no step {name} in case {case}\n{boot}"));
        assert_eq!(step.code, Some(code), "exit code of step {name} in case {case}: {step:#?}\n{boot}");
        step
    }

    /// All that is known, for the message of an assertion.
    pub(crate) fn all(&self) -> &dyn fmt::Display {
        self.boot
    }
}

/// One command of a case.
#[derive(Debug)]
pub(crate) struct Step {
    name: String,
    code: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

/// The history of which a machine has sent the file, packed and in letters. It is there as long as the directory.
#[track_caller]
pub(crate) fn history(sent: &str) -> (TempDir, History) {
    let dir = tempfile::tempdir_in(build_dir()).expect("the build directory is writable");
    let [text, path] = ["sent", "history.db"].map(|name| dir.path().join(name));
    fs::write(&text, sent).expect("our own directory");
    run(Command::new("sh").args(["-c", r#"base64 -d "$0" | gzip -dc > "$1""#]).arg(&text).arg(&path));
    let history = History::open(&path).expect("it is well").expect("it is there");
    (dir, history)
}

/// Where the texts of the cases are.
fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernel/guest")
}
