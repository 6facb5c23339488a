//! The same machine in systemd-nspawn, which gives it more than our own container does: control groups of its own, a filter
//! of system calls, and a terminal that another process copies.
//!
//! Its programs come from packages that are unpacked and not installed, since their installation could bring a newer
//! systemd to this machine. It runs as the first process of a namespace, so that it and all that it started end with us,
//! and the machine in it has the user namespace that it has in our container, since its scripts would reach for the
//! disk, the console and the clock of this one.

use crate::boot::Boot;
use crate::cases::Skip;
use crate::group::Group;
use crate::machine::Machine;
use crate::peers::fetched;
use crate::program::{LIMIT, finish};
use crate::root::Root;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGES: [&str; 3] = ["systemd-container", "libsystemd-shared", "libsystemd0"];

/// Where its packages are unpacked.
#[derive(Debug)]
pub(crate) struct Nspawn {
    packages: PathBuf,
}

impl Nspawn {
    /// Gets it, unless it cannot run on this machine.
    pub(crate) fn made(root: &Root) -> Result<Self, Skip> {
        let Some(group) = Group::new() else {
            let why = "no control groups of version 2 can be made, and systemd-nspawn does not start without";
            return Err(Skip::Refused(why.to_owned()));
        };
        let packages = Path::new(env!("CARGO_TARGET_TMPDIR")).join("nspawn");
        let _ = fs::remove_dir_all(&packages);
        for package in fetched("nspawn-packages", &PACKAGES) {
            let mut unpack = Command::new("dpkg-deb");
            finish(unpack.arg("--extract").arg(package).arg(&packages), LIMIT).expect_code(0);
        }
        let made = Self { packages };
        // A library may be missing that the packages depend on, or something may not be allowed here.
        let machine = Machine::new(root);
        let tried = finish(made.command(&machine, &group).args(["--console=pipe", "/bin/true"]), LIMIT);
        if tried.code != 0 {
            return Err(Skip::Refused(format!("systemd-nspawn does not start here\n{tried}")));
        }
        Ok(made)
    }

    /// Boots a machine in it, in a control group; one script at a time, or as the machine's rc does it.
    pub(crate) fn boot(&self, machine: &Machine, group: &Group, serial: bool) -> Boot {
        if serial {
            // What is said on the kernel's command line elsewhere: it cannot be another one in here.
            machine.text("etc/init.d/.legacy-bootordering", "", 0o644);
        }
        let mut command = self.command(machine, group);
        command.args(["--console=interactive", "--boot"]);
        Boot::through(command)
    }

    /// systemd-nspawn on a machine, without what it shall do there.
    fn command(&self, machine: &Machine, group: &Group) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig=KILL", "nsenter", &format!("--mount=/proc/{}/ns/mnt", machine.holder())]);
        command.args(["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "sh"]);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/boot/nspawn.sh"));
        command.arg(&self.packages).arg(group.path());
        command
    }
}
