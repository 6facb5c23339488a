//! The manual pages: what people wrote (`contrib/man/NAME.in`), filled with what the programs know.
//!
//! A line `.\" @OPTIONS PROGRAM` or `.\" @VERBS PROGRAM` becomes that part of the program's own definition, and
//! `.\" @SHOW COMMAND` a command and its output (`@RUN`: the output alone), run by sh beside a copy of `contrib/`:
//! examples are what is really printed.

use super::{RENEW, command, contrib, is_fresh, page};
use crate::support::machine::machine;
use crate::support::program::{LIMIT, finish};
use crate::support::sandbox::Sandbox;
use std::fs;
use std::path::Path;
use std::process::Command;

/// How a line begins that is filled in.
const MARK: &str = ".\\\" @";

/// The files of contrib/man that are sources, without their `.in`, or those that are pages.
fn names(sources: bool) -> Vec<String> {
    let files = fs::read_dir(contrib("man")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names
        .filter_map(|name| match (name.strip_suffix(".in"), sources) {
            (Some(stem), true) => Some(stem.to_owned()),
            (None, false) => Some(name),
            _ => None,
        })
        .collect();
    names.sort();
    names
}

/// A page, made of its source.
fn made(name: &str) -> String {
    let source = fs::read_to_string(contrib(&format!("man/{name}.in"))).unwrap();
    let mut text = format!(
        ".\\\" Made of contrib/man/{name}.in and of what the program knows of its options; mend them there, then:\n\
         .\\\" {RENEW}\n"
    );
    // The examples leave their history beside the example, so that they get one of their own.
    let place = Sandbox::new();
    let mut copy = Command::new("cp");
    finish(copy.arg("-r").arg(contrib("")).arg(place.at("contrib")), LIMIT).expect_code(0);
    let _ = fs::remove_file(place.at("contrib/example/etc/serel/history.db"));
    let machine = machine();
    fs::remove_file(machine.at("usr/sbin/serelrc")).unwrap();
    fs::hard_link(env!("CARGO_BIN_EXE_serelrc"), machine.at("usr/sbin/serelrc")).unwrap();
    fs::rename(machine.path(), place.at("machine")).unwrap();
    for line in source.lines() {
        match line.strip_prefix(MARK) {
            Some(asked) => text += &filled(asked, place.path()),
            None => text += &format!("{line}\n").replace("@VERSION@", env!("CARGO_PKG_VERSION")),
        }
    }
    text
}

#[track_caller]
fn filled(asked: &str, place: &Path) -> String {
    match asked.split_once(' ') {
        Some(("OPTIONS", program)) => page::options(&command(program)),
        Some(("VERBS", program)) => page::verbs(&command(program)),
        Some(("SHOW", words)) => format!("$ \\fB{}\\fR\n{}", page::escaped(words), run(words, place)),
        Some(("RUN", words)) => run(words, place),
        _ => panic!("nothing is known to put in for {asked}"),
    }
}

/// The output of a command line in which the programs are found by their names, as it is shown in a page.
fn run(words: &str, place: &Path) -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_serelrc")).parent().unwrap();
    let path = format!(
        "{}:{}:{}",
        programs.display(),
        contrib("").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let mut shell = Command::new("sh");
    shell.args(["-c", words]).env("PATH", path).env("SEREL_SOCKET", "@nobody").current_dir(place);
    let output = finish(&mut shell, LIMIT).stdout.replace(&format!("{}/", place.display()), "");
    let line = |line: &str| {
        let line = page::escaped(line);
        if line.starts_with(['.', '\'']) { format!("\\&{line}\n") } else { line + "\n" }
    };
    output.lines().map(line).collect()
}

#[test]
fn pages_are_fresh() {
    assert!(names(true).len() >= 7, "{:?}", names(true));
    for name in names(true) {
        is_fresh(&format!("man/{name}"), &made(&name));
    }
}

#[test]
fn every_program_and_every_option_has_its_words() {
    for program in serel::cli::commands() {
        let name = program.get_name();
        let page =
            names(false).into_iter().find(|page| page.rsplit_once('.').is_some_and(|(stem, _)| stem == name));
        let page = page.unwrap_or_else(|| panic!("contrib/man has no page of {name}"));
        let text = fs::read_to_string(contrib(&format!("man/{page}"))).unwrap().replace("\\-", "-");
        let verbs = program.get_subcommands().flat_map(clap::Command::get_arguments);
        for argument in program.get_arguments().chain(verbs).filter(|argument| !argument.is_hide_set()) {
            let (short, long) = (argument.get_short(), argument.get_long());
            for option in short
                .map(|letter| format!("-{letter}"))
                .into_iter()
                .chain(long.map(|word| format!("--{word}")))
            {
                // What is everywhere need not be in a page that people wrote.
                let common = matches!(argument.get_id().as_str(), "help" | "version");
                assert!(common || text.contains(&option), "{page} does not tell of {option}");
            }
        }
    }
}

#[test]
fn pages_are_well_formed() {
    for page in names(false) {
        let mut lint = Command::new("mandoc");
        lint.args(["-T", "lint", "-W", "warning"]).arg(contrib(&format!("man/{page}")));
        let linted = finish(&mut lint, LIMIT);
        assert!(linted.code == 0 && linted.stdout.is_empty(), "{linted}");
        let mut man = Command::new("man");
        man.arg("--warnings")
            .arg("-l")
            .arg(contrib(&format!("man/{page}")))
            .env("MANWIDTH", "100")
            .env("LC_ALL", "C.UTF-8");
        let shown = finish(&mut man, LIMIT).expect_code(0);
        assert!(shown.stderr.is_empty() && shown.stdout.contains("DESCRIPTION"), "{shown}");
    }
}
