//! Which of several sources counts: overrides, RDF, the header; and what is said of those that count for nothing.

use crate::support::program::Finished;
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;

/// A tree with scripts `x` (which needs `a`), `a`, `b`, `c`, all in level 2, and these files.
fn tree(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.add(&Script::new("x").says("Required-Start", "a"));
    for name in ["a", "b", "c"] {
        sandbox.add(&Script::new(name));
    }
    for (file, text) in files {
        sandbox.write(file, text, 0o644);
    }
    sandbox
}

fn header(provides: &str, needs: &str) -> String {
    format!(
        "### BEGIN INIT INFO\n# Provides: {provides}\n# Required-Start: {needs}\n# Default-Start: 2\n### END INIT INFO\n"
    )
}

fn rdf(service: &str, needs: &str) -> String {
    format!(
        "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" \
         xmlns:serel=\"http://www.fastboot.org/2002/03/serel-schema#\" \
         xmlns=\"http://www.fastboot.org/2002/03/graph-schema#\">\n\
         <service rdf:ID=\"{service}\"><edges><rdf:Seq><rdf:li rdf:resource=\"#e\"/></rdf:Seq></edges></service>\n\
         <edge rdf:ID=\"e\"><source rdf:resource=\"#{needs}\"/><target rdf:resource=\"#{service}\"/></edge>\n</rdf:RDF>\n"
    )
}

/// What starts before `x`, and in which file that is written.
fn before_x(sandbox: &Sandbox) -> Vec<(String, String)> {
    let graph = sandbox.serelrc(&["--json", "graph", "2"]).expect_code(0).json();
    let edges = graph["edges"].as_array().unwrap().iter().filter(|edge| edge["after"] == "x");
    let word = |edge: &serde_json::Value, key: &str| edge[key].as_str().unwrap().to_owned();
    edges.map(|edge| (word(edge, "before"), word(edge, "file"))).collect()
}

#[track_caller]
fn assert_before_x(files: &[(&str, &str)], before: &str, file: &str) {
    assert_eq!(before_x(&tree(files)), [(before.to_owned(), file.to_owned())]);
}

fn verify(files: &[(&str, &str)]) -> Finished {
    tree(files).serelrc(&["verify", "2"]).expect_code(0)
}

#[test]
fn the_strongest_source_counts() {
    let (b, c) = (header("x", "b"), header("x", "c"));
    let (serel, insserv, distribution) =
        ("etc/serel/overrides/x", "etc/insserv/overrides/x", "usr/share/insserv/overrides/x");
    assert_before_x(&[], "a", "/etc/init.d/x");
    assert_before_x(&[(distribution, &b)], "b", "/usr/share/insserv/overrides/x");
    assert_before_x(&[(distribution, &b), (insserv, &c)], "c", "/etc/insserv/overrides/x");
    assert_before_x(&[(insserv, &b), (serel, &c)], "c", "/etc/serel/overrides/x");
    let rdf = rdf("x", "c");
    assert_before_x(&[("etc/serel/rdf.d/x.rdf", &rdf)], "c", "/etc/serel/rdf.d/x.rdf");
    assert_before_x(
        &[("etc/serel/rdf.d/x.rdf", &rdf), (distribution, &b)],
        "b",
        "/usr/share/insserv/overrides/x",
    );
}

#[test]
fn an_override_replaces_the_whole_block() {
    let sandbox = tree(&[("etc/insserv/overrides/x", &header("y", ""))]);
    assert_eq!(before_x(&sandbox), []);
    let graph = sandbox.serelrc(&["--json", "graph", "2"]).expect_code(0).json();
    let x = graph["services"].as_array().unwrap().iter().find(|service| service["name"] == "x").unwrap();
    assert_eq!(x["provides"], serde_json::json!(["y"]));
}

#[test]
fn an_override_for_no_script_is_said_where_an_administrator_wrote_it() {
    let text = header("gone", "");
    let said = verify(&[("etc/serel/overrides/gone", &text)]).stderr;
    assert!(
        said.contains(
            "etc/serel/overrides/gone: this overrides nothing: there is no script /etc/init.d/gone"
        )
    );
    let said = verify(&[("usr/share/insserv/overrides/gone", &text), ("etc/insserv/overrides/gone~", &text)]);
    assert_eq!((said.stderr.as_str(), said.stdout.as_str()), ("", "success\n"));
}

#[test]
fn an_override_without_a_header_is_said() {
    let files = [("etc/serel/overrides/x", "# nothing here\n")];
    assert!(verify(&files).stderr.contains("etc/serel/overrides/x: this override has no header"));
    assert_before_x(&files, "a", "/etc/init.d/x");
}

#[test]
fn rdf_for_no_script_is_said() {
    let said = verify(&[("etc/serel/rdf.d/gone.rdf", &rdf("gone", "a"))]).stderr;
    assert!(said.contains("etc/serel/rdf.d/gone.rdf:2: no script provides gone; this is not used"), "{said}");
}

#[test]
fn the_first_of_two_rdf_files_for_one_service_counts() {
    let (one, two) = (rdf("x", "b"), rdf("x", "c"));
    let files = [("etc/serel/rdf.d/1.rdf", one.as_str()), ("etc/serel/rdf.d/2.rdf", &two)];
    let said = verify(&files).stderr;
    assert!(
        said.contains(
            "etc/serel/rdf.d/2.rdf:2: x is defined in /etc/serel/rdf.d/1.rdf already; this is not used"
        ),
        "{said}"
    );
    assert_before_x(&files, "b", "/etc/serel/rdf.d/1.rdf");
}

#[test]
fn broken_rdf_leaves_the_header_in_force_and_is_an_error() {
    let sandbox = tree(&[("etc/serel/rdf.d/x.rdf", "<rdf:RDF\n"), ("etc/serel/rdf.d/README", "no RDF")]);
    let verify = sandbox.serelrc(&["verify", "2"]).expect_code(6);
    assert!(verify.stderr.contains("etc/serel/rdf.d/x.rdf:"), "{verify}");
    assert_eq!(before_x(&sandbox), [("a".to_owned(), "/etc/init.d/x".to_owned())]);
}

#[test]
fn a_header_that_provides_another_name_is_met_by_rdf_of_that_name() {
    let sandbox = tree(&[("etc/serel/rdf.d/mail.rdf", &rdf("mail", "c"))]);
    sandbox.add(&Script::new("x").says("Provides", "mail"));
    assert_eq!(before_x(&sandbox), [("c".to_owned(), "/etc/serel/rdf.d/mail.rdf".to_owned())]);
}
