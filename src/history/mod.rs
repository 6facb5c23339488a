//! The SQLite history: plans, readings, timings. The only place that names rusqlite.
//!
//! Compatibility: `user_version` counts the migrations of `sql/`; a later version's file is not touched but set aside.
//! Locking: readers take SQLite's shared lock for one query; there is one write transaction for each command, at its
//! end. Journal: DELETE, never WAL, which cannot be opened on a read-only root; never `immutable=1`, which shows old
//! content after a crash. A journal that a crash has left needs a writable file system once; until then there is no
//! history. Anything else that is wrong: said once, set aside, and everything works without.

mod migration;
mod rows;
mod save;
mod trouble;

pub use rows::{JobRow, Populated, RunRow, StoredReading, StoredUnit};
pub use save::{Batch, NewUnit, Saved};
pub use trouble::Trouble;

use crate::fingerprint::Digest;
use crate::model::Phase;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a reader waits for a writer that is in its last step.
const READ_PATIENCE: Duration = Duration::from_millis(200);

/// The history, open for reading.
#[derive(Debug)]
pub struct History {
    connection: Connection,
    path: PathBuf,
}

/// What `/proc` calls this boot; empty when there is no `/proc`.
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|id| id.trim().to_owned())
        .unwrap_or_default()
}

impl History {
    /// Opens the history for reading. `None` when there is none yet.
    pub fn open(path: &Path) -> Result<Option<Self>, Trouble> {
        if !check_file(path)? {
            return Ok(None);
        }
        let read_only = Self::connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let connection = match read_only {
            // A crash has left a journal; only a writer may roll it back.
            Err(error) if is_hot_journal(&error) => Self::connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE),
            other => other,
        };
        let (connection, version) = connection.map_err(|error| Trouble::of(path, &error))?;
        match version {
            0 => Ok(None),
            version if version == migration::current() => {
                Ok(Some(Self { connection, path: path.to_owned() }))
            }
            version if version > migration::current() => {
                let why =
                    format!("its schema is version {version}, this program knows {}", migration::current());
                Err(Trouble::Unusable { path: path.to_owned(), why })
            }
            // An earlier one is migrated when it is next written.
            _ => Ok(None),
        }
    }

    /// Opens and reads the schema version, which is when SQLite first looks at the file.
    fn connect(path: &Path, mode: OpenFlags) -> rusqlite::Result<(Connection, i64)> {
        let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(READ_PATIENCE)?;
        let version = migration::version(&connection)?;
        Ok((connection, version))
    }

    /// The plan of a unit.
    pub fn unit(&self, key: &Digest) -> Result<Option<StoredUnit>, Trouble> {
        let sql = "SELECT label, manifest, plan, problems, costs FROM unit WHERE key = ?1";
        self.answer(self.connection.query_row(sql, [&key.0[..]], |row| {
            Ok(StoredUnit {
                label: row.get(0)?,
                manifest: row.get(1)?,
                plan: row.get(2)?,
                problems: row.get(3)?,
                costs: decode_costs(&row.get::<_, Vec<u8>>(4)?),
            })
        }))
    }

    /// The label of any other unit that has a plan, to tell "first boot" from "another unit".
    pub fn has_units(&self) -> Result<bool, Trouble> {
        Ok(self.answer(self.connection.query_row("SELECT 1 FROM unit LIMIT 1", [], |_| Ok(())))?.is_some())
    }

    /// What all known files said, by logical path.
    pub fn readings(&self) -> Result<HashMap<String, StoredReading>, Trouble> {
        self.all("SELECT path, stat, digest, body FROM reading", [], |row| {
            let (stat, racy) = postcard::from_bytes(&row.get::<_, Vec<u8>>(1)?).map_err(conversion)?;
            Ok((row.get(0)?, StoredReading { stat, racy, digest: Digest(row.get(2)?), body: row.get(3)? }))
        })
    }

    /// Median microseconds of scripts, by logical path.
    pub fn costs(&self, phase: Phase) -> Result<HashMap<String, u32>, Trouble> {
        self.all("SELECT script, micros FROM cost WHERE phase = ?1", [phase_number(phase)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }

    /// The last `--populate`.
    pub fn populated(&self) -> Result<Option<Populated>, Trouble> {
        let sql = "SELECT boot, request, verify, history FROM populated";
        self.answer(self.connection.query_row(sql, [], |row| {
            Ok(Populated {
                boot: row.get(0)?,
                request: row.get(1)?,
                verify: row.get(2)?,
                history: row.get(3)?,
            })
        }))
    }

    /// The last runs, latest first.
    pub fn runs(&self, most: u32) -> Result<Vec<RunRow>, Trouble> {
        let sql = "SELECT id, boot, label, phase, begin_ns, end_ns, cached, why, interrupted, edges \
                   FROM run ORDER BY id DESC LIMIT ?1";
        let mut runs: Vec<(i64, RunRow)> = self.all(sql, [most], |row| Ok((row.get(0)?, run_row(row)?)))?;
        for (id, run) in &mut runs {
            run.jobs = self.jobs(*id)?;
        }
        Ok(runs.into_iter().map(|(_, run)| run).collect())
    }

    fn jobs(&self, run: i64) -> Result<Vec<JobRow>, Trouble> {
        let sql = "SELECT script, name, outcome, status, ready_ns, start_ns, available_ns, end_ns, user_us, system_us, \
                   max_rss_kib FROM job WHERE run = ?1 ORDER BY place";
        self.all(sql, [run], |row| {
            Ok(JobRow {
                script: row.get(0)?,
                name: row.get(1)?,
                outcome: row.get(2)?,
                status: row.get(3)?,
                ready: row.get(4)?,
                start: row.get(5)?,
                available: row.get(6)?,
                end: row.get(7)?,
                user_us: row.get(8)?,
                system_us: row.get(9)?,
                max_rss_kib: row.get(10)?,
            })
        })
    }

    /// All rows of a query.
    fn all<T, C: FromIterator<T>>(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
        read: impl FnMut(&Row) -> rusqlite::Result<T>,
    ) -> Result<C, Trouble> {
        let rows =
            || self.connection.prepare(sql)?.query_map(parameters, read)?.collect::<rusqlite::Result<C>>();
        rows().map_err(|error| Trouble::of(&self.path, &error))
    }

    fn answer<T>(&self, result: rusqlite::Result<T>) -> Result<Option<T>, Trouble> {
        result.optional().map_err(|error| Trouble::of(&self.path, &error))
    }
}

fn run_row(row: &Row) -> rusqlite::Result<RunRow> {
    Ok(RunRow {
        boot: row.get(1)?,
        label: row.get(2)?,
        phase: if row.get::<_, i64>(3)? == 0 { Phase::Start } else { Phase::Stop },
        begin: row.get(4)?,
        end: row.get(5)?,
        cached: row.get(6)?,
        why: row.get(7)?,
        interrupted: row.get(8)?,
        edges: postcard::from_bytes(&row.get::<_, Vec<u8>>(9)?).map_err(conversion)?,
        jobs: Vec::new(),
    })
}

/// Whether there is a file, and it is one to trust: a regular one, root's or ours, that only its owner can write.
fn check_file(path: &Path) -> Result<bool, Trouble> {
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(Trouble::io(path, &error)),
    };
    let why = if !meta.is_file() {
        "it is not a regular file"
    } else if meta.uid() != 0 && meta.uid() != nix::unistd::geteuid().as_raw() {
        "it belongs to somebody else"
    } else if meta.mode() & 0o022 != 0 {
        "others can write it"
    } else {
        // SQLite makes a database of an empty file.
        return Ok(meta.len() > 0);
    };
    Err(Trouble::Untrusted { path: path.to_owned(), why: why.to_owned() })
}

/// `SQLITE_READONLY_ROLLBACK`.
fn is_hot_journal(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(code, _) if code.extended_code == rusqlite::ffi::SQLITE_READONLY_ROLLBACK)
}

fn phase_number(phase: Phase) -> i64 {
    match phase {
        Phase::Start => 0,
        Phase::Stop => 1,
    }
}

fn encode_costs(costs: &[u32]) -> Vec<u8> {
    costs.iter().flat_map(|cost| cost.to_le_bytes()).collect()
}

fn decode_costs(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect()
}

fn conversion(error: postcard::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, Box::new(error))
}
