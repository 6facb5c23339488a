//! The Debian package on a machine that runs: installed, enabled, upgraded, removed, purged, and a boot after each.

use crate::boot::Boot;
use crate::cases::{Case, Skip};
use crate::daemons::assert_all_up;
use crate::machine::Machine;
use crate::program::{LIMIT, finish};
use crate::root::Root;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const CASES: &[Case] = &[("package::every_step_leaves_a_machine_that_boots", every_step)];

/// Where it is in the machine.
const INSIDE: &str = "root/serel.deb";

/// How serel shows what a script of a halt prints.
const BY_SEREL: &str = "\n  sendsigs: ";

/// The package with the programs that a boot runs, and something small in the place of the others. Not compressed.
fn package() -> PathBuf {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("package");
    let built = place.join("built");
    fs::create_dir_all(&built).expect("the build directory is writable");
    for program in ["sereld", "serelc", "serel-wrap", "lsb2rdf", "systemtap-service"] {
        fs::write(built.join(program), "#!/bin/sh\n").expect("a new file");
        fs::set_permissions(built.join(program), fs::Permissions::from_mode(0o755)).expect("our own file");
    }
    for program in [env!("CARGO_BIN_EXE_serelrc"), env!("CARGO_BIN_EXE_serelhistory")] {
        let program = Path::new(program);
        fs::copy(program, built.join(program.file_name().expect("a program has a name")))
            .expect("a new file");
    }
    let mut deb = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/deb"));
    deb.arg(&place).arg(&built).env("DPKG_DEB_COMPRESSOR_TYPE", "none");
    deb.env("DPKG_DEB_COMPRESSOR_LEVEL", "0");
    PathBuf::from(finish(&mut deb, LIMIT).expect_code(0).stdout.trim_end())
}

/// Whether rc gets serel for startpar.
fn is_enabled(boot: &Boot) -> bool {
    boot.attempt(&["serel-boot", "status"]).code == 0
}

fn every_step() -> Result<(), Skip> {
    let machine = Machine::new(Root::made()?);
    machine.file(&package(), INSIDE, 0o644);
    let install = ["dpkg", "--force-confold", "--install", "/root/serel.deb"];

    let mut boot = machine.boot("");
    boot.reached('2').run(&install);
    assert!(!is_enabled(&boot), "installing it must not change how the machine boots");
    let console = boot.stop();
    assert!(!console.contains("serelrc: "), "{console}");

    let mut boot = machine.boot("");
    assert_all_up(boot.reached('2'))?;
    boot.run(&["serel-boot", "enable"]);
    let console = boot.stop();
    assert!(console.contains(BY_SEREL), "it halts with serel\n{console}");

    let mut boot = machine.boot("");
    assert_all_up(boot.reached('2'))?;
    boot.run(&install);
    assert!(is_enabled(&boot), "an upgrade must leave the link");
    let console = boot.stop();
    assert!(console.contains("serelrc: start S: ") && console.contains("serelrc: start 2: "), "{console}");

    let mut boot = machine.boot("");
    assert_all_up(boot.reached('2'))?;
    let verified = boot.run(&["serelrc", "verify", "--system"]);
    for unit in ["start S: serel; ", "start 2: serel; "] {
        let line = verified.stdout.lines().find(|line| line.starts_with(unit));
        assert!(line.is_some_and(|line| line.contains("; plan: cached; predicted ")), "{unit}\n{verified}");
    }
    boot.run(&["dpkg", "--remove", "serel"]);
    let console = boot.stop();
    assert!(!console.contains(BY_SEREL), "it halts as before\n{console}");

    let mut boot = machine.boot("");
    assert_all_up(boot.reached('2'))?;
    boot.run(&["test", "-s", "/etc/serel/history.db"]);
    boot.run(&["dpkg", "--purge", "serel"]);
    boot.run(&["test", "!", "-e", "/etc/serel", "-a", "!", "-e", "/etc/default/serel"]);
    let console = boot.stop();
    assert!(!console.contains("serelrc: "), "{console}");
    Ok(())
}
