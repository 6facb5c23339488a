//! Which scripts a command is about: those named, all, and with `-R` whom they require.

use super::scripts::Scripts;
use std::collections::{HashMap, HashSet};

/// The scripts with all that they require, however indirectly: requirements first, the given order kept, each once.
/// One set of visited names and a stack on the heap, so that a diamond is no problem and a long chain none either.
pub fn with_requirements(scripts: Scripts<'_>, names: &[String]) -> Vec<String> {
    let mut seen: HashSet<String> = HashSet::new();
    let mut order = Vec::new();
    for name in names {
        if !seen.insert(name.clone()) {
            continue;
        }
        let mut stack = vec![(name.clone(), open(scripts, name))];
        while let Some((name, left)) = stack.last_mut() {
            match left.pop() {
                Some(next) if seen.insert(next.clone()) => {
                    let below = open(scripts, &next);
                    stack.push((next, below));
                }
                Some(_) => {}
                None => {
                    order.push(std::mem::take(name));
                    stack.pop();
                }
            }
        }
    }
    order
}

/// What a script requires, the first at the end, where it is taken from.
fn open(scripts: Scripts<'_>, name: &str) -> Vec<String> {
    let (required, _) = scripts.requires(name);
    required.into_iter().rev().map(str::to_owned).collect()
}

/// Whom a stop spares: required ones that were not named and that others still need. Takes them out of the set, and
/// returns each with one of those others. `running` are all scripts that run.
pub fn spare(
    scripts: Scripts<'_>,
    named: &[String],
    set: &mut Vec<String>,
    running: &[String],
) -> Vec<(String, String)> {
    let named: HashSet<&str> = named.iter().map(String::as_str).collect();
    let mut inside: HashSet<String> = set.iter().cloned().collect();
    let mut staying: Vec<String> = running.iter().filter(|name| !inside.contains(*name)).cloned().collect();
    let mut spared = Vec::new();
    // Whoever stays keeps what it requires, and that keeps what it requires.
    while let Some(name) = staying.pop() {
        let (required, _) = scripts.requires(&name);
        for needed in required {
            if !named.contains(needed) && inside.remove(needed) {
                spared.push((needed.to_owned(), name.clone()));
                staying.push(needed.to_owned());
            }
        }
    }
    set.retain(|name| inside.contains(name));
    spared.sort_unstable();
    spared
}

/// For each script of a set, those of the set that require it.
pub fn dependents<'n>(scripts: Scripts<'_>, set: &'n [String]) -> HashMap<&'n str, Vec<&'n str>> {
    let own: HashMap<&str, &'n str> = set.iter().map(|name| (name.as_str(), name.as_str())).collect();
    let mut dependents: HashMap<&str, Vec<&str>> = HashMap::new();
    for name in set {
        for needed in scripts.requires(name).0 {
            if let Some(needed) = own.get(needed).filter(|needed| **needed != name) {
                dependents.entry(needed).or_default().push(name);
            }
        }
    }
    dependents
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systemtap::cache::Cache;
    use crate::systemtap::config::Config;
    use crate::systemtap::settings::{Settings, presets};

    fn with<T>(requirements: &[(&str, &str)], test: impl FnOnce(Scripts<'_>) -> T) -> T {
        let names: Vec<(String, &str)> =
            requirements.iter().map(|(name, required)| (format!("{name}_REQ"), *required)).collect();
        let variables = names.iter().map(|(name, required)| (name.as_str(), *required));
        let mut config =
            Config::new(presets().map(|(name, value)| -> (&str, &str) { (name, value) }).chain(variables));
        let settings = Settings::of(&mut config).unwrap();
        let cache = Cache { directory: "/nowhere".into() };
        test(Scripts { config: &config, settings: &settings, cache: &cache })
    }

    fn names(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_diamond_is_walked_once() {
        with(&[("d", "b c"), ("b", "a"), ("c", "a")], |scripts| {
            assert_eq!(with_requirements(scripts, &names("d")), names("a b c d"));
            assert_eq!(with_requirements(scripts, &names("c d a")), names("a c b d"));
            assert_eq!(dependents(scripts, &names("a b c d"))["a"], ["b", "c"]);
        });
        with(&[("a", "b"), ("b", "a c"), ("c", "c")], |scripts| {
            assert_eq!(with_requirements(scripts, &names("a")), names("c b a"));
        });
    }

    #[test]
    fn ten_thousand_in_a_row() {
        let texts: Vec<(String, String)> =
            (1..10_000).map(|at| (format!("s{at}"), format!("s{}", at - 1))).collect();
        let pairs: Vec<(&str, &str)> = texts.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        with(&pairs, |scripts| {
            let all = with_requirements(scripts, &names("s9999"));
            assert_eq!((all.len(), all[0].as_str()), (10_000, "s0"));
            let mut set = all.clone();
            assert_eq!(spare(scripts, &names("s9999"), &mut set, &all), []);
        });
    }

    #[test]
    fn what_others_need_stays() {
        with(&[("b", "a"), ("c", "a"), ("a", "z")], |scripts| {
            let mut set = names("z a b");
            let spared = spare(scripts, &names("b"), &mut set, &names("z a b c"));
            assert_eq!(set, names("b"));
            assert_eq!(spared, [("a".into(), "c".into()), ("z".into(), "a".into())]);
            // Who is named is stopped.
            let mut set = names("z a b");
            assert_eq!(spare(scripts, &names("a b"), &mut set, &names("z a b c")), []);
            let mut set = names("z a b");
            assert_eq!(spare(scripts, &names("b"), &mut set, &names("z a b")), []);
            assert_eq!(set, names("z a b"));
        });
    }
}
