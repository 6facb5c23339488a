//! When two states of the file system count as the same: by equality, never by "newer than".
//!
//! Boot clocks are wrong, so no time stamp is ever compared with another one's order. Two tiers: the stat of every
//! file that was looked at is equal, or, where it is not, the content is (an image-based root gets new inodes and
//! times at every boot). One walk gives both answers, yes or no and why not, so the words that explain a rebuild
//! cannot drift from what caused it.

use crate::root::Root;
use nix::time::{ClockId, clock_gettime};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, open, openat, statat};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;

/// A file changed within this time of being read may change again without its stamps changing: the kernel's clock
/// for stamps moves in ticks of up to 10 ms.
const RACY_NS: i64 = 20_000_000;

/// The BLAKE3 hash of some content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

/// What stat(2) says of a file, as far as a change of the file shows in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    mode: u32,
    owner: u32,
    group: u32,
}

impl Stat {
    /// From std's metadata.
    pub fn of(meta: &std::fs::Metadata) -> Self {
        Self {
            device: meta.dev(),
            inode: meta.ino(),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
            mode: meta.mode(),
            owner: meta.uid(),
            group: meta.gid(),
        }
    }

    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_lossless,
        reason = "the field types differ between platforms"
    )]
    fn from_raw(raw: &rustix::fs::Stat) -> Self {
        let nanos = |nanos| i64::try_from(nanos).unwrap_or(0);
        Self {
            device: raw.st_dev as u64,
            inode: raw.st_ino as u64,
            size: raw.st_size.cast_unsigned() as u64,
            modified: (raw.st_mtime as i64, nanos(raw.st_mtime_nsec)),
            changed: (raw.st_ctime as i64, nanos(raw.st_ctime_nsec)),
            mode: raw.st_mode as u32,
            owner: raw.st_uid as u32,
            group: raw.st_gid as u32,
        }
    }

    /// Whether the file may have changed since without its stamps showing it. A time in the future is as bad.
    pub fn is_racy(&self) -> bool {
        let Ok(now) = clock_gettime(ClockId::CLOCK_REALTIME_COARSE) else { return true };
        let nanos =
            |(seconds, nanos): (i64, i64)| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
        let now = nanos((now.tv_sec(), now.tv_nsec()));
        [self.modified, self.changed].into_iter().any(|stamp| nanos(stamp) > now.saturating_sub(RACY_NS))
    }

    fn owner_and_mode(&self) -> (u32, u32, u32) {
        (self.mode, self.owner, self.group)
    }
}

/// What was found at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Found {
    /// Nothing; it matters when something appears.
    Absent,
    /// A file, its content.
    File(Digest),
    /// A directory, its names and where its links lead.
    Directory(Digest),
}

/// The state of one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Logical; for files free of links.
    pub path: String,
    /// What is there.
    pub found: Found,
    /// Its stat, unless there is nothing.
    stat: Option<Stat>,
    /// The stat alone proves nothing.
    racy: bool,
}

impl Entry {
    /// A file that was read; `stat` was taken before its content.
    pub fn file(path: &str, stat: Stat, digest: Digest) -> Self {
        Self { path: path.to_owned(), found: Found::File(digest), stat: Some(stat), racy: stat.is_racy() }
    }

    /// A path where nothing is.
    pub fn absent(path: &str) -> Self {
        Self { path: path.to_owned(), found: Found::Absent, stat: None, racy: false }
    }

    /// Reads a directory: its state and its names, sorted, names that are not UTF-8 left out. What is not a directory
    /// that can be read counts as absent.
    pub fn directory(root: &Root, path: &str) -> (Self, Vec<String>) {
        let stat = std::fs::metadata(root.real(path)).ok().filter(std::fs::Metadata::is_dir);
        match (stat, list(root, path)) {
            (Some(meta), Some((digest, names))) => {
                let stat = Stat::of(&meta);
                let found = Found::Directory(digest);
                (Self { path: path.to_owned(), found, stat: Some(stat), racy: stat.is_racy() }, names)
            }
            _ => (Self::absent(path), Vec::new()),
        }
    }

    /// Whether nothing is there.
    pub fn is_absent(&self) -> bool {
        self.found == Found::Absent
    }

    /// Looks again. `Ok(None)`: the stat is the same; `Ok(Some)`: only the stat differs; `Err`: what has changed.
    fn look(&self, root: &Root, now: Option<Stat>) -> Result<Option<Entry>, What> {
        if now == self.stat && !self.racy {
            return Ok(None);
        }
        let (Some(now), Some(before)) = (now, self.stat) else {
            return match (now, self.stat) {
                (None, None) => Ok(None),
                (None, Some(_)) => Err(What::Vanished),
                _ => Err(What::Appeared),
            };
        };
        if now.owner_and_mode() != before.owner_and_mode() {
            return Err(What::Owner);
        }
        let found = match self.found {
            Found::Absent => return Err(What::Appeared),
            Found::Directory(_) => list(root, &self.path).map(|(digest, _)| Found::Directory(digest)),
            Found::File(_) => digest_file(root, &self.path).map(Found::File),
        };
        if found == Some(self.found) {
            Ok(Some(Self { stat: Some(now), racy: now.is_racy(), ..self.clone() }))
        } else {
            Err(What::Content)
        }
    }
}

/// Names of a directory with the targets of its links, as digest and list.
fn list(root: &Root, path: &str) -> Option<(Digest, Vec<String>)> {
    let mut names: Vec<(String, Option<Vec<u8>>)> = Vec::new();
    for entry in std::fs::read_dir(root.real(path)).ok()? {
        let entry = entry.ok()?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let target = if entry.file_type().ok()?.is_symlink() {
            std::fs::read_link(entry.path()).ok().map(|target| target.into_os_string().into_encoded_bytes())
        } else {
            None
        };
        names.push((name, target));
    }
    names.sort();
    let mut hasher = blake3::Hasher::new();
    for (name, target) in &names {
        hasher.update(name.as_bytes()).update(b"\0");
        if let Some(target) = target {
            hasher.update(b">").update(target);
        }
        hasher.update(b"\0");
    }
    Some((Digest(*hasher.finalize().as_bytes()), names.into_iter().map(|(name, _)| name).collect()))
}

/// The content of a regular file; a pipe or device in its place is not waited for.
fn digest_file(root: &Root, path: &str) -> Option<Digest> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut file = std::fs::File::from(open(root.real(path), flags, Mode::empty()).ok()?);
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut content = Vec::new();
    file.read_to_end(&mut content).ok()?;
    Some(Digest::of(&content))
}

/// In which way a path is not what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It is new.
    Appeared,
    /// It is gone.
    Vanished,
    /// Its content differs; of a directory: its names.
    Content,
    /// Its owner or its mode differs.
    Owner,
}

/// One difference, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub path: String,
    /// What.
    pub what: What,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            What::Appeared => write!(f, "{} appeared", self.path),
            What::Vanished => write!(f, "{} vanished", self.path),
            What::Content => write!(f, "{} changed", self.path),
            What::Owner => write!(f, "owner or mode of {} changed", self.path),
        }
    }
}

/// How the present compares with a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// Every stat is equal.
    Same,
    /// Every content is equal; this is the manifest with the stats of today.
    Refreshed(Manifest),
    /// These differ.
    Changed(Vec<Change>),
}

/// The state of everything that a plan was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// One for each path that was looked at.
    pub entries: Vec<Entry>,
}

impl Manifest {
    /// The stored form.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("BUG: a manifest in memory always fits in memory")
    }

    /// Reads the stored form; `None` when it is not a manifest.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    /// Compares with the file system as it is now.
    pub fn check(&self, root: &Root) -> Check {
        let mut directories: HashMap<&str, Option<OwnedFd>> = HashMap::new();
        let mut refreshed: Vec<(usize, Entry)> = Vec::new();
        let mut changes = Vec::new();
        for (place, entry) in self.entries.iter().enumerate() {
            match entry.look(root, stat(root, entry, &mut directories)) {
                Ok(None) => {}
                Ok(Some(new)) => refreshed.push((place, new)),
                Err(what) => changes.push(Change { path: entry.path.clone(), what }),
            }
        }
        if !changes.is_empty() {
            return Check::Changed(changes);
        }
        if refreshed.is_empty() {
            return Check::Same;
        }
        let mut manifest = self.clone();
        for (place, entry) in refreshed {
            manifest.entries[place] = entry;
        }
        Check::Refreshed(manifest)
    }
}

/// The stat of an entry's path now. Files are looked up from their directory's descriptor, for a path is the longer to
/// walk the more files share it; directories are followed, for `/etc/init.d` is a link on some systems.
fn stat<'e>(
    root: &Root,
    entry: &'e Entry,
    directories: &mut HashMap<&'e str, Option<OwnedFd>>,
) -> Option<Stat> {
    if !matches!(entry.found, Found::File(_)) {
        return statat(CWD, root.real(&entry.path), AtFlags::empty()).ok().map(|raw| Stat::from_raw(&raw));
    }
    let (parent, name) = entry.path.rsplit_once('/')?;
    let directory = directories.entry(parent).or_insert_with(|| {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        openat(CWD, root.real(parent), flags, Mode::empty()).ok()
    });
    let directory = directory.as_ref()?;
    statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).ok().map(|raw| Stat::from_raw(&raw))
}
