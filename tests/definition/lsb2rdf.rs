//! The program lsb2rdf: the published example, several files, standard input, what is missing.

use crate::support::program::{Finished, LIMIT, finish};
use serel::definition::rdf;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

/// What was published in 2002 for `Provides: sendmail` and `Required-Start: network syslog`.
const PUBLISHED: &str = r##"<?xml version="1.0" encoding="utf-8"?>
<rdf:RDF
  xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
  xmlns:serel="http://www.fastboot.org/2002/03/serel-schema#"
  xmlns:graph="http://www.fastboot.org/2002/03/graph-schema#"
  xmlns="http://www.fastboot.org/2002/03/graph-schema#" >
  <service rdf:ID="sendmail">
    <edges>
      <rdf:Seq>
        <rdf:li rdf:resource="#edge-network-sendmail" />
        <rdf:li rdf:resource="#edge-syslog-sendmail" />
      </rdf:Seq>
    </edges>
  </service>
  <edge rdf:ID="edge-network-sendmail" >
    <source rdf:resource="#network" />
    <target rdf:resource="#sendmail" />
  </edge>
  <edge rdf:ID="edge-syslog-sendmail" >
    <source rdf:resource="#syslog" />
    <target rdf:resource="#sendmail" />
  </edge>
</rdf:RDF>
"##;

const SENDMAIL: &str =
    "### BEGIN INIT INFO\n# Provides: sendmail\n# Required-Start: network syslog\n### END INIT INFO\n";

/// Runs the program in a directory with these files.
fn lsb2rdf(files: &[(&str, &str)], arguments: &[&str]) -> Finished {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    finish(Command::new(env!("CARGO_BIN_EXE_lsb2rdf")).args(arguments).current_dir(dir.path()), LIMIT)
}

/// The same with white space made one.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Names that a document defines.
fn names(document: &str) -> Vec<String> {
    let reading = rdf::parse("stdout", document.as_bytes());
    reading.definitions.iter().map(|definition| definition.primary().to_owned()).collect()
}

#[test]
fn the_published_example() {
    let done = lsb2rdf(&[("sendmail", SENDMAIL)], &["sendmail"]).expect_code(0);
    assert_eq!(words(&done.stdout), words(PUBLISHED));
    assert_eq!(done.stderr, "");
}

#[test]
fn several_files_make_one_document_in_their_order() {
    let block = |name: &str| format!("### BEGIN INIT INFO\n# Provides: {name}\n### END INIT INFO\n");
    let files = [("a", block("one")), ("b", block("two")), ("c", block("one"))];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let done = lsb2rdf(&files, &["b", "a", "c"]).expect_code(0);
    assert_eq!(names(&done.stdout), ["two", "one", "one"]);
    assert_eq!(done.stdout.matches("<rdf:RDF").count(), 1);
}

#[test]
fn standard_input_is_read_for_a_dash() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = dir.path().join("input");
    fs::write(&file, SENDMAIL).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_lsb2rdf"))
        .arg("-")
        .stdin(Stdio::from(File::open(&file).unwrap()))
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(words(&String::from_utf8(output.stdout).unwrap()), words(PUBLISHED));
}

#[test]
fn a_missing_file_does_not_hide_the_others() {
    let done = lsb2rdf(&[("sendmail", SENDMAIL)], &["gone", "sendmail"]).expect_code(1);
    assert_eq!(names(&done.stdout), ["sendmail"]);
    assert!(done.stderr.starts_with("lsb2rdf: error: gone: No such file"), "{done}");
}

#[test]
fn a_file_without_a_header_is_an_error_and_a_bad_line_a_warning() {
    let done = lsb2rdf(&[("bare", "#!/bin/sh\n")], &["bare"]).expect_code(6);
    assert_eq!(
        done.stderr,
        "error: bare: has no LSB header\n  help: add one, from `### BEGIN INIT INFO` to `### END INIT INFO`\n"
    );
    let odd = SENDMAIL.replace("network syslog", "network,syslog");
    let done = lsb2rdf(&[("sendmail", &odd)], &["sendmail"]).expect_code(0);
    assert_eq!(words(&done.stdout), words(PUBLISHED));
    assert!(done.stderr.starts_with("warning: sendmail:3:26: "), "{done}");
}

#[test]
fn a_device_comes_to_an_end() {
    assert!(Path::new("/dev/zero").exists(), "this test needs /dev/zero");
    let done = lsb2rdf(&[], &["/dev/zero"]).expect_code(1);
    assert!(done.stderr.starts_with("lsb2rdf: error: /dev/zero: larger than 8 MiB"), "{done}");
}

#[test]
fn without_a_file_it_is_a_usage_error() {
    let done = lsb2rdf(&[], &[]);
    assert!(done.code != 0 && done.stderr.contains("FILE") && done.stdout.is_empty(), "{done}");
}

#[test]
fn the_name_of_a_link_is_that_of_its_script() {
    let text = "### BEGIN INIT INFO\n# Default-Start: 2\n### END INIT INFO\n";
    let done = lsb2rdf(&[("S20cron", text)], &["S20cron"]).expect_code(0);
    assert_eq!(names(&done.stdout), ["cron"]);
}
