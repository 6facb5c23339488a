//! Completions of bash, zsh and fish: made of the command lines' definitions, and tried in the shells.

use super::{contrib, is_fresh};
use crate::support::program::{Finished, LIMIT, finish};
use clap_complete::{Shell, generate};
use std::process::Command;

/// Its completions are written by hand: they know the names of scripts.
const BY_HAND: &str = "systemtap-service";

const SHELLS: [(Shell, &str, &str); 3] =
    [(Shell::Bash, "", ".bash"), (Shell::Zsh, "_", ""), (Shell::Fish, "", ".fish")];

#[test]
fn they_are_fresh() {
    for (shell, before, behind) in SHELLS {
        for mut command in serel::cli::commands() {
            let name = command.get_name().to_owned();
            let file = format!("completions/{before}{name}{behind}");
            if name == BY_HAND {
                assert!(contrib(&file).is_file(), "{file}");
                continue;
            }
            let mut text = Vec::new();
            generate(shell, &mut command, &name, &mut text);
            is_fresh(&file, &String::from_utf8(text).unwrap());
        }
    }
}

/// What bash offers for the last of some words, sorted.
fn bash(words: &[&str]) -> Vec<String> {
    let program = words[0];
    let file = contrib(&format!("completions/{program}.bash"));
    let script = format!(
        "source {file} && COMP_WORDS=({all}) COMP_CWORD={at} && complete -p {program} > /dev/null && \
         call=$(complete -p {program} | sed 's/.* -F \\([^ ]*\\) .*/\\1/') && \
         $call {program} '{last}' '{before}' && printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        file = file.display(),
        all = words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
        at = words.len() - 1,
        last = words[words.len() - 1],
        before = words[words.len() - 2],
    );
    offered(&finish(Command::new("bash").args(["--norc", "-c", &script]), LIMIT).expect_code(0))
}

/// Types a line and a tab into zsh on a terminal of its own, and waits until the screen shows the whole word.
fn zsh(line: &str, whole: &str) {
    let script = format!(
        "zmodload zsh/zpty && zpty shell zsh -f -i && zpty -w shell 'fpath=({} $fpath); autoload -U compinit; \
         compinit -u -D; PS1=re\"\"ady' && zpty -r shell said '*ready*' && zpty -w -n shell $'{line}\\t' && \
         zpty -r shell said '*{whole}*' && print -r -- $said",
        contrib("completions").display()
    );
    let mut zsh = Command::new("zsh");
    finish(zsh.args(["-f", "-c", &script]).env("TERM", "dumb"), LIMIT).expect_code(0);
}

/// What fish offers for the last word of a line, without its descriptions, sorted.
fn fish(line: &str) -> Vec<String> {
    let program = line.split(' ').next().unwrap();
    let script = format!(
        "source {}; complete --do-complete '{line}' | string split -f1 \\t; true",
        contrib(&format!("completions/{program}.fish")).display()
    );
    let home = tempfile::tempdir().unwrap();
    let mut fish = Command::new("fish");
    fish.args(["--no-config", "-c", &script]).env("HOME", home.path());
    offered(&finish(&mut fish, LIMIT).expect_code(0))
}

fn offered(done: &Finished) -> Vec<String> {
    let mut words: Vec<String> = done.stdout.lines().map(str::to_owned).collect();
    words.sort();
    words
}

/// What serel-boot is completed to, which bash does by a list of words.
const BOOT: (&str, &str) = ("serel-boot dis", "disable");

/// A line for each program, and something that it has to be completed to.
const LINES: [(&str, &str); 7] = [
    ("serelrc ver", "verify"),
    ("serelrc start --required-start o", "order"),
    ("serelhistory --query prior", "prior-history"),
    ("sereld --fore", "--foreground"),
    ("serelc --control st", "stop"),
    ("serel-wrap --deb", "--debuglevel"),
    ("lsb2rdf --log-tr", "--log-truncate"),
];

#[test]
fn bash_completes() {
    for (line, whole) in LINES {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(bash(&words), [whole], "{line}");
    }
    assert_eq!(bash(&["serelrc", "s"]), ["start", "stop"]);
}

#[test]
fn zsh_completes() {
    for (line, whole) in LINES.into_iter().chain([BOOT]) {
        zsh(line, whole);
    }
}

#[test]
fn fish_completes() {
    for (line, whole) in LINES.into_iter().chain([BOOT]) {
        assert_eq!(fish(line), [whole], "{line}");
    }
}
