//! Which names a script may have: one rule, wherever a name comes from.
//!
//! The name is a module's name, the beginning of shell variables (`NAME_OPT`) and of file names, so all three decide.

use std::collections::HashMap;

/// The longest name: stap cuts the name of a module to 55 characters, ending included (stap 4.8, `-m`).
pub const LONGEST: usize = 54;

/// Why a word cannot be the name of a script, in words that follow it; `None` when it can.
pub fn fault(name: &str) -> Option<&'static str> {
    let mut bytes = name.bytes();
    let begins = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if !begins || !bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        Some("is not a valid script name (must match [a-zA-Z_][a-zA-Z0-9_]*)")
    } else if name.len() > LONGEST {
        Some(
            "is not a valid script name (longer than 54 characters, which is all that a module's name may have)",
        )
    } else {
        None
    }
}

/// Names that differ from an earlier one in upper and lower case only, with that one: stap makes no difference
/// between the two, so they would be one module.
pub fn collisions<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<(&'n str, &'n str)> {
    let mut known: HashMap<String, &str> = HashMap::new();
    let mut found = Vec::new();
    for name in names {
        match known.entry(name.to_ascii_lowercase()) {
            std::collections::hash_map::Entry::Occupied(first) if *first.get() != name => {
                found.push((name, *first.get()));
            }
            std::collections::hash_map::Entry::Occupied(_) => {}
            std::collections::hash_map::Entry::Vacant(free) => _ = free.insert(name),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_variables_and_modules() {
        for good in ["a", "_", "Script_1", &"x".repeat(54)] {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in ["", "1a", "a-b", "a.b", "../evil", "a/b", "a b", "\u{e4}", "a\n", "-a", &"x".repeat(55)] {
            assert!(fault(bad).is_some(), "{bad:?}");
        }
        assert_eq!(collisions(["one", "two", "One", "one"]), [("One", "one")]);
    }
}
