//! What a run did, a line for each thing that became known of a script: for whoever has to go on when it was killed
//! half-way.
//!
//! The same lines make the journal of a unit ([`super::journal`]). Early in a boot there is no place to write one to: a
//! file without a name needs none, and is there as long as one of the two processes that share it.

use nix::sys::memfd::{MFdFlags, memfd_create};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

/// Bytes that are read at a time.
const STEP: usize = 64 * 1024;

/// First words of the lines; the path of a script comes last.
pub(super) const STARTED: &str = "started";
pub(super) const PROCESS: &str = "process";
pub(super) const DONE: &str = "done";
pub(super) const FAILED: &str = "failed";

/// The lines of a run in a file without a name.
#[derive(Debug, Clone)]
pub struct Ledger(Arc<File>);

/// The last that is known of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It was started; the number of its process, once that was known.
    Begun(Option<u32>),
    /// It ended well.
    Done,
    /// It ended in another way.
    Failed,
}

impl Ledger {
    /// Nothing yet. Errors where the kernel has no such files (before Linux 3.17).
    pub(super) fn new() -> nix::Result<Self> {
        memfd_create(c"serel-run", MFdFlags::MFD_CLOEXEC).map(|file| Self(Arc::new(file.into())))
    }

    /// Something to write lines to.
    pub(super) fn writer(&self) -> io::Result<File> {
        self.0.try_clone()
    }

    /// What is known of each script, by its path.
    pub(super) fn read(&self) -> BTreeMap<String, Known> {
        let mut bytes = Vec::new();
        let mut buffer = vec![0; STEP];
        while let Ok(count @ 1..) = self.0.read_at(&mut buffer, bytes.len() as u64) {
            bytes.extend_from_slice(&buffer[..count]);
        }
        parse(&String::from_utf8_lossy(&bytes))
    }
}

/// What lines say last of each script; others are passed over.
pub(super) fn parse(text: &str) -> BTreeMap<String, Known> {
    let mut all = BTreeMap::new();
    for (word, rest) in text.lines().filter_map(|line| line.split_once(' ')) {
        let (script, known) = match word {
            STARTED => (rest, Known::Begun(None)),
            DONE => (rest, Known::Done),
            FAILED => (rest, Known::Failed),
            PROCESS => match rest.split_once(' ') {
                Some((number, script)) => (script, Known::Begun(number.parse().ok())),
                None => continue,
            },
            _ => continue,
        };
        all.insert(script.to_owned(), known);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[test]
    fn the_last_line_of_a_script_counts() {
        let ledger = Ledger::new().unwrap();
        let text = "started /a\nprocess 7 /a\nstarted /b x\nprocess 8 /b x\ndone /a\nstarted /c\nfailed /c\nstarted /d";
        ledger.writer().unwrap().write_all(text.as_bytes()).unwrap();
        let all = ledger.read();
        assert_eq!(all["/a"], Known::Done);
        assert_eq!(all["/b x"], Known::Begun(Some(8)));
        assert_eq!(all["/c"], Known::Failed);
        assert_eq!(all["/d"], Known::Begun(None));
    }
}
