//! Saving: all that one command has learned, in one transaction.

use super::{JobRow, check_file};
use super::{Populated, RunRow, StoredReading, Trouble, encode_costs, migration, phase_number};
use crate::fingerprint::{Digest, Manifest};
use crate::model::Phase;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};
use std::collections::HashMap;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Units that are kept, those used last. A system has some ten: S, 2, 0, 6, the changes between them.
const UNITS: u32 = 32;
/// Runs that are kept.
const RUNS: u32 = 64;
/// A cost is the median of the last so many successful runs.
const SAMPLES: u32 = 11;
/// How long another writer is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// A unit that was planned anew.
#[derive(Debug, Clone)]
pub struct NewUnit {
    /// The words that name it.
    pub label: String,
    /// What it was made from.
    pub manifest: Manifest,
    /// Its plan, encoded.
    pub plan: Vec<u8>,
    /// The scripts of the plan's jobs, for their costs.
    pub scripts: Vec<String>,
    /// Its problems, encoded; empty when there are none.
    pub problems: Vec<u8>,
}

/// What is to be saved.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The key of the unit that was asked for.
    pub key: Digest,
    /// Start or stop.
    pub phase: Option<Phase>,
    /// The unit, when it was planned anew.
    pub unit: Option<NewUnit>,
    /// Its manifest with the stats of today, when only those had changed.
    pub refreshed: Option<Manifest>,
    /// Files that were read, by logical path.
    pub readings: Vec<(String, StoredReading)>,
    /// A run of the unit.
    pub run: Option<RunRow>,
    /// A call of `--populate`.
    pub populated: Option<Populated>,
}

/// What happened besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// Nothing was worth saving.
    Nothing,
    /// It is saved.
    Done,
    /// It is saved in a new file; what was there is under this name.
    Anew(PathBuf),
}

impl Batch {
    /// Whether there is anything to save.
    pub fn is_empty(&self) -> bool {
        self.unit.is_none()
            && self.refreshed.is_none()
            && self.readings.is_empty()
            && self.run.is_none()
            && self.populated.is_none()
    }

    /// Saves it all or nothing. A file that is no history of ours is set aside first.
    pub fn save(&self, path: &Path) -> Result<Saved, Trouble> {
        if self.is_empty() {
            return Ok(Saved::Nothing);
        }
        check_file(path)?;
        match self.write(path) {
            Err(Trouble::Unusable { why, .. }) => {
                let aside = set_aside(path)?;
                log::warn!(
                    "history {}: {why}; it was set aside as {} and a new one begun",
                    path.display(),
                    aside.display()
                );
                self.write(path).map(|()| Saved::Anew(aside))
            }
            other => other.map(|()| Saved::Done),
        }
    }

    fn write(&self, path: &Path) -> Result<(), Trouble> {
        create(path)?;
        self.transact(path).map_err(|error| Trouble::of(path, &error))
    }

    fn transact(&self, path: &Path) -> rusqlite::Result<()> {
        let mode = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, mode)?;
        connection.busy_timeout(PATIENCE)?;
        connection.execute_batch("PRAGMA foreign_keys = ON")?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if migration::version(&transaction)? > migration::current() {
            return Err(rusqlite::Error::InvalidParameterName(
                "a later version of serel wrote it".to_owned(),
            ));
        }
        migration::migrate(&transaction)?;
        self.put_readings(&transaction)?;
        if let Some(run) = &self.run {
            put_run(&transaction, run)?;
        }
        self.put_unit(&transaction)?;
        if let Some(populated) = &self.populated {
            let sql =
                "REPLACE INTO populated (only, boot, request, verify, history) VALUES (1, ?1, ?2, ?3, ?4)";
            let Populated { boot, request, verify, history } = populated;
            transaction.execute(sql, params![boot, request, verify, history])?;
        }
        transaction.commit()
    }

    fn put_readings(&self, transaction: &Transaction) -> rusqlite::Result<()> {
        let mut put =
            transaction.prepare("REPLACE INTO reading (path, stat, digest, body) VALUES (?1, ?2, ?3, ?4)")?;
        for (path, reading) in &self.readings {
            let stat = postcard::to_stdvec(&(reading.stat, reading.racy)).unwrap_or_default();
            put.execute(params![path, stat, &reading.digest.0[..], reading.body])?;
        }
        Ok(())
    }

    /// The unit, or what is new of it: a manifest, costs, and when it was used last.
    fn put_unit(&self, transaction: &Transaction) -> rusqlite::Result<()> {
        let key = &self.key.0[..];
        let used: i64 =
            transaction.query_row("SELECT coalesce(max(used), 0) + 1 FROM unit", [], |row| row.get(0))?;
        let phase = self.phase.map_or(0, phase_number);
        let costs_of = |scripts: &mut dyn Iterator<Item = &str>| -> rusqlite::Result<Vec<u8>> {
            let mut query =
                transaction.prepare("SELECT micros FROM cost WHERE script = ?1 AND phase = ?2")?;
            let mut costs = Vec::new();
            for script in scripts {
                let mut rows = query.query(params![script, phase])?;
                costs.push(rows.next()?.map_or(Ok(0), |row| row.get::<_, u32>(0))?);
            }
            Ok(encode_costs(&costs))
        };
        if let Some(unit) = &self.unit {
            let costs = costs_of(&mut unit.scripts.iter().map(String::as_str))?;
            let sql = "REPLACE INTO unit (key, label, manifest, plan, problems, costs, used) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let manifest = unit.manifest.encode();
            transaction
                .execute(sql, params![key, unit.label, manifest, unit.plan, unit.problems, costs, used])?;
            let prune =
                "DELETE FROM unit WHERE key NOT IN (SELECT key FROM unit ORDER BY used DESC LIMIT ?1)";
            transaction.execute(prune, [UNITS])?;
            return Ok(());
        }
        if let Some(manifest) = &self.refreshed {
            transaction
                .execute("UPDATE unit SET manifest = ?2 WHERE key = ?1", params![key, manifest.encode()])?;
        }
        if let Some(run) = &self.run {
            let costs = costs_of(&mut run.jobs.iter().map(|job| job.script.as_str()))?;
            transaction
                .execute("UPDATE unit SET costs = ?2, used = ?3 WHERE key = ?1", params![key, costs, used])?;
        }
        Ok(())
    }
}

/// A run with its jobs; then the medians of its scripts, and what is too old goes.
fn put_run(transaction: &Transaction, run: &RunRow) -> rusqlite::Result<()> {
    let phase = phase_number(run.phase);
    let edges = postcard::to_stdvec(&run.edges).unwrap_or_default();
    transaction.execute(
        "INSERT INTO run (boot, label, phase, begin_ns, end_ns, cached, why, interrupted, edges) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![run.boot, run.label, phase, run.begin, run.end, run.cached, run.why, run.interrupted, edges],
    )?;
    let id = transaction.last_insert_rowid();
    let mut put = transaction.prepare(
        "INSERT INTO job (run, place, script, name, outcome, status, ready_ns, start_ns, available_ns, end_ns, user_us, \
         system_us, max_rss_kib) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    for (place, job) in (0i64..).zip(&run.jobs) {
        put.execute(params![
            id,
            place,
            job.script,
            job.name,
            job.outcome,
            job.status,
            job.ready,
            job.start,
            job.available,
            job.end,
            job.user_us,
            job.system_us,
            job.max_rss_kib
        ])?;
    }
    transaction
        .execute("DELETE FROM run WHERE id NOT IN (SELECT id FROM run ORDER BY id DESC LIMIT ?1)", [RUNS])?;
    put_costs(transaction, run)
}

/// The medians of the scripts of a run, over the last runs in which each succeeded.
fn put_costs(transaction: &Transaction, run: &RunRow) -> rusqlite::Result<()> {
    let phase = phase_number(run.phase);
    let mut samples: HashMap<String, Vec<u32>> =
        run.jobs.iter().map(|job| (job.script.clone(), Vec::new())).collect();
    let mut query = transaction.prepare(
        "SELECT script, (job.end_ns - job.start_ns) / 1000 FROM job JOIN run ON run.id = job.run \
         WHERE run.phase = ?1 AND job.outcome = ?2 AND job.start_ns IS NOT NULL AND run.id IN \
         (SELECT id FROM run WHERE phase = ?1 ORDER BY id DESC LIMIT ?3) ORDER BY run.id DESC",
    )?;
    let mut rows = query.query(params![phase, JobRow::SUCCEEDED, RUNS])?;
    while let Some(row) = rows.next()? {
        if let Some(known) = samples.get_mut(row.get_ref(0)?.as_str()?)
            && known.len() < SAMPLES as usize
        {
            known.push(u32::try_from(row.get::<_, i64>(1)?).unwrap_or(u32::MAX));
        }
    }
    let mut put =
        transaction.prepare("REPLACE INTO cost (script, phase, micros, samples) VALUES (?1, ?2, ?3, ?4)")?;
    for (script, mut known) in samples.into_iter().filter(|(_, known)| !known.is_empty()) {
        known.sort_unstable();
        // A cost of 0 means unknown.
        put.execute(params![
            script,
            phase,
            known[known.len() / 2].max(1),
            known.len().min(SAMPLES as usize)
        ])?;
    }
    Ok(())
}

/// Makes the file, readable by all and writable by its owner whatever the umask, and its directory.
fn create(path: &Path) -> Result<(), Trouble> {
    let io = |error: std::io::Error| Trouble::io(path, &error);
    if path.exists() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        std::fs::create_dir_all(parent).map_err(io)?;
    }
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o644).open(path);
    match made {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(io(error)),
        Ok(_) => Ok(()),
    }
}

/// Renames a file that is no history to `NAME.bad`, with its journal; one generation is kept.
fn set_aside(path: &Path) -> Result<PathBuf, Trouble> {
    let with = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let _ = std::fs::rename(with("-journal"), with(".bad-journal"));
    std::fs::rename(path, with(".bad")).map_err(|error| Trouble::io(path, &error))?;
    Ok(with(".bad"))
}
