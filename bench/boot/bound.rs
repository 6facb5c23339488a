//! The least that a boot can take: its longest chain of scripts, or all their work on all processors.
//!
//! From what serel records of each script when it runs one at a time, so that no script's time has another's in it. Of
//! several boots the least counts. What the daemons do after their scripts have ended is not in it.

use crate::machine::Machine;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;

/// The bound of one level.
#[derive(Debug)]
struct Level {
    name: char,
    /// Seconds of the longest chain.
    chain: f64,
    /// Who is in it.
    members: Vec<String>,
    /// Seconds of processor time of all scripts.
    work: f64,
}

impl Level {
    fn seconds(&self) -> f64 {
        self.chain.max(self.work / processors())
    }
}

/// The bound of a whole boot.
#[derive(Debug)]
pub(crate) struct Bound {
    levels: Vec<Level>,
}

impl Bound {
    /// Of all levels, one after the other.
    pub(crate) fn seconds(&self) -> f64 {
        self.levels.iter().map(Level::seconds).sum()
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The bound is {:.3} s:", self.seconds())?;
        for level in &self.levels {
            let Level { name, chain, members, work } = level;
            let members = members.join(" > ");
            let shared = work / processors();
            writeln!(
                f,
                "level {name}: longest chain {chain:.3} s ({members}); work {work:.3} s, shared {shared:.3} s"
            )?;
        }
        Ok(())
    }
}

/// Boots a machine with serel so many times, one script at a time, and reads what was recorded.
pub(crate) fn of(machine: &Machine, boots: usize) -> Bound {
    machine.text("etc/default/serel", "SEREL_RUNLEVELS=\"S 2 3 4 5\"\nSEREL_OPTIONS=\"--serial\"\n", 0o644);
    let _ = fs::remove_dir_all(machine.at("etc/serel"));
    let mut plans = Vec::new();
    for _ in 0..boots {
        let mut boot = machine.boot("");
        boot.reached('2');
        plans = ['S', '2']
            .map(|level| {
                (
                    level,
                    boot.run(&["serelrc", "plan", &level.to_string(), "--required-start", "order", "--json"])
                        .json(),
                )
            })
            .into();
        boot.kill();
    }
    let recorded = recorded(machine);
    Bound { levels: plans.iter().map(|(name, plan)| level(*name, plan, &recorded)).collect() }
}

/// Seconds of time and of processor time by path of the script.
type Recorded = BTreeMap<String, (f64, f64)>;

fn recorded(machine: &Machine) -> Recorded {
    // A copy, with what SQLite keeps beside it.
    let copy = tempfile::tempdir().expect("a temporary directory");
    for entry in
        fs::read_dir(machine.at("etc/serel")).expect("serel has booted").map(|entry| entry.expect("readable"))
    {
        fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("a copy");
    }
    let database = rusqlite::Connection::open(copy.path().join("history.db")).expect("a history");
    let query = "SELECT script, min(end_ns - start_ns), min(user_us + system_us) FROM job \
                 WHERE start_ns IS NOT NULL GROUP BY script";
    let mut statement = database.prepare(query).expect("the tables of a history");
    let rows = statement.query_map([], |row| {
        let (nanos, micros): (f64, f64) = (row.get(1)?, row.get(2)?);
        Ok((row.get(0)?, (nanos / 1e9, micros / 1e6)))
    });
    rows.expect("a query").map(|row| row.expect("a row")).collect()
}

fn level(name: char, plan: &Value, recorded: &Recorded) -> Level {
    let jobs = plan["jobs"].as_array().expect("a list of jobs");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let by_name: BTreeMap<String, &Value> = jobs.iter().map(|job| (text(&job["name"]), job)).collect();
    let cost = |job: &Value| {
        let path = text(&job["path"]);
        *recorded.get(&path).unwrap_or_else(|| panic!("nothing is recorded of {path}"))
    };
    // The end of each job at the earliest, and who came right before it. Jobs with known predecessors first, until all are
    // done: there are few.
    let mut ends: BTreeMap<String, (f64, Option<String>)> = BTreeMap::new();
    while ends.len() < by_name.len() {
        let before = ends.len();
        for (name, job) in &by_name {
            let predecessors: Vec<String> =
                job["predecessors"].as_array().expect("a list").iter().map(text).collect();
            if ends.contains_key(name) || !predecessors.iter().all(|known| ends.contains_key(known)) {
                continue;
            }
            let last = predecessors.into_iter().max_by(|a, b| ends[a].0.total_cmp(&ends[b].0));
            let begin = last.as_ref().map_or(0.0, |last| ends[last].0);
            ends.insert(name.clone(), (begin + cost(job).0, last));
        }
        assert!(ends.len() > before, "the plan of level {name} has a circle");
    }
    let mut members = Vec::new();
    let mut at = ends.iter().max_by(|a, b| a.1.0.total_cmp(&b.1.0)).map(|(name, _)| name.clone());
    let chain = at.as_ref().map_or(0.0, |last| ends[last].0);
    while let Some(name) = at {
        at = ends[&name].1.clone();
        members.insert(0, name);
    }
    Level { name, chain, members, work: jobs.iter().map(|job| cost(job).1).sum() }
}

#[expect(clippy::cast_precision_loss, reason = "a small number")]
fn processors() -> f64 {
    std::thread::available_parallelism().map_or(1, usize::from) as f64
}
