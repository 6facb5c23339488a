//! When two states of the file system count as the same: by equality, never by "newer than".
//!
//! Clocks are wrong at boot: a hardware clock in local time, no battery, an image built elsewhere. So nothing here asks
//! which of two stamps is later. A [`Manifest`] keeps what was seen of every path that a plan was made from, and
//! [`Manifest::check`] looks again in two tiers. First the stamps (device, inode, size, times, rights): all equal
//! means nothing changed, without reading a file. Where they differ (a restored backup, another device number, a
//! `touch`), the content decides: equal content and rights means that only the stamps need to be written anew.
//! A [`Glance`] is the first tier alone, made small for the boot on which nothing has changed.

mod glance;
mod manifest;
mod observe;

pub use glance::Glance;
pub use manifest::{Change, Check, Manifest, What};
pub use observe::clock;

use serde::{Deserialize, Serialize};
use std::fmt;
use std::os::unix::fs::MetadataExt;

/// A time of the file system: seconds since 1970 (may be negative), nanoseconds.
pub type Stamp = (i64, u32);

/// What the kernel says of a file without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    /// Size in bytes.
    pub size: u64,
    /// Last change of the content, as the owner may set it.
    pub mtime: Stamp,
    /// Last change of anything, which nobody can set.
    pub ctime: Stamp,
    /// Type and permissions.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
}

impl Stat {
    /// Length of [`Stat::to_bytes`].
    pub const BYTES: usize = 60;

    /// Of the standard library's form.
    pub fn of(meta: &std::fs::Metadata) -> Self {
        Self {
            dev: meta.dev(),
            ino: meta.ino(),
            size: meta.size(),
            mtime: (meta.mtime(), nanos(meta.mtime_nsec())),
            ctime: (meta.ctime(), nanos(meta.ctime_nsec())),
            mode: meta.mode(),
            uid: meta.uid(),
            gid: meta.gid(),
        }
    }

    /// Whether nothing shows a change. A directory's size and group say nothing of the names in it.
    pub fn same(&self, other: &Stat) -> bool {
        let content = self.kind() == Kind::Directory || (self.size == other.size && self.gid == other.gid);
        content
            && self.dev == other.dev
            && self.ino == other.ino
            && self.mtime == other.mtime
            && self.ctime == other.ctime
            && self.mode == other.mode
            && self.uid == other.uid
    }

    /// Whether the permissions and the owner are the same.
    pub fn same_rights(&self, other: &Stat) -> bool {
        let group = self.kind() == Kind::Directory || self.gid == other.gid;
        group && self.mode == other.mode && self.uid == other.uid
    }

    /// What it is, from the mode.
    pub fn kind(&self) -> Kind {
        match self.mode & libc::S_IFMT {
            libc::S_IFREG => Kind::File,
            libc::S_IFDIR => Kind::Directory,
            _ => Kind::Other,
        }
    }

    /// The stored form, little-endian.
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[0..8].copy_from_slice(&self.dev.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.ino.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.size.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.mtime.0.to_le_bytes());
        bytes[32..36].copy_from_slice(&self.mtime.1.to_le_bytes());
        bytes[36..44].copy_from_slice(&self.ctime.0.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.ctime.1.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.mode.to_le_bytes());
        bytes[52..56].copy_from_slice(&self.uid.to_le_bytes());
        bytes[56..60].copy_from_slice(&self.gid.to_le_bytes());
        bytes
    }

    /// Reads the stored form back; `None` when its length is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::BYTES] = bytes.try_into().ok()?;
        Some(Self {
            dev: long(bytes, 0),
            ino: long(bytes, 8),
            size: long(bytes, 16),
            mtime: (long(bytes, 24).cast_signed(), word(bytes, 32)),
            ctime: (long(bytes, 36).cast_signed(), word(bytes, 44)),
            mode: word(bytes, 48),
            uid: word(bytes, 52),
            gid: word(bytes, 56),
        })
    }
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))
}

/// The kernel gives 0 to 999,999,999.
fn nanos(nsec: i64) -> u32 {
    u32::try_from(nsec).unwrap_or(0)
}

/// A BLAKE3 digest: equal means the same bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest(#[serde(with = "serde_bytes")] pub [u8; 32]);

impl Digest {
    /// Stands where there is nothing to digest.
    pub const ZERO: Digest = Digest([0; 32]);

    /// Of some bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// From its 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file; its digest is that of its content.
    File,
    /// A directory; its digest is that of its names and, for links, their targets. Hidden names do not count.
    Directory,
    /// Nothing. Worth an entry: an override that appears later changes the plan.
    Absent,
    /// A link, a pipe, a device: never read. A link's digest is that of its target.
    Other,
}

/// What was seen at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path inside the root, its links resolved.
    pub path: String,
    /// What stood there.
    pub kind: Kind,
    /// Its stamps, taken before the content was read; `None` when absent.
    pub stat: Option<Stat>,
    /// Its content.
    pub digest: Digest,
    /// It was changed so shortly before it was read that another change may leave the same stamps, or it could not
    /// be read: only the content tells.
    pub racy: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_survives_its_stored_form() {
        let stat = Stat {
            dev: 1,
            ino: u64::MAX,
            size: 3,
            mtime: (-5, 999_999_999),
            ctime: (i64::MAX, 1),
            mode: 0o100_755,
            uid: 7,
            gid: 8,
        };
        assert_eq!(Stat::from_bytes(&stat.to_bytes()), Some(stat));
        assert_eq!(Stat::from_bytes(&stat.to_bytes()[1..]), None);
    }

    #[test]
    fn a_directory_may_change_its_size() {
        let meta = std::fs::metadata("/").unwrap();
        let stat = Stat::of(&meta);
        assert!(stat.same(&Stat { size: stat.size + 1, gid: stat.gid + 1, ..stat }));
        assert!(!stat.same(&Stat { mtime: (0, 0), ..stat }));
    }
}
