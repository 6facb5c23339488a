//! Orders of scripts as sets of pairs (earlier, later), so that two programs' answers can be compared.
//!
//! Two lists of direct edges can differ and mean the same, because an edge that others imply may be left out. Their
//! transitive closures differ only where the orders do.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Pairs of script names, (earlier, later).
pub(crate) type Pairs = BTreeSet<(String, String)>;

/// All pairs that follow from the given ones; `(a, a)` is among them when `a` lies on a circle.
pub(crate) fn closure(pairs: &Pairs) -> Pairs {
    let mut after: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (earlier, later) in pairs {
        after.entry(earlier).or_default().push(later);
    }
    let mut all = Pairs::new();
    for first in after.keys() {
        let mut left = vec![*first];
        let mut seen = BTreeSet::new();
        while let Some(here) = left.pop() {
            for next in after.get(here).into_iter().flatten() {
                if seen.insert(*next) {
                    left.push(next);
                }
            }
        }
        all.extend(seen.into_iter().map(|later| ((*first).to_owned(), later.to_owned())));
    }
    all
}

/// The pairs of which both ends are members.
pub(crate) fn among(members: &[String], pairs: &Pairs) -> Pairs {
    pairs.iter().filter(|(a, b)| members.contains(a) && members.contains(b)).cloned().collect()
}

/// A set of scripts and the order that is stated directly.
#[derive(Debug, Default)]
pub(crate) struct Stated {
    pub(crate) scripts: BTreeSet<String>,
    pub(crate) pairs: Pairs,
}

/// Reads one of insserv's `.depend.*` files: `TARGETS = a b`, `INTERACTIVE = a`, and `b: a` where `a` comes first.
#[track_caller]
pub(crate) fn depend(text: &str) -> Stated {
    let mut stated = Stated::default();
    for line in text.lines() {
        if let Some((keyword, names)) = line.split_once('=') {
            if keyword.trim() == "TARGETS" {
                stated.scripts = names.split_whitespace().map(str::to_owned).collect();
            }
        } else {
            let (later, earlier) = line.split_once(':').unwrap_or_else(|| panic!("no colon in {line:?}"));
            let pairs = earlier.split_whitespace().map(|name| (name.to_owned(), later.to_owned()));
            stated.pairs.extend(pairs);
        }
    }
    stated
}

/// Reads the JSON of `serelrc graph`.
#[track_caller]
pub(crate) fn graph(json: &Value) -> Stated {
    let text = |item: &Value, key: &str| {
        item[key].as_str().unwrap_or_else(|| panic!("no {key} in {item}")).to_owned()
    };
    Stated {
        scripts: items(json, "services").iter().map(|service| text(service, "name")).collect(),
        pairs: items(json, "edges").iter().map(|edge| (text(edge, "before"), text(edge, "after"))).collect(),
    }
}

/// A list of the JSON of `serelrc graph`.
#[track_caller]
pub(crate) fn items<'a>(json: &'a Value, key: &str) -> &'a [Value] {
    json[key].as_array().unwrap_or_else(|| panic!("no list {key:?} in {json}"))
}
