//! A manifest's first tier in its smallest form: the paths, and one digest of all their stamps.
//!
//! This is what an unchanged boot reads. It says only whether all stamps are as they were; which of them is not, and
//! whether that matters, is in the [`Manifest`], which is eight times as long and read only then.
//!
//! The stamps are digested in chunks, so that two threads can look at the files at once: a look takes 0.7 us, and that
//! is half of an unchanged boot of 2,000 scripts (`bench/README.md`, "Plan").

use super::manifest::{Manifest, directory, split, stat_at};
use super::{Digest, Kind, Stat};
use crate::processors;
use crate::root::Root;
use std::ffi::CStr;

/// First bytes of the stored form, with its version.
const MAGIC: &[u8; 4] = b"SGL1";

/// Files that one thread looks at between two questions for more.
const CHUNK: usize = 128;

/// From this many files on a second thread is worth its start, some 80 us.
const MANY: usize = 400;

/// Length of what is digested for one path: whether it is there, and its stamps.
const RECORD: usize = 1 + Stat::BYTES;

/// One look at everything that a plan was made from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Glance {
    /// For each directory its path and then its names, each ended by a NUL; an empty name ends a directory.
    paths: Vec<u8>,
    /// Of all stamps in order; `None` when some were too young to be trusted.
    stamps: Option<Digest>,
}

/// A path as it is looked at: the number of its directory, and its name there.
type Place<'a> = (usize, &'a CStr);

impl Glance {
    /// Of a manifest.
    pub fn of(manifest: &Manifest) -> Self {
        let mut paths = Vec::with_capacity(manifest.len() * 16);
        let mut records = Vec::with_capacity(manifest.len() * RECORD);
        let mut here = None;
        let mut trusted = true;
        for (path, stat, racy) in manifest.stamps() {
            let (parent, name) = split(path);
            trusted &= !racy && !path.contains('\0');
            if here != Some(parent) {
                if here.is_some() {
                    paths.push(0);
                }
                paths.extend_from_slice(parent.as_bytes());
                paths.push(0);
                here = Some(parent);
            }
            paths.extend_from_slice(name.as_bytes());
            paths.push(0);
            record(stat, &mut records);
        }
        if here.is_some() {
            paths.push(0);
        }
        let chunks: Vec<Digest> = records.chunks(CHUNK * RECORD).map(Digest::of).collect();
        Self { paths, stamps: trusted.then(|| together(&chunks)) }
    }

    /// The stored form: magic, digest of the stamps (zeros for none), paths.
    pub fn encode(&self) -> Vec<u8> {
        [MAGIC, &self.stamps.unwrap_or(Digest::ZERO).0[..], &self.paths].concat()
    }

    /// Reads the stored form back; `None` when it is none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (stamps, paths) = bytes.strip_prefix(MAGIC)?.split_at_checked(Digest::ZERO.0.len())?;
        let stamps = Digest::from_slice(stamps).filter(|stamps| *stamps != Digest::ZERO);
        let glance = Self { paths: paths.to_vec(), stamps };
        glance.places()?;
        Some(glance)
    }

    /// Whether all stamps are as they were, which proves that nothing has changed. `meanwhile` is done while another
    /// thread looks.
    pub fn holds<T>(&self, root: &Root, meanwhile: impl FnOnce() -> T) -> (bool, T) {
        let (Some(stamps), Some((directories, places))) = (self.stamps, self.places()) else {
            return (false, meanwhile());
        };
        let threads = if places.len() < MANY { 1 } else { 2 };
        let (done, seen) = processors::share(threads, places.len(), CHUNK, meanwhile, |range| {
            digest(root, &directories, &places[range])
        });
        (together(&seen) == stamps, done)
    }

    /// Directories, and the paths by the numbers of theirs; `None` when the bytes are damaged.
    fn places(&self) -> Option<(Vec<&str>, Vec<Place<'_>>)> {
        let mut directories = Vec::new();
        let mut places = Vec::with_capacity(self.paths.len() / 16);
        let mut rest = &self.paths[..];
        while !rest.is_empty() {
            let directory = CStr::from_bytes_until_nul(rest).ok()?;
            rest = &rest[directory.count_bytes() + 1..];
            directories.push(directory.to_str().ok()?);
            loop {
                let name = CStr::from_bytes_until_nul(rest).ok()?;
                rest = &rest[name.count_bytes() + 1..];
                if name.is_empty() {
                    break;
                }
                places.push((directories.len() - 1, name));
            }
        }
        Some((directories, places))
    }
}

/// Looks at some paths and digests their stamps.
fn digest(root: &Root, directories: &[&str], places: &[Place<'_>]) -> Digest {
    let mut records = Vec::with_capacity(places.len() * RECORD);
    for group in places.chunk_by(|one, next| one.0 == next.0) {
        let open = group.first().and_then(|(number, _)| directory(root, directories[*number]));
        for (_, name) in group {
            record(open.as_ref().and_then(|open| stat_at(open, *name)), &mut records);
        }
    }
    Digest::of(&records)
}

/// What counts of a path's stamps, see [`Stat::same`].
fn record(stat: Option<Stat>, records: &mut Vec<u8>) {
    let Some(mut stat) = stat else {
        records.extend_from_slice(&[0; RECORD]);
        return;
    };
    if stat.kind() == Kind::Directory {
        (stat.size, stat.gid) = (0, 0);
    }
    records.push(1);
    records.extend_from_slice(&stat.to_bytes());
}

fn together(chunks: &[Digest]) -> Digest {
    Digest::of(&chunks.iter().flat_map(|chunk| chunk.0).collect::<Vec<u8>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fingerprint::Entry;
    use std::fs;

    fn holds(glance: &Glance, root: &Root) -> bool {
        glance.holds(root, || ()).0
    }

    /// Files whose stamps are old enough to be trusted.
    fn settled(root: &Root, paths: &[String]) -> Manifest {
        let entries = paths.iter().map(|path| Entry { racy: false, ..Entry::observe(root, path) });
        Manifest::new(entries.collect())
    }

    #[test]
    fn any_change_of_any_of_many_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path()).unwrap();
        let mut paths: Vec<String> = (0..1000).map(|n| format!("/d{}/{n}", n % 3)).collect();
        for n in 0..3 {
            fs::create_dir(dir.path().join(format!("d{n}"))).unwrap();
        }
        for path in &paths {
            fs::write(root.real(path), "").unwrap();
        }
        paths.extend(["/d1".to_owned(), "/none".to_owned(), "/nowhere/at/all".to_owned()]);
        let manifest = settled(&root, &paths);
        let glance = Glance::of(&manifest);
        assert_eq!(Glance::decode(&glance.encode()), Some(glance.clone()));
        assert!(holds(&glance, &root));
        for path in [&paths[0], &paths[700], &paths[999]] {
            let before = fs::metadata(root.real(path)).unwrap();
            fs::write(root.real(path), "x").unwrap();
            assert!(!holds(&glance, &root), "{path}");
            fs::remove_file(root.real(path)).unwrap();
            assert!(!holds(&glance, &root), "{path}");
            fs::write(root.real(path), vec![b'x'; usize::try_from(before.len()).unwrap()]).unwrap();
            let again = Glance::of(&settled(&root, &paths));
            assert!(holds(&again, &root), "{path}");
        }
        let now = Glance::of(&settled(&root, &paths));
        fs::write(dir.path().join("none"), "").unwrap();
        assert!(!holds(&now, &root), "what was not there appeared");
    }

    #[test]
    fn young_stamps_prove_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let root = Root::new(dir.path()).unwrap();
        fs::write(dir.path().join("a"), "").unwrap();
        let manifest = Manifest::new(vec![Entry { racy: true, ..Entry::observe(&root, "/a") }]);
        assert!(!holds(&Glance::of(&manifest), &root));
        assert!(holds(&Glance::of(&Manifest::default()), &root), "nothing never changes");
    }

    #[test]
    fn damaged_bytes_are_no_glance_and_no_panic() {
        let root = Root::default();
        let manifest = Manifest::new(vec![Entry::absent("/none/a"), Entry::absent("/none/b")]);
        let good = Glance::of(&manifest).encode();
        assert!(holds(&Glance::decode(&good).unwrap(), &root));
        for cut in 0..good.len() {
            if let Some(glance) = Glance::decode(&good[..cut]) {
                assert!(!holds(&glance, &root));
            }
        }
    }
}
