//! A machine: a Debian that remembers what was written to it from one boot to the next.
//!
//! It is a layer in memory over the installed tree, in a mount namespace that lives as long as the value. Files of the
//! layer are written and read between boots only.

use crate::boot::Boot;
use crate::namespace::FIRST_ID;
use crate::root::Root;
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What every machine has instead of what the packages bring, and why it must.
const SETTINGS: [(&str, &str); 4] = [
    // With the line of a real root, its scripts would look for the disk of the machine around it.
    ("etc/fstab", "none / overlay defaults 0 0\n"),
    ("etc/network/interfaces", "auto lo\niface lo inet loopback\n"),
    // -x: hands off the clock.
    ("etc/default/chrony", "DAEMON_OPTS=\"-x -F 1\"\n"),
    // named has the usual port.
    ("etc/dnsmasq.conf", "port=5300\n"),
];

/// A machine that can be booted, again and again.
#[derive(Debug)]
pub(crate) struct Machine {
    holder: Child,
}

impl Machine {
    /// A machine as it was installed, with words on its console that say how far a boot is.
    pub(crate) fn new(root: &Root) -> Self {
        let mut holder = Command::new("unshare");
        holder.args(["--mount", "sh"]).arg(here().join("holder.sh")).arg(root.shifted());
        let mut holder =
            holder.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("unshare is there");
        let mut line = String::new();
        let said = holder.stdout.take().expect("a pipe");
        BufReader::new(said).read_line(&mut line).expect("a pipe can be read");
        let machine = Self { holder };
        assert_eq!(line, "held\n", "no machine from {}", root.shifted().display());
        fs::copy(here().join("inside.sh"), machine.held().join("inside.sh")).expect("a new file");
        for (path, text) in SETTINGS {
            machine.text(path, text, 0o644);
        }
        machine.file(&here().join("guest/inittab"), "etc/inittab", 0o644);
        machine.file(&here().join("guest/bootlogd"), "etc/init.d/bootlogd", 0o755);
        machine.text("usr/sbin/before-rcS", "#!/bin/sh\n", 0o755);
        for program in ["stamp", "probe"] {
            machine.file(&here().join("guest").join(program), &format!("usr/sbin/{program}"), 0o755);
        }
        machine
    }

    /// A machine where serel stands in for startpar, in all runlevels.
    pub(crate) fn with_serel(root: &Root) -> Self {
        let machine = Self::with_programs(root);
        machine.link("serelrc", "usr/sbin/startpar");
        machine
    }

    /// A machine whose rc has the line that calls serel, for all runlevels.
    #[allow(dead_code, reason = "for the tests")]
    pub(crate) fn with_hook(root: &Root) -> Self {
        let machine = Self::with_programs(root);
        let contrib = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib");
        for hook in ["rc/serel-rc", "rc.sysinit/serel-sysinit"] {
            let (_, name) = hook.split_once('/').expect("a directory and a name");
            machine.file(&contrib.join(hook), &format!("usr/lib/serel/{name}"), 0o755);
        }
        // As the file beside it says.
        let place = "# Is there an rc directory for this new runlevel?\n";
        let line = "/lib/serel/serel-rc \"$runlevel\" \"$previous\" && { trap - EXIT; exit 0; }\n";
        let advice =
            fs::read_to_string(contrib.join("rc/README.md")).expect("what tells where the line goes");
        assert!(advice.contains(line.trim_end()) && advice.contains(place.trim_end()), "{advice}");
        let rc = machine.read("usr/lib/init/rc");
        assert!(rc.contains(place), "{rc}");
        machine.text("usr/lib/init/rc", &rc.replacen(place, &format!("{line}{place}"), 1), 0o755);
        machine
    }

    /// A machine with serel's programs, which nobody calls.
    fn with_programs(root: &Root) -> Self {
        let machine = Self::new(root);
        for name in ["serelrc", "serelhistory"] {
            machine.file(&program(name), &format!("usr/sbin/{name}"), 0o755);
        }
        machine.text("etc/default/serel", "SEREL_RUNLEVELS=\"S 0 1 2 3 4 5 6\"\n", 0o644);
        machine
    }

    /// Boots it. The words are its kernel's command line.
    pub(crate) fn boot(&self, words: &str) -> Boot {
        Boot::begin(self.holder.id(), words, None)
    }

    /// Boots it in a control group, if there is one.
    #[allow(dead_code, reason = "for the bench")]
    pub(crate) fn boot_in(&self, group: Option<&Path>, words: &str) -> Boot {
        Boot::begin(self.holder.id(), words, group)
    }

    /// The process in whose mount namespace it is kept, in `/mnt`.
    #[allow(dead_code, reason = "for the bench")]
    pub(crate) fn holder(&self) -> u32 {
        self.holder.id()
    }

    /// Adds an init script with this header and body, and links it into a level.
    pub(crate) fn script(&self, name: &str, level: char, header: &str, body: &str) {
        let levels = if level == 'S' { "S" } else { "2 3 4 5" };
        let text = format!(
            "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: {name}\n{header}\n# Required-Stop:\n\
             # Default-Start: {levels}\n# Default-Stop:\n# Short-Description: {name}\n### END INIT INFO\n\
             [ \"$1\" = start ] || exit 0\n{body}\n"
        );
        self.text(&format!("etc/init.d/{name}"), &text, 0o755);
        self.link(&format!("../init.d/{name}"), &format!("etc/rc{level}.d/S12{name}"));
    }

    /// Reads a file, as the packages brought it or as it was changed since.
    pub(crate) fn read(&self, inside: &str) -> String {
        let places = ["upper", "lower"].map(|layer| self.held().join(layer).join(inside));
        let place = places.iter().find(|place| place.exists());
        let place = place.unwrap_or_else(|| panic!("the machine has no {inside}"));
        fs::read_to_string(place).unwrap_or_else(|error| panic!("{}: {error}", place.display()))
    }

    /// A path of its layer: what is there was written, by the test or by a boot.
    pub(crate) fn at(&self, inside: &str) -> PathBuf {
        self.held().join("upper").join(inside)
    }

    /// Writes a file.
    pub(crate) fn text(&self, inside: &str, text: &str, mode: u32) {
        let path = self.place(inside);
        fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        give(&path);
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("our own file");
    }

    /// Copies a file.
    pub(crate) fn file(&self, from: &Path, inside: &str, mode: u32) {
        let path = self.place(inside);
        fs::copy(from, &path).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        give(&path);
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("our own file");
    }

    /// Makes a symbolic link, in the place of what is there.
    pub(crate) fn link(&self, to: &str, inside: &str) {
        let path = self.place(inside);
        let _ = fs::remove_file(&path);
        symlink(to, &path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        give(&path);
    }

    /// The path of a new file in the layer, with the directories that lead to it.
    fn place(&self, inside: &str) -> PathBuf {
        let mut path = self.at("");
        let mut parts = Path::new(inside).components().peekable();
        while let Some(part) = parts.next() {
            path.push(part);
            if parts.peek().is_some() && !path.exists() {
                fs::create_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                give(&path);
            }
        }
        path
    }

    fn held(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root/mnt", self.holder.id()))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // What it holds goes with its namespace.
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// A program under test: as it was built with the tests, or as it is released, in the directory that
/// `SEREL_TESTS_PROGRAMS` names.
fn program(name: &str) -> PathBuf {
    let built = Path::new(env!("CARGO_BIN_EXE_serelrc")).parent().expect("a directory").to_owned();
    std::env::var_os("SEREL_TESTS_PROGRAMS").map_or(built, PathBuf::from).join(name)
}

/// Makes the machine's root the owner.
fn give(path: &Path) {
    lchown(path, Some(FIRST_ID), Some(FIRST_ID)).expect("root may");
}

/// Where the texts of these tests are.
fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/boot")
}
