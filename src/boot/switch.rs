//! Whether serel runs a level: the kernel's command line, the environment, and one file that is read as data.
//!
//! The file is written as a shell's, so that the hooks' readers know it, but nothing in it is evaluated: rc runs as root
//! before anybody could look. The first place that says anything of a setting counts.

use super::regular;
use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::definition::trust;
use crate::model::{Level, Levels, Place};
use crate::root::Root;
use crate::unit::LEGACY;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;

/// What the kernel was started with.
pub(super) const COMMAND_LINE: &str = "/proc/cmdline";
/// The settings of Debian and of Red Hat.
const FILES: [&str; 2] = ["/etc/default/serel", "/etc/sysconfig/serel"];

/// What the names of all settings begin with.
const OURS: &str = "SEREL_";
const RUNLEVELS: &str = "SEREL_RUNLEVELS";
const DEBUG: &str = "SEREL_DEBUG";
const OPTIONS: &str = "SEREL_OPTIONS";
/// Who wants the numbers of the links, or to be asked about each script.
const WISHES: [&str; 2] = [LEGACY, "/var/run/confirm"];
/// On the kernel's command line: nothing is ours in this boot.
const OFF: &str = "serel=off";

/// A file by its name, and its assignments.
type File<'n> = (&'n str, Vec<(String, String)>);

/// The settings of a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Switch {
    /// Everything is switched off on the kernel's command line.
    pub off: bool,
    /// Levels that serel runs; `None` when nobody has said.
    pub levels: Option<Levels>,
    /// Log verbosely.
    pub debug: bool,
    /// More options for serelrc, as words.
    pub options: Vec<String>,
    /// Where the levels are said, in words.
    pub place: Option<String>,
    /// What could not be read as it was meant.
    pub problems: Vec<Diagnostic>,
}

impl Switch {
    /// Reads them. What cannot be read is said and counts as not there.
    pub fn read(root: &Root) -> Self {
        let switch = Self::examine(root, |name| std::env::var_os(name).map(|value| lossy(&value)));
        super::tell(root, &switch.problems, Severity::Warning);
        switch
    }

    /// Reads them for a boot to come: without our own environment, and without a word.
    pub fn foresee(root: &Root) -> Self {
        Self::examine(root, |_| None)
    }

    fn examine(root: &Root, environment: impl Fn(&str) -> Option<String>) -> Self {
        let mut problems = Vec::new();
        let line = command_line(root).unwrap_or_else(|error| {
            let text = format!("cannot be read: {error}; the kernel's command line counts as empty");
            problems.push(problem(COMMAND_LINE, (0, 0), text, "see what is mounted there"));
            String::new()
        });
        let line = words(&line);
        let files: Vec<File<'_>> =
            FILES.iter().filter_map(|file| Some((*file, settings(root, file, &mut problems)?))).collect();
        let mut switch = Self::of(&line, environment, &files);
        problems.append(&mut switch.problems);
        Self { problems, ..switch }
    }

    /// The settings of these places, strongest first.
    fn of(line: &[String], environment: impl Fn(&str) -> Option<String>, files: &[File<'_>]) -> Self {
        let on_line = |name: &str| {
            let value = |word: &String| word.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
            line.iter().rev().find_map(value)
        };
        let in_file = |name: &str| {
            files.iter().find_map(|(file, found)| {
                let last = found.iter().rev().find(|(known, _)| known == name);
                last.map(|(_, value)| (*file, value.clone()))
            })
        };
        let filed = |name: &str| in_file(name).map(|(_, value)| value);
        let value = |name: &str| on_line(name).or_else(|| environment(name)).or_else(|| filed(name));
        let place = if on_line(RUNLEVELS).is_some() {
            Some("on the kernel command line")
        } else if environment(RUNLEVELS).is_some() {
            Some("in the environment")
        } else {
            in_file(RUNLEVELS).map(|(file, _)| file)
        };
        let place = place.map(str::to_owned);
        let mut problems = Vec::new();
        let levels = value(RUNLEVELS).map(|text| levels(&text, place.as_deref(), &mut problems));
        Self {
            off: line.iter().any(|word| word == OFF),
            levels,
            debug: value(DEBUG).is_some_and(|value| value.eq_ignore_ascii_case("on")),
            options: value(OPTIONS).map(|text| words(&text)).unwrap_or_default(),
            place,
            problems,
        }
    }

    /// Whether serel runs a level; when nobody has said, the answer is `unsaid`. Errors with the reason why not.
    pub fn runs(&self, level: Level, unsaid: bool) -> Result<(), String> {
        if self.off {
            Err(format!("`{OFF}` on the kernel command line"))
        } else if self.levels.map_or(unsaid, |levels| levels.contains(level)) {
            Ok(())
        } else {
            Err(format!("{RUNLEVELS} does not name level {level}"))
        }
    }
}

/// By what an administrator asks for one script after another, whoever runs them, if he does.
pub fn one_by_one(root: &Root) -> Option<String> {
    if let Some(wish) = WISHES.iter().find(|wish| root.resolve(wish).is_ok()) {
        return Some(format!("{} is there", root.shown(wish)));
    }
    let line = command_line(root).unwrap_or_default();
    let none = line.split_whitespace().any(|word| word == "concurrency=none");
    none.then(|| "`concurrency=none` is on the kernel command line".to_owned())
}

/// The kernel's command line; an empty one early in a boot, without `/proc`.
fn command_line(root: &Root) -> io::Result<String> {
    match regular::read(&root.real(COMMAND_LINE)) {
        Ok(line) => Ok(String::from_utf8_lossy(&line).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

fn lossy(value: &OsStr) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// `S 2 3`, `S,2,3` and `S23` are one and the same.
fn levels(text: &str, place: Option<&str>, problems: &mut Vec<Diagnostic>) -> Levels {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .flat_map(|word| word.split(""))
        .filter(|letter| !letter.is_empty())
        .filter_map(|letter| {
            let level = Level::parse(letter);
            if level.is_none() {
                let text = format!("{RUNLEVELS} {}: `{letter}` is no runlevel", place.unwrap_or_default());
                problems.push(problem("", (0, 0), text, "give S and digits, as in \"S 2 3 4 5\""));
            }
            level
        })
        .collect()
}

fn problem(file: &str, (line, column): (u32, u32), text: String, help: &str) -> Diagnostic {
    let at = Place { line, column };
    Diagnostic::new(Severity::Warning, Kind::Syntax, file, at, text).help(help)
}

/// Words between white space; quotes keep them together and are taken off.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let (mut quote, mut open) = (None, false);
    for c in text.chars() {
        match (c, quote) {
            (c, Some(mark)) if c == mark => quote = None,
            ('"' | '\'', None) => {
                quote = Some(c);
                if !std::mem::replace(&mut open, true) {
                    words.push(String::new());
                }
            }
            (c, None) if c.is_whitespace() => open = false,
            (c, _) => {
                if !std::mem::replace(&mut open, true) {
                    words.push(String::new());
                }
                words.last_mut().expect("BUG: a word was begun").push(c);
            }
        }
    }
    words
}

/// The assignments of a file, `None` where there is no such file or one that is not to be trusted.
fn settings(root: &Root, file: &str, problems: &mut Vec<Diagnostic>) -> Option<Vec<(String, String)>> {
    let path = root.resolve(file).ok()?;
    match trust::read(root, &path) {
        Ok((bytes, _)) => Some(assignments(&path, &String::from_utf8_lossy(&bytes), problems)),
        Err(fault) => {
            problems.push(*fault);
            None
        }
    }
}

/// `NAME=value`, one a line, in quotes or not. What a shell would put in the place of `$x` is not known here: said, and
/// left out.
fn assignments(file: &str, text: &str, problems: &mut Vec<Diagnostic>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (number, whole) in (1..).zip(text.lines()) {
        let line = whole.trim();
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        let Some((name, value)) =
            line.split_once('=').filter(|(name, _)| [RUNLEVELS, DEBUG, OPTIONS].contains(name))
        else {
            if line.contains(OURS) && !line.starts_with('#') {
                let text =
                    format!("this line sets none of {RUNLEVELS}, {DEBUG} and {OPTIONS}, and is left out");
                let help = "write NAME=\"value\", with nothing before it and no blank around the `=`";
                problems.push(problem(file, (number, 1), text, help));
            }
            continue;
        };
        let single = value.starts_with('\'');
        let (value, rest) = match value.chars().next() {
            Some(mark @ ('"' | '\'')) => value[1..].split_once(mark).unwrap_or((&value[1..], value)),
            _ => value.split_once(char::is_whitespace).unwrap_or((value, "")),
        };
        if !single && value.contains(['$', '`', '\\']) {
            let text = format!("{name} is read as it stands, not as a shell would, and is left out");
            problems.push(problem(file, (number, 1), text, "write its value out"));
            continue;
        }
        let more = rest.trim_start();
        if !(more.is_empty() || more.starts_with('#')) {
            let column = whole.trim_end().chars().count() - more.chars().count() + 1;
            let column = u32::try_from(column).unwrap_or(u32::MAX);
            let text = format!("{name} is taken for `{value}`; a shell would not read this line so");
            let help = "put the whole value in quotes, and nothing behind them: NAME=\"value\"";
            problems.push(problem(file, (number, column), text, help));
        }
        found.push((name.to_owned(), value.to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str, environment: Option<&str>, file: &str) -> Switch {
        let environment = |name: &str| environment.filter(|_| name == RUNLEVELS).map(str::to_owned);
        let mut problems = Vec::new();
        let file = assignments("f", file, &mut problems);
        let switch = Switch::of(&words(line), environment, &[("f", file)]);
        problems.extend(switch.problems.iter().cloned());
        Switch { problems, ..switch }
    }

    fn shown(switch: &Switch) -> String {
        switch.levels.map_or("-".to_owned(), |levels| levels.iter().map(|level| level.to_string()).collect())
    }

    #[test]
    fn the_first_place_that_says_anything_counts() {
        let file = "# levels\nSEREL_RUNLEVELS=\"S 2 3\"  # these\nexport SEREL_DEBUG=on\n";
        assert_eq!(shown(&of("quiet", None, "")), "-");
        assert_eq!(shown(&of("quiet", None, file)), "23S");
        assert_eq!(shown(&of("quiet", Some("5"), file)), "5");
        assert_eq!(shown(&of("a SEREL_RUNLEVELS=S,4 b", Some("5"), file)), "4S");
        assert_eq!(shown(&of("\"SEREL_RUNLEVELS=S 1\"", None, file)), "1S");
        assert_eq!(shown(&of("SEREL_RUNLEVELS=\"S 1\" x", None, file)), "1S");
        assert_eq!(shown(&of("SEREL_RUNLEVELS=", None, file)), "");
        assert!(of("", None, file).debug && !of("", None, "SEREL_DEBUG=off").debug);
    }

    #[test]
    fn the_place_is_known_and_what_is_no_level_is_said() {
        let place = |switch: &Switch| switch.place.clone().unwrap_or_default();
        assert_eq!(place(&of("SEREL_RUNLEVELS=2", None, "SEREL_RUNLEVELS=3")), "on the kernel command line");
        assert_eq!(place(&of("", Some("2"), "SEREL_RUNLEVELS=3")), "in the environment");
        let switch = of("", None, "SEREL_RUNLEVELS='2 x'");
        assert_eq!(place(&switch), "f");
        assert_eq!(switch.problems[0].text, "SEREL_RUNLEVELS f: `x` is no runlevel");
        assert_eq!(of("", None, "").place, None);
    }

    #[test]
    fn what_the_first_file_does_not_say_the_second_may() {
        let set = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        let files =
            [("one", set(OPTIONS, "--jobs 4")), ("two", [set(RUNLEVELS, "3"), set(OPTIONS, "-d2")].concat())];
        let switch = Switch::of(&[], |_| None, &files);
        assert_eq!((shown(&switch), switch.place.as_deref()), ("3".to_owned(), Some("two")));
        assert_eq!(switch.options, ["--jobs", "4"]);
    }

    #[test]
    fn off_is_a_whole_word() {
        assert!(of("quiet serel=off x", None, "").off);
        assert!(!of("quiet xserel=off serel=offline", None, "").off);
        let two = Level::parse("2").unwrap();
        assert!(of("serel=off SEREL_RUNLEVELS=2", None, "").runs(two, true).is_err());
        assert!(of("", None, "").runs(two, true).is_ok() && of("", None, "").runs(two, false).is_err());
        assert!(of("", Some(""), "").runs(two, true).is_err());
    }

    #[test]
    fn a_line_that_looks_like_a_setting_and_is_none_is_said() {
        let lines = [
            "SEREL_RUNLEVELS = 2",
            "SEREL_RUNLEVEL=2",
            "if true; then SEREL_RUNLEVELS=2; fi",
            "\u{feff}SEREL_RUNLEVELS=2",
        ];
        for line in lines {
            let switch = of("", None, &format!("# SEREL_X=1\nOTHER=1\n\n{line}\r\n"));
            assert_eq!(shown(&switch), "-", "{line}");
            assert_eq!(switch.problems.iter().map(|fault| fault.at.line).collect::<Vec<_>>(), [4], "{line}");
        }
    }

    #[test]
    fn what_a_shell_would_read_otherwise_is_said_where_it_stands() {
        let lines = [
            ("  SEREL_RUNLEVELS=S 2  ", "S", 21),
            ("SEREL_RUNLEVELS=\"S 2\" 3 # x", "2S", 23),
            ("export SEREL_RUNLEVELS='S'\"2\"", "S", 27),
            ("SEREL_RUNLEVELS=\"S 2", "2S", 17),
        ];
        for (line, levels, column) in lines {
            let switch = of("", None, &format!("\n{line}\n"));
            let places: Vec<_> =
                switch.problems.iter().map(|fault| (fault.at.line, fault.at.column)).collect();
            assert_eq!((shown(&switch).as_str(), places), (levels, vec![(2, column)]), "{line}");
        }
        assert!(
            of("", None, "SEREL_RUNLEVELS=S  # 2 later\nSEREL_DEBUG=\"\"\nSEREL_OPTIONS=\n")
                .problems
                .is_empty()
        );
    }

    #[test]
    fn nothing_in_the_file_is_evaluated() {
        let file =
            "SEREL_RUNLEVELS=\"$(reboot)\"\nSEREL_OPTIONS='--jobs 4  --timeout \"9\"'\nif true; then\n";
        let switch = of("", None, file);
        assert_eq!(shown(&switch), "-");
        assert_eq!(switch.options, ["--jobs", "4", "--timeout", "9"]);
        assert_eq!((switch.problems.len(), switch.problems[0].at.line), (1, 1));
        assert_eq!(of("", None, "SEREL_RUNLEVELS=2 3\n").levels, of("2", Some("2"), "").levels);
    }
}
