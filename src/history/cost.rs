//! What a job usually takes: the median of its last successful runs, worked out when a run is saved.
//!
//! A boot must not pay for statistics: joining ten recorded runs of 300 jobs takes longer than the rest of a warm start.
//! So each script keeps its last few durations, and each unit its jobs' medians, ready to be used as they are.

use super::row::{JobRow, RunRow, phase_word};
use super::seal::{seal, unseal};
use crate::model::Phase;
use crate::plan::Plan;
use rusqlite::{Connection, OptionalExtension, Result, Transaction, params};
use std::collections::HashMap;

/// Durations kept of each script. Odd, so that the median is one of them; few, so that a new disk is soon believed.
pub(super) const SAMPLES: usize = 11;

/// Stored medians of a unit: little-endian u32.
pub(super) fn decode(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|four| u32::from_le_bytes(std::array::from_fn(|i| four[i]))).collect()
}

fn encode(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// The median; of an even number the lower of the two in the middle; 0 of none.
fn median(samples: &[u32]) -> u32 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len().saturating_sub(1) / 2).copied().unwrap_or(0)
}

/// Medians of one phase by script.
pub(super) fn of_phase(connection: &Connection, phase: Phase) -> Result<HashMap<String, u32>> {
    let mut query = connection.prepare("SELECT script, micros FROM cost WHERE phase = ?1")?;
    query.query_map([phase_word(phase)], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

/// Adds the successful jobs of a run to what is known of their scripts.
pub(super) fn learn(transaction: &Transaction<'_>, id: i64, run: &RunRow) -> Result<()> {
    let phase = phase_word(run.phase);
    let mut known = transaction.prepare("SELECT samples FROM cost WHERE phase = ?1 AND script = ?2")?;
    let mut store = transaction.prepare(
        "INSERT OR REPLACE INTO cost (phase, script, micros, run, samples) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for job in run.jobs.iter().filter(|job| job.outcome == JobRow::DONE) {
        let Some(micros) = job.micros() else { continue };
        let stored: Option<Vec<u8>> =
            known.query_row(params![phase, job.script], |row| row.get(0)).optional()?;
        let mut samples = stored.as_deref().and_then(unseal).map(decode).unwrap_or_default();
        samples.push(micros);
        samples.drain(..samples.len().saturating_sub(SAMPLES));
        store.execute(params![phase, job.script, median(&samples), id, seal(encode(&samples))])?;
    }
    Ok(())
}

/// Lays the medians out in the order of a unit's jobs. A plan that does not decode has none.
pub(super) fn lay_out(transaction: &Transaction<'_>, plan: &[u8]) -> Result<Vec<u8>> {
    let Some(plan) = Plan::decode(plan) else { return Ok(seal(Vec::new())) };
    let known = of_phase(transaction, plan.phase)?;
    let costs: Vec<u32> = plan.jobs().map(|job| known.get(job.script).copied().unwrap_or(0)).collect();
    Ok(seal(encode(&costs)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_one_of_the_samples() {
        assert_eq!(median(&[]), 0);
        assert_eq!(median(&[7]), 7);
        assert_eq!(median(&[9, 1]), 1);
        assert_eq!(median(&[9, 1, 5]), 5);
        assert_eq!(decode(&encode(&[1, u32::MAX])), [1, u32::MAX]);
    }
}
