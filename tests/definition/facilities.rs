//! `insserv.conf` and its directory: lines of all forms, recursion, circles, what is undefined.

use super::{helps, said};
use crate::support::sandbox::Sandbox;
use crate::support::script::Script;
use serel::definition::Facilities;

/// Reads texts one after the other; what is wrong with them, and the facilities.
fn read(texts: &[&str]) -> (Facilities, Vec<String>) {
    let mut facilities = Facilities::default();
    let mut diagnostics = Vec::new();
    for text in texts {
        diagnostics.extend(facilities.read("/etc/insserv.conf", text.as_bytes()));
    }
    diagnostics.extend(facilities.troubles());
    assert!(diagnostics.iter().all(helps), "{diagnostics:?}");
    (facilities, said(&diagnostics))
}

/// The members of a facility, those that may be missing with a `+`.
fn members(facilities: &Facilities, name: &str) -> String {
    let members = facilities.expand(name).unwrap_or_else(|| panic!("{name} is not defined"));
    let words: Vec<String> = members
        .iter()
        .map(|(name, optional)| format!("{}{name}", if *optional { "+" } else { "" }))
        .collect();
    words.join(" ")
}

#[test]
fn lines_of_every_form() {
    for line in ["$a b +c", "$a\tb\t+c", "$a = b +c", "$a: b +c", "$a=b +c", "$a :b  +c \r", "$a b +c $null"]
    {
        let (facilities, said) = read(&[line]);
        assert_eq!((members(&facilities, "$a").as_str(), said.len()), ("b +c", 0), "{line:?}");
    }
    let (facilities, said) = read(&["# $b x\n\n$a\n$c $null\n"]);
    assert_eq!(facilities.names().collect::<Vec<_>>(), ["$a", "$c"]);
    assert_eq!(
        (members(&facilities, "$a").as_str(), members(&facilities, "$c").as_str(), said.len()),
        ("", "", 0)
    );
}

#[test]
fn the_same_name_again_adds() {
    let (facilities, said) = read(&["$a b\n$a c", "$a d\n$a b"]);
    assert_eq!((members(&facilities, "$a").as_str(), said.len()), ("b c d", 0));
}

#[test]
fn facilities_inside_facilities_are_expanded() {
    let (facilities, said) = read(&["$a b $c +$d\n$c e +f\n$d g\n"]);
    let mut all: Vec<String> = members(&facilities, "$a").split(' ').map(str::to_owned).collect();
    all.sort();
    assert_eq!((all.join(" ").as_str(), said.len()), ("+f +g b e", 0));
}

#[test]
fn a_circle_is_named_with_its_place_and_the_rest_is_expanded() {
    let (facilities, said) = read(&["$x y\n$a b $c\n$c d $e\n$e $a\n"]);
    assert_eq!(said, ["4:4 facilities that hold each other: $a > $c > $e > $a"]);
    assert_eq!(members(&facilities, "$a"), "b d");
    let (_, said) = read(&["$a b $a"]);
    assert_eq!(said, ["1:6 facilities that hold each other: $a > $a"]);
}

#[test]
fn what_nobody_defines_is_said_with_its_place() {
    let (facilities, said) = read(&["$a b $none\n$A c\n$b $a $A"]);
    assert_eq!(said, ["1:6 the facility $none is not defined, and stands for nothing"]);
    assert_eq!(members(&facilities, "$a").split(' ').next(), Some("b"));
    assert_eq!(facilities.expand("$none"), None);
    assert_eq!(facilities.expand("$null"), Some(vec![]));
}

#[test]
fn one_bad_member_does_not_take_the_others_with_it() {
    let (facilities, said) = read(&["$a b/c d - e\nno x\n $b x\n$ x\n"]);
    assert_eq!(members(&facilities, "$a"), "d e");
    assert_eq!(
        said,
        [
            "1:4 `b/c` holds a `/`, and is left out",
            "1:10 `-` cannot be a file's name, and is left out",
            "2:1 `no` is no facility; this line is left out",
            "3:1 this line begins with a blank, and is left out",
            "4:1 `$` is no facility; this line is left out"
        ]
    );
}

#[test]
fn warnings_without_number_are_counted() {
    let lines = super::many(0..1000, |n| format!("f{n} x\n"));
    let (_, said) = read(&[&lines]);
    assert_eq!(said.len(), 51);
    assert!(said[50].contains("950 more warnings about this file are not shown"), "{}", said[50]);
}

#[test]
fn names_that_need_the_console() {
    let (facilities, said) = read(&["<interactive> a +b\n<interactive>\n<interactive>: c"]);
    assert_eq!(said.len(), 0);
    for (name, is) in [("a", true), ("b", true), ("c", true), ("d", false)] {
        assert_eq!(facilities.is_interactive(name), is, "{name}");
    }
}

#[test]
fn ten_thousand_facilities_in_a_row_and_in_a_circle() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for n in 0..10_000 {
        let _ = writeln!(text, "$f{n} $f{} s{n}", n + 1);
    }
    let (facilities, said) = read(&[&text, "$f10000 $null"]);
    assert_eq!((facilities.expand("$f0").unwrap().len(), said.len()), (10_000, 0));
    let (facilities, said) = read(&[&text, "$f10000 $f0"]);
    assert_eq!(said.len(), 1);
    assert!(said[0].starts_with("1:9 facilities that hold each other: $f0 > $f1 > "), "{}", &said[0][..80]);
    assert!(said[0].len() < 500, "a circle of ten thousand is not written out");
    assert_eq!(facilities.expand("$f77").unwrap().len(), 10_000);
}

/// A tree with a script `x` that requires `$own`, scripts `a` and `b`, and these files of facilities.
fn tree(files: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    for script in [Script::new("x").says("Required-Start", "$own"), Script::new("a"), Script::new("b")] {
        sandbox.add(&script);
    }
    for (file, text) in files {
        sandbox.write(file, text, 0o644);
    }
    sandbox
}

fn needs_of_x(sandbox: &Sandbox) -> Vec<String> {
    let graph = sandbox.serelrc(&["--json", "graph", "2"]).expect_code(0).json();
    let edges = graph["edges"].as_array().unwrap().iter().filter(|edge| edge["after"] == "x");
    edges
        .map(|edge| format!("{} {}", edge["before"].as_str().unwrap(), edge["kind"].as_str().unwrap()))
        .collect()
}

#[test]
fn the_directory_adds_to_the_file() {
    let sandbox = tree(&[
        ("etc/insserv.conf", "$own a\n"),
        ("etc/insserv.conf.d/more", "$own +b +none\n"),
        ("etc/insserv.conf.d/more.dpkg-old", "$own gone\n"),
    ]);
    assert_eq!(needs_of_x(&sandbox), ["a need", "b need"]);
}

#[test]
fn a_member_that_is_not_there_fails_those_that_need_it_unless_it_is_optional() {
    let sandbox = tree(&[("etc/insserv.conf", "$own a gone\n")]);
    let verify = sandbox.serelrc(&["verify", "2"]).expect_code(6);
    assert!(verify.stderr.contains("gone") && verify.stderr.contains("etc/init.d/x:4:"), "{verify}");
    let sandbox = tree(&[("etc/insserv.conf", "$own a +gone\n")]);
    sandbox.serelrc(&["verify", "2"]).expect_code(0);
}

#[test]
fn an_undefined_facility_is_a_warning() {
    let verify = tree(&[("etc/insserv.conf", "$other a\n")]).serelrc(&["verify", "2"]).expect_code(0);
    assert!(verify.stderr.contains("warning:") && verify.stderr.contains("$own"), "{verify}");
}
