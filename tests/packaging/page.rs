//! The parts of a manual page that a command line's definition knows: options, and commands with theirs.

use clap::{Arg, ArgAction, Command};
use std::fmt::Write as _;

/// The options and arguments of a program itself.
pub(super) fn options(command: &Command) -> String {
    arguments(command.get_arguments().filter(|argument| !argument.is_hide_set()))
}

/// The verbs of a program: those with the same options together, then these options.
pub(super) fn verbs(command: &Command) -> String {
    let mut page = String::new();
    let mut groups: Vec<(Vec<&Command>, String)> = Vec::new();
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        let own = arguments(verb.get_arguments().filter(|argument| is_own(argument)));
        match groups.iter_mut().find(|(_, text)| *text == own) {
            Some((verbs, _)) => verbs.push(verb),
            None => groups.push((vec![verb], own)),
        }
    }
    for (verbs, arguments) in groups {
        let names: Vec<String> = verbs.iter().map(|verb| escaped(verb.get_name())).collect();
        let _ = writeln!(page, ".SS {}", names.join(", "));
        for verb in verbs {
            let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = write!(page, ".TP\n.B {}\n{}", escaped(verb.get_name()), sentence(&about));
        }
        page += &arguments;
    }
    page
}

/// Not one of those that stand among the options of the program.
fn is_own(argument: &Arg) -> bool {
    !argument.is_global_set() && !argument.is_hide_set() && argument.get_id() != "help"
}

fn arguments<'a>(arguments: impl Iterator<Item = &'a Arg>) -> String {
    let mut page = String::new();
    for argument in arguments {
        let _ = write!(page, ".TP\n{}\n{}", heading(argument), sentence(&help(argument)));
    }
    page
}

/// `-j, --jobs N`.
fn heading(argument: &Arg) -> String {
    let short = argument.get_short().map(|letter| format!("\\fB\\-{letter}\\fR"));
    let long = argument.get_long().map(|word| format!("\\fB{}\\fR", escaped(&format!("--{word}"))));
    let mut heading = [short, long].into_iter().flatten().collect::<Vec<_>>().join(", ");
    if matches!(argument.get_action(), ArgAction::Set | ArgAction::Append) {
        let fallback = argument.get_id().as_str().to_uppercase();
        let names = argument.get_value_names();
        let names =
            names.map_or_else(|| vec![fallback], |names| names.iter().map(ToString::to_string).collect());
        for name in &names {
            let space = if heading.is_empty() { "" } else { " " };
            let _ = write!(heading, "{space}\\fI{}\\fR", escaped(name));
        }
        let many = argument.get_num_args().is_some_and(|range| range.max_values() > 2)
            || (argument.is_positional() && matches!(argument.get_action(), ArgAction::Append));
        heading += if many { " ..." } else { "" };
    }
    heading
}

/// The help text, with the values and the default that clap would print beside it.
fn help(argument: &Arg) -> String {
    if argument.get_id() == "help" {
        return "Print help".to_owned();
    }
    let mut help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let values: Vec<_> = argument
        .get_possible_values()
        .into_iter()
        .filter(|value| !value.is_hide_set() && !argument.is_hide_possible_values_set())
        .filter(|_| matches!(argument.get_action(), ArgAction::Set | ArgAction::Append))
        .collect();
    if !values.is_empty() {
        let words = values.iter().map(|value| match value.get_help() {
            Some(what) => format!("`{}` ({})", value.get_name(), uncapitalized(&what.to_string())),
            None => format!("`{}`", value.get_name()),
        });
        let words = words.collect::<Vec<_>>();
        let explained = values.iter().any(|value| value.get_help().is_some());
        help +=
            &if explained { format!(": {}", words.join("; ")) } else { format!(" ({})", words.join(", ")) };
    }
    if let (ArgAction::Set | ArgAction::Append, [default, ..]) =
        (argument.get_action(), argument.get_default_values())
    {
        let _ = write!(help, " [default: {}]", default.to_string_lossy());
    }
    help
}

fn uncapitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
}

/// One line of text with a full stop, `words` of the program in bold.
fn sentence(text: &str) -> String {
    let mut line = String::new();
    for (number, part) in text.split('`').enumerate() {
        let part = escaped(part);
        line += &if number % 2 == 1 { format!("\\fB{part}\\fR") } else { part };
    }
    if line.starts_with(['.', '\'']) {
        line.insert_str(0, "\\&");
    }
    line + if text.ends_with(['.', ']', '!', '?']) { "\n" } else { ".\n" }
}

/// Text as roff prints it: backslashes as they are, and a minus where a hyphen would not be one that can be copied.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    for (at, letter) in text.char_indices() {
        let next = text[at + letter.len_utf8()..].chars().next().unwrap_or(' ');
        match letter {
            '\\' => escaped += "\\e",
            '-' if before.is_alphabetic() && next.is_alphabetic() && !text.starts_with('-') => {
                escaped.push('-');
            }
            '-' => escaped += "\\-",
            '\'' => escaped += "\\(aq",
            other => escaped.push(other),
        }
        before = letter;
    }
    escaped
}
