//! Bad definitions in a whole tree: what `serelrc verify` says of them, to the letter, and that it ends.

use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

/// A tree with two good scripts: `cron`, and `mail`, which needs it.
fn tree() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.add(&Script::new("cron"));
    sandbox.add(&Script::new("mail").says("Required-Start", "cron"));
    sandbox
}

/// What `serelrc verify 2` says, with the exit code that it must have; the root is written as nothing.
#[track_caller]
fn verify(sandbox: &Sandbox, code: i32) -> String {
    let said = sandbox.serelrc(&["verify", "2"]).expect_code(code).stderr;
    said.replace(&sandbox.path().canonicalize().unwrap().display().to_string(), "")
}

#[test]
fn the_program_says_every_case_in_the_expected_words() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/definition");
    for case in fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path()) {
        let name = case.file_name().unwrap().to_str().unwrap();
        let (file, mode) = match name.split('-').next() {
            Some("header") => ("etc/init.d/mail", 0o755),
            Some("rdf") => ("etc/serel/rdf.d/mail.rdf", 0o644),
            _ => ("etc/insserv.conf", 0o644),
        };
        let sandbox = tree();
        sandbox.write(file, "", mode);
        fs::copy(case.join("in"), sandbox.at(file)).unwrap();
        fs::set_permissions(sandbox.at(file), Permissions::from_mode(mode)).unwrap();
        let expected = fs::read_to_string(case.join("expected")).unwrap();
        let is_wrong = expected.lines().any(|line| line.starts_with("error: "));
        let code = sandbox.serelrc(&["verify", "2"]).code;
        assert!(code == 6 || (code == 0 && !is_wrong), "{name}: exit code {code}");
        let said = verify(&sandbox, code);
        assert!(said.contains(&expected), "{name}: expected\n{expected}\nin\n{said}");
    }
}

#[test]
fn links_of_definitions_that_lead_nowhere_are_said() {
    let sandbox = tree();
    for directory in ["etc/serel/rdf.d", "etc/serel/overrides", "etc/insserv.conf.d"] {
        fs::create_dir_all(sandbox.at(directory)).unwrap();
    }
    symlink("gone", sandbox.at("etc/serel/rdf.d/mail.rdf")).unwrap();
    symlink("mail", sandbox.at("etc/serel/overrides/mail")).unwrap();
    symlink("/nowhere", sandbox.at("etc/insserv.conf.d/more")).unwrap();
    symlink("gone", sandbox.at("etc/insserv.conf")).unwrap();
    let said = verify(&sandbox, 0);
    let help = "  help: remove the dead link, or install what it leads to\n";
    for (file, why) in [
        ("/etc/serel/rdf.d/mail.rdf", "No such file or directory (os error 2)"),
        ("/etc/serel/overrides/mail", "Too many levels of symbolic links (os error 40)"),
        ("/etc/insserv.conf.d/more", "No such file or directory (os error 2)"),
        ("/etc/insserv.conf", "No such file or directory (os error 2)"),
    ] {
        assert!(said.contains(&format!("warning: {file}: not read: {why}\n{help}")), "{file}:\n{said}");
    }
    assert_eq!(said.matches("warning: ").count(), 4, "{said}");
}

#[test]
fn names_that_are_not_utf_8_are_said() {
    let sandbox = tree();
    let name = OsStr::from_bytes(b"caf\xe9");
    fs::copy(sandbox.at("etc/init.d/cron"), sandbox.at("etc/init.d").join(name)).unwrap();
    fs::create_dir_all(sandbox.at("etc/rc2.d")).unwrap();
    sandbox.link("2", "S01cron");
    symlink("../init.d/cron", sandbox.at("etc/rc2.d").join(OsStr::from_bytes(b"S02caf\xe9"))).unwrap();
    let said = verify(&sandbox, 0);
    for file in ["/etc/init.d/caf\u{fffd}", "/etc/rc2.d/S02caf\u{fffd}"] {
        let expected =
            format!("warning: {file}: not read: its name is not UTF-8\n  help: give it a name in ASCII\n");
        assert!(said.contains(&expected), "{said}");
    }
}

#[test]
fn filters_that_others_may_write_are_refused_aloud() {
    let sandbox = tree();
    sandbox.write("etc/insserv/file-filters", "local\n", 0o666);
    assert_eq!(
        verify(&sandbox, 6).lines().next(),
        Some("error: /etc/insserv/file-filters: can be written by others (mode 0666), and is not read")
    );
}

#[test]
fn hostile_rdf_is_refused_by_the_program_and_the_headers_stay() {
    let head = "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">";
    let laughs: String =
        super::many(1..10, |n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10)));
    for (document, expected) in [
        (
            format!("<!DOCTYPE r [<!ENTITY l0 \"ha\">{laughs}]>{head}&l9;</rdf:RDF>"),
            "mail.rdf:1:1: an entity that is made of entities\n",
        ),
        (
            format!("<!DOCTYPE r [<!ENTITY e SYSTEM \"/etc/shadow\">]>{head}&e;</rdf:RDF>"),
            "mail.rdf:1:1: an entity from another file, which is not read\n",
        ),
        (
            format!("{head}{}{}</rdf:RDF>", "<a>".repeat(100_000), "</a>".repeat(100_000)),
            ": more than 64 elements are open here\n",
        ),
    ] {
        let sandbox = tree();
        sandbox.write("etc/serel/rdf.d/mail.rdf", &document, 0o644);
        let said = verify(&sandbox, 6);
        assert!(said.starts_with("error: /etc/serel/rdf.d/mail.rdf:1:"), "{said}");
        assert!(said.contains(expected) && said.contains("\n  help: "), "{said}");
        assert!(said.len() < 1000, "short, whatever the document: {said}");
        let graph = sandbox.serelrc(&["--json", "graph", "2"]).expect_code(0).json();
        assert_eq!(graph["edges"][0]["before"], "cron");
        assert_eq!(graph["edges"][0]["after"], "mail");
    }
}

#[test]
fn a_line_of_a_megabyte_is_said_with_a_part_of_it() {
    let sandbox = tree();
    let lines = format!("# Provides: mail\n# Required-Start: {}no/name\n", "cron ".repeat(200_000));
    sandbox.write(
        "etc/init.d/mail",
        &format!("### BEGIN INIT INFO\n{lines}# Default-Start: 2\n### END INIT INFO\n"),
        0o755,
    );
    let said = verify(&sandbox, 0);
    assert!(said.starts_with("warning: /etc/init.d/mail:3:1000019: `no/name` holds a `/`"), "{said}");
    assert!(said.len() < 1000, "{said}");
}

#[test]
fn rdf_may_name_its_script_over_a_link() {
    let sandbox = tree();
    fs::create_dir_all(sandbox.at("etc/rc.d")).unwrap();
    fs::rename(sandbox.at("etc/init.d"), sandbox.at("etc/rc.d/init.d")).unwrap();
    symlink("rc.d/init.d", sandbox.at("etc/init.d")).unwrap();
    let needs = |script: &str| {
        let document = format!(
            "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"\n\
             xmlns:serel=\"http://www.fastboot.org/2002/03/serel-schema#\"\n\
             xmlns=\"http://www.fastboot.org/2002/03/graph-schema#\">\n\
             <service rdf:ID=\"mail\"><serel:script>{script}</serel:script></service></rdf:RDF>"
        );
        sandbox.write("etc/serel/rdf.d/mail.rdf", &document, 0o644);
        let graph = sandbox.serelrc(&["--json", "graph", "2"]).expect_code(0).json();
        (graph["edges"].as_array().unwrap().len(), verify(&sandbox, 0))
    };
    for script in ["/etc/init.d/mail", "/etc/rc.d/init.d/mail", "mail"] {
        assert_eq!(needs(script), (0, String::new()), "{script}: what it says counts");
    }
    let said = "warning: /etc/serel/rdf.d/mail.rdf:4: mail has no script /opt/mail; this is not used\n  \
                help: mend the path in `serel:script`, or leave it out\n";
    assert_eq!(needs("/opt/mail"), (1, said.to_owned()), "the header counts");
}
