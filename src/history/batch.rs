//! What was learnt, collected while nobody has time to write it and saved in one transaction afterwards.

use super::row::{Populated, RunRow, StoredReading, UnitRow, phase_word, signed};
use super::seal::{seal, unseal};
use super::trouble::Trouble;
use super::{cost, file, prune, reading, schema};
use crate::fingerprint::{Digest, Glance, Manifest};
use rusqlite::{OptionalExtension, Result, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Everything that one save writes; all or nothing of it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// What is stored could not be read ([`Trouble::Damaged`]): set it aside and begin anew.
    pub anew: bool,
    /// It may have been saved before, by somebody who was killed then: runs that are there are passed over.
    #[serde(skip)]
    pub again: bool,
    /// Logical paths whose readings are of no use any more.
    pub forgotten: Vec<String>,
    /// Readings by logical path, new or replaced.
    pub readings: Vec<(String, StoredReading)>,
    /// Units, new or replaced.
    pub units: Vec<UnitRow>,
    /// New manifests of stored units whose plan still holds.
    pub refreshed: Vec<(Digest, Manifest)>,
    /// Runs in the order in which they happened.
    pub runs: Vec<RunRow>,
    /// The call of `serelhistory --populate` that this is.
    pub populated: Option<Populated>,
}

/// What a save did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Saved {
    /// There was no history before.
    pub created: bool,
    /// What was there could not be used: where it is now, and why it was moved.
    pub set_aside: Option<(PathBuf, Trouble)>,
    /// The numbers of the runs, but for those that were there.
    pub runs: Vec<i64>,
}

impl Batch {
    /// Whether there is nothing to save.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The batch as bytes, to be saved by another process of the same version.
    pub fn encode(&self) -> Vec<u8> {
        let bytes = postcard::to_stdvec(&(env!("CARGO_PKG_VERSION"), schema::version(), self));
        seal(bytes.expect("BUG: a batch in memory always fits in memory once more"))
    }

    /// What [`Batch::encode`] gave; `None` when it is not as it was written, or another version wrote it.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (version, schema, batch): (&str, u32, Self) = postcard::from_bytes(unseal(bytes)?).ok()?;
        (version == env!("CARGO_PKG_VERSION") && schema == schema::version()).then_some(batch)
    }

    /// Saves everything in one transaction, creating the file (and its directory) when it is missing, migrating an
    /// older schema, and setting aside what cannot be used. Errors: `ReadOnly` deserves no word to the operator;
    /// `Locked` after two seconds; `Full`; `Foreign`; `HotJournal`; `Failed`. After an error the file is as it was.
    pub fn save(&self, path: &Path) -> std::result::Result<Saved, Trouble> {
        let first =
            if self.anew { Err(Trouble::damaged(path, "it could not be read")) } else { self.write(path) };
        match first {
            Err(trouble) if file::may_set_aside(path, &trouble) => {
                let bad = file::set_aside(path)?;
                Ok(Saved { set_aside: Some((bad, trouble)), ..self.write(path)? })
            }
            Err(Trouble::Damaged { .. }) if self.anew => self.write(path),
            other => other,
        }
    }

    fn write(&self, path: &Path) -> std::result::Result<Saved, Trouble> {
        let (mut connection, created) = file::open_writing(path)?;
        let trouble = |error: rusqlite::Error| Trouble::of_sqlite(path, &error);
        let transaction =
            Transaction::new(&mut connection, TransactionBehavior::Immediate).map_err(trouble)?;
        let (found, ours) = (schema::found(&transaction).map_err(trouble)?, schema::version());
        if !schema::is_ours(&transaction).map_err(trouble)? {
            return Err(Trouble::Foreign { path: path.to_owned() });
        }
        if found > ours {
            return Err(Trouble::Schema { path: path.to_owned(), found, ours });
        }
        let runs =
            schema::migrate(&transaction, found).and_then(|()| self.put(&transaction)).map_err(trouble)?;
        transaction.commit().map_err(trouble)?;
        Ok(Saved { created, set_aside: None, runs })
    }

    /// The numbered steps of a save. Units come before the runs that refer to them, runs before the medians.
    fn put(&self, transaction: &Transaction<'_>) -> Result<Vec<i64>> {
        // 1. Readings.
        reading::put(transaction, &self.forgotten, &self.readings)?;
        // 2. Units, and new manifests of those that stay.
        for unit in &self.units {
            put_unit(transaction, unit)?;
            touch(transaction, &unit.key, None, false)?;
        }
        for (key, manifest) in &self.refreshed {
            transaction.execute(
                "UPDATE unit SET glance = ?2, manifest = ?3 WHERE key = ?1",
                params![&key.0[..], seal(Glance::of(manifest).encode()), seal(manifest.encode())],
            )?;
        }
        // 3. Runs with their jobs, and what they teach.
        let mut ids = Vec::new();
        for run in &self.runs {
            if self.again && is_there(transaction, run)? {
                continue;
            }
            let id = put_run(transaction, run)?;
            cost::learn(transaction, id, run)?;
            touch(transaction, &run.key, run.boot.as_deref(), true)?;
            ids.push(id);
        }
        // 4. What was populated.
        if let Some(populated) = &self.populated {
            put_populated(transaction, populated)?;
            touch(transaction, &populated.key, populated.boot.as_deref(), true)?;
        }
        // 5. What is too much.
        prune::prune(transaction)?;
        Ok(ids)
    }
}

/// Stores a unit. If its key has another plan, that one loses the key and stays for the runs that used it.
fn put_unit(transaction: &Transaction<'_>, unit: &UnitRow) -> Result<()> {
    let UnitRow { key, label, manifest, plan, problems } = unit;
    let glance = seal(Glance::of(manifest).encode());
    let (manifest, plan, problems) = (seal(manifest.encode()), seal(plan.clone()), seal(problems.clone()));
    let stored: Option<(i64, bool)> = transaction
        .query_row("SELECT id, plan = ?2 FROM unit WHERE key = ?1", params![&key.0[..], plan], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    if let Some((id, true)) = stored {
        transaction.execute(
            "UPDATE unit SET label = ?2, glance = ?3, manifest = ?4, problems = ?5 WHERE id = ?1",
            params![id, label, glance, manifest, problems],
        )?;
        return Ok(());
    }
    if let Some((id, false)) = stored {
        transaction
            .execute("UPDATE unit SET key = NULL, glance = x'', manifest = x'' WHERE id = ?1", [id])?;
    }
    transaction.execute(
        "INSERT INTO unit (key, label, glance, manifest, plan, problems) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![&key.0[..], label, glance, manifest, plan, problems],
    )?;
    Ok(())
}

/// Notes that a unit was used, if it is stored, and lays out its medians anew.
fn touch(transaction: &Transaction<'_>, key: &Digest, boot: Option<&str>, ran: bool) -> Result<()> {
    let stored: Option<(i64, i64, bool)> = transaction
        .query_row(
            "SELECT id, (SELECT coalesce(max(used), 0) + 1 FROM usage), EXISTS (SELECT 1 FROM cost)
             FROM unit WHERE key = ?1",
            [&key.0[..]],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()?;
    let Some((id, used, any_costs)) = stored else { return Ok(()) };
    let costs = if any_costs {
        let plan: Vec<u8> =
            transaction.query_row("SELECT plan FROM unit WHERE id = ?1", [id], |row| row.get(0))?;
        cost::lay_out(transaction, unseal(&plan).unwrap_or_default())?
    } else {
        seal(Vec::new())
    };
    transaction.execute(
        "INSERT INTO usage (unit, used, ran, boot, costs) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (unit) DO UPDATE SET used = excluded.used, costs = excluded.costs,
           ran = coalesce(excluded.ran, ran), boot = iif(excluded.ran IS NULL, boot, excluded.boot)",
        params![id, used, ran.then_some(used), boot, costs],
    )?;
    Ok(())
}

/// Whether a run is stored: no other of its unit began in that boot at that time.
fn is_there(transaction: &Transaction<'_>, run: &RunRow) -> Result<bool> {
    let same = "SELECT EXISTS (SELECT 1 FROM run WHERE boot IS ?1 AND begin_ns = ?2 AND label = ?3)";
    transaction.query_row(same, params![run.boot, signed(run.begin), run.label], |row| row.get(0))
}

fn put_run(transaction: &Transaction<'_>, run: &RunRow) -> Result<i64> {
    transaction.execute(
        "INSERT INTO run (unit, key, label, phase, boot, begin_ns, end_ns, cached, why, interrupted)
         VALUES ((SELECT id FROM unit WHERE key = ?1), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            &run.key.0[..],
            run.label,
            phase_word(run.phase),
            run.boot,
            signed(run.begin),
            signed(run.end),
            run.cached,
            run.why,
            run.interrupted
        ],
    )?;
    let id = transaction.last_insert_rowid();
    let mut store = transaction.prepare(
        "INSERT INTO job (run, number, script, name, ready_ns, start_ns, available_ns, end_ns, outcome, status,
         user_us, system_us, max_rss_kib) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    for (number, job) in (0_i64..).zip(&run.jobs) {
        store.execute(params![
            id,
            number,
            job.script,
            job.name,
            job.ready.map(signed),
            job.start.map(signed),
            job.available.map(signed),
            job.end.map(signed),
            job.outcome,
            job.status,
            signed(job.user_us),
            signed(job.system_us),
            signed(job.max_rss_kib)
        ])?;
    }
    Ok(id)
}

fn put_populated(transaction: &Transaction<'_>, populated: &Populated) -> Result<()> {
    let Populated { started, pairs, last_unit, key, verify, prior, boot } = populated;
    let tokens = postcard::to_stdvec(&(started, pairs, last_unit))
        .expect("BUG: tokens in memory always fit in memory once more");
    transaction.execute(
        "INSERT OR REPLACE INTO populated (id, key, boot, tokens, verify, prior) VALUES (1, ?1, ?2, ?3, ?4, ?5)",
        params![&key.0[..], boot, seal(tokens), verify, prior],
    )?;
    Ok(())
}
