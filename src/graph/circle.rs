//! Circles: which nodes are tangled with each other, and the shortest way around.
//!
//! Nodes and arcs are plain numbers here. This is the only file that names petgraph; its Kosaraju is the iterative
//! one of its two algorithms for strong components.

use super::shape::Followers;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;

/// An arc: from, to.
pub(super) type Arc = (u32, u32);

/// Arcs by the strong component that they are inside of, for each component of two nodes or more. Components come
/// by their smallest node, arcs in the given order.
pub(super) fn knots(arcs: &[Arc]) -> Vec<Vec<u32>> {
    let graph: DiGraph<(), (), u32> = DiGraph::from_edges(arcs);
    let mut components = kosaraju_scc(&graph);
    components.retain(|nodes| nodes.len() > 1);
    components.sort_by_key(|nodes| nodes.iter().min().copied());
    let mut of = vec![usize::MAX; graph.node_count()];
    for (at, nodes) in components.iter().enumerate() {
        for node in nodes {
            of[node.index()] = at;
        }
    }
    let mut inside = vec![Vec::new(); components.len()];
    for (arc, (from, to)) in (0..).zip(arcs) {
        let at = of[*from as usize];
        if at != usize::MAX && at == of[*to as usize] {
            inside[at].push(arc);
        }
    }
    inside
}

/// The shortest circle among the arcs of one strong component: positions of its arcs, each beginning where the one
/// before ends. No arc may begin and end at one node.
///
/// Exact as long as `budget` lasts, which counts arcs looked at; after that the best found so far. A search from
/// every node takes nodes times arcs. It is usually far less, since a search stops at the length of the best one
/// known, and who has been searched from is taken out with all that are then on no circle any more.
pub(super) fn shortest(arcs: &[Arc], budget: &mut u64) -> Vec<u32> {
    let count = arcs.iter().map(|(from, to)| from.max(to) + 1).max().unwrap_or(0) as usize;
    let mut search = Search {
        after: Followers::new(count, arcs.iter().copied()),
        before: Followers::new(count, arcs.iter().map(|(from, to)| (*to, *from))),
        gone: vec![false; count],
        came: vec![None; count],
        seen: vec![0; count],
        round: 0,
        budget,
    };
    let degree = |node: &u32| search.after.of(*node).len() * search.before.of(*node).len();
    let mut starts: Vec<u32> = (0..).take(count).filter(|node| degree(node) > 0).collect();
    starts.sort_by_key(|node| std::cmp::Reverse(degree(node)));
    let mut left = search.degrees();
    let mut best: Vec<u32> = Vec::new();
    for start in starts {
        if search.gone[start as usize] {
            continue;
        }
        let shorter_than = if best.is_empty() { usize::MAX } else { best.len() };
        if let Some(circle) = search.through(start, shorter_than, arcs) {
            best = circle;
        }
        if best.len() == 2 || (*search.budget == 0 && !best.is_empty()) {
            break;
        }
        search.take_out(start, &mut left);
    }
    best
}

struct Search<'b> {
    after: Followers,
    before: Followers,
    /// Not searched any more.
    gone: Vec<bool>,
    /// The arc and the node by which a node was reached.
    came: Vec<Option<(u32, u32)>>,
    /// The round in which a node was reached last.
    seen: Vec<u32>,
    round: u32,
    budget: &'b mut u64,
}

impl Search<'_> {
    /// The shortest circle through a node that has fewer arcs than `shorter_than`: breadth first.
    fn through(&mut self, start: u32, shorter_than: usize, arcs: &[Arc]) -> Option<Vec<u32>> {
        self.round += 1;
        let mut layer = vec![start];
        // A circle closed from this layer has `length` arcs.
        let mut length = 1;
        while !layer.is_empty() && length < shorter_than {
            let mut next = Vec::new();
            for node in layer {
                *self.budget = self.budget.saturating_sub(self.after.of(node).len() as u64);
                for (arc, to) in self.after.of(node) {
                    if *to == start {
                        return Some(self.way_back(start, *arc, arcs));
                    }
                    let at = *to as usize;
                    if !self.gone[at] && self.seen[at] != self.round {
                        self.seen[at] = self.round;
                        self.came[at] = Some((*arc, node));
                        next.push(*to);
                    }
                }
            }
            layer = next;
            length += 1;
        }
        None
    }

    /// The arcs from `start` to where `last` begins, and `last`.
    fn way_back(&self, start: u32, last: u32, arcs: &[Arc]) -> Vec<u32> {
        let mut circle = vec![last];
        let mut node = arcs[last as usize].0;
        while node != start {
            let (arc, from) = self.came[node as usize].expect("BUG: a node was reached without an arc");
            circle.push(arc);
            node = from;
        }
        circle.reverse();
        circle
    }

    /// How many arcs leave and enter each node.
    fn degrees(&self) -> Vec<(usize, usize)> {
        (0..)
            .take(self.gone.len())
            .map(|node| (self.after.of(node).len(), self.before.of(node).len()))
            .collect()
    }

    /// Takes a node out, and whoever then has no way in or no way out.
    fn take_out(&mut self, node: u32, left: &mut [(usize, usize)]) {
        self.gone[node as usize] = true;
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            for (_, to) in self.after.of(node) {
                let at = *to as usize;
                left[at].1 -= 1;
                if left[at].1 == 0 && !self.gone[at] {
                    self.gone[at] = true;
                    open.push(*to);
                }
            }
            for (_, from) in self.before.of(node) {
                let at = *from as usize;
                left[at].0 -= 1;
                if left[at].0 == 0 && !self.gone[at] {
                    self.gone[at] = true;
                    open.push(*from);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(arcs: &[Arc]) -> usize {
        let circle = shortest(arcs, &mut u64::MAX.clone());
        for (at, arc) in circle.iter().enumerate() {
            let next = circle[(at + 1) % circle.len()];
            assert_eq!(arcs[*arc as usize].1, arcs[next as usize].0, "{circle:?} of {arcs:?}");
        }
        circle.len()
    }

    #[test]
    fn finds_the_shortest() {
        assert_eq!(around(&[(0, 1), (1, 0)]), 2);
        assert_eq!(around(&[(0, 1), (1, 2), (2, 3), (3, 0), (2, 0)]), 3);
        // Two circles of 4 and 3 that share node 0, and a long way around.
        assert_eq!(around(&[(0, 1), (1, 2), (2, 3), (3, 0), (0, 4), (4, 5), (5, 0), (5, 1)]), 3);
    }

    #[test]
    fn agrees_with_trying_everything() {
        // A small congruence generator makes graphs; every pair of distances is known by Floyd and Warshall.
        let mut state = 7_u32;
        let mut roll = |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % below
        };
        for _ in 0..400 {
            let count = 3 + roll(9);
            let arcs: Vec<Arc> = (0..count + roll(2 * count))
                .map(|_| (roll(count), roll(count)))
                .filter(|(from, to)| from != to)
                .collect();
            for knot in knots(&arcs) {
                let inside: Vec<Arc> = knot.iter().map(|arc| arcs[*arc as usize]).collect();
                assert_eq!(around(&inside), girth(count as usize, &inside), "{inside:?}");
            }
        }
    }

    fn girth(count: usize, arcs: &[Arc]) -> usize {
        let mut far = vec![vec![usize::MAX / 2; count]; count];
        for (from, to) in arcs {
            far[*from as usize][*to as usize] = 1;
        }
        for by in 0..count {
            for from in 0..count {
                for to in 0..count {
                    far[from][to] = far[from][to].min(far[from][by] + far[by][to]);
                }
            }
        }
        (0..count).map(|node| far[node][node]).min().unwrap()
    }

    #[test]
    fn a_ring_of_ten_thousand_is_one_search() {
        let count = 10_000;
        let arcs: Vec<Arc> = (0..count).map(|node| (node, (node + 1) % count)).collect();
        assert_eq!(knots(&arcs).len(), 1);
        let mut budget = 20_000;
        assert_eq!(shortest(&arcs, &mut budget).len(), count as usize);
        assert!(budget > 0);
    }

    #[test]
    fn knots_leave_out_what_is_on_no_circle() {
        let arcs = [(0, 1), (1, 2), (2, 1), (2, 3), (5, 4), (4, 5), (3, 4)];
        assert_eq!(knots(&arcs), [vec![1, 2], vec![4, 5]]);
    }
}
