//! A place in a text, and the way on: characters with their lines and columns.
//!
//! A backslash at the end of a line joins two lines everywhere but in single quotes, so the cursor does that for
//! all who do not ask for raw characters.

use crate::model::Place;

/// Where a reader is.
#[derive(Debug, Clone)]
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
    place: Place,
}

impl<'t> Cursor<'t> {
    /// The beginning of a text.
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, place: Place { line: 1, column: 1 } }
    }

    /// Where the next character stands.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// The rest of the text, as it is.
    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// The next character; lines that are continued are one.
    pub(super) fn peek(&mut self) -> Option<char> {
        while self.rest().starts_with("\\\n") {
            self.raw();
            self.raw();
        }
        self.rest().chars().next()
    }

    /// Takes the next character; lines that are continued are one.
    pub(super) fn take(&mut self) -> Option<char> {
        self.peek();
        self.raw()
    }

    /// Takes the next character, whatever it is.
    pub(super) fn raw(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        if c == '\n' {
            self.place = Place { line: self.place.line + 1, column: 1 };
        } else {
            self.place.column += 1;
        }
        Some(c)
    }

    /// Takes a character if it is the next one.
    pub(super) fn accept(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.raw();
        }
        there
    }

    /// Takes the letters, digits and underscores of a name; empty when there is none.
    pub(super) fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_ascii_alphanumeric() || *c == '_') {
            if name.is_empty() && c.is_ascii_digit() {
                break;
            }
            name.push(c);
            self.raw();
        }
        name
    }

    /// Goes on to the end of the line, as it is written.
    pub(super) fn skip_line(&mut self) {
        while !matches!(self.rest().chars().next(), None | Some('\n')) {
            self.raw();
        }
    }
}
