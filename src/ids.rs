//! Identifiers and the vectors that they index, so that a graph is a few plain arrays.
//!
//! Ids are `u32` newtypes: copying one is free, and an id of one kind cannot index a vector of another.

use serde::{Deserialize, Serialize};
use std::marker::PhantomData;

/// A typed index into an [`IdVec`].
pub trait Id: Copy + Eq {
    /// The position in the vector.
    fn index(self) -> usize;
    /// The id of a position.
    fn from_index(index: usize) -> Self;
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u32);

        impl Id for $name {
            fn index(self) -> usize {
                self.0 as usize
            }
            fn from_index(index: usize) -> Self {
                Self(place(index))
            }
        }
    };
}

id!(
    /// A service name of a plan or of a registry.
    ServiceId
);
id!(
    /// A job: one run of one script in a plan.
    JobId
);
id!(
    /// A call that waits for a service.
    CallId
);

/// A vector indexed by one kind of id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdVec<I, T> {
    items: Vec<T>,
    #[serde(skip)]
    of: PhantomData<fn(I)>,
}

impl<I: Id, T> IdVec<I, T> {
    /// An empty vector.
    pub fn new() -> Self {
        Self { items: Vec::new(), of: PhantomData }
    }

    /// Appends and returns the new id.
    pub fn push(&mut self, item: T) -> I {
        self.items.push(item);
        I::from_index(self.items.len() - 1)
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// All ids in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + use<I, T> {
        (0..self.items.len()).map(I::from_index)
    }

    /// All items in order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// Takes all items out.
    pub fn drain(&mut self) -> std::vec::Drain<'_, T> {
        self.items.drain(..)
    }

    /// Ids with their items.
    pub fn enumerate(&self) -> impl Iterator<Item = (I, &T)> {
        self.items.iter().enumerate().map(|(i, item)| (I::from_index(i), item))
    }

    /// The item of an id that may come from outside.
    pub fn get(&self, id: I) -> Option<&T> {
        self.items.get(id.index())
    }
}

impl<'v, I: Id, T> IntoIterator for &'v IdVec<I, T> {
    type Item = &'v T;
    type IntoIter = std::slice::Iter<'v, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<I: Id, T> Default for IdVec<I, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I: Id, T> From<Vec<T>> for IdVec<I, T> {
    fn from(items: Vec<T>) -> Self {
        Self { items, of: PhantomData }
    }
}

impl<I: Id, T> FromIterator<T> for IdVec<I, T> {
    fn from_iter<It: IntoIterator<Item = T>>(iter: It) -> Self {
        iter.into_iter().collect::<Vec<T>>().into()
    }
}

impl<I: Id, T> std::ops::Index<I> for IdVec<I, T> {
    type Output = T;
    fn index(&self, id: I) -> &T {
        &self.items[id.index()]
    }
}

impl<I: Id, T> std::ops::IndexMut<I> for IdVec<I, T> {
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.items[id.index()]
    }
}

/// A position among all items.
fn place(length: usize) -> u32 {
    u32::try_from(length).expect("BUG: more than 2^32 of anything was refused when it was read")
}

/// Many short lists, one for each id, in two arrays: two allocations, whatever their number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lists<I, T> {
    /// Where each list ends among the items; it begins where the one before ends.
    ends: Vec<u32>,
    items: Vec<T>,
    #[serde(skip)]
    of: PhantomData<fn(I)>,
}

impl<I, T> Default for Lists<I, T> {
    fn default() -> Self {
        Self { ends: Vec::new(), items: Vec::new(), of: PhantomData }
    }
}

impl<I: Id, T: Copy> Lists<I, T> {
    /// No lists yet, with room for some.
    pub fn with_capacity(lists: usize, items: usize) -> Self {
        Self { ends: Vec::with_capacity(lists), items: Vec::with_capacity(items), of: PhantomData }
    }

    /// Puts an item at the end of the list that is being made.
    pub fn add(&mut self, item: T) {
        self.items.push(item);
    }

    /// Ends the list that is being made; the next one begins.
    pub fn close(&mut self) -> I {
        self.ends.push(place(self.items.len()));
        I::from_index(self.ends.len() - 1)
    }

    /// Appends a whole list.
    pub fn push(&mut self, list: &[T]) -> I {
        self.items.extend_from_slice(list);
        self.close()
    }

    /// Of pairs in any order: each list has the items of its id in the order in which they are given. `pairs` is
    /// called twice, to count and to fill; it must give the same pairs, with ids below `lists`.
    pub fn of_pairs<P: Iterator<Item = (I, T)>>(lists: usize, blank: T, pairs: impl Fn() -> P) -> Self {
        let mut ends = vec![0_u32; lists];
        for (id, _) in pairs() {
            ends[id.index()] += 1;
        }
        // From lengths to beginnings, which filling then moves on to the ends.
        let mut total = 0;
        for end in &mut ends {
            total += std::mem::replace(end, total);
        }
        let mut items = vec![blank; total as usize];
        for (id, item) in pairs() {
            let end = &mut ends[id.index()];
            items[*end as usize] = item;
            *end += 1;
        }
        Self { ends, items, of: PhantomData }
    }

    /// Number of lists.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All items of all lists.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// Whether what was deserialized can be indexed.
    pub fn is_sound(&self) -> bool {
        self.ends.is_sorted() && self.ends.last().is_none_or(|end| *end as usize <= self.items.len())
    }

    /// The list of an id that may come from outside.
    pub fn get(&self, id: I) -> Option<&[T]> {
        (id.index() < self.ends.len()).then(|| &self[id])
    }

    /// All lists in order.
    pub fn iter(&self) -> impl Iterator<Item = &[T]> {
        (0..self.ends.len()).map(|index| &self[I::from_index(index)])
    }

    /// Ids with their lists.
    pub fn enumerate(&self) -> impl Iterator<Item = (I, &[T])> {
        self.iter().enumerate().map(|(index, list)| (I::from_index(index), list))
    }
}

impl<I: Id, T> std::ops::Index<I> for Lists<I, T> {
    type Output = [T];
    fn index(&self, id: I) -> &[T] {
        let start = id.index().checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.items[start..self.ends[id.index()] as usize]
    }
}

/// Many short texts, one for each id, in two arrays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts<I> {
    ends: Vec<u32>,
    text: String,
    #[serde(skip)]
    of: PhantomData<fn(I)>,
}

impl<I: Id> Texts<I> {
    /// Appends and returns the new id.
    pub fn push(&mut self, text: &str) -> I {
        self.text.push_str(text);
        self.ends.push(place(self.text.len()));
        I::from_index(self.ends.len() - 1)
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All ids in order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = I> + ExactSizeIterator + use<I> {
        (0..self.ends.len()).map(I::from_index)
    }

    /// All texts in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.ids().map(|id| &self[id])
    }

    /// The text of an id that may come from outside.
    pub fn get(&self, id: I) -> Option<&str> {
        (id.index() < self.ends.len()).then(|| &self[id])
    }

    /// Whether what was deserialized can be indexed.
    pub fn is_sound(&self) -> bool {
        let mut start = 0;
        self.ends.iter().all(|end| {
            let end = *end as usize;
            let fits = start <= end && self.text.is_char_boundary(end);
            start = end;
            fits
        })
    }
}

impl<I> Default for Texts<I> {
    fn default() -> Self {
        Self { ends: Vec::new(), text: String::new(), of: PhantomData }
    }
}

impl<I: Id> std::ops::Index<I> for Texts<I> {
    type Output = str;
    fn index(&self, id: I) -> &str {
        let start = id.index().checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.text[start..self.ends[id.index()] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_keep_their_items_apart_and_in_order() {
        let pairs = [(JobId(2), 'a'), (JobId(0), 'b'), (JobId(2), 'c')];
        let lists: Lists<JobId, char> = Lists::of_pairs(4, ' ', || pairs.iter().copied());
        let all: Vec<&[char]> = lists.iter().collect();
        assert_eq!(all, [&['b'][..], &[], &['a', 'c'], &[]]);
        let mut made = Lists::with_capacity(1, 1);
        made.add('b');
        made.close();
        made.close();
        made.add('a');
        made.add('c');
        made.close();
        assert_eq!(made.close(), JobId(3));
        assert_eq!(made, lists);
    }

    #[test]
    fn texts_keep_their_ends_and_unsound_ones_are_told() {
        let mut texts: Texts<JobId> = Texts::default();
        for text in ["a", "", "äö"] {
            texts.push(text);
        }
        assert_eq!(texts.iter().collect::<Vec<_>>(), ["a", "", "äö"]);
        assert!(texts.is_sound());
        for ends in [vec![2, 1], vec![9], vec![1, 1, 2]] {
            assert!(!Texts { ends, ..texts.clone() }.is_sound());
        }
    }
}
