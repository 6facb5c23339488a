//! Bad input, with the very words that a person gets: one folder of `tests/fixtures/definition` for each.
//!
//! A case named `header-*` is a script, `rdf-*` a document, `facilities-*` an `insserv.conf`. With `BLESS` in the
//! environment the expected texts are written instead of compared: look at what has changed before it is kept.

use super::rendered;
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use nix::sys::stat::Mode;
use serel::definition::{Facilities, header, rdf, trust};
use serel::model::Source;
use serel::root::Root;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

fn diagnose(case: &str, bytes: &[u8]) -> String {
    rendered(&match case.split('-').next() {
        Some("header") => {
            header::parse("/etc/init.d/mail", "/etc/init.d/mail", "mail", Source::Header, bytes).diagnostics
        }
        Some("rdf") => rdf::parse("/etc/serel/rdf.d/mail.rdf", bytes).diagnostics,
        Some("facilities") => {
            let mut facilities = Facilities::default();
            let mut said = facilities.read("/etc/insserv.conf", bytes);
            said.extend(facilities.troubles());
            said
        }
        _ => panic!("{case}: what kind is that?"),
    })
}

#[test]
fn every_case_is_said_in_the_expected_words() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/definition");
    let mut cases: Vec<_> = fs::read_dir(&home).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() >= 14);
    for case in cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        let said = diagnose(name, &fs::read(case.join("in")).unwrap());
        if std::env::var_os("BLESS").is_some() {
            fs::write(case.join("expected"), &said).unwrap();
        }
        assert_eq!(said, fs::read_to_string(case.join("expected")).unwrap(), "{name}");
        assert!(
            !said.is_empty() && said.matches("  help: ").count() == said.matches(": /etc/").count(),
            "{said}"
        );
    }
}

#[test]
fn a_line_of_a_megabyte_is_said_in_few_words() {
    for line in ["x".repeat(1 << 20), "a/b ".repeat(1 << 18), "### BEGIN INIT INFO".repeat(50_000)] {
        let text =
            format!("### BEGIN INIT INFO\n# Provides: a\n# Required-Start: {line}\n### END INIT INFO\n");
        let reading = super::script(text.as_bytes());
        let kept: usize =
            reading.diagnostics.iter().filter_map(|found| found.line.as_ref()).map(String::len).sum();
        assert!(kept < 3 << 20, "{kept} bytes of lines are kept");
        assert!(rendered(&reading.diagnostics).len() < 20_000);
    }
    let markers = "### BEGIN INIT INFO # chkconfig: ".repeat(30_000);
    assert_eq!(super::script(markers.as_bytes()).diagnostics.len(), 1, "one near miss, and soon");
}

/// A tree with one good script, `cron`.
fn tree() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.add(&Script::new("cron"));
    sandbox
}

/// What `serelrc verify` says, with the exit code that it must have; the root is written as nothing.
#[track_caller]
fn verify(sandbox: &Sandbox, code: i32) -> String {
    let said = sandbox.serelrc(&["verify"]).expect_code(code).stderr;
    said.replace(&sandbox.path().canonicalize().unwrap().display().to_string(), "")
}

#[test]
fn what_is_no_file_is_refused_and_not_waited_for() {
    let sandbox = tree();
    nix::unistd::mkfifo(&sandbox.at("etc/init.d/pipe"), Mode::from_bits_truncate(0o755)).unwrap();
    fs::create_dir(sandbox.at("etc/init.d/directory")).unwrap();
    let expected = |name: &str| {
        format!(
            "error: /etc/init.d/{name}: is not a regular file\n  help: remove it, or put a file in its place\n"
        )
    };
    assert_eq!(
        verify(&sandbox, 6),
        format!(
            "{}{}serelrc: 2 errors: what is wrong would be left out of the run\n",
            expected("directory"),
            expected("pipe")
        )
    );
    for device in ["/dev/zero", "/dev/null", "/dev/tty0", "/dev"] {
        if let Err(fault) = trust::read(&Root::default(), device) {
            assert!(fault.text.contains("is not a regular file") || fault.text.contains("cannot be read"));
        } else {
            panic!("{device} was read");
        }
    }
}

#[test]
fn links_that_lead_nowhere_or_in_circles_are_said() {
    let sandbox = tree();
    symlink("gone", sandbox.at("etc/init.d/dead")).unwrap();
    symlink("loop2", sandbox.at("etc/init.d/loop1")).unwrap();
    symlink("loop1", sandbox.at("etc/init.d/loop2")).unwrap();
    symlink("cron", sandbox.at("etc/init.d/again")).unwrap();
    let said = verify(&sandbox, 0);
    for (name, why) in [("dead", "No such file"), ("loop1", "Too many levels"), ("loop2", "Too many levels")]
    {
        assert!(said.contains(&format!("warning: /etc/init.d/{name}: not read: {why}")), "{said}");
    }
    assert_eq!(said.matches("warning:").count(), 3, "{said}");
}

#[test]
fn what_others_may_write_is_not_read() {
    let sandbox = tree();
    sandbox.write("etc/init.d/open", "#!/bin/sh\n", 0o777);
    assert_eq!(
        verify(&sandbox, 6).lines().next(),
        Some("error: /etc/init.d/open: can be written by others (mode 0777), and is not read")
    );
}

#[test]
fn empty_binary_and_headless_scripts_are_unknown_services() {
    let sandbox = tree();
    sandbox.write("etc/init.d/empty", "", 0o755);
    sandbox.write("etc/init.d/bare", "exit 0\n", 0o755);
    fs::write(sandbox.at("etc/init.d/binary"), [0u8, 255, 10, 13, 7, 27].repeat(1000)).unwrap();
    fs::set_permissions(sandbox.at("etc/init.d/binary"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    verify(&sandbox, 0);
    let graph = sandbox.serelrc(&["--json", "graph"]).expect_code(0).json();
    assert_eq!(graph["services"].as_array().unwrap().len(), 4);
}

#[test]
fn what_stands_beside_scripts_is_passed_over() {
    let sandbox = tree();
    for name in [
        "cron.dpkg-old",
        "cron~",
        ".hidden",
        "README",
        "skeleton",
        "rc",
        "rcS",
        "cron.rpmsave",
        "x,v",
        "#cron#",
        "x.swp",
    ] {
        sandbox.write(&format!("etc/init.d/{name}"), "### BEGIN INIT INFO\n", 0o755);
    }
    sandbox.write("etc/init.d/data", "### BEGIN INIT INFO\n", 0o644);
    sandbox.write("etc/insserv/file-filters", "# ours\nlocal\n", 0o644);
    sandbox.write("etc/init.d/cron.local", "### BEGIN INIT INFO\n", 0o755);
    assert_eq!(verify(&sandbox, 0), "");
}

#[test]
fn a_script_of_ten_megabytes_is_refused() {
    let sandbox = tree();
    sandbox.write("etc/init.d/large", &"#".repeat(10_000_000), 0o755);
    assert!(
        verify(&sandbox, 6).starts_with("error: /etc/init.d/large: is larger than 8 MiB, and is not read\n")
    );
}
