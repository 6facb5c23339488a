//! Which files are read at all: definitions decide what root runs, so only root or the caller may have written them.

use super::diagnostic::{Diagnostic, Kind, Severity};
use crate::model::Place;
use crate::root::Root;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Larger files are not read. The largest init scripts have some 40 kB; RDF of all services of a system may have more.
pub const LARGEST: usize = 8 * 1024 * 1024;

/// Reads a file that is to be trusted: a regular one of root's or the caller's that nobody else can write.
/// A pipe or a device in its place is not waited for. Errors with what is wrong and what to do.
pub fn read(root: &Root, file: &str) -> Result<(Vec<u8>, Metadata), Box<Diagnostic>> {
    let (mut open, meta) = open(root, file)?;
    match whole(&mut open, usize::try_from(meta.len()).unwrap_or(usize::MAX)) {
        Err(error) => Err(refuse(file, format!("cannot be read: {error}"), "see that the disk is well")),
        Ok(None) => Err(refuse(
            file,
            format!("is larger than {} MiB, and is not read", LARGEST >> 20),
            "init scripts and definitions are small; is it one? If not, move it elsewhere",
        )),
        Ok(Some(bytes)) => Ok((bytes, meta)),
    }
}

/// All of a file that is said to have `size` bytes; `None` when it is too large. One call of the system does it for a
/// file that has that size: who asks for one byte more and does not get it has seen the end.
fn whole(open: &mut File, size: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; size.min(LARGEST) + 1];
    let mut filled = 0;
    while filled <= LARGEST {
        match open.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if filled == size {
            break;
        }
        if filled == bytes.len() {
            bytes.resize(LARGEST + 1, 0);
        }
    }
    bytes.truncate(filled);
    Ok((filled <= LARGEST).then_some(bytes))
}

fn open(root: &Root, file: &str) -> Result<(File, Metadata), Box<Diagnostic>> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(root.real(file))
        .and_then(|open| open.metadata().map(|meta| (open, meta)));
    match opened {
        Ok((open, meta)) => check(file, &meta).map_or(Ok((open, meta)), |fault| Err(Box::new(fault))),
        Err(error) => Err(refuse(
            file,
            format!("cannot be read: {error}"),
            "see that it is there and that you may read it",
        )),
    }
}

/// What keeps a file from being trusted.
pub fn check(file: &str, meta: &Metadata) -> Option<Diagnostic> {
    let writers = meta.mode() & 0o7777;
    let fault = |text: String, help: &str| Some(*refuse(file, text, help));
    if !meta.is_file() {
        fault("is not a regular file".to_owned(), "remove it, or put a file in its place")
    } else if meta.uid() != 0 && meta.uid() != nix::unistd::geteuid().as_raw() {
        fault(format!("belongs to user {}, and is not read", meta.uid()), "give it to root: chown root FILE")
    } else if writers & 0o002 != 0 || (writers & 0o020 != 0 && meta.gid() != 0) {
        fault(
            format!("can be written by others (mode {writers:04o}), and is not read"),
            "let only its owner write it: chmod go-w FILE",
        )
    } else {
        None
    }
}

/// What keeps a directory from being trusted: others can put files of theirs in the place of those that were looked at.
/// In one with the sticky bit they cannot.
pub fn check_directory(directory: &Path) -> Option<String> {
    let meta = directory.metadata().ok()?;
    let mode = meta.mode() & 0o7777;
    let shown = directory.display();
    if meta.uid() != 0 && meta.uid() != nix::unistd::geteuid().as_raw() {
        Some(format!("{shown} belongs to user {}: chown root {shown}", meta.uid()))
    } else if mode & 0o1000 == 0 && (mode & 0o002 != 0 || (mode & 0o020 != 0 && meta.gid() != 0)) {
        Some(format!("{shown} can be written by others (mode {mode:04o}): chmod go-w {shown}"))
    } else {
        None
    }
}

fn refuse(file: &str, text: String, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(Severity::Error, Kind::File, file, Place::default(), text).help(help))
}
