//! What was read in each file of definitions, so that a rebuild reads only the files that changed.
//!
//! A row for each of 2,000 files takes four times as long to write as the same in a few blobs (`bench/README.md`,
//! "Plan"), and one blob would be written whole for one changed script. So the readings stand on sixteen shelves, by
//! their paths; a save writes those on which something changed.

use super::row::StoredReading;
use super::seal::{seal, unseal};
use rusqlite::{Connection, OptionalExtension, Result, Transaction, params};
use std::collections::{BTreeMap, HashMap};

/// Number of shelves. Stored paths stay where they are, so this is part of the schema.
const SHELVES: u32 = 16;

/// The readings of one shelf, by logical path.
type Shelf = BTreeMap<String, StoredReading>;

/// All readings. A shelf that is damaged is empty: its files are read again.
pub(super) fn all(connection: &Connection) -> Result<HashMap<String, StoredReading>> {
    let mut query = connection.prepare("SELECT body FROM reading")?;
    let mut rows = query.query([])?;
    let mut readings = HashMap::new();
    while let Some(row) = rows.next()? {
        readings.extend(row.get_ref(0)?.as_blob().ok().and_then(decode).unwrap_or_default());
    }
    Ok(readings)
}

/// Takes some readings away, then puts some there or in the place of older ones. Of two of one path the later stays.
pub(super) fn put(
    transaction: &Transaction<'_>,
    forgotten: &[String],
    readings: &[(String, StoredReading)],
) -> Result<()> {
    let mut changes: BTreeMap<u32, Vec<(&String, Option<&StoredReading>)>> = BTreeMap::new();
    let gone = forgotten.iter().map(|path| (path, None));
    for (path, reading) in gone.chain(readings.iter().map(|(path, reading)| (path, Some(reading)))) {
        changes.entry(shelf_of(path)).or_default().push((path, reading));
    }
    let mut fetch = transaction.prepare("SELECT body FROM reading WHERE shelf = ?1")?;
    let mut store = transaction.prepare("INSERT OR REPLACE INTO reading (shelf, body) VALUES (?1, ?2)")?;
    for (number, changes) in changes {
        let stored: Option<Vec<u8>> = fetch.query_row([number], |row| row.get(0)).optional()?;
        let stored = stored.as_deref().and_then(decode).unwrap_or_default();
        let mut shelf: BTreeMap<&String, &StoredReading> = stored.iter().collect();
        for (path, reading) in changes {
            match reading {
                Some(reading) => shelf.insert(path, reading),
                None => shelf.remove(path),
            };
        }
        let size = shelf.iter().map(|(path, reading)| path.len() + reading.body.len() + 128).sum();
        store.execute(params![number, seal(encode(&shelf, size))])?;
    }
    Ok(())
}

/// The stored form of a shelf. Into room that is there already, which `size` should be, it takes a third of the time.
fn encode(shelf: &BTreeMap<&String, &StoredReading>, size: usize) -> Vec<u8> {
    let mut body = vec![0; size];
    match postcard::to_slice(shelf, &mut body).map(|written| written.len()) {
        Ok(length) => {
            body.truncate(length);
            body
        }
        Err(_) => postcard::to_stdvec(shelf).expect("BUG: readings in memory always fit in memory once more"),
    }
}

fn decode(blob: &[u8]) -> Option<Shelf> {
    postcard::from_bytes(unseal(blob)?).ok()
}

fn shelf_of(path: &str) -> u32 {
    path.bytes().fold(0, |sum: u32, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % SHELVES
}
