//! `make install`, the link that makes rc call serel, and the Debian package, in trees of their own.

use super::contrib;
use crate::support::machine::machine;
use crate::support::program::{Finished, LIMIT, finish};
use crate::support::sandbox::Sandbox;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The one program that is run here, and something small in the place of each other.
fn built() -> Sandbox {
    let programs = empty();
    for program in serel::cli::commands() {
        programs.write(program.get_name(), "#!/bin/sh\n", 0o755);
    }
    fs::remove_file(programs.at("serelrc")).unwrap();
    fs::hard_link(env!("CARGO_BIN_EXE_serelrc"), programs.at("serelrc")).unwrap();
    programs
}

fn make(target: &str, tree: &Sandbox) -> Finished {
    let mut make = Command::new("make");
    let built = built();
    make.arg("-C").arg(contrib("")).arg(target).arg(format!("DESTDIR={}", tree.path().display()));
    finish(make.arg(format!("BUILT={}", built.path().display())), LIMIT).expect_code(0)
}

/// All files and links of a tree, without the directories that hold them.
fn files(tree: &Sandbox) -> Vec<String> {
    let mut find = Command::new("find");
    let found =
        finish(find.arg(tree.path()).args(["!", "-type", "d", "-printf", "%P\n"]), LIMIT).expect_code(0);
    let mut files: Vec<String> = found.stdout.lines().map(str::to_owned).collect();
    files.sort();
    files
}

fn empty() -> Sandbox {
    let tree = Sandbox::new();
    fs::remove_dir_all(tree.at("etc")).unwrap();
    tree
}

#[test]
fn what_is_installed_is_uninstalled() {
    let tree = empty();
    make("install", &tree);
    let there = files(&tree);
    for program in serel::cli::commands() {
        let name = program.get_name();
        let program = ["usr/sbin", "usr/bin"].map(|directory| tree.at(&format!("{directory}/{name}")));
        let program = program.iter().find(|path| path.is_file()).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(program.metadata().unwrap().permissions().mode() & 0o7777, 0o755, "{name}");
        let ends = [format!("completions/{name}"), format!("site-functions/_{name}"), format!("{name}.fish")];
        for end in ends {
            assert!(there.iter().any(|file| file.ends_with(&end)), "{end}: {there:#?}");
        }
        assert!(
            there.iter().any(|file| file.contains(&format!("/{name}.")) && file.contains("/man/man")),
            "{name}"
        );
    }
    assert!(!there.iter().any(|file| file.ends_with("startpar")), "{there:#?}");
    make("uninstall", &tree);
    assert_eq!(fs::read_dir(tree.path()).unwrap().count(), 0, "{:#?}", files(&tree));
}

#[test]
fn what_the_administrator_wrote_stays() {
    let tree = empty();
    tree.write("etc/default/serel", "SEREL_RUNLEVELS=2\n", 0o644);
    make("install", &tree);
    assert_eq!(tree.read("etc/default/serel"), "SEREL_RUNLEVELS=2\n");
    make("uninstall", &tree);
    assert_eq!(files(&tree), ["etc/default/serel"]);
}

/// A machine in which our serelrc is installed.
fn installed() -> Sandbox {
    let tree = machine();
    fs::remove_file(tree.at("usr/sbin/serelrc")).unwrap();
    fs::hard_link(env!("CARGO_BIN_EXE_serelrc"), tree.at("usr/sbin/serelrc")).unwrap();
    tree
}

fn serel_boot(tree: &Sandbox, words: &[&str]) -> Finished {
    let mut boot = Command::new(contrib("serel-boot"));
    finish(boot.arg("--root").arg(tree.path()).args(words), LIMIT)
}

#[test]
fn the_link_is_made_once_and_removed() {
    let tree = installed();
    let link = tree.at("usr/sbin/startpar");
    serel_boot(&tree, &["status"]).expect_code(3);
    for _ in 0..2 {
        let enabled = serel_boot(&tree, &["enable"]).expect_code(0);
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("serelrc"));
        assert!(enabled.stdout.contains("enabled: rc runs"), "{enabled}");
        // Of the boot with the link, not of one without.
        assert!(!enabled.stdout.contains("not enabled"), "{enabled}");
    }
    serel_boot(&tree, &["status"]).expect_code(0);
    let verified = tree.serelrc(&["verify", "--system"]).expect_code(0);
    assert!(verified.stdout.contains("finds serel: /usr/sbin/startpar"), "{verified}");
    for _ in 0..2 {
        serel_boot(&tree, &["disable"]).expect_code(0);
        assert!(link.symlink_metadata().is_err());
    }
    for words in [&[][..], &["nonsense"], &["enable", "--now"], &["status", "x"]] {
        serel_boot(&tree, words).expect_code(2);
    }
}

#[test]
fn a_startpar_of_somebody_else_stays() {
    let tree = installed();
    tree.write("usr/sbin/startpar", "theirs", 0o755);
    let refused = serel_boot(&tree, &["enable"]).expect_code(1);
    assert!(refused.stderr.contains("not of serel"), "{refused}");
    serel_boot(&tree, &["disable"]).expect_code(0);
    assert_eq!(tree.read("usr/sbin/startpar"), "theirs");
}

#[test]
fn a_machine_that_is_not_fit_is_left_alone_unless_forced() {
    let tree = installed();
    fs::remove_file(tree.at("bin/sh")).unwrap();
    let refused = serel_boot(&tree, &["enable"]).expect_code(1);
    assert!(
        refused.stdout.contains("/bin/sh is not there") && refused.stderr.contains("--force"),
        "{refused}"
    );
    assert!(tree.at("usr/sbin/startpar").symlink_metadata().is_err());
    serel_boot(&tree, &["enable", "--force"]).expect_code(0);
}

#[test]
fn without_a_program_that_can_be_run_nothing_is_enabled() {
    let (tree, link) = (installed(), "usr/sbin/startpar");
    let program = tree.at("usr/sbin/serelrc");
    fs::remove_file(&program).unwrap();
    let refuse = |words: &[&str]| {
        let refused = serel_boot(&tree, words).expect_code(1);
        assert!(
            refused.stdout.is_empty() && refused.stderr.contains("usr/sbin/serelrc is not there"),
            "{refused}"
        );
        assert!(refused.stderr.contains("install serel again"), "{refused}");
    };
    refuse(&["enable"]);
    refuse(&["enable", "--force"]);
    assert!(tree.at(link).symlink_metadata().is_err());
    // One that has lost its program later on: the shell of rc passes it over.
    symlink("serelrc", tree.at(link)).unwrap();
    for mode in [None, Some(0o644), Some(0o755)] {
        if let Some(mode) = mode {
            tree.write("usr/sbin/serelrc", "", mode);
        }
        refuse(&["enable"]);
        let said = serel_boot(&tree, &["status"]).expect_code(3);
        assert!(said.stdout.starts_with("disabled: ") && said.stdout.contains("is not, or cannot"), "{said}");
    }
    serel_boot(&tree, &["disable"]).expect_code(0);
    assert!(tree.at(link).symlink_metadata().is_err());
}

/// rc finds startpar by its PATH: with a link whose program is gone it gets the next one.
#[test]
fn a_link_that_leads_nowhere_is_passed_over_by_shells() {
    let tree = machine();
    symlink("serelrc.gone", tree.at("usr/sbin/startpar")).unwrap();
    tree.write("usr/bin/startpar", "#!/bin/sh\necho 'failed_service=\"theirs\"'\n", 0o755);
    let path = format!("{}:{}", tree.at("usr/sbin").display(), tree.at("usr/bin").display());
    for shell in ["dash", "bash", "busybox"] {
        let words = if shell == "busybox" { vec!["sh", "-c"] } else { vec!["-c"] };
        let program = ["/bin", "/usr/bin"].map(|directory| Path::new(directory).join(shell));
        let mut rc =
            Command::new(program.iter().find(|path| path.is_file()).unwrap_or_else(|| panic!("no {shell}")));
        rc.args(words).arg("eval \"$(startpar -M boot)\"; echo $failed_service").env("PATH", &path);
        assert_eq!(finish(&mut rc, LIMIT).expect_code(0).stdout, "theirs\n", "{shell}");
    }
}

/// The package of this build, not compressed.
fn package(tree: &Sandbox) -> PathBuf {
    let (built, mut deb) = (built(), Command::new(contrib("deb")));
    deb.arg(tree.path())
        .arg(built.path())
        .env("DPKG_DEB_COMPRESSOR_TYPE", "none")
        .env("DPKG_DEB_COMPRESSOR_LEVEL", "0");
    let made = finish(&mut deb, LIMIT).expect_code(0);
    PathBuf::from(made.stdout.trim_end())
}

/// dpkg on a machine of its own, with the maintainer scripts run outside of it, as any user.
fn dpkg(tree: &Sandbox, words: &[&str]) -> Finished {
    let mut dpkg = Command::new("dpkg");
    dpkg.arg(format!("--root={}", tree.path().display()));
    dpkg.args(["--force-not-root", "--force-script-chrootless", "--force-bad-path", "--force-confold"]);
    finish(dpkg.args(words).env("DEBIAN_FRONTEND", "noninteractive"), LIMIT).expect_code(0)
}

#[test]
fn the_package_comes_and_goes_without_a_trace() {
    let (tree, place) = (machine(), Sandbox::new());
    fs::remove_file(tree.at("usr/sbin/serelrc")).unwrap();
    let before = files(&tree);
    fs::create_dir_all(tree.at("var/lib/dpkg/updates")).unwrap();
    tree.write("var/lib/dpkg/status", "", 0o644);
    let package = package(&place);
    let package = package.to_str().unwrap();
    let link = tree.at("usr/sbin/startpar");

    dpkg(&tree, &["--install", package]);
    assert!(link.symlink_metadata().is_err(), "installing must not change how the machine boots");
    let verified = tree.serelrc(&["verify", "--system"]).expect_code(0);
    assert!(verified.stdout.contains("serel is not enabled"), "{verified}");

    serel_boot(&tree, &["enable"]).expect_code(0);
    tree.write("etc/default/serel", "SEREL_RUNLEVELS=2\n", 0o644);
    tree.write("etc/serel/history.db", "", 0o644);
    // An upgrade: the same steps, whatever the versions are.
    dpkg(&tree, &["--install", package]);
    assert_eq!(fs::read_link(&link).unwrap(), Path::new("serelrc"));
    assert_eq!(tree.read("etc/default/serel"), "SEREL_RUNLEVELS=2\n");

    dpkg(&tree, &["--remove", "serel"]);
    assert!(link.symlink_metadata().is_err());
    assert!(tree.at("etc/serel/history.db").exists() && tree.at("etc/default/serel").exists());

    dpkg(&tree, &["--purge", "serel"]);
    let mut after = files(&tree);
    after.retain(|file| !file.starts_with("var/lib/dpkg"));
    assert_eq!(after, before);
    assert!(!tree.at("etc/serel").exists());
}

#[test]
fn the_same_tree_makes_the_same_package() {
    let (one, other) = (Sandbox::new(), Sandbox::new());
    assert!(fs::read(package(&one)).unwrap() == fs::read(package(&other)).unwrap());
}

#[test]
fn logs_are_rotated_while_they_are_written() {
    let tree = Sandbox::new();
    let logs = tree.at("var/log").display().to_string();
    let text = fs::read_to_string(contrib("logrotate.d/serel")).unwrap().replace("/var/log", &logs);
    tree.write("etc/logrotate.d/serel", &text, 0o644);
    tree.write("var/log/serel.log", "", 0o644);
    let mut writer = fs::OpenOptions::new().append(true).open(tree.at("var/log/serel.log")).unwrap();
    let rotate = || {
        let mut rotate = Command::new("/usr/sbin/logrotate");
        rotate.arg("--force").arg("--state").arg(tree.at("state")).arg(tree.at("etc/logrotate.d/serel"));
        let done = finish(&mut rotate, LIMIT).expect_code(0);
        assert!(done.stderr.is_empty(), "{done}");
    };
    writeln!(writer, "first").unwrap();
    rotate();
    writeln!(writer, "second").unwrap();
    assert_eq!(
        (tree.read("var/log/serel.log.1"), tree.read("var/log/serel.log")),
        ("first\n".into(), "second\n".into())
    );
    rotate();
    assert!(tree.at("var/log/serel.log.2.gz").is_file() && !tree.at("var/log/systemtap.log").exists());
}
