//! The directory for the temporary files of one command; it goes with its owner, and what owners that were killed have
//! left goes with the next one.
//!
//! Whoever uses such a directory holds a shared lock on it: the command, and each of its jobs, which live on when the
//! command is killed. Locks are the kernel's and go with their holders, so one that can be had alone is nobody's.

use crate::definition::trust;
use nix::unistd::{geteuid, mkdtemp};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// What the names begin with; six more characters follow.
const PREFIX: &str = "systemtap-service.";

/// A new directory may be taken for a leftover before it is locked, by several who tidy up.
const ATTEMPTS: usize = 100;

/// The directory.
#[derive(Debug)]
pub struct Work {
    path: PathBuf,
    _held: File,
}

impl Work {
    /// Makes one below `parent`, and removes what was left there. Errors with why it cannot.
    pub fn make(parent: &Path) -> Result<Self, String> {
        let failed = |why: String| format!("Failed to create temporary directory: {why}");
        if let Some(fault) = trust::check_directory(parent) {
            return Err(failed(fault));
        }
        remove_leftovers(parent);
        for _ in 0..ATTEMPTS {
            let path = mkdtemp(&parent.join(format!("{PREFIX}XXXXXX")))
                .map_err(|errno| failed(format!("{}: {}", parent.display(), errno.desc())))?;
            if let Some(held) = hold(&path) {
                return Ok(Self { path, _held: held });
            }
        }
        Err(failed(format!("{}: they are taken away", parent.display())))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// Keeps a directory from being taken for a leftover for as long as the file is open. `None` when it is gone.
pub fn hold(path: &Path) -> Option<File> {
    let directory = open(path).ok()?;
    directory.try_lock_shared().ok()?;
    leads_to(path, &directory).then_some(directory)
}

/// Makes a directory, and those above it, in which only the owner can write.
pub fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o755).create(path)
}

/// Removes our own directories that nobody holds.
fn remove_leftovers(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_str().and_then(|name| name.strip_prefix(PREFIX)).is_none_or(|rest| rest.len() != 6) {
            continue;
        }
        let path = entry.path();
        let Ok(directory) = open(&path) else { continue };
        let own = directory.metadata().is_ok_and(|meta| meta.uid() == geteuid().as_raw());
        if own && directory.try_lock().is_ok() && leads_to(&path, &directory) {
            // Links in it are removed, not followed.
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

/// Opens a directory, and no link to one.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW).open(path)
}

fn leads_to(path: &Path, directory: &File) -> bool {
    let identity = |meta: std::fs::Metadata| (meta.dev(), meta.ino());
    let (named, opened) = (path.symlink_metadata().map(identity), directory.metadata().map(identity));
    matches!((named, opened), (Ok(named), Ok(opened)) if named == opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_go_and_what_is_held_stays() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for name in ["systemtap-service.dead00", "systemtap-service.held00", "systemtap-service.other", "x"] {
            std::fs::create_dir_all(at(name).join("compile-one")).unwrap();
        }
        std::fs::write(at("systemtap-service.afile0"), "").unwrap();
        std::os::unix::fs::symlink(at("x"), at("systemtap-service.alink0")).unwrap();
        std::os::unix::fs::symlink(at("x"), at("systemtap-service.dead00/link")).unwrap();
        let held = hold(&at("systemtap-service.held00")).unwrap();
        let first = Work::make(dir.path()).unwrap();
        let second = Work::make(dir.path()).unwrap();
        assert!(first.path().is_dir() && second.path().is_dir());
        assert!(!at("systemtap-service.dead00").exists());
        for name in ["systemtap-service.held00", "systemtap-service.other", "systemtap-service.afile0"] {
            assert!(at(name).exists(), "{name}");
        }
        assert!(at("systemtap-service.alink0").exists() && at("x/compile-one").exists());
        drop((held, first));
        drop(Work::make(dir.path()).unwrap());
        assert!(!at("systemtap-service.held00").exists() && second.path().exists());
        assert!(hold(&at("systemtap-service.held00")).is_none());
    }
}
