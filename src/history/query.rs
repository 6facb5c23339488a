//! Asks the history. A boot opens it and asks for one row; everything else is for rebuilds and for people.

use super::file;
use super::row::{JobRow, LastUnit, Populated, RunRow, StoredReading, StoredRun, StoredUnit, phase_of};
use super::seal::unseal;
use super::trouble::Trouble;
use super::{cost, reading, row};
use crate::fingerprint::{Digest, Glance, Manifest};
use crate::model::Phase;
use crate::plan::Plan;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// One read-only look at the history. Not kept open during a run.
#[derive(Debug)]
pub struct History {
    connection: Connection,
    path: PathBuf,
}

impl History {
    /// Opens the file; `None` when there is none or nothing was ever saved. Errors: any [`Trouble`] but `ReadOnly`
    /// and `Full`; all of them mean the cold path.
    pub fn open(path: &Path) -> Result<Option<Self>, Trouble> {
        let connection = file::open_reading(path)?;
        Ok(connection.map(|connection| Self { connection, path: path.to_owned() }))
    }

    /// The unit of a key, if one is stored. The one query of an unchanged boot.
    pub fn unit(&self, key: &Digest) -> Result<Option<StoredUnit>, Trouble> {
        self.ask(|connection| {
            let mut query = connection.prepare(
                "SELECT label, glance, plan, problems, costs FROM unit JOIN usage ON usage.unit = unit.id
                 WHERE key = ?1",
            )?;
            query.query_row([&key.0[..]], |row| Ok(self.stored_unit(row))).optional()
        })?
        .transpose()
    }

    fn stored_unit(&self, row: &Row<'_>) -> Result<StoredUnit, Trouble> {
        let glance = Glance::decode(self.blob(row, 1, "glance")?)
            .ok_or_else(|| self.damaged("a glance does not decode"))?;
        Ok(StoredUnit {
            label: row.get(0).map_err(|error| Trouble::of_sqlite(&self.path, &error))?,
            glance,
            plan: self.blob(row, 2, "plan")?.to_vec(),
            problems: self.blob(row, 3, "problems")?.to_vec(),
            costs: row.get_ref(4).ok().and_then(sealed).map(cost::decode).unwrap_or_default(),
        })
    }

    /// Everything that a stored unit's plan was made from.
    pub fn manifest(&self, key: &Digest) -> Result<Option<Manifest>, Trouble> {
        self.ask(|connection| {
            let mut query = connection.prepare("SELECT manifest FROM unit WHERE key = ?1")?;
            query
                .query_row([&key.0[..]], |row| {
                    let manifest = self.blob(row, 0, "manifest").map(Manifest::decode);
                    Ok(manifest
                        .and_then(|found| found.ok_or_else(|| self.damaged("a manifest does not decode"))))
                })
                .optional()
        })?
        .transpose()
    }

    /// What was read in each file of definitions, by logical path. One that is damaged is left out, so that its file
    /// is read again.
    pub fn definitions(&self) -> Result<HashMap<String, StoredReading>, Trouble> {
        self.ask(reading::all)
    }

    /// Median durations in microseconds of the scripts that ran in this phase, by logical path.
    pub fn costs(&self, phase: Phase) -> Result<HashMap<String, u32>, Trouble> {
        self.ask(|connection| cost::of_phase(connection, phase))
    }

    /// The last call of `serelhistory --populate`.
    pub fn populated(&self) -> Result<Option<Populated>, Trouble> {
        let found = self.ask(|connection| {
            let mut query = connection.prepare("SELECT key, boot, tokens, verify, prior FROM populated")?;
            query
                .query_row([], |row| {
                    let tokens = sealed(row.get_ref(2)?).and_then(|bytes| postcard::from_bytes(bytes).ok());
                    Ok(tokens.zip(digest(row.get_ref(0)?)).map(|((started, pairs, last_unit), key)| {
                        Ok(Populated {
                            started,
                            pairs,
                            last_unit,
                            key,
                            verify: row.get(3)?,
                            prior: row.get(4)?,
                            boot: row.get(1)?,
                        })
                    }))
                })
                .optional()
        })?;
        match found {
            None => Ok(None),
            Some(None) => Err(self.damaged("what was populated does not decode")),
            Some(Some(populated)) => {
                populated.map(Some).map_err(|error| Trouble::of_sqlite(&self.path, &error))
            }
        }
    }

    /// The unit that was run or populated last; `boot` is the boot that asks, if it is known.
    pub fn last_unit(&self, boot: Option<&str>) -> Result<Option<LastUnit>, Trouble> {
        let found = self.ask(|connection| {
            let mut query = connection.prepare(
                "SELECT label, plan, boot FROM usage JOIN unit ON unit.id = usage.unit
                 WHERE ran IS NOT NULL ORDER BY ran DESC LIMIT 1",
            )?;
            query
                .query_row([], |row| {
                    let plan = sealed(row.get_ref(1)?).and_then(Plan::decode);
                    Ok((row.get::<_, String>(0)?, plan, row.get::<_, Option<String>>(2)?))
                })
                .optional()
        })?;
        let Some((label, plan, then)) = found else { return Ok(None) };
        let plan = plan.ok_or_else(|| self.damaged("a plan does not decode"))?;
        let mut services: Vec<String> =
            plan.jobs().flat_map(|job| job.provides).map(|id| plan.services[*id].to_owned()).collect();
        services.sort_unstable();
        services.dedup();
        let this_boot = boot.is_some() && then.as_deref() == boot;
        Ok(Some(LastUnit { label, phase: plan.phase, this_boot, services }))
    }

    /// The last `limit` runs, newest first, with their jobs.
    pub fn runs(&self, limit: usize) -> Result<Vec<StoredRun>, Trouble> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.select_runs("ORDER BY run.id DESC LIMIT ?1", limit)
    }

    /// One run.
    pub fn run(&self, id: i64) -> Result<Option<StoredRun>, Trouble> {
        Ok(self.select_runs("WHERE run.id = ?1", id)?.pop())
    }

    fn select_runs(&self, which: &str, value: i64) -> Result<Vec<StoredRun>, Trouble> {
        self.ask(|connection| {
            let mut query = connection.prepare(&format!(
                "SELECT run.id, run.key, run.label, phase, boot, begin_ns, end_ns, cached, why, interrupted, plan
                 FROM run LEFT JOIN unit ON unit.id = run.unit {which}"
            ))?;
            let mut jobs = connection.prepare(
                "SELECT script, name, ready_ns, start_ns, available_ns, end_ns, outcome, status, user_us, system_us,
                 max_rss_kib FROM job WHERE run = ?1 ORDER BY number",
            )?;
            let mut rows = query.query([value])?;
            let mut runs = Vec::new();
            while let Some(row) = rows.next()? {
                let mut run = run(row)?;
                run.row.jobs = jobs.query_map([run.id], job)?.collect::<rusqlite::Result<_>>()?;
                runs.push(run);
            }
            Ok(runs)
        })
    }

    fn ask<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Trouble> {
        ask(&self.connection).map_err(|error| Trouble::of_sqlite(&self.path, &error))
    }

    fn damaged(&self, why: &str) -> Trouble {
        Trouble::damaged(&self.path, why)
    }

    fn blob<'r>(&self, row: &'r Row<'_>, column: usize, what: &str) -> Result<&'r [u8], Trouble> {
        row.get_ref(column)
            .ok()
            .and_then(sealed)
            .ok_or_else(|| self.damaged(&format!("the seal of a {what} is broken")))
    }
}

fn sealed(value: ValueRef<'_>) -> Option<&[u8]> {
    unseal(value.as_blob().ok()?)
}

fn digest(value: ValueRef<'_>) -> Option<Digest> {
    Digest::from_slice(value.as_blob().ok()?)
}

fn run(row: &Row<'_>) -> rusqlite::Result<StoredRun> {
    let word: String = row.get(3)?;
    Ok(StoredRun {
        id: row.get(0)?,
        plan: sealed(row.get_ref(10)?).map(<[u8]>::to_vec),
        row: RunRow {
            key: digest(row.get_ref(1)?).unwrap_or(Digest::ZERO),
            label: row.get(2)?,
            phase: phase_of(&word).unwrap_or(Phase::Start),
            boot: row.get(4)?,
            begin: row::unsigned(row.get(5)?),
            end: row::unsigned(row.get(6)?),
            cached: row.get(7)?,
            why: row.get(8)?,
            interrupted: row.get(9)?,
            jobs: Vec::new(),
        },
    })
}

fn job(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    let time = |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(row::unsigned));
    Ok(JobRow {
        script: row.get(0)?,
        name: row.get(1)?,
        ready: time(2)?,
        start: time(3)?,
        available: time(4)?,
        end: time(5)?,
        outcome: row.get(6)?,
        status: row.get(7)?,
        user_us: row::unsigned(row.get(8)?),
        system_us: row::unsigned(row.get(9)?),
        max_rss_kib: row::unsigned(row.get(10)?),
    })
}
