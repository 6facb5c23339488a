//! The graph itself: scripts, services, edges, problems; and the order that the edges allow.
//!
//! Nodes keep the given order, and a node's id is the id of its job in the plan.

use super::Edge;
use crate::definition::diagnostic::{Diagnostic, Severity};
use crate::model::{Definition, Id, IdVec, JobId, Level, Levels, Phase, ServiceId};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// One script of the unit.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    /// What it is called.
    pub name: &'a str,
    /// The script, as a logical path.
    pub script: &'a str,
    /// What is known of it.
    pub definition: &'a Definition,
    /// The services that it provides, first the primary one, each once.
    pub provides: Vec<ServiceId>,
    /// Needs the console for itself.
    pub interactive: bool,
    /// Has no definition: runs after all others.
    pub unknown: bool,
    /// The levels in which it runs; `None` is "with everyone".
    pub levels: Option<Levels>,
}

impl Node<'_> {
    /// Whether both run in one level.
    pub fn meets(&self, other: &Node) -> bool {
        match (self.levels, other.levels) {
            (Some(mine), Some(theirs)) => !mine.shared(theirs).is_empty(),
            (Some(levels), None) | (None, Some(levels)) => !levels.is_empty(),
            (None, None) => true,
        }
    }

    /// Whether it runs in the level.
    pub(super) fn runs_in(&self, level: Level) -> bool {
        self.levels.is_none_or(|levels| levels.contains(level))
    }
}

/// The verified graph of a unit.
#[derive(Debug)]
pub struct Graph<'a> {
    /// Start or stop.
    pub phase: Phase,
    /// The scripts in the given order.
    pub nodes: IdVec<JobId, Node<'a>>,
    /// The names that they provide.
    pub services: IdVec<ServiceId, &'a str>,
    /// Who provides each name, in the given order.
    pub providers: IdVec<ServiceId, Vec<JobId>>,
    /// All edges, those given up too; sorted by `after`, then `before`, then service; at most one for each such
    /// three.
    pub edges: Vec<Edge>,
    /// What is wrong, in the order in which it was found.
    pub problems: Vec<Diagnostic>,
}

impl Graph<'_> {
    /// The edges that hold.
    pub fn standing(&self) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(|edge| edge.stands())
    }

    /// Whether the unit may run in parallel: no problem is an error.
    pub fn is_valid(&self) -> bool {
        self.problems.iter().all(|problem| problem.severity < Severity::Error)
    }

    /// An order that all standing edges allow; where they leave a choice, the given order.
    pub fn order(&self) -> Vec<JobId> {
        let arcs: Vec<(u32, u32)> = self.standing().map(|edge| (edge.before.0, edge.after.0)).collect();
        sort(self.nodes.len(), &arcs).into_iter().map(JobId).collect()
    }
}

/// Who comes after whom, as one array and where each one's part of it begins.
pub(super) struct Followers {
    begin: Vec<usize>,
    /// Position of an arc in the input, and its end.
    to: Vec<(u32, u32)>,
}

impl Followers {
    /// Groups arcs by their beginning; each keeps its place among its like.
    pub(super) fn new(count: usize, arcs: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let mut begin = vec![0; count + 1];
        for (from, _) in arcs.clone() {
            begin[from as usize + 1] += 1;
        }
        for at in 0..count {
            begin[at + 1] += begin[at];
        }
        let mut next = begin.clone();
        let mut to = vec![(0, 0); begin[count]];
        for (arc, (from, end)) in (0..).zip(arcs) {
            to[next[from as usize]] = (arc, end);
            next[from as usize] += 1;
        }
        Self { begin, to }
    }

    /// The arcs that begin at a node: position and end.
    pub(super) fn of(&self, from: u32) -> &[(u32, u32)] {
        &self.to[self.begin[from as usize]..self.begin[from as usize + 1]]
    }
}

/// The topological order with the smallest numbers first (Kahn 1962, with a heap). What stands in a circle, or
/// after one, is left out.
pub(super) fn sort(count: usize, arcs: &[(u32, u32)]) -> Vec<u32> {
    let followers = Followers::new(count, arcs.iter().copied());
    let mut waits = vec![0_u32; count];
    for (_, after) in arcs {
        waits[*after as usize] += 1;
    }
    let first = (0..).zip(&waits).filter(|(_, waits)| **waits == 0);
    let mut ready: BinaryHeap<Reverse<u32>> = first.map(|(node, _)| Reverse(node)).collect();
    let mut order = Vec::with_capacity(count);
    while let Some(Reverse(node)) = ready.pop() {
        order.push(node);
        for (_, after) in followers.of(node) {
            waits[*after as usize] -= 1;
            if waits[*after as usize] == 0 {
                ready.push(Reverse(*after));
            }
        }
    }
    order
}

/// A flag for each id, cleared in one step by moving on to the next round.
pub(super) struct Marks {
    rounds: Vec<u32>,
    round: u32,
}

impl Marks {
    /// No mark on any of `count` ids.
    pub(super) fn new(count: usize) -> Self {
        Self { rounds: vec![0; count], round: 1 }
    }

    /// Clears all.
    pub(super) fn clear(&mut self) {
        self.round += 1;
    }

    /// Sets a mark; true when it was not there.
    pub(super) fn insert(&mut self, id: impl Id) -> bool {
        std::mem::replace(&mut self.rounds[id.index()], self.round) != self.round
    }

    /// Whether the mark is there.
    pub(super) fn contains(&self, id: impl Id) -> bool {
        self.rounds[id.index()] == self.round
    }
}
