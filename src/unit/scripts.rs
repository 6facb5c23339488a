//! Scripts with their definitions, by path: one sorted list, since it is filled once, in order.

use crate::model::Definition;

/// Definitions by the logical path of their script.
#[derive(Debug, Default)]
pub(super) struct Scripts(Vec<Definition>);

impl Scripts {
    /// Room for so many.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// Adds one; its script must come after those that are there.
    pub(super) fn push(&mut self, definition: Definition) {
        let in_order = self.0.last().is_none_or(|last| last.script < definition.script);
        debug_assert!(in_order, "BUG: {} is out of order", definition.script);
        self.0.push(definition);
    }

    /// The definition of a script.
    pub(super) fn get(&self, path: &str) -> Option<&Definition> {
        let place = self.0.binary_search_by(|known| known.script.as_str().cmp(path)).ok()?;
        self.0.get(place)
    }

    /// Whether there is such a script.
    pub(super) fn contains(&self, path: &str) -> bool {
        self.get(path).is_some()
    }

    /// All definitions, in the order of their paths.
    pub(super) fn values(&self) -> impl Iterator<Item = &Definition> {
        self.0.iter()
    }

    /// All, to be changed; which script it is about may not.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Definition> {
        self.0.iter_mut()
    }
}
