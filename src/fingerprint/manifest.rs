//! All that a plan was made from, in one flat block, and the comparison with what is there now.
//!
//! This is read when a [`super::Glance`] has seen that some stamps differ, and tells whether that matters. Decoding
//! allocates twice, whatever the number of entries: once for the paths, which lie end to end, and once for the rows.
//! The entries stand by parent directory, each directory is opened once, and the kernel walks one name per entry.

use super::{Digest, Entry, Kind, Stat, word};
use crate::root::Root;
use nix::NixPath;
use nix::fcntl::{AtFlags, OFlag, open};
use nix::sys::stat::{FileStat, Mode, fstatat};
use rayon::ThreadPoolBuilder;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::os::fd::OwnedFd;

/// First bytes of the stored form, with its version.
const MAGIC: &[u8; 4] = b"SMF1";

/// Magic, number of rows, length of all paths.
const HEADER: usize = 12;

/// End of the path, kind, racy, stat, digest.
const ROW: usize = 4 + 1 + 1 + Stat::BYTES + 32;

/// Room for the seal that a stored form gets.
const SPARE: usize = 32;

/// More entries than this are read by several threads: cold storage is waited for, not computed on.
const FEW: usize = 64;
const READERS: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    /// Where its path ends among the paths; it begins where that of the row before ends.
    end: usize,
    kind: Kind,
    racy: bool,
    stat: Option<Stat>,
    digest: Digest,
}

/// What was seen of every path that matters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Manifest {
    paths: String,
    rows: Vec<Row>,
}

impl Serialize for Manifest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.encode())
    }
}

impl<'de> Deserialize<'de> for Manifest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = serde_bytes::ByteBuf::deserialize(deserializer)?;
        Self::decode(&bytes).ok_or_else(|| D::Error::custom("not a manifest"))
    }
}

/// How a manifest compares with what is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// Nothing changed.
    Same,
    /// Stamps changed, contents and rights did not: use the plan, keep this manifest from now on.
    Refreshed(Manifest),
    /// Something changed: all of it, by path.
    Changed(Vec<Change>),
}

/// One difference, said by its [`fmt::Display`]: `/etc/init.d/cron changed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where, as a logical path.
    pub path: String,
    /// What.
    pub what: What,
}

/// What became of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Another content, or another kind of file.
    Content,
    /// Other names in a directory, or other targets of its links.
    Names,
    /// It was not there before.
    Appeared,
    /// It is no longer there.
    Vanished,
    /// Another mode, owner or group.
    Rights,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match self.what {
            What::Content => write!(f, "{path} changed"),
            What::Names => write!(f, "the names in {path} changed"),
            What::Appeared => write!(f, "{path} appeared"),
            What::Vanished => write!(f, "{path} vanished"),
            What::Rights => write!(f, "owner or mode of {path} changed"),
        }
    }
}

impl Manifest {
    /// Of entries in any order. Of two with one path the first stays.
    pub fn new(mut entries: Vec<Entry>) -> Self {
        entries.sort_by(|a, b| split(&a.path).cmp(&split(&b.path)));
        entries.dedup_by(|later, first| later.path == first.path);
        let mut manifest = Self::default();
        for entry in &entries {
            manifest.push(entry);
        }
        manifest
    }

    fn push(&mut self, entry: &Entry) {
        self.paths.push_str(&entry.path);
        let Entry { kind, racy, stat, digest, .. } = *entry;
        self.rows.push(Row { end: self.paths.len(), kind, racy, stat, digest });
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The entries, by directory and name.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.rows.iter().enumerate().map(|(index, row)| Entry {
            path: self.path(index).to_owned(),
            kind: row.kind,
            stat: row.stat,
            digest: row.digest,
            racy: row.racy,
        })
    }

    /// The paths with their stamps, and whether these are too young to be trusted, by directory and name.
    pub(super) fn stamps(&self) -> impl Iterator<Item = (&str, Option<Stat>, bool)> {
        self.rows.iter().enumerate().map(|(index, row)| (self.path(index), row.stat, row.racy))
    }

    fn path(&self, index: usize) -> &str {
        let start = if index == 0 { 0 } else { self.rows[index - 1].end };
        &self.paths[start..self.rows[index].end]
    }

    /// The stored form: magic, counts, fixed rows, paths; little-endian.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.rows.len() * ROW + self.paths.len() + SPARE);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&small(self.rows.len()).to_le_bytes());
        bytes.extend_from_slice(&small(self.paths.len()).to_le_bytes());
        for row in &self.rows {
            bytes.extend_from_slice(&small(row.end).to_le_bytes());
            bytes.push(match row.kind {
                Kind::File => 0,
                Kind::Directory => 1,
                Kind::Absent => 2,
                Kind::Other => 3,
            });
            bytes.push(u8::from(row.racy));
            bytes.extend_from_slice(&row.stat.map_or([0; Stat::BYTES], |stat| stat.to_bytes()));
            bytes.extend_from_slice(&row.digest.0);
        }
        bytes.extend_from_slice(self.paths.as_bytes());
        bytes
    }

    /// Reads the stored form back; `None` when it is none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (header, rest) = bytes.split_at_checked(HEADER)?;
        let count = word(header, 4) as usize;
        let (rows, paths) = rest.split_at_checked(count.checked_mul(ROW)?)?;
        if &header[..4] != MAGIC || paths.len() != word(header, 8) as usize {
            return None;
        }
        let paths = std::str::from_utf8(paths).ok()?;
        let mut decoded = Vec::with_capacity(count);
        let mut start = 0;
        for bytes in rows.chunks_exact(ROW) {
            let row = decode_row(bytes)?;
            if row.end <= start || !paths.get(start..row.end)?.starts_with('/') {
                return None;
            }
            start = row.end;
            decoded.push(row);
        }
        (start == paths.len()).then(|| Self { paths: paths.to_owned(), rows: decoded })
    }

    /// Compares with what is there now. Reads no file unless its stamps differ or were taken too early to be trusted.
    pub fn check(&self, root: &Root) -> Check {
        let suspects = self.suspects(root);
        if suspects.is_empty() {
            return Check::Same;
        }
        let look = |index: &usize| Entry::observe(root, self.path(*index));
        let pool = (suspects.len() > FEW).then(|| ThreadPoolBuilder::new().num_threads(READERS).build());
        let seen: Vec<Entry> = match pool {
            Some(Ok(pool)) => pool.install(|| suspects.par_iter().map(look).collect()),
            // Few, or no thread to be had.
            _ => suspects.iter().map(look).collect(),
        };
        let mut rows = self.rows.clone();
        let mut changes = Vec::new();
        for (index, entry) in suspects.into_iter().zip(&seen) {
            if let Some(what) = difference(&rows[index], entry) {
                changes.push(Change { path: self.path(index).to_owned(), what });
            }
            rows[index] = Row { racy: entry.racy, stat: entry.stat, ..rows[index] };
        }
        if !changes.is_empty() {
            changes.sort_by(|a, b| a.path.cmp(&b.path));
            Check::Changed(changes)
        } else if rows == self.rows {
            Check::Same
        } else {
            Check::Refreshed(Self { paths: self.paths.clone(), rows })
        }
    }

    /// The first tier, entry by entry: those whose stamps do not prove that they are as they were.
    fn suspects(&self, root: &Root) -> Vec<usize> {
        let mut suspects = Vec::new();
        let mut here: Option<(&str, Option<OwnedFd>)> = None;
        for (index, row) in self.rows.iter().enumerate() {
            let (parent, name) = split(self.path(index));
            if here.as_ref().is_none_or(|(open, _)| *open != parent) {
                here = Some((parent, directory(root, parent)));
            }
            let fd = here.as_ref().and_then(|(_, fd)| fd.as_ref());
            let now = fd.and_then(|fd| stat_at(fd, name));
            let same = match (&row.stat, &now) {
                (Some(before), Some(now)) => before.same(now),
                (None, None) => true,
                _ => false,
            };
            if !same || row.racy {
                suspects.push(index);
            }
        }
        suspects
    }
}

/// The second tier, for one entry: what changed, if the content or the rights did.
fn difference(before: &Row, now: &Entry) -> Option<What> {
    let rights = match (&before.stat, &now.stat) {
        (Some(before), Some(now)) => before.same_rights(now),
        (None, None) => true,
        _ => false,
    };
    match (before.kind, now.kind) {
        (Kind::Absent, Kind::Absent) => None,
        (Kind::Absent, _) => Some(What::Appeared),
        (_, Kind::Absent) => Some(What::Vanished),
        (Kind::Directory, Kind::Directory) if before.digest != now.digest => Some(What::Names),
        (then, now_kind) if then != now_kind || before.digest != now.digest => Some(What::Content),
        _ => (!rights).then_some(What::Rights),
    }
}

fn decode_row(bytes: &[u8]) -> Option<Row> {
    let kind = match bytes[4] {
        0 => Kind::File,
        1 => Kind::Directory,
        2 => Kind::Absent,
        3 => Kind::Other,
        _ => return None,
    };
    let racy = bytes[5] != 0;
    let stat = if kind == Kind::Absent { None } else { Some(Stat::from_bytes(&bytes[6..6 + Stat::BYTES])?) };
    let digest = Digest::from_slice(&bytes[6 + Stat::BYTES..])?;
    Some(Row { end: word(bytes, 0) as usize, kind, racy, stat, digest })
}

/// Parent directory and name; the root itself is the name `.` in it.
pub(super) fn split(path: &str) -> (&str, &str) {
    match path.rsplit_once('/') {
        Some((parent, "")) => (parent, "."),
        Some(pair) => pair,
        None => ("", path),
    }
}

pub(super) fn directory(root: &Root, parent: &str) -> Option<OwnedFd> {
    open(&root.real(parent), OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty()).ok()
}

pub(super) fn stat_at<N: NixPath + ?Sized>(directory: &OwnedFd, name: &N) -> Option<Stat> {
    let found: FileStat = fstatat(directory, name, AtFlags::AT_SYMLINK_NOFOLLOW).ok()?;
    Some(Stat {
        dev: found.st_dev,
        ino: found.st_ino,
        size: found.st_size.cast_unsigned(),
        mtime: (found.st_mtime, super::nanos(found.st_mtime_nsec)),
        ctime: (found.st_ctime, super::nanos(found.st_ctime_nsec)),
        mode: found.st_mode,
        uid: found.st_uid,
        gid: found.st_gid,
    })
}

fn small(count: usize) -> u32 {
    u32::try_from(count).expect("BUG: more than 4 GB of paths were refused when they were read")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str) -> Entry {
        let stat =
            Stat { dev: 1, ino: 2, size: 3, mtime: (4, 5), ctime: (6, 7), mode: 0o100_644, uid: 0, gid: 0 };
        let digest = Digest::of(path.as_bytes());
        Entry { path: path.to_owned(), kind: Kind::File, stat: Some(stat), digest, racy: false }
    }

    #[test]
    fn the_stored_form_comes_back_by_directory_without_repeats() {
        let mut entries = vec![entry("/etc/rc2.d/S01a"), Entry::absent("/etc/b"), entry("/etc/init.d/z")];
        entries.push(Entry::absent("/etc/init.d/z"));
        let manifest = Manifest::new(entries);
        let decoded = Manifest::decode(&manifest.encode()).unwrap();
        assert_eq!(decoded, manifest);
        let paths: Vec<String> = decoded.entries().map(|entry| entry.path).collect();
        assert_eq!(paths, ["/etc/b", "/etc/init.d/z", "/etc/rc2.d/S01a"]);
        assert_eq!(decoded.entries().nth(1).unwrap().kind, Kind::File, "the first of two stays");
        assert_eq!(Manifest::decode(&Manifest::default().encode()).unwrap().len(), 0);
    }

    #[test]
    fn damaged_bytes_are_no_manifest_and_no_panic() {
        let good = Manifest::new(vec![entry("/a"), entry("/etc/ä")]).encode();
        for cut in 0..good.len() {
            assert_eq!(Manifest::decode(&good[..cut]), None);
        }
        for at in 0..good.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bad = good.clone();
                bad[at] = value;
                if let Some(manifest) = Manifest::decode(&bad) {
                    assert_eq!(manifest.entries().count(), 2);
                }
            }
        }
    }
}
