//! A disk with the Debian of the containers (`tests/boot`) on it, for a machine under QEMU.
//!
//! An initramfs prepares the disk, lays files over it and hands over to the disk's own init as a kernel without an
//! initramfs would: the root cannot be written until a script of its own says so.

use super::machine::{Boot, Machine};
use crate::linux::{Linux, MODULES};
use crate::root::Root;
use crate::tools::{Tools, build_dir, run, which};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Bytes of the disk; most of it is a hole.
const SIZE: &str = "1500M";

/// A disk with a Debian on it, which remembers what was written to it.
#[derive(Debug)]
pub(crate) struct Disk {
    dir: TempDir,
    /// Whether what is written from now on is forgotten when the machine is turned off.
    pub(crate) frozen: bool,
}

impl Disk {
    /// As it was installed.
    pub(crate) fn new(root: &Root) -> Self {
        let name = root.plain().parent().and_then(Path::file_name).expect("a directory").to_owned();
        let image = build_dir().join(name).with_extension("img");
        if !image.exists() {
            let making = build_dir().join("making.img");
            let _ = fs::remove_file(&making);
            let mut make = Command::new(which("mkfs.ext4").expect("BUG: looked for before"));
            make.args(["-q", "-F", "-L", "root", "-d"]).arg(root.plain()).arg(&making).arg(SIZE);
            run(&mut make);
            fs::rename(making, &image).expect("our own directory");
        }
        let dir = tempfile::tempdir_in(build_dir()).expect("the build directory is writable");
        run(Command::new("cp").arg("--sparse=always").arg(image).arg(dir.path().join("disk")));
        Self { dir, frozen: false }
    }

    /// Boots it after a shell has prepared the disk, which it finds at `/root`, and files were laid over it from `over`.
    pub(crate) fn boot(&self, tools: &Tools, prepare: &str, lay: impl FnOnce(&mut Machine)) -> Boot {
        let mut machine = Machine::empty();
        for dir in ["bin", "dev", "over", "proc", "root"] {
            fs::create_dir_all(machine.at(dir)).expect("a new directory");
        }
        symlink("busybox", machine.at("bin/sh")).expect("a new link");
        machine.program(&which("busybox").expect("BUG: looked for before"), "bin/busybox");
        let linux = Linux::ready(tools);
        let mut list = String::new();
        for module in MODULES {
            let name = module.rsplit('/').next().expect("a name");
            machine.file(&linux.module(module), &format!("modules/{name}.ko"), 0o644);
            list += &format!("{name}\n");
        }
        machine.text("modules/list", &list, 0o644);
        machine.file(&here().join("init"), "init", 0o755);
        machine.text("prepare", prepare, 0o644);
        lay(&mut machine);
        let disk = self.dir.path().join("disk");
        let snapshot = if self.frozen { "on" } else { "off" };
        let drive = format!("file={},if=virtio,format=raw,cache=unsafe,snapshot={snapshot}", disk.display());
        machine.with(&["-drive", &drive]);
        machine.start(tools, None)
    }
}

/// Where the texts of a machine with a disk are.
pub(crate) fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernel/guest/disk")
}
