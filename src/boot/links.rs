//! The way of last resort when not even a plan can be had: the links of a runlevel one after another, as a plain rc runs
//! them.
//!
//! No definitions, no graph, no threads: a listing, an order by name, and for each script a process that is waited for.

use super::ledger::Known;
use super::plain::{call, note};
use super::reply::Ended;
use crate::definition::scan::{self, Link};
use crate::log::say;
use crate::model::{Level, Phase};
use crate::root::Root;
use crate::unit;
use std::collections::{BTreeMap, HashSet};
use std::ffi::CString;

/// Where the links of a level are, without links on the way to it.
fn directory(root: &Root, level: Level) -> Option<String> {
    let mut places = unit::directories(level).into_iter().filter_map(|place| root.resolve(&place).ok());
    places.find(|place| root.real(place).is_dir())
}

/// All links of a level.
fn links(root: &Root, level: Level) -> Vec<Link> {
    let entries = directory(root, level).map(|directory| std::fs::read_dir(root.real(&directory)));
    let entries = entries.into_iter().flatten().flatten().flatten();
    let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    scan::links(&names)
}

/// Whether a level has scripts of its own by links.
pub fn has_directory(root: &Root, level: Level) -> bool {
    directory(root, level).is_some()
}

/// Whether a level has links, and none in this phase.
pub(super) fn lack(root: &Root, level: Level, phase: Phase) -> bool {
    let links = links(root, level);
    !links.is_empty() && links.iter().all(|link| link.phase != phase)
}

/// The links of a level in one phase; with a previous one, those that it did not have.
fn wanted(root: &Root, level: Level, previous: Option<Level>, phase: Phase) -> Vec<Link> {
    let mut links = links(root, level);
    // What is stopped and started in one level was stopped on purpose.
    let stopped = links.iter().filter(|link| link.phase == Phase::Stop && phase == Phase::Start);
    let stopped: HashSet<String> = stopped.map(|link| link.name.clone()).collect();
    links.retain(|link| link.phase == phase);
    if let Some(previous) = unit::before(level, previous) {
        let had: HashSet<String> = self::links(root, previous)
            .into_iter()
            .filter(|link| link.phase == phase)
            .map(|link| link.name)
            .collect();
        links.retain(|link| !had.contains(&link.name) || stopped.contains(&link.name));
    }
    links
}

/// Runs them. What is known to be done is not run again.
pub(super) fn run(
    root: &Root,
    (level, previous, phase): (Level, Option<Level>, Phase),
    argument: &str,
    environment: &[CString],
    known: &BTreeMap<String, Known>,
) -> Ended {
    let mut ended = Ended::default();
    let Some(directory) = directory(root, level) else {
        say(format_args!("serelrc: there is no directory with links of level {level}: nothing is run"));
        return ended;
    };
    say(format_args!("serelrc: running the links of {} one by one", root.shown(&directory)));
    for link in wanted(root, level, previous, phase) {
        let path = format!("{directory}/{}", link.file);
        let Ok(script) = scan::script(root, &path) else {
            say(format_args!("serelrc: {} leads nowhere", root.shown(&path)));
            continue;
        };
        if known.get(&script) != Some(&Known::Done) {
            let called = call(&root.real(&script), argument, environment);
            note(&mut ended, &link.name, called, argument == "stop");
        }
    }
    ended
}
