//! Another user can neither ask, nor change, nor stand in for the daemon.
//!
//! These tests need root, for nobody else can become somebody else.

use super::Daemon;
use crate::support::program::{LIMIT, finish};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

/// Nobody.
const OTHER: u32 = 65_534;

/// The programs in a place that everybody can reach.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        assert!(
            nix::unistd::geteuid().is_root(),
            "this test becomes another user, and has to be run by root"
        );
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        for name in ["serelc", "sereld"] {
            std::fs::copy(super::programs().join(name), dir.path().join(name)).unwrap();
        }
        Self(dir)
    }

    fn program(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A program as another user.
    fn other(&self, daemon: &Daemon, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program(name));
        command.args(arguments).env("SEREL_SOCKET", &daemon.socket).current_dir("/").uid(OTHER).gid(OTHER);
        command
    }
}

#[test]
fn another_user_can_neither_ask_nor_change() {
    let daemon = Daemon::start();
    let place = Place::new();
    daemon.shell("serelc --provide a --immediate");
    for arguments in [
        &["--query", "services"][..],
        &["--need", "a"],
        &["--unprovide", "a"],
        &["--provide", "b"],
        &["--statuschange", "1", "0"],
        &["--control", "stop"],
    ] {
        let refused = finish(&mut place.other(&daemon, "serelc", arguments), LIMIT).expect_code(4);
        assert!(
            refused.stderr.contains("not trusted") || refused.stderr.contains("may not speak"),
            "{refused}"
        );
    }
    assert_eq!(daemon.state("a"), "available");
    daemon.serelc(&["--query", "service", "b"]).expect_code(2);
}

#[test]
fn another_users_daemon_is_not_believed_and_hears_nothing() {
    let daemon = Daemon::prepare();
    let place = Place::new();
    finish(&mut place.other(&daemon, "sereld", &[]), LIMIT).expect_code(0);
    let refused = daemon.serelc(&["--provide", "secret"]).expect_code(4);
    assert!(refused.stderr.contains(&format!("belongs to user {OTHER} and is not trusted")), "{refused}");
    let rows = finish(&mut place.other(&daemon, "serelc", &["--query", "services"]), LIMIT).expect_code(0);
    assert_eq!(rows.stdout, "");
    finish(&mut place.other(&daemon, "serelc", &["--control", "stop"]), LIMIT).expect_code(0);
}

#[test]
fn a_user_has_a_daemon_of_their_own_even_with_few_files() {
    let daemon = Daemon::prepare();
    let place = Place::new();
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 100 && exec \"$0\""]).arg(place.program("sereld"));
    limited.env("SEREL_SOCKET", &daemon.socket).current_dir("/").uid(OTHER).gid(OTHER);
    finish(&mut limited, LIMIT).expect_code(0);
    let ask = || finish(&mut place.other(&daemon, "serelc", &["--query", "services"]), LIMIT);
    ask().expect_code(0);
    let mut held: Vec<_> = (0..300).map(|_| super::hostile::connect(&daemon)).collect();
    let refused = ask().expect_code(4);
    assert!(refused.stderr.contains("too many clients"), "{refused}");
    held.clear();
    let begun = std::time::Instant::now();
    while ask().code != 0 {
        assert!(begun.elapsed() < LIMIT, "it serves again when clients have gone");
    }
    finish(&mut place.other(&daemon, "serelc", &["--control", "stop"]), LIMIT).expect_code(0);
}
