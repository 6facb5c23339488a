//! `onboot`: an initramfs that initramfs-tools or dracut makes, booted as far as the scripts that it loads.
//!
//! Debian's tools run in a copy of this machine's root that is in memory only, since they know but one place for what
//! they read and write; nothing is installed.

use crate::cases::Case;
use crate::machine::Machine;
use crate::program::{LIMIT, finish};
use crate::service::{PROGRAM, cache};
use crate::tools::{Skip, Tools, build_dir, fetch, which};
use nix::unistd::geteuid;
use std::fs;
use std::process::Command;

/// The tests.
pub(crate) const CASES: &[Case] = &[
    ("onboot::an_initramfs_loads_scripts_that_the_service_takes_over", initramfs_tools),
    ("onboot::so_does_one_of_dracut", dracut),
];

/// What image.sh says where nothing may be mounted.
const REFUSED: i32 = 77;

fn initramfs_tools() -> Result<(), Skip> {
    boots("initramfs-tools", &["initramfs-tools-core", "klibc-utils", "libklibc", "kmod", "libkmod2"])
}

fn dracut() -> Result<(), Skip> {
    boots("dracut", &["dracut-core", "udev", "kpartx", "kmod", "libkmod2"])
}

/// Has an image made, and boots it. The packages are those that make it, and what they need.
fn boots(maker: &str, needed: &[&str]) -> Result<(), Skip> {
    let (tools, cache) = (Tools::ready()?, cache()?);
    let packages = build_dir().join(maker);
    if !packages.join("complete").exists() {
        fetch(&packages, needed, "apt-get update");
        fs::write(packages.join("complete"), "").expect("our own directory");
    }
    let project = env!("CARGO_MANIFEST_DIR");
    let image = build_dir().join(format!("{maker}.img"));
    let mut make = Command::new("unshare");
    if !geteuid().is_root() {
        make.arg("--map-root-user");
    }
    make.args(["--mount", "sh"]).arg(format!("{project}/tests/kernel/image.sh"));
    make.arg(maker).arg(&packages).arg(project).arg(build_dir()).arg(&image).arg(PROGRAM).arg(&tools.release);
    make.arg("-c").arg(cache.with_file_name("config")).args(["-R", "guest"]);
    let made = finish(&mut make, LIMIT);
    if made.code == REFUSED {
        return Err(Skip::Refused(format!("nothing may be mounted here: {}", made.stderr.trim())));
    }
    let log = fs::read_to_string(cache.with_file_name("log")).unwrap_or_default();
    assert!(made.code == 0, "{made}\n--- log\n{log}");
    for line in [
        " Checking options host ... done\n",
        " Checking options guest ... done\n",
        " Creating initramfs with host guest ... done\n",
        "NB: bootloader was not updated\n",
    ] {
        assert!(made.stdout.contains(line), "{line}\n{made}");
    }

    let machine = Machine::empty();
    machine.file(&which("busybox").expect("BUG: looked for before"), "serel/busybox", 0o755);
    machine.file(PROGRAM.as_ref(), "serel/systemtap-service", 0o755);
    machine.cases("serel/cases", &["onboot"]);
    machine.text("serel/config", "STAT_PATH=/run/systemtap\nLOG_FILE=/run/log\nHISTORY_FILE=\n", 0o644);
    let boot = machine.start(tools, Some(&image));
    fs::remove_file(&image).expect("our own file");
    let steps = boot.case("onboot");
    assert_eq!(steps.ended("loaded", 0).stdout, "guest 0 -\nhost 1 guest,\n", "{}", steps.all());
    assert_eq!(
        steps.ended("status", 0).stdout,
        "guest is running...\nhost is running...\n",
        "{}",
        steps.all()
    );
    assert_eq!(steps.ended("files", 0).stdout, "guest\nhost\n");
    assert_eq!(steps.ended("attach", 0).stdout, "host begins\n", "{}", steps.all());
    steps.ended("stop", 0);
    assert_eq!(steps.ended("left", 0).stdout, "", "{}", steps.all());
    Ok(())
}
