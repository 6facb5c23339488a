//! One command at a time for each directory of status files.
//!
//! The lock is the kernel's, on a hidden file: it goes with its holder, however that ends. Jobs live on when their command
//! is killed, so each holds another one together with its like, and the next command waits for the last of them, too.

use super::process::pause;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// The name of the file; no script can have it.
const NAME: &str = ".lock";

/// The name of the file that jobs hold.
const JOBS: &str = ".jobs";

/// How long jobs of a command that was killed are waited for. Only one whose staprun hangs takes longer, and nobody
/// is left who would end that: a shutdown must go on.
const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks.
const STEP: Duration = Duration::from_millis(25);

/// A held lock.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of a directory; waits while another command holds it, or, if that is not wanted, returns `None`.
    /// `waiting` is called before a wait begins.
    pub fn take(directory: &Path, wait: bool, mut waiting: impl FnMut()) -> io::Result<Option<Self>> {
        let file = open(directory, NAME)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if wait => {
                waiting();
                file.lock()?;
            }
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let Ok(jobs) = open(directory, JOBS) else { return Ok(Some(Self { _file: file })) };
        let begin = Instant::now();
        let mut told = false;
        while let Err(TryLockError::WouldBlock) = jobs.try_lock() {
            if !wait {
                return Ok(None);
            }
            if !std::mem::replace(&mut told, true) {
                waiting();
            }
            if begin.elapsed() >= PATIENCE {
                break;
            }
            pause(STEP);
        }
        Ok(Some(Self { _file: file }))
    }

    /// Tells commands to come that a job of this one is at work, for as long as the file is open. `None` where that cannot
    /// be told.
    pub fn share(directory: &Path) -> Option<File> {
        let file = open(directory, JOBS).ok()?;
        file.try_lock_shared().ok()?;
        Some(file)
    }
}

fn open(directory: &Path, name: &str) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(directory.join(name))
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
        let jobs = [Lock::share(dir.path()).unwrap(), Lock::share(dir.path()).unwrap()];
        assert!(take(false).is_none());
        drop(jobs);
        assert!(take(false).is_some());
    }
}
