//! The least that a boot can take: its longest chain of scripts, or the work of its processes on all processors.
//!
//! What a script takes is the median of what serel recorded of it in the very boots that are measured, in which others
//! ran beside it; the work is that of the control group, since daemons go on when their scripts have ended.

use crate::machine::Machine;
use crate::support::Times;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

/// The bound of one level.
#[derive(Debug)]
struct Level {
    name: char,
    /// Seconds of the longest chain.
    chain: f64,
    /// Who is in it.
    members: Vec<String>,
    /// Seconds of processor time of all scripts, and of all processes.
    work: (f64, f64),
    /// Seconds that serelrc saw from its first start to its last end: what is left of the level is rc's own.
    run: f64,
}

impl Level {
    fn seconds(&self, processors: f64) -> f64 {
        self.chain.max(self.work.1 / processors)
    }
}

/// The bound of a whole boot.
#[derive(Debug)]
pub(crate) struct Bound {
    levels: Vec<Level>,
    /// How many the machine has.
    processors: f64,
}

impl Bound {
    /// Of all levels, one after the other.
    pub(crate) fn seconds(&self) -> f64 {
        self.levels.iter().map(|level| level.seconds(self.processors)).sum()
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The bound is {:.3} s:", self.seconds())?;
        for level in &self.levels {
            let Level { name, chain, members, work, run } = level;
            let members = members.join(" > ");
            let (scripts, all) = work;
            let shared = all / self.processors;
            writeln!(
                f,
                "level {name}: longest chain {chain:.3} s ({members}); work {all:.3} s, {scripts:.3} s of it the \
                 scripts', shared {shared:.3} s; from the first start to the last end {run:.3} s"
            )?;
        }
        Ok(())
    }
}

/// From what a machine has recorded, and the seconds of processor time of its two levels; it is booted once more.
pub(crate) fn of(machine: &Machine, work: [f64; 2]) -> Bound {
    // A copy, with what SQLite keeps beside it.
    let copy = tempfile::tempdir().expect("a temporary directory");
    for entry in
        fs::read_dir(machine.at("etc/serel")).expect("serel has booted").map(|entry| entry.expect("readable"))
    {
        fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("a copy");
    }
    let mut boot = machine.boot("");
    boot.reached('2');
    let plans =
        ["S", "2"].map(|name| boot.run(&["serelrc", "plan", name, ORDER[0], ORDER[1], "--json"]).json());
    boot.kill();
    from(&copy.path().join("history.db"), &plans, work, available())
}

/// What rc orders by, too: only what is started here.
const ORDER: [&str; 2] = ["--required-start", "order"];

/// From a history, the plans of levels S and 2, and the seconds of processor time of these levels.
pub(crate) fn from(history: &Path, plans: &[Value; 2], work: [f64; 2], processors: f64) -> Bound {
    let recorded = recorded(history);
    let [s, two] = plans;
    let levels = vec![
        level('S', s, &recorded, work[0], run(history, "start S")),
        level('2', two, &recorded, work[1], run(history, "start 2")),
    ];
    Bound { levels, processors }
}

/// Seconds of time and of processor time by path of the script.
type Recorded = BTreeMap<String, (f64, f64)>;

fn recorded(history: &Path) -> Recorded {
    let database = rusqlite::Connection::open(history).expect("a history");
    let query = "SELECT script, job.end_ns - start_ns, user_us + system_us FROM job JOIN run ON run.id = job.run \
                 WHERE start_ns IS NOT NULL AND phase = 'start'";
    let mut statement = database.prepare(query).expect("the tables of a history");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))));
    let mut all: BTreeMap<String, (Times, Times)> = BTreeMap::new();
    for row in rows.expect("a query") {
        let (script, (nanos, micros)): (String, (f64, f64)) = row.expect("a row");
        let (times, work) = all.entry(script).or_default();
        times.add(nanos / 1e9);
        work.add(micros / 1e6);
    }
    all.into_iter().map(|(script, (times, work))| (script, (times.median(), work.median()))).collect()
}

/// What the runs of a unit took, in seconds.
fn run(history: &Path, label: &str) -> f64 {
    let database = rusqlite::Connection::open(history).expect("a history");
    let query = "SELECT end_ns - begin_ns FROM run WHERE label = ?1";
    let mut statement = database.prepare(query).expect("the tables of a history");
    let mut times = Times::default();
    for nanos in statement.query_map([label], |row| row.get::<_, f64>(0)).expect("a query") {
        times.add(nanos.expect("a row") / 1e9);
    }
    times.median()
}

fn level(name: char, plan: &Value, recorded: &Recorded, all: f64, run: f64) -> Level {
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
    let scripts = jobs.iter().map(|job| cost(job).1).sum();
    Level { name, chain, members, work: (scripts, all), run }
}

#[expect(clippy::cast_precision_loss, reason = "a small number")]
fn available() -> f64 {
    std::thread::available_parallelism().map_or(1, usize::from) as f64
}
