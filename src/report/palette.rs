//! The one table of words and colours: what an outcome looks like on the console.
//!
//! All words have the same width and say everything without colour; they are ASCII, since a boot console may be
//! anything.

use crate::wavefront::Outcome;
use anstyle::AnsiColor;

/// Width of the column of words.
pub const WIDTH: usize = 6;

/// The word of a job that still runs.
pub const RUNNING: &str = "run";

/// Each word with its colour; a word that is missing here has none.
const COLOURS: [(&str, AnsiColor); 7] = [
    ("OK", AnsiColor::Green),
    ("FAILED", AnsiColor::Red),
    ("TIME", AnsiColor::Red),
    ("DEPEND", AnsiColor::Yellow),
    ("CANCEL", AnsiColor::Yellow),
    ("SKIP", AnsiColor::Cyan),
    (RUNNING, AnsiColor::Cyan),
];

/// The word of an outcome, filled up to [`WIDTH`], coloured if asked to.
pub fn word(outcome: Outcome, colour: bool) -> String {
    paint(outcome.word(), colour)
}

/// Any word of the table, filled up to [`WIDTH`], coloured if asked to.
pub fn paint(word: &str, colour: bool) -> String {
    match COLOURS.iter().find(|(known, _)| *known == word) {
        Some((_, ink)) if colour => {
            format!("{}{word:<WIDTH$}{}", ink.render_fg(), anstyle::Reset.render())
        }
        _ => format!("{word:<WIDTH$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::JobId;

    #[test]
    fn every_outcome_has_a_colour_and_fits() {
        let all = [
            Outcome::Done,
            Outcome::NotInstalled,
            Outcome::NotConfigured,
            Outcome::Failed(1),
            Outcome::Signalled(11),
            Outcome::TimedOut,
            Outcome::NotStarted(2),
            Outcome::DependencyFailed(JobId(0)),
            Outcome::Cancelled,
        ];
        for outcome in all {
            assert_eq!(word(outcome, false).len(), WIDTH);
            assert!(word(outcome, true).starts_with("\x1b[3"), "{outcome:?} has no colour");
        }
        assert_eq!(word(Outcome::Done, true), "\x1b[32mOK    \x1b[0m");
    }
}
