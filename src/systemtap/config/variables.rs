//! The one name space of all configuration files: what is set later sees, and may append to, what was set before.

use super::syntax::Assignment;
use super::word::{Piece, Refusal};
use crate::model::Place;
use std::collections::{HashMap, HashSet};

/// Longest value in bytes: what fits into one argument of a program (Linux, `MAX_ARG_STRLEN`). It also keeps a value
/// that doubles itself from taking all memory.
const LONGEST: usize = 128 * 1024 - 1;

/// A variable that has been set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its value.
    pub value: String,
    /// The file in which it was set last; an index into the list of files.
    pub file: usize,
    /// Where in it.
    pub at: Place,
}

/// All variables.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables {
    set: HashMap<String, Variable>,
}

impl Variables {
    /// One of them.
    pub(super) fn get(&self, name: &str) -> Option<&Variable> {
        self.set.get(name)
    }

    /// Gives a variable a value that no file has set.
    pub(super) fn preset(&mut self, name: &str, value: &str) {
        let variable = Variable { value: value.to_owned(), file: usize::MAX, at: Place::default() };
        self.set.insert(name.to_owned(), variable);
    }

    /// Carries out the assignments of a file, all or none of them. Returns the names that were used though nobody has
    /// set them, each with the first assignment that does.
    pub(super) fn assign(
        &mut self,
        file: usize,
        assignments: &[Assignment],
    ) -> Result<Vec<(String, Place)>, Refusal> {
        let mut missing = Vec::new();
        let mut known: HashSet<&str> = HashSet::new();
        let mut before: Vec<(&str, Option<Variable>)> = Vec::new();
        for assignment in assignments {
            let mut value = String::new();
            if assignment.append {
                value.push_str(self.value(&assignment.name));
            }
            let mut used = Vec::new();
            let fits = self.expand(&assignment.word, &mut value, &mut used);
            let new = used.into_iter().filter(|name| known.insert(name));
            missing.extend(new.map(|name| (name.to_owned(), assignment.at)));
            if !fits {
                for (name, old) in before.into_iter().rev() {
                    match old {
                        Some(old) => _ = self.set.insert(name.to_owned(), old),
                        None => _ = self.set.remove(name),
                    }
                }
                return Err(Refusal {
                    at: assignment.at,
                    width: assignment.name.len(),
                    text: format!("the value of `{}` is longer than {LONGEST} bytes", assignment.name),
                    help: "no program could be given that much: does it append to itself too often?",
                });
            }
            let variable = Variable { value, file, at: assignment.at };
            before.push((&assignment.name, self.set.insert(assignment.name.clone(), variable)));
        }
        Ok(missing)
    }

    fn value(&self, name: &str) -> &str {
        self.set.get(name).map_or("", |variable| &variable.value)
    }

    /// Appends what the pieces of a word stand for, and to `missing` the names that are not set. False when that is too
    /// long. As deep as braces may be.
    fn expand<'w>(&self, word: &'w [Piece], out: &mut String, missing: &mut Vec<&'w str>) -> bool {
        word.iter().all(|piece| {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Variable { name, other: None } => match self.set.get(name) {
                    Some(variable) => out.push_str(&variable.value),
                    None => missing.push(name),
                },
                Piece::Variable { name, other: Some(other) } => {
                    let value = self.set.get(name).map(|variable| variable.value.as_str());
                    let set = value.filter(|value| !(other.empty_is_unset && value.is_empty()));
                    match (set, other.when_set) {
                        (Some(_), true) | (None, false) => return self.expand(&other.word, out, missing),
                        (Some(value), false) => out.push_str(value),
                        (None, true) => {}
                    }
                }
            }
            out.len() <= LONGEST
        })
    }
}
