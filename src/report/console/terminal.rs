//! What the terminal can do: its size, whether its cursor moves, whether colour is wanted.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::os::fd::BorrowedFd;

/// When to use colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is unset or `dumb`.
    #[default]
    Auto,
    /// Even into a file.
    Always,
    /// Not at all.
    Never,
}

impl Color {
    /// Whether to write colours to this file descriptor.
    pub fn wanted(self, fd: BorrowedFd) -> bool {
        // no-color.org: set to anything but the empty string.
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        self.decide(has_cursor(fd), refused)
    }

    fn decide(self, terminal: bool, refused: bool) -> bool {
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && !refused,
        }
    }
}

/// Whether it is a terminal that understands cursor movement.
pub fn has_cursor(fd: BorrowedFd) -> bool {
    fd.is_terminal() && is_capable(std::env::var_os("TERM"))
}

fn is_capable(term: Option<OsString>) -> bool {
    term.is_some_and(|term| !term.is_empty() && term != "dumb")
}

/// Whether a terminal knows how large it is.
pub(super) fn knows_its_size(fd: BorrowedFd) -> bool {
    rustix::termios::tcgetwinsize(fd).is_ok_and(|size| size.ws_row > 0 && size.ws_col > 0)
}

/// Rows and columns of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Height.
    pub rows: u16,
    /// Width.
    pub columns: u16,
}

impl Size {
    /// What a terminal is taken to be that has forgotten its size.
    pub const UNKNOWN: Size = Size { rows: 24, columns: 80 };
}

/// Asks the terminal for its size, anew at each call, so that a change of size needs no signal handler.
/// Errors when the descriptor cannot be duplicated.
pub(super) fn measure(fd: BorrowedFd) -> io::Result<impl FnMut() -> Size + Send + use<>> {
    let fd = fd.try_clone_to_owned()?;
    Ok(move || match rustix::termios::tcgetwinsize(&fd) {
        Ok(size) if size.ws_row > 0 && size.ws_col > 0 => Size { rows: size.ws_row, columns: size.ws_col },
        _ => Size::UNKNOWN,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_that_were_not_told_otherwise() {
        assert!(Color::Auto.decide(true, false));
        assert!(!Color::Auto.decide(true, true));
        assert!(!Color::Auto.decide(false, false));
        assert!(Color::Always.decide(false, true));
        assert!(!Color::Never.decide(true, false));
    }

    #[test]
    fn a_dumb_or_nameless_terminal_has_no_cursor() {
        assert!(is_capable(Some("linux".into())));
        assert!(!is_capable(Some("dumb".into())));
        assert!(!is_capable(Some("".into())));
        assert!(!is_capable(None));
    }
}
