//! The ways to boot on a machine with a kernel and a disk of its own, whose root cannot be written at first: under QEMU.
//!
//! All boots begin with the same disk, which forgets what they write to it, in turn in each round. The machine has no network
//! but its own; all that is installed is started. Times are those of the kernel in the machine, which its processor,
//! interpreted, takes for its own; a second of it is a second of ours.

#[path = "../../tests/kernel/image.rs"]
mod image;
#[path = "../../tests/kernel/machine.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod machine;

use crate::bound::{self, Bound};
use crate::root::Root;
use crate::support::Effort;
use crate::tools::{Tools, program};
use crate::ways::{Measured, table};
use image::Disk;
use machine::{Boot, Machine, history};
use serde_json::Value;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// A way to boot.
struct Way {
    name: &'static str,
    /// The kernel's command line.
    words: &'static str,
    /// What is done to the disk before.
    prepare: &'static str,
    /// Whether a short run has it, too.
    short: bool,
}

const STARTPAR: &str = "rm /root/usr/sbin/startpar\n";

const WAYS: [Way; 4] = [
    Way { name: "one by one", words: "concurrency=none", prepare: STARTPAR, short: false },
    Way { name: "startpar", words: "", prepare: STARTPAR, short: false },
    Way { name: "serel, first boot", words: "", prepare: FORGET, short: false },
    Way { name: "serel, later boots", words: "", prepare: "", short: true },
];

/// Takes all that serel remembers away.
const FORGET: &str = "rm -r /root/etc/serel\n";

/// What the machine of the tests has.
const PROCESSORS: f64 = 2.0;

/// Boots all ways `rounds` times and prints a table. A short run boots a new disk and then once more, both with serel.
pub(crate) fn compare(root: &Root, tools: &Tools, effort: Effort, rounds: usize) {
    let mut disk = Disk::new(root);
    // What is made at a first boot takes longer than all else: only what is recorded of the second one is of use.
    boot(&disk, tools, "", "", "nothing", install);
    if effort == Effort::Full {
        boot(&disk, tools, FORGET, "", "nothing", |_| {});
    }
    disk.frozen = true;
    let ways: Vec<&Way> = WAYS.iter().filter(|way| way.short || effort == Effort::Full).collect();
    let mut rows: Vec<(&str, Measured)> = ways.iter().map(|way| (way.name, Measured::default())).collect();
    let mut last = None;
    for _ in 0..effort.rounds(rounds) {
        for (way, (_, measured)) in ways.iter().zip(&mut rows) {
            let boot = boot(&disk, tools, way.prepare, way.words, "all", |_| {});
            measure(&boot, measured);
            last = Some(boot);
        }
    }
    let later = &rows.last().expect("BUG: serel boots last").1;
    let work = [later.processor_s.median(), later.processor_2.median()];
    let bound = bound(&last.expect("BUG: there is a round"), work);
    table(&rows, &bound);
}

fn boot(
    disk: &Disk,
    tools: &Tools,
    prepare: &str,
    words: &str,
    wanted: &str,
    lay: impl FnOnce(&Machine),
) -> Boot {
    let begin = "mount -t proc proc /proc\nsh /stamp before S\numount /proc\n";
    disk.boot(tools, &format!("{prepare}{begin}"), |machine| {
        machine.with(&["-m", "2G"]);
        machine.with_kernel(words);
        machine.file(&here().join("stamp"), "stamp", 0o755);
        machine.text("over/over/wanted", &format!("{wanted}\n"), 0o644);
        lay(machine);
    })
}

/// Puts serel in the place of startpar, and words on the console into the boot.
fn install(machine: &Machine) {
    machine.stripped(&program("serelrc"), "over/usr/sbin/serelrc");
    symlink("serelrc", machine.at("over/usr/sbin/startpar")).expect("a new link");
    let steps = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernel/guest/steps.sh");
    machine.file(&steps, "over/over/steps.sh", 0o644);
    for name in ["stamp", "report"] {
        machine.file(&here().join(name), &format!("over/usr/sbin/{name}"), 0o755);
    }
    machine.file(&here().join("inittab"), "over/etc/inittab", 0o644);
    for (path, text) in [
        ("default/serel", "SEREL_RUNLEVELS=\"S 2\"\n"),
        ("fstab", "/dev/vda / ext4 errors=remount-ro 0 1\n"),
        ("network/interfaces", "auto lo\niface lo inet loopback\n"),
        // named has the usual port.
        ("dnsmasq.conf", "port=5300\n"),
    ] {
        machine.text(&format!("over/etc/{path}"), text, 0o644);
    }
}

/// What the kernel said when a mark was set, and with which words: seconds.
fn mark(boot: &Boot, name: &str) -> (f64, f64) {
    let mark = format!("] @@ {name} ");
    let line = boot.console().lines().find_map(|line| line.split_once(&mark));
    let (before, after) = line.unwrap_or_else(|| panic!("nobody said {name:?}\n{boot}"));
    let time = before.rsplit('[').next().and_then(|time| time.trim().parse().ok());
    let hundredths: f64 = after.trim().parse().unwrap_or(f64::NAN);
    (time.unwrap_or_else(|| panic!("when was {name:?}?\n{boot}")), hundredths / 100.0)
}

fn measure(boot: &Boot, measured: &mut Measured) {
    let [(_, idle), (begin_s, _), (end_s, between), (begin_2, _), (end_2, work)] =
        ["before S", "begin S", "end S", "begin 2", "end 2"].map(|name| mark(boot, name));
    measured.rc_s.add(end_s - begin_s);
    measured.rc_2.add(end_2 - begin_2);
    measured.both.add(end_2 - begin_s);
    measured.processor.add(work - idle);
    measured.processor_s.add(between - idle);
    measured.processor_2.add(work - between);
}

fn bound(boot: &Boot, work: [f64; 2]) -> Bound {
    let steps = boot.case("bench");
    let (dir, _) = history(&steps.ended("database", 0).stdout);
    let plans = ["S", "2"].map(|level| -> Value {
        serde_json::from_str(&steps.ended(level, 0).stdout).unwrap_or_else(|error| panic!("{error}\n{boot}"))
    });
    bound::from(&dir.path().join("history.db"), &plans, work, PROCESSORS)
}

/// Where the texts of this machine are.
fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/boot/guest")
}
