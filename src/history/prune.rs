//! Forgets by count, never by age: the clock may be wrong, and a machine that boots once a year learns too.

use rusqlite::{Result, Transaction};

/// Units kept: every runlevel both ways, and a few that were asked for by hand. The least recently used goes first.
pub const MOST_UNITS: u32 = 32;

/// Runs kept, of all units together: some twenty boots with their shutdowns.
pub const MOST_RUNS: u32 = 64;

/// Runs of one unit that stay however many others were run since.
const LEAST_RUNS: u32 = 4;

/// Deletes what is too much. Plans that were replaced stay as long as a recorded run, or the question of what was
/// last started, refers to them.
pub(super) fn prune(transaction: &Transaction<'_>) -> Result<()> {
    // Both count up, units by one use each at least: before as many there cannot be too much of anything.
    let counts = "SELECT coalesce((SELECT max(used) FROM usage), 0), coalesce((SELECT max(id) FROM run), 0)";
    let (uses, runs): (u32, u32) = transaction.query_row(counts, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if uses <= MOST_UNITS && runs <= MOST_RUNS {
        return Ok(());
    }
    transaction.execute(
        "DELETE FROM run WHERE id <= (SELECT max(id) FROM run) - ?1 AND id NOT IN (
           SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY label ORDER BY id DESC) AS place FROM run)
           WHERE place <= ?2)",
        [MOST_RUNS, LEAST_RUNS],
    )?;
    transaction.execute("DELETE FROM cost WHERE run < (SELECT min(id) FROM run)", [])?;
    transaction.execute(
        "DELETE FROM unit WHERE key IS NOT NULL AND id NOT IN (
           SELECT unit FROM usage JOIN unit ON unit.id = usage.unit WHERE key IS NOT NULL
           ORDER BY used DESC LIMIT ?1)",
        [MOST_UNITS],
    )?;
    transaction.execute(
        "DELETE FROM unit WHERE key IS NULL
           AND id NOT IN (SELECT unit FROM run WHERE unit IS NOT NULL)
           AND id NOT IN (SELECT unit FROM usage WHERE ran IS NOT NULL ORDER BY ran DESC LIMIT 1)",
        [],
    )?;
    Ok(())
}
