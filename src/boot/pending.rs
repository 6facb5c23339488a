//! What was learnt while the history could not be written, kept in `/run/serel` until it can.
//!
//! A boot begins on a root that is mounted read-only: what its first unit teaches is put into a file beside the journals,
//! in memory where `/run` is. Whoever saves next (the unit of the runlevel, a few seconds later) saves it first. Where
//! there is no `/run` either, nothing is kept.

use super::journal::{OURS, ours};
use super::regular;
use crate::fingerprint::Digest;
use crate::history::{Batch, History, Populated, Saved, Trouble};
use crate::root::Root;
use crossbeam_channel::bounded;
use nix::fcntl::{Flock, FlockArg};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Names of the files: this, and a number. Journals have no such names.
const PREFIX: &str = "pending.";

/// Most batches that wait. A machine whose root is never written, such as one that runs from a CD, keeps the last ones.
const MOST: usize = 16;

/// How long a batch that has to wait waits for a place to do so.
const PATIENCE: Duration = Duration::from_secs(5);

/// What became of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is in the history, and so is what waited.
    Saved(Saved),
    /// It waits in this file, for this reason.
    Waiting(PathBuf, Trouble),
}

/// Saves what waits for this history, then the batch. Errors as [`Batch::save`] does, when the batch could not be
/// kept either.
pub(super) fn save(root: &Root, database: &Path, mut batch: Batch) -> Result<Kept, Trouble> {
    let waiting = Waiting::look(root);
    let first = match waiting.as_ref().map(|waiting| waiting.save(database)) {
        Some(Err(trouble)) => Err(trouble),
        Some(Ok(Some(saved))) => {
            // What could not be read is not there any more.
            batch.anew = false;
            Ok(saved.set_aside)
        }
        Some(Ok(None)) | None => Ok(None),
    };
    let saved = first.and_then(|first| {
        let saved = batch.save(database)?;
        Ok(Kept::Saved(Saved { set_aside: first.or(saved.set_aside.clone()), ..saved }))
    });
    saved.or_else(|trouble| match waiting.or_else(|| Waiting::make(root)) {
        Some(waiting) if may_pass(&trouble) => waiting.keep(database, &batch, trouble),
        _ => Err(trouble),
    })
}

/// Whether nothing else was waiting when this file was written.
pub(super) fn is_first(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes() == format!("{PREFIX}1").as_bytes())
}

/// The last call of `serelhistory --populate`: what waits is younger than what the history has.
pub(super) fn populated(root: &Root, database: &Path) -> Result<Option<Populated>, Trouble> {
    if let Some(populated) = batches(root, database).rev().find_map(|batch| batch.populated) {
        return Ok(Some(populated));
    }
    History::open(database)?.map_or(Ok(None), |history| history.populated())
}

/// The plan of a unit, as [`crate::plan::Plan::encode`] gave it.
pub(super) fn plan(root: &Root, database: &Path, key: &Digest) -> Result<Option<Vec<u8>>, Trouble> {
    let mut units = batches(root, database).rev().flat_map(|batch| batch.units);
    if let Some(unit) = units.find(|unit| unit.key == *key) {
        return Ok(Some(unit.plan));
    }
    let unit = History::open(database)?.map_or(Ok(None), |history| history.unit(key))?;
    Ok(unit.map(|unit| unit.plan))
}

/// What waits for a history, the oldest first; who may not read it sees nothing.
fn batches(root: &Root, database: &Path) -> impl DoubleEndedIterator<Item = Batch> {
    let there = root.place(OURS).is_dir().then(|| ours(root).ok()).flatten();
    let files = there.map(|directory| files(&directory)).unwrap_or_default();
    let database = named(database);
    files.into_iter().filter_map(move |(_, path)| {
        let bytes = regular::read(&path).ok()?;
        let (of, batch) = split(&bytes)?;
        (of == database).then(|| Batch::decode(batch))?
    })
}

/// Whether a batch may be saved later that cannot be saved now.
fn may_pass(trouble: &Trouble) -> bool {
    matches!(trouble, Trouble::ReadOnly { .. } | Trouble::Locked { .. } | Trouble::Full { .. })
}

/// Whether this is the name of a file that waits.
pub(super) fn is_one(path: &Path) -> bool {
    number(path).is_some()
}

fn number(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_prefix(PREFIX)?.parse().ok()
}

/// The files that wait in a directory, first the one that came first.
fn files(directory: &Path) -> Vec<(u64, PathBuf)> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let entries = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()));
    let mut files: Vec<(u64, PathBuf)> =
        entries.filter_map(|entry| Some((number(&entry.path())?, entry.path()))).collect();
    files.sort();
    files
}

/// A directory for ourselves.
fn lock(directory: &Path, how: FlockArg) -> Option<Flock<File>> {
    Flock::lock(File::open(directory).ok()?, how).ok()
}

/// The directory of what waits, ours alone until it is dropped.
struct Waiting {
    directory: PathBuf,
    _lock: Flock<File>,
}

impl Waiting {
    /// `None` when nothing waits, or another process is saving it.
    fn look(root: &Root) -> Option<Self> {
        let directory = root.place(OURS).is_dir().then(|| ours(root).ok())??;
        Some(Self { _lock: lock(&directory, FlockArg::LockExclusiveNonblock)?, directory })
    }

    /// With the directory made, if need be, and when another process has done its saving: the level before may be on a disk
    /// that takes its time. `None` when there can be none, or the other one is stuck.
    fn make(root: &Root) -> Option<Self> {
        let directory = ours(root).inspect_err(|why| log::debug!("nothing can wait: {why}")).ok()?;
        let locked = lock(&directory, FlockArg::LockExclusiveNonblock).or_else(|| {
            let (told, hears) = bounded(1);
            let directory = directory.clone();
            let wait = move || told.send(lock(&directory, FlockArg::LockExclusive));
            thread::Builder::new().spawn(wait).ok()?;
            hears.recv_timeout(PATIENCE).ok()?
        });
        Some(Self { _lock: locked?, directory })
    }

    /// Saves what waits for a history, the oldest first; what the first save did, if there was one. Stops at the first
    /// that cannot be saved now; one that can never be is removed.
    fn save(&self, database: &Path) -> Result<Option<Saved>, Trouble> {
        let mut first = None;
        for (_, path) in files(&self.directory) {
            let bytes = regular::read(&path).ok();
            let decoded = bytes.as_deref().and_then(|bytes| {
                let (of, batch) = split(bytes)?;
                Some((of == named(database), Batch::decode(batch)?))
            });
            match decoded {
                Some((false, _)) => continue,
                Some((true, mut batch)) => {
                    batch.anew &= first.is_none();
                    batch.again = true;
                    match batch.save(database) {
                        Ok(saved) => first = first.or(Some(saved)),
                        Err(trouble) if may_pass(&trouble) => return Err(trouble),
                        Err(trouble) => log::warn!("{trouble}"),
                    }
                }
                None => {
                    log::warn!("{} is not as it was written, and is left out of the history", path.display());
                }
            }
            if let Err(error) = fs::remove_file(&path) {
                log::warn!("{}: {error}", path.display());
            }
        }
        Ok(first)
    }

    /// Keeps a batch that could not be saved. Errors with the reason for that when it cannot be kept either.
    fn keep(&self, database: &Path, batch: &Batch, trouble: Trouble) -> Result<Kept, Trouble> {
        let files = files(&self.directory);
        for (_, old) in files.iter().rev().skip(MOST - 1) {
            log::warn!("{} has waited for too long, and is dropped: {MOST} may wait", old.display());
            let _ = fs::remove_file(old);
        }
        let number = files.last().map_or(1, |(number, _)| number + 1);
        let path = self.directory.join(format!("{PREFIX}{number}"));
        match write(&path, database, batch) {
            Ok(()) => Ok(Kept::Waiting(path, trouble)),
            Err(error) => {
                log::debug!("{}: {error}", path.display());
                let _ = fs::remove_file(&path);
                Err(trouble)
            }
        }
    }
}

/// Writes the path of the history, a NUL, and the batch.
fn write(path: &Path, database: &Path, batch: &Batch) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let bytes = [&named(database)[..], b"\0", &batch.encode()].concat();
    options.open(path)?.write_all(&bytes)
}

/// A history by its whole path.
fn named(database: &Path) -> Vec<u8> {
    let whole = std::path::absolute(database).unwrap_or_else(|_| database.to_owned());
    whole.into_os_string().into_encoded_bytes()
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((&bytes[..end], &bytes[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_to_wait_finds_a_place_when_another_process_has_saved() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("run")).unwrap();
        let root = Root::new(dir.path()).unwrap();
        let other = Waiting::make(&root).unwrap();
        assert!(Waiting::look(&root).is_none());
        thread::scope(|scope| {
            let ours = scope.spawn(|| Waiting::make(&root).is_some());
            drop(other);
            assert!(ours.join().unwrap());
        });
    }
}
