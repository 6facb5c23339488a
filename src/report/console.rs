//! The console during a run: one line per finished job, in the order in which they finish.
//!
//! [`Plain`] writes those lines and little else, for files, pipes, dumb terminals and serial lines. [`Live`] keeps a
//! region below them that shows what is running. Both keep a job's output until it has ended and then write it as one
//! block, so that two jobs never mix; both go silent when the console cannot be written to, because a boot must not
//! end for the sake of its display.

mod lines;
mod live;
mod plain;
mod sink;
mod terminal;

pub use live::Live;
pub use plain::Plain;
pub use sink::Patient;
pub use terminal::{Color, Size, has_cursor};

use super::Roster;
use crate::wavefront::Observer;
use std::io::{self, IsTerminal as _};
use std::os::fd::BorrowedFd;

/// How to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Words in colour.
    pub colour: bool,
    /// The output of jobs that went well is left out.
    pub quiet: bool,
}

/// The display that suits a file descriptor: live on a terminal that can move its cursor and knows its size, else plain.
/// One that does not know it is a serial line, for which to draw a boot takes seconds. The descriptor is duplicated;
/// each write to it is one `write(2)`. Errors when it cannot be duplicated.
pub fn open(fd: BorrowedFd, roster: Roster, color: Color, quiet: bool) -> io::Result<Box<dyn Observer>> {
    let look = Look { colour: color.wanted(fd), quiet };
    let out = Patient::new(fd)?;
    if has_cursor(fd) && terminal::knows_its_size(fd) {
        let size = terminal::measure(fd)?;
        return Ok(Box::new(Live::new(out, roster, look, size)));
    }
    let plain = Plain::new(out, roster, look);
    Ok(Box::new(if fd.is_terminal() { plain.watched() } else { plain }))
}
