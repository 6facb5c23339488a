//! Looks at one path and says what is there, content included.
//!
//! The order of the steps is what makes a manifest trustworthy: first the clock, then the stamps, then the content. A
//! change between any two of them shows later as other stamps, or the entry is racy.

use super::{Digest, Entry, Kind, Stamp, Stat};
use crate::root::Root;
use nix::time::{ClockId, clock_gettime};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Two changes within this many nanoseconds may carry the same stamp: the coarse clock of the kernel ticks every 1 to
/// 10 ms.
const TICK: i128 = 20_000_000;

/// Stands for the content of what cannot be read.
const UNREADABLE: &[u8] = b"unreadable";

/// The same for a file system that keeps whole seconds only (FAT: every second one).
const COARSE_TICK: i128 = 2_000_000_000;

impl Entry {
    /// What is at a logical path now. It never fails: what cannot be read has a digest of its own and is racy, so that
    /// it is looked at again each time.
    pub fn observe(root: &Root, path: &str) -> Self {
        let real = root.real(path);
        let now = clock();
        let Ok(meta) = fs::symlink_metadata(&real) else { return Self::absent(path) };
        let stat = Stat::of(&meta);
        let content = match stat.kind() {
            Kind::File => {
                return Self::read(root, path, 0).map_or_else(|_| Self::unreadable(path, stat), |r| r.0);
            }
            Kind::Directory => list(&real).map(|(digest, _)| digest),
            Kind::Absent | Kind::Other => link(&real, &meta),
        };
        match content {
            Ok(digest) => Self {
                path: path.to_owned(),
                kind: stat.kind(),
                stat: Some(stat),
                digest,
                racy: racy(&stat, now),
            },
            Err(_) => Self::unreadable(path, stat),
        }
    }

    /// A directory and the names in it, sorted, each with whether it is a link; hidden ones are left out. No names where
    /// there is no directory that can be read.
    pub fn list(root: &Root, path: &str) -> (Self, Vec<(OsString, bool)>) {
        let real = root.real(path);
        let now = clock();
        let stat = fs::symlink_metadata(&real).map(|meta| Stat::of(&meta));
        match stat {
            Ok(stat) if stat.kind() == Kind::Directory => match list(&real) {
                Ok((digest, names)) => {
                    let (path, racy) = (path.to_owned(), racy(&stat, now));
                    (Self { path, kind: Kind::Directory, stat: Some(stat), digest, racy }, names)
                }
                Err(_) => (Self::unreadable(path, stat), Vec::new()),
            },
            _ => (Self::observe(root, path), Vec::new()),
        }
    }

    /// Reads a regular file, not following a link in its last part: its entry, of the whole content, and the first
    /// `most` bytes. Errors: those of opening and reading; `InvalidInput` when it is not a regular file.
    pub fn read(root: &Root, path: &str, most: usize) -> io::Result<(Self, Vec<u8>)> {
        let real = root.real(path);
        let now = clock();
        if !fs::symlink_metadata(&real)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
        let mut file = OpenOptions::new().read(true).custom_flags(flags).open(&real)?;
        let stat = Stat::of(&file.metadata()?);
        let mut kept = Vec::new();
        let digest = digest(&mut file, &stat, most, &mut kept)?;
        let racy = racy(&stat, now);
        Ok((Self { path: path.to_owned(), kind: Kind::File, stat: Some(stat), digest, racy }, kept))
    }

    /// A regular file that somebody else has read: its stamps and whole content, and the clock from before both.
    pub fn file(path: &str, stat: Stat, digest: Digest, before: Option<Stamp>) -> Self {
        Self { path: path.to_owned(), kind: Kind::File, stat: Some(stat), digest, racy: racy(&stat, before) }
    }

    /// Nothing at this path.
    pub fn absent(path: &str) -> Self {
        Self { path: path.to_owned(), kind: Kind::Absent, stat: None, digest: Digest::ZERO, racy: false }
    }

    /// Whether something was there that could not be read.
    pub fn is_unreadable(&self) -> bool {
        self.racy && self.digest == Digest::of(UNREADABLE)
    }

    /// There, but it cannot be read.
    pub fn unreadable(path: &str, stat: Stat) -> Self {
        let digest = Digest::of(UNREADABLE);
        Self { path: path.to_owned(), kind: stat.kind(), stat: Some(stat), digest, racy: true }
    }
}

/// Digests a whole file and keeps its first bytes. Small files, nearly all of them, take one read and one more that
/// finds the end.
fn digest(file: &mut File, stat: &Stat, most: usize, kept: &mut Vec<u8>) -> io::Result<Digest> {
    let expected = usize::try_from(stat.size).unwrap_or(usize::MAX);
    let mut buffer = vec![0; expected.saturating_add(1).clamp(512, 1 << 16)];
    let mut hasher = blake3::Hasher::new();
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => return Ok(Digest(*hasher.finalize().as_bytes())),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..count]);
        let wanted = most.saturating_sub(kept.len()).min(count);
        kept.extend_from_slice(&buffer[..wanted]);
    }
}

/// Names of a directory in order, each with a link's target. Names that begin with a dot are left out: no source of
/// definitions is hidden, and editors and packaging tools come and go there.
fn list(real: &Path) -> io::Result<(Digest, Vec<(OsString, bool)>)> {
    let mut names: Vec<(OsString, bool)> = Vec::new();
    for found in fs::read_dir(real)? {
        let found = found?;
        let name = found.file_name();
        if !name.as_bytes().starts_with(b".") {
            names.push((name, found.file_type()?.is_symlink()));
        }
    }
    names.sort_unstable();
    // All at once: a digest that is fed word by word takes ten times as long.
    let mut text = Vec::with_capacity(names.len() * 16);
    for (name, is_link) in &names {
        text.extend_from_slice(name.as_bytes());
        text.push(0);
        if *is_link {
            text.extend_from_slice(fs::read_link(real.join(name))?.as_os_str().as_bytes());
        }
        text.push(0);
    }
    Ok((Digest::of(&text), names))
}

fn link(real: &Path, meta: &fs::Metadata) -> io::Result<Digest> {
    if meta.is_symlink() {
        Ok(Digest::of(fs::read_link(real)?.as_os_str().as_bytes()))
    } else {
        Ok(Digest::ZERO)
    }
}

/// The clock that stamps files; `None` when there is none.
pub fn clock() -> Option<Stamp> {
    let now = clock_gettime(ClockId::CLOCK_REALTIME_COARSE).ok()?;
    Some((now.tv_sec(), super::nanos(now.tv_nsec())))
}

/// Whether the next change may leave the same stamps. Only the change time counts, since every write moves it and
/// nobody can set it. A change time far ahead of the clock is no reason for doubt: on a machine that boots in 1970
/// that is every file, and only a change in that very tick could hide.
fn racy(stat: &Stat, now: Option<Stamp>) -> bool {
    let Some(now) = now else { return true };
    let window = if stat.ctime.1 == 0 { COARSE_TICK } else { TICK };
    (total(now) - total(stat.ctime)).abs() <= window
}

fn total(stamp: Stamp) -> i128 {
    i128::from(stamp.0) * 1_000_000_000 + i128::from(stamp.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed_at(ctime: Stamp) -> Stat {
        Stat { dev: 1, ino: 1, size: 1, mtime: (0, 0), ctime, mode: 0o100_644, uid: 0, gid: 0 }
    }

    #[test]
    fn only_a_change_next_to_the_reading_is_racy() {
        let now = Some((1000, 500_000_000));
        assert!(racy(&changed_at((1000, 490_000_000)), now));
        assert!(racy(&changed_at((1000, 510_000_000)), now));
        assert!(!racy(&changed_at((1000, 470_000_000)), now));
        assert!(!racy(&changed_at((2_000_000_000, 1)), now), "the clock is behind, as at boot");
        assert!(!racy(&changed_at((-5, 1)), now));
        assert!(racy(&changed_at((999, 0)), now), "a file system of whole seconds");
        assert!(racy(&changed_at((5, 5)), None));
    }

    #[test]
    fn what_is_there_is_told_by_kind() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path()).unwrap();
        fs::create_dir(dir.path().join("d")).unwrap();
        fs::write(dir.path().join("f"), vec![b'x'; 200_000]).unwrap();
        std::os::unix::fs::symlink("f", dir.path().join("l")).unwrap();
        let kinds: Vec<Kind> = ["/d", "/f", "/l", "/none", "/f/below"]
            .iter()
            .map(|path| Entry::observe(&root, path).kind)
            .collect();
        assert_eq!(kinds, [Kind::Directory, Kind::File, Kind::Other, Kind::Absent, Kind::Absent]);
        let (entry, start) = Entry::read(&root, "/f", 10).unwrap();
        assert_eq!((entry.digest, start.len()), (Digest::of(&vec![b'x'; 200_000]), 10));
        assert_eq!(Entry::read(&root, "/l", 1).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_directory_is_its_names_and_the_targets_of_its_links() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path()).unwrap();
        let digest = || Entry::observe(&root, "/").digest;
        let empty = digest();
        std::os::unix::fs::symlink("a", dir.path().join("S01x")).unwrap();
        let one = digest();
        assert_ne!(empty, one);
        fs::remove_file(dir.path().join("S01x")).unwrap();
        std::os::unix::fs::symlink("b", dir.path().join("S01x")).unwrap();
        assert_ne!(one, digest());
        fs::remove_file(dir.path().join("S01x")).unwrap();
        fs::write(dir.path().join(".swp"), "").unwrap();
        assert_eq!(empty, digest());
    }
}
