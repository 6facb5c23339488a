//! The grammar of configurations, against a shell that really runs them.
//!
//! Texts are thrown together from words that can do no harm. Whatever our reader takes, bash must take, and make the
//! same of it; what it refuses is its own business.

use crate::support::program::{LIMIT, finish};
use serel::systemtap::config::Config;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

/// Pieces of texts; none of them, in any order, is a command that does anything.
const PIECES: [&str; 46] = [
    "A",
    "B",
    "C",
    "A=",
    "B=",
    "C=",
    "A+=",
    "B+=",
    "\nA=",
    "\nB=",
    "\nC=\"",
    "'",
    "'",
    "\"",
    "\"",
    "\\",
    "\\\\",
    "\\\"",
    "\\'",
    "\\$",
    "\\\n",
    "$A",
    "$B",
    "${C}",
    "${A:-x y}",
    "${NOT_SET-'q r'}",
    "${NOT_SET:-\"q r\"}",
    "${NOT_SET:-q\\ r\\\\}",
    "${NOT_SET:-$A's t'}",
    "${NOT_SET-~:~}",
    "$[",
    "${B-'q r'}",
    "${C:+\"$A\"}",
    "${A+z}",
    "$",
    " ",
    "\n",
    "\n",
    ";",
    "#",
    "x",
    "yy",
    "*",
    ":~",
    "}",
    "\nexport A=",
];

/// Texts that are tried.
const TEXTS: usize = 3_000;

/// Those among them that must be taken, or this test says nothing.
const FEWEST_TAKEN: usize = 500;

const NAMES: [&str; 3] = ["A", "B", "C"];

#[test]
fn what_is_taken_means_what_a_shell_makes_of_it() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut state = 12_345_u64;
    let mut roll = |below: usize| {
        // Knuth, MMIX.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let (mut script, mut expected, mut texts) = (String::new(), Vec::new(), Vec::new());
    for number in 0..TEXTS {
        let mut text = "A=".to_owned();
        text.extend((0..=roll(12)).map(|_| PIECES[roll(PIECES.len())]));
        let file = dir.path().join(number.to_string());
        fs::write(&file, &text).unwrap();
        let mut config = Config::new([("A", "first"), ("B", "")]);
        config.read_global(file.to_str().unwrap());
        if config.unusable {
            continue;
        }
        // Each in a shell of its own: a syntax error ends it.
        let _ = writeln!(
            script,
            "(A=first; B=; unset C; . {}; printf '%s\\0%s\\0%s\\0' \"$A\" \"$B\" \"$C\") || printf 'refused\\0\\0\\0'",
            file.display()
        );
        expected.push(NAMES.map(|name| config.value(name).to_owned()));
        texts.push(text);
    }
    assert!(texts.len() >= FEWEST_TAKEN, "only {} texts were taken", texts.len());
    fs::write(dir.path().join("script"), script).unwrap();
    let mut bash = Command::new("bash");
    let done = finish(bash.arg(dir.path().join("script")).env_clear().current_dir(dir.path()), LIMIT);
    let values: Vec<&str> = done.stdout.split('\0').collect();
    for ((text, expected), values) in texts.iter().zip(&expected).zip(values.chunks(3)) {
        assert_eq!(values, expected, "{text:?}\n{}", done.stderr);
    }
}
