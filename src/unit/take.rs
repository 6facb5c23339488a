//! Takes the files that a unit is made of: from the history what is still as it was, the others from the disk.
//!
//! Reading is the part that is slow on a cold disk, so it is done by a pool of threads of its own: many where the disk
//! is waited for, one for each processor where everything is in memory already.

use super::wanted::{Wanted, What};
use crate::definition::{Reading, trust};
use crate::fingerprint::{Digest, Entry, Stat, clock};
use crate::history::StoredReading;
use crate::root::Root;
use crate::{memory, processors};
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

/// Files that a thread takes at a time.
const SHARE: usize = 16;
/// Files that this thread reads alone, to see how fast the disk is.
const FIRST: usize = 8;
/// Who reads slower than this waits for the disk: 20 times what a file takes that is in memory.
const WAITING: Duration = Duration::from_micros(150);
/// Threads that wait for a disk; it answers many requests at once faster than one after another.
const READERS: usize = 16;
/// So many new files are worth huge pages: what is made of them takes some megabytes.
const MANY: usize = 1_000;

/// What became of it.
pub(super) struct Taken {
    pub(super) entry: Entry,
    pub(super) reading: Reading,
    /// The content, of facilities only: they are few, and their meaning is not stored.
    pub(super) bytes: Vec<u8>,
    /// Its reading as the history stores it, if that is new.
    pub(super) body: Option<Vec<u8>>,
}

/// Takes all files: the first few in this thread, the others in as many as the disk or the processors have use for.
pub(super) fn take_all(
    root: &Root,
    wanted: &[Wanted],
    known: &HashMap<String, StoredReading>,
) -> Vec<Vec<Taken>> {
    if wanted.len() >= known.len() + MANY {
        memory::take_huge_pages();
    }
    let take = |wanted: &Wanted| take(root, wanted, known.get(&wanted.path));
    let (first, others) = wanted.split_at(wanted.len().min(FIRST));
    let began = Instant::now();
    let mut taken: Vec<Vec<Taken>> = vec![first.iter().map(take).collect()];
    let waits = began.elapsed() > WAITING * u32::try_from(FIRST).unwrap_or(1);
    let threads = if waits { READERS } else { processors::count().min(READERS) };
    let ((), others) = processors::share(
        threads,
        others.len(),
        SHARE,
        || (),
        |range| others[range].iter().map(take).collect::<Vec<Taken>>(),
    );
    taken.extend(others);
    taken
}

/// Takes one file: from the history when it is what it was, else from the disk.
fn take(root: &Root, wanted: &Wanted, known: Option<&StoredReading>) -> Taken {
    let before = clock();
    if let What::Job { .. } = wanted.what {
        let entry = Entry::observe(root, &wanted.path);
        return Taken { entry, reading: wanted.parse(&[]), bytes: Vec::new(), body: None };
    }
    if wanted.what != What::Facilities
        && let Some(known) = known
        && !known.racy
        && std::fs::symlink_metadata(root.real(&wanted.path)).is_ok_and(|meta| Stat::of(&meta) == known.stat)
        && let Ok(reading) = postcard::from_bytes::<Reading>(&known.body)
        && wanted.fits(&reading)
    {
        let entry = Entry::file(&wanted.path, known.stat, known.digest, before);
        return Taken { entry, reading, bytes: Vec::new(), body: None };
    }
    match trust::read(root, &wanted.path) {
        Ok((bytes, meta)) => {
            let (stat, digest) = (Stat::of(&meta), Digest::of(&bytes));
            let entry = Entry::file(&wanted.path, stat, digest, before);
            if wanted.what == What::Facilities {
                return Taken { entry, reading: Reading::default(), bytes, body: None };
            }
            let mut reading = wanted.parse(&bytes);
            if matches!(wanted.what, What::Script { .. }) && meta.mode() & 0o111 == 0 {
                // Kept for its state: chmod makes it a script.
                reading = Reading::default();
            }
            let body = encode(&reading);
            Taken { entry, reading, bytes: Vec::new(), body: Some(body) }
        }
        Err(fault) => {
            let reading = Reading { definitions: Vec::new(), diagnostics: vec![*fault] };
            let entry = Entry::observe(root, &wanted.path);
            Taken { entry, reading, bytes: Vec::new(), body: None }
        }
    }
}

/// A reading as it is stored. Most are small, and take a third of the time this way.
fn encode(reading: &Reading) -> Vec<u8> {
    match postcard::to_slice(reading, &mut [0; 1024]) {
        Ok(small) => small.to_vec(),
        Err(_) => postcard::to_stdvec(reading).unwrap_or_default(),
    }
}
