//! `status`: a line for each script, and, new, whom it requires.

use super::{NOT_RUNNING, OK, print, start};
use crate::systemtap::select::with_requirements;
use crate::systemtap::service::Service;
use crate::systemtap::status::State;
use serde::Serialize;
use std::collections::HashSet;

/// How deep a tree is printed; more says nothing to anybody.
const DEEPEST: usize = 64;

#[derive(Serialize)]
struct Document<'a> {
    kernel: &'a str,
    scripts: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    state: &'static str,
    pid: Option<i32>,
    runtime: crate::systemtap::settings::Runtime,
    requires: Vec<&'a str>,
    source: String,
    cached: bool,
}

/// Does it.
pub fn status(service: &Service<'_>) -> u8 {
    let names = names(service);
    let state = service.states();
    if service.call.json {
        print(&json(service, &names, &state));
    } else if names.is_empty() {
        print("No systemtap scripts are present\n");
    } else if service.call.tree {
        print(&tree(service, &names, &state));
    } else {
        print(&lines(service, &names, &state));
    }
    of(&names, &state)
}

/// The exit code alone.
pub fn code(service: &Service<'_>) -> u8 {
    of(&names(service), &service.states())
}

/// 0 if any runs, else that of the last; 3 without any.
fn of(names: &[String], state: &impl Fn(&str) -> State) -> u8 {
    let codes: Vec<u8> = names.iter().map(|name| state(name).code()).collect();
    if codes.contains(&OK) { OK } else { codes.last().copied().unwrap_or(NOT_RUNNING) }
}

/// Those named, or all scripts, and those that run without a source any more.
fn names(service: &Service<'_>) -> Vec<String> {
    if !service.call.names.is_empty() {
        return service.call.names.clone();
    }
    let mut names = start::all(service);
    names.extend(service.status.names());
    names.sort_unstable();
    names.dedup();
    names
}

fn lines(service: &Service<'_>, names: &[String], state: &impl Fn(&str) -> State) -> String {
    let mut text = String::new();
    for name in names {
        text += &format!("{}\n", state(name).line(name));
        let (required, _) = service.scripts().requires(name);
        if !required.is_empty() {
            text += &format!("  requires: {}\n", required.join(" "));
        }
    }
    text
}

/// Each script below those that require it; those that nobody requires come first.
fn tree(service: &Service<'_>, names: &[String], state: &impl Fn(&str) -> State) -> String {
    let scripts = service.scripts();
    let all = with_requirements(scripts, names);
    let needed: HashSet<&str> = all.iter().flat_map(|name| scripts.requires(name).0).collect();
    let mut text = String::new();
    let mut told: HashSet<&str> = HashSet::new();
    let roots = names.iter().filter(|name| !needed.contains(name.as_str()));
    for root in roots.chain(names) {
        if told.contains(root.as_str()) {
            continue;
        }
        let mut stack = vec![(root.as_str(), 0)];
        while let Some((name, depth)) = stack.pop() {
            let first = told.insert(name);
            let (required, _) = scripts.requires(name);
            let more = if first || required.is_empty() { "" } else { " (see above)" };
            text += &format!("{}{}{more}\n", "  ".repeat(depth), state(name).line(name));
            if first && depth < DEEPEST {
                stack.extend(required.into_iter().rev().map(|name| (name, depth + 1)));
            }
        }
    }
    text
}

fn json(service: &Service<'_>, names: &[String], state: &impl Fn(&str) -> State) -> String {
    let scripts = service.scripts();
    let entries = names.iter().map(|name| {
        let (state, script) = (state(name), scripts.get(name));
        let pid = match state {
            State::Running(pid) => pid,
            State::Unread(pid) => Some(pid),
            _ => None,
        };
        Entry {
            name,
            state: state.word(),
            pid,
            runtime: script.runtime,
            requires: scripts.requires(name).0,
            source: script.source.display().to_string(),
            cached: service.cache.object(name, script.runtime).exists(),
        }
    });
    let document = Document { kernel: &service.kernel.release, scripts: entries.collect() };
    serde_json::to_string_pretty(&document).expect("BUG: names and numbers are always JSON") + "\n"
}
