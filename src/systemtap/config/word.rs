//! Words of the shell grammar: literal text, quotes, and variables; everything that would run something is refused.
//!
//! What is read is what POSIX.1-2017, Shell Command Language, 2.2 (quoting) and 2.6.2 (parameter expansion) say,
//! as far as it can be said without running anything.

use super::cursor::Cursor;
use crate::model::Place;

/// Braces within braces that are followed; more is no configuration.
const DEEPEST: usize = 8;

/// Reserved words and commands whose name says what was wanted.
const CONDITIONALS: [&str; 14] =
    ["if", "then", "else", "elif", "fi", "case", "esac", "for", "while", "until", "do", "done", "[", "[["];

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// Text that stands for itself.
    Text(String),
    /// `$NAME`, `${NAME}`, or one with another word for the case that it is (not) set.
    Variable {
        /// Its name.
        name: String,
        /// The other word.
        other: Option<Other>,
    },
}

/// `${NAME:-WORD}` and its like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Other {
    /// Take the word when the variable is set (`+`), not when it is unset (`-`).
    pub(super) when_set: bool,
    /// An empty one counts as unset (`:`).
    pub(super) empty_is_unset: bool,
    /// The word.
    pub(super) word: Vec<Piece>,
}

/// Why a text is refused: where, how many characters, what, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) at: Place,
    pub(super) width: usize,
    pub(super) text: String,
    pub(super) help: &'static str,
}

const WRITE_OUT: &str = "nothing in this file is run; write the value itself";
const QUOTE: &str = "put the value in quotes, or write a backslash before the character";

/// Refuses what begins at a place.
pub(super) fn refuse<T>(
    at: Place,
    width: usize,
    text: impl Into<String>,
    help: &'static str,
) -> Result<T, Refusal> {
    Err(Refusal { at, width, text: text.into(), help })
}

/// Reads the rest of a word that is a value: up to a blank, a newline, a `;`, or the end.
pub(super) fn value(cursor: &mut Cursor) -> Result<Vec<Piece>, Refusal> {
    pieces(cursor, None, false, 0)
}

/// Pieces up to the end of a word; inside `${..}`, up to the brace that `opened` stands for, where `quoted` says that
/// double quotes stand around it.
fn pieces(
    cursor: &mut Cursor,
    opened: Option<Place>,
    quoted: bool,
    depth: usize,
) -> Result<Vec<Piece>, Refusal> {
    let mut pieces = Pieces::default();
    // A shell looks for a tilde at the beginning of a value and behind each colon.
    let mut tilde = !quoted;
    loop {
        let at = cursor.place();
        if std::mem::take(&mut tilde) && cursor.peek() == Some('~') {
            return refuse(
                at,
                1,
                "`~` is not followed",
                "write the directory out, or put the value in quotes",
            );
        }
        match (cursor.peek(), opened) {
            (None, Some(opened)) => return refuse(opened, 2, "`${` has no `}`", "write the `}`"),
            (None | Some(' ' | '\t' | '\n' | ';'), None) => return Ok(pieces.all),
            (Some('}'), Some(_)) => {
                cursor.raw();
                return Ok(pieces.all);
            }
            // Shells disagree on whether these keep their meaning there.
            (Some(c @ ('\'' | '"' | '\\')), _) if quoted => {
                let help = "put the quotes inside the braces: ${NAME:-\"WORD\"}";
                return refuse(at, 1, format!("`{c}` inside `\"${{..}}\"`"), help);
            }
            (Some('\''), _) => {
                cursor.raw();
                single(cursor, at, &mut pieces)?;
            }
            (Some('"'), _) => {
                cursor.raw();
                double(cursor, at, &mut pieces, depth)?;
            }
            (Some('\\'), _) => {
                cursor.raw();
                match cursor.raw() {
                    Some(c) => pieces.push(text(c, at)?),
                    None => return refuse(at, 1, "the file ends after a backslash", "remove the backslash"),
                }
            }
            (Some('$'), _) => {
                cursor.raw();
                dollar(cursor, at, &mut pieces, quoted, depth)?;
            }
            (Some('`'), _) => return refuse(at, 1, "a command substitution", WRITE_OUT),
            (Some('<' | '>'), None) => return refuse(at, 1, "a redirection", QUOTE),
            (Some(c @ ('&' | '|')), None) => {
                return refuse(at, 1, format!("`{c}` joins commands"), QUOTE);
            }
            (Some(c @ ('(' | ')')), None) => {
                return refuse(at, 1, format!("`{c}`: neither lists nor functions are read"), QUOTE);
            }
            (Some('\r'), _) if cursor.rest().starts_with("\r\n") || cursor.rest() == "\r" => {
                return refuse(at, 1, "the line ends as on DOS, with CR LF", "end lines with LF alone");
            }
            (Some(c), _) => {
                cursor.raw();
                pieces.push(text(c, at)?);
                tilde = c == ':' && !quoted;
            }
        }
    }
}

#[derive(Default)]
struct Pieces {
    all: Vec<Piece>,
}

impl Pieces {
    fn push(&mut self, c: char) {
        if let Some(Piece::Text(text)) = self.all.last_mut() {
            text.push(c);
        } else {
            self.all.push(Piece::Text(c.to_string()));
        }
    }
}

/// The text up to the next single quote, which nothing in it can change.
fn single(cursor: &mut Cursor, opened: Place, pieces: &mut Pieces) -> Result<(), Refusal> {
    loop {
        let at = cursor.place();
        match cursor.raw() {
            None => return refuse(opened, 1, "this quote is never closed", "write the closing `'`"),
            Some('\'') => return Ok(()),
            Some(c) => pieces.push(text(c, at)?),
        }
    }
}

/// The text up to the next double quote; variables and four escapes are known in it.
fn double(cursor: &mut Cursor, opened: Place, pieces: &mut Pieces, depth: usize) -> Result<(), Refusal> {
    loop {
        let at = cursor.place();
        match cursor.take() {
            None => return refuse(opened, 1, "this quote is never closed", "write the closing `\"`"),
            Some('"') => return Ok(()),
            Some('\\') => match cursor.rest().chars().next() {
                Some(c @ ('$' | '`' | '"' | '\\')) => {
                    cursor.raw();
                    pieces.push(c);
                }
                _ => pieces.push('\\'),
            },
            Some('$') => dollar(cursor, at, pieces, true, depth)?,
            Some('`') => return refuse(at, 1, "a command substitution", WRITE_OUT),
            Some(c) => pieces.push(text(c, at)?),
        }
    }
}

/// A character that stands for itself.
fn text(c: char, at: Place) -> Result<char, Refusal> {
    match c {
        '\0' => refuse(at, 1, "a NUL character", "is it a text file?"),
        // What stands for bytes that are no text (config.rs).
        char::REPLACEMENT_CHARACTER => refuse(at, 1, "this is not UTF-8", "save the file as UTF-8"),
        c => Ok(c),
    }
}

/// What follows a dollar sign.
fn dollar(
    cursor: &mut Cursor,
    at: Place,
    pieces: &mut Pieces,
    quoted: bool,
    depth: usize,
) -> Result<(), Refusal> {
    match cursor.peek() {
        Some('(') => {
            let what = if cursor.rest().starts_with("((") { "an arithmetic" } else { "a command" };
            refuse(at, 2, format!("{what} substitution"), WRITE_OUT)
        }
        Some('[') => refuse(at, 2, "an arithmetic substitution", WRITE_OUT),
        Some('{') => {
            cursor.raw();
            pieces.all.push(braces(cursor, at, quoted, depth + 1)?);
            Ok(())
        }
        Some('\'' | '"') if !quoted => {
            refuse(at, 2, "quotes after `$` are not known", "use plain quotes, without the `$`")
        }
        Some(c) if c.is_ascii_digit() || "@*#?$!-".contains(c) => {
            let help = "write `\\$` for the character, or the name of a variable of this configuration";
            refuse(at, 2, format!("`${c}` has no value where nothing is run"), help)
        }
        _ => {
            let name = cursor.name();
            if name.is_empty() {
                pieces.push('$');
            } else {
                pieces.all.push(Piece::Variable { name, other: None });
            }
            Ok(())
        }
    }
}

/// `${NAME}` and `${NAME:-WORD}`, after the brace.
fn braces(cursor: &mut Cursor, opened: Place, quoted: bool, depth: usize) -> Result<Piece, Refusal> {
    if depth > DEEPEST {
        return refuse(opened, 2, format!("more than {DEEPEST} braces inside each other"), WRITE_OUT);
    }
    let help = "`${NAME}`, `${NAME:-WORD}`, `${NAME-WORD}`, `${NAME:+WORD}` and `${NAME+WORD}` are known";
    let name = cursor.name();
    if name.is_empty() {
        return refuse(opened, 2, "`${` without the name of a variable", help);
    }
    if cursor.accept('}') {
        return Ok(Piece::Variable { name, other: None });
    }
    let empty_is_unset = cursor.accept(':');
    let when_set = match cursor.peek() {
        Some('-') => false,
        Some('+') => true,
        None => return refuse(opened, 2, "`${` has no `}`", "write the `}`"),
        _ => return refuse(opened, name.len() + 3, format!("this form of `${{{name}}}` is not known"), help),
    };
    cursor.raw();
    let word = pieces(cursor, Some(opened), quoted, depth)?;
    Ok(Piece::Variable { name, other: Some(Other { when_set, empty_is_unset, word }) })
}

/// What to say of a word that stands where a command would.
pub(super) fn command(at: Place, word: &str) -> Refusal {
    let width = word.chars().count();
    let text = if CONDITIONALS.contains(&word) {
        format!("`{word}`: conditions and loops are not read")
    } else if matches!(word, "." | "source") {
        format!("`{word}`: no other file is read from here")
    } else if word.starts_with(['<', '>']) {
        "a redirection".to_owned()
    } else {
        format!("`{word}` is a command, or a value with a blank in it")
    };
    let help =
        "this file is read as data and nothing in it is run: write NAME=VALUE, a value with blanks in quotes";
    Refusal { at, width, text, help }
}
