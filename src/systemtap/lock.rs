//! One command at a time for each directory of status files.
//!
//! The lock is the kernel's, on a hidden file: it goes with its holder, however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// The name of the file; no script can have it.
const NAME: &str = ".lock";

/// A held lock.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a directory; waits while another command holds it, or, if that is not wanted, returns `None`.
    /// `waiting` is called before a wait begins.
    pub fn take(directory: &Path, wait: bool, waiting: impl FnOnce()) -> io::Result<Option<Self>> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(directory.join(NAME))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if wait => {
                waiting();
                file.lock()?;
            }
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(Some(Self { _file: file }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let take = |wait| Lock::take(dir.path(), wait, || {}).unwrap();
        let first = take(true).unwrap();
        assert!(take(false).is_none());
        drop(first);
        assert!(take(false).is_some());
    }
}
