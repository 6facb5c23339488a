//! The shell grammar of configuration files, as data: assignments, and nothing else.
//!
//! The text becomes a list of assignments whose values are not worked out yet, so that a file with a fault in it can
//! be refused as a whole before any of it counts.

use super::cursor::Cursor;
use super::word::{Piece, Refusal, command, refuse, value};
use crate::model::Place;

/// Faults reported for one file; the rest of a file that is no configuration at all says nothing new.
const MOST_FAULTS: usize = 10;

/// Letters of a command that are repeated in a message.
const SHOWN: usize = 40;

/// `NAME=VALUE` or `NAME+=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assignment {
    /// The variable.
    pub(super) name: String,
    /// Where it is written.
    pub(super) at: Place,
    /// To be put behind what is there.
    pub(super) append: bool,
    /// The value.
    pub(super) word: Vec<Piece>,
}

/// All that a text says.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// In the order of the text.
    pub(super) assignments: Vec<Assignment>,
    /// What is wrong with it; a text with faults must not be used.
    pub(super) faults: Vec<Refusal>,
}

/// Reads a text.
pub(super) fn parse(text: &str) -> Parsed {
    let mut cursor = Cursor::new(text);
    let mut parsed = Parsed::default();
    while skip_to_statement(&mut cursor) {
        if let Err(fault) = statement(&mut cursor, &mut parsed.assignments) {
            cursor.skip_line();
            parsed.faults.push(fault);
            if parsed.faults.len() == MOST_FAULTS {
                break;
            }
        }
    }
    parsed
}

/// Goes on to the first word of the next statement. False at the end.
fn skip_to_statement(cursor: &mut Cursor) -> bool {
    loop {
        match cursor.peek() {
            None => return false,
            Some(' ' | '\t' | '\n') => _ = cursor.raw(),
            Some('#') => cursor.skip_line(),
            Some(_) => return true,
        }
    }
}

/// Reads assignments up to the end of a statement.
fn statement(cursor: &mut Cursor, assignments: &mut Vec<Assignment>) -> Result<(), Refusal> {
    let mut exported = false;
    let mut first = true;
    loop {
        while matches!(cursor.peek(), Some(' ' | '\t')) {
            cursor.raw();
        }
        match cursor.peek() {
            Some(';') if first => {
                let help = "remove it: a `;` stands between two assignments";
                return refuse(cursor.place(), 1, "nothing stands before this `;`", help);
            }
            Some(';') => {
                cursor.raw();
                return Ok(());
            }
            None | Some('\n') => return Ok(()),
            Some('#') => {
                cursor.skip_line();
                return Ok(());
            }
            Some(_) => {}
        }
        let (at, before) = (cursor.place(), cursor.clone());
        let name = cursor.name();
        let append = !name.is_empty() && cursor.rest().starts_with("+=");
        if append {
            cursor.raw();
        }
        if !name.is_empty() && cursor.accept('=') {
            let word = value(cursor)?;
            assignments.push(Assignment { name, at, append, word });
        } else if exported && !name.is_empty() && ends_word(cursor.peek()) {
            // Exports what is set, which is nothing to us.
        } else if first && name == "export" && ends_word(cursor.peek()) {
            exported = true;
        } else {
            return other(before, &name);
        }
        first = false;
    }
}

fn ends_word(next: Option<char>) -> bool {
    matches!(next, None | Some(' ' | '\t' | '\n' | ';'))
}

/// Something that is no assignment stands here.
fn other(mut cursor: Cursor, name: &str) -> Result<(), Refusal> {
    let at = cursor.place();
    let rest = cursor.rest();
    if rest.starts_with('`') || rest.starts_with("$(") {
        return value(&mut cursor).map(|_| ());
    }
    let end = rest.find(|c: char| c.is_whitespace() || c == ';').unwrap_or(rest.len());
    let word: String = rest[..end].chars().take(SHOWN).collect();
    if word.starts_with('\u{feff}') {
        return refuse(at, 1, "the file begins with a byte order mark", "save it as UTF-8 without one");
    }
    if !name.is_empty() && rest[name.len()..].trim_start_matches([' ', '\t']).starts_with('=') {
        let help = "write NAME=VALUE without blanks around the `=`";
        return refuse(at, name.len(), format!("a blank before the `=` of `{name}`"), help);
    }
    if rest[name.len()..].starts_with("()") || rest.starts_with("function ") {
        return refuse(at, word.chars().count(), "a function", "nothing in this file is run: remove it");
    }
    if rest[name.len()..].starts_with('[') && !name.is_empty() {
        return refuse(at, word.chars().count(), "an element of a list", "lists are not read: use a name");
    }
    Err(command(at, &word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(pieces: &[Piece]) -> String {
        let one = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Variable { name, other: None } => format!("<{name}>"),
            Piece::Variable { name, other: Some(other) } => {
                let sign = if other.when_set { '+' } else { '-' };
                format!("<{name}{sign}{}>", text(&other.word))
            }
        };
        pieces.iter().map(one).collect()
    }

    /// `NAME=VALUE` for each assignment, with `<NAME>` for variables.
    fn read(source: &str) -> Vec<String> {
        let parsed = parse(source);
        assert_eq!(parsed.faults, [], "{source:?}");
        let one = |a: &Assignment| format!("{}{}={}", a.name, if a.append { "+" } else { "" }, text(&a.word));
        parsed.assignments.iter().map(one).collect()
    }

    #[test]
    fn what_a_shell_reads() {
        for (source, expected) in [
            ("A=1", &["A=1"][..]),
            ("A=\nB=''", &["A=", "B="]),
            ("  A=1 B=2;C=3; # rest\n#all\n\nD=4;", &["A=1", "B=2", "C=3", "D=4"]),
            ("A='a $b `c` \\'B=x", &["A=a $b `c` \\B=x"]),
            ("A=\"a 'b' \\$c \\\"d\\\" \\e\"", &["A=a 'b' $c \"d\" \\e"]),
            ("A=a\\ b\\;c", &["A=a b;c"]),
            ("A=\"two\\\nlines\"B", &["A=twolinesB"]),
            ("A=\"two\nlines\"", &["A=two\nlines"]),
            ("A='a\\\nb'", &["A=a\\\nb"]),
            ("A=$B${C}d\"$E f\"", &["A=<B><C>d<E> f"]),
            ("A=${B:-x y}${C+\"a}b\"}", &["A=<B-x y><C+a}b>"]),
            ("A=${B:-${C:-${D}}}", &["A=<B-<C-<D>>>"]),
            ("A=\"${B:-x ~:~ y}\"", &["A=<B-x ~:~ y>"]),
            ("export A=1 B\nexport A", &["A=1"]),
            ("A+=\" -t\"", &["A+= -t"]),
            ("A=a#b=c*?[x]~", &["A=a#b=c*?[x]~"]),
            ("A=5$ B=\"$\" C=\"$ x\"", &["A=5$", "B=$", "C=$ x"]),
            ("A=1\\\n B=2", &["A=1", "B=2"]),
            ("A=-x\\\n-y", &["A=-x-y"]),
            ("one_OPT=\"-o /var/log/x -c \\\"sleep 10\\\"\"", &["one_OPT=-o /var/log/x -c \"sleep 10\""]),
        ] {
            assert_eq!(read(source), expected, "{source:?}");
        }
    }

    #[test]
    fn what_would_run_something_is_refused_where_it_stands() {
        for (source, line, column, says) in [
            ("A=$(date)", 1, 3, "a command substitution"),
            ("A=\"x $(date)\"", 1, 6, "a command substitution"),
            ("A=`date`", 1, 3, "a command substitution"),
            ("\n A=\"`date`\"", 2, 5, "a command substitution"),
            ("`date`", 1, 1, "a command substitution"),
            ("A=$((1+1))", 1, 3, "an arithmetic substitution"),
            ("A=$[1+1]", 1, 3, "an arithmetic substitution"),
            ("A=\"$[1+1]\"", 1, 4, "an arithmetic substitution"),
            ("A=\"${B:-'x y'}\"", 1, 9, "`'` inside `\"${..}\"`"),
            ("A=\"${B:-\\x}\"", 1, 9, "`\\` inside"),
            ("A=\"${B:-${C:-\"x\"}}\"", 1, 14, "`\"` inside"),
            ("A=1\nrm -rf /", 2, 1, "`rm` is a command"),
            ("A=sleep 10", 1, 9, "`10` is a command, or a value with a blank in it"),
            ("if true; then", 1, 1, "conditions and loops"),
            ("[ -f x ] && A=1", 1, 1, "conditions and loops"),
            (". /etc/rc", 1, 1, "no other file is read"),
            ("source x", 1, 1, "no other file is read"),
            ("A=1 > x", 1, 5, "a redirection"),
            ("A=1>x", 1, 4, "a redirection"),
            ("> x", 1, 1, "a redirection"),
            ("A=1 && B=2", 1, 5, "`&&` is a command"),
            ("A=1|B", 1, 4, "`|` joins commands"),
            ("A=(1 2)", 1, 3, "neither lists nor functions"),
            ("f() { x; }", 1, 1, "a function"),
            ("A[1]=2", 1, 1, "an element of a list"),
            ("A =1", 1, 1, "a blank before the `=` of `A`"),
            ("1A=1", 1, 1, "`1A=1` is a command"),
            ("A='x", 1, 3, "never closed"),
            ("B=1\nA=\"x\n\n", 2, 3, "never closed"),
            ("A=${B", 1, 3, "`${` has no `}`"),
            ("A=${B:-x", 1, 3, "`${` has no `}`"),
            ("A=${#B}", 1, 3, "without the name"),
            ("A=${B%x}", 1, 3, "this form of `${B}` is not known"),
            ("A=${B:?x}", 1, 3, "this form"),
            ("A=$1", 1, 3, "`$1` has no value"),
            ("A=$@", 1, 3, "`$@` has no value"),
            ("A=$'x'", 1, 3, "quotes after `$`"),
            ("A=~/x", 1, 3, "`~` is not followed"),
            ("A=/x:~root", 1, 6, "`~` is not followed"),
            ("A=${B:-~}", 1, 8, "`~` is not followed"),
            ("A=1\r\nB=2", 1, 4, "CR LF"),
            ("A=\0", 1, 3, "NUL"),
            ("A=1;;", 1, 5, "nothing stands before this `;`"),
            ("\n;", 2, 1, "nothing stands before this `;`"),
            ("A=\\", 1, 3, "ends after a backslash"),
            ("\u{feff}A=1", 1, 1, "byte order mark"),
            ("exit 7", 1, 1, "`exit` is a command"),
            ("export -n A", 1, 8, "`-n` is a command"),
        ] {
            let faults = parse(source).faults;
            let fault = faults.first().unwrap_or_else(|| panic!("not refused: {source:?}"));
            assert_eq!((fault.at.line, fault.at.column), (line, column), "{source:?}: {fault:?}");
            assert!(fault.text.contains(says), "{source:?}: {fault:?}");
        }
    }

    #[test]
    fn hostile_texts_end_soon_and_without_deep_stacks() {
        let deep = format!("A={}x{}", "${B:-".repeat(100_000), "}".repeat(100_000));
        assert!(parse(&deep).faults[0].text.contains("more than 8 braces"));
        assert_eq!(parse(&"x\n".repeat(100_000)).faults.len(), MOST_FAULTS);
        assert_eq!(parse(&"A=1 ".repeat(100_000)).assignments.len(), 100_000);
        assert_eq!(parse(&"\\\n".repeat(1_000_000)).assignments, []);
        assert_eq!(parse(&format!("A={}", "'a'".repeat(1_000_000))).faults, []);
    }
}
