//! Opens every circle, and says so: wishes give way, needs are an error.
//!
//! 1. Circles of needs alone. The shortest of each knot is reported as an error; the unit then runs in the given
//!    order, so the needs that go against that order are the ones not kept.
//! 2. What is left has a wish in every circle. The shortest one loses its weakest edge, with a warning, and so on
//!    until no circle is left.
//! 3. A knot too dense for that (half a million edges, or thousands of circles in one knot) loses all wishes against
//!    the given order at one stroke, with one warning.

use super::circle::{self, knots};
use super::edge::Hold;
use super::shape::sort;
use super::{Cause, Fate, Graph};
use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::model::{Id, JobId, Place};
use std::cmp::Reverse;
use std::fmt::Write as _;
use std::ops::Range;

/// How many arcs the searches may look at, all together: well below a second, and enough to find the very shortest
/// circle of a knot of 3,000 scripts with 9,000 edges even if each script must be searched from.
const BUDGET: u64 = 32_000_000;

/// What finding the knots costs for each arc, in looks.
const SPLIT: u64 = 64;

/// How many edges of a long circle a message shows.
const SHOWN: usize = 40;

/// All edges from one script to another.
struct Arc {
    before: JobId,
    after: JobId,
    /// Positions of the edges.
    edges: Range<usize>,
    /// Position of the one that is hardest to give up.
    strongest: usize,
    hold: Hold,
}

/// Arcs of one strong component, with its nodes numbered from 0 in the given order.
struct Knot {
    nodes: Vec<JobId>,
    arcs: Vec<u32>,
    local: Vec<circle::Arc>,
}

/// Makes the standing edges free of circles.
pub(super) fn relax(graph: &mut Graph) {
    let pairs: Vec<circle::Arc> = graph.edges.iter().map(|edge| (edge.before.0, edge.after.0)).collect();
    if sort(graph.nodes.len(), &pairs).len() == graph.nodes.len() {
        return;
    }
    let mut opening = Opening { arcs: arcs(graph), graph, budget: BUDGET };
    let hard = opening.standing(|arc| arc.hold == Hold::Need);
    for knot in opening.split(&hard) {
        opening.break_needs(&knot);
    }
    let rest = opening.standing(|_| true);
    let mut open = opening.split(&rest);
    open.reverse();
    while let Some(knot) = open.pop() {
        if opening.budget == 0 {
            opening.loosen(&knot);
            continue;
        }
        let dropped = opening.relax_one(&knot);
        let rest: Vec<u32> = knot.arcs.into_iter().filter(|arc| *arc != dropped).collect();
        open.extend(opening.split(&rest).into_iter().rev());
    }
}

/// Gathers the edges, which are sorted by their ends, into arcs.
fn arcs(graph: &Graph) -> Vec<Arc> {
    let mut arcs: Vec<Arc> = Vec::new();
    for (at, edge) in graph.edges.iter().enumerate() {
        let hold = graph.hold(edge);
        match arcs.last_mut() {
            Some(arc) if (arc.before, arc.after) == (edge.before, edge.after) => {
                arc.edges.end = at + 1;
                if hold > arc.hold {
                    (arc.strongest, arc.hold) = (at, hold);
                }
            }
            _ => {
                let (before, after) = (edge.before, edge.after);
                arcs.push(Arc { before, after, edges: at..at + 1, strongest: at, hold });
            }
        }
    }
    arcs
}

struct Opening<'g, 'a> {
    graph: &'g mut Graph<'a>,
    arcs: Vec<Arc>,
    budget: u64,
}

impl Opening<'_, '_> {
    /// The arcs that hold and that are of a kind.
    fn standing(&self, is_meant: impl Fn(&Arc) -> bool) -> Vec<u32> {
        let stands = |arc: &Arc| self.graph.edges[arc.strongest].stands();
        (0..).zip(&self.arcs).filter(|(_, arc)| stands(arc) && is_meant(arc)).map(|(at, _)| at).collect()
    }

    /// The knots that some arcs make.
    fn split(&mut self, arcs: &[u32]) -> Vec<Knot> {
        self.budget = self.budget.saturating_sub(SPLIT * arcs.len() as u64);
        let whole = self.knot(arcs.to_vec());
        let inside = knots(&whole.local);
        inside
            .into_iter()
            .map(|knot| self.knot(knot.into_iter().map(|arc| arcs[arc as usize]).collect()))
            .collect()
    }

    /// Numbers the nodes of some arcs.
    fn knot(&self, arcs: Vec<u32>) -> Knot {
        let ends = arcs.iter().map(|arc| &self.arcs[*arc as usize]);
        let mut nodes: Vec<JobId> = ends.clone().flat_map(|arc| [arc.before, arc.after]).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let number = |job: JobId| -> u32 {
            JobId::from_index(nodes.binary_search(&job).expect("BUG: an end of an arc is not a node")).0
        };
        let local = ends.map(|arc| (number(arc.before), number(arc.after))).collect();
        Knot { nodes, arcs, local }
    }

    /// The shortest circle of a knot, as arcs.
    fn shortest(&mut self, knot: &Knot) -> Vec<u32> {
        let circle = circle::shortest(&knot.local, &mut self.budget);
        circle.into_iter().map(|arc| knot.arcs[arc as usize]).collect()
    }

    fn set(&mut self, arc: u32, fate: Fate) {
        for edge in &mut self.graph.edges[self.arcs[arc as usize].edges.clone()] {
            edge.fate = fate;
        }
    }

    /// A knot of needs: an error, and what goes against the given order does not hold.
    fn break_needs(&mut self, knot: &Knot) {
        let circle = self.shortest(knot);
        let against: Vec<u32> = knot
            .arcs
            .iter()
            .filter(|arc| self.arcs[**arc as usize].before > self.arcs[**arc as usize].after)
            .copied()
            .collect();
        let mut text = format!("circle of needs: {}, each needed by the next", self.around(&circle));
        if knot.nodes.len() > circle.len() {
            let _ =
                write!(text, "; {} other scripts are tangled up with it", knot.nodes.len() - circle.len());
        }
        let mut help = format!("take out one of these:{}", self.list(&circle));
        let _ = write!(help, "\n  the given order is used instead, against{}", self.list(&against));
        self.report(Severity::Error, circle[0], text, help, &circle);
        for arc in against {
            self.set(arc, Fate::Broken);
        }
    }

    /// Opens the shortest circle of a knot at its weakest arc, which is returned.
    fn relax_one(&mut self, knot: &Knot) -> u32 {
        let circle = self.shortest(knot);
        let weakest = *circle
            .iter()
            .filter(|arc| self.arcs[**arc as usize].hold < Hold::Need)
            .min_by_key(|arc| self.rank(**arc))
            .expect("BUG: circles of needs alone are broken before");
        let arc = &self.arcs[weakest as usize];
        let (before, after) = (self.graph.nodes[arc.before].name, self.graph.nodes[arc.after].name);
        let text = format!("circle: {}; {before} -> {after} is given up", self.around(&circle));
        let mut help = "given up is the weakest:".to_owned();
        for edge in &self.graph.edges[arc.edges.clone()] {
            let _ = write!(
                help,
                "
    {}",
                self.graph.describe(edge)
            );
        }
        let _ = write!(
            help,
            "
  the circle is:{}",
            self.list(&circle)
        );
        self.report(Severity::Warning, weakest, text, help, &circle);
        self.set(weakest, Fate::Relaxed);
        weakest
    }

    /// The order in which arcs of a circle are given up: the weakest, then the one whose owner is given last, then
    /// the one that it says last.
    fn rank(&self, arc: u32) -> (Hold, Reverse<JobId>, Reverse<u32>) {
        let arc = &self.arcs[arc as usize];
        let (of, index) = match self.graph.edges[arc.strongest].cause {
            Cause::Relation { of, index } => (of, index),
            Cause::Unknown | Cause::Alone => (arc.after, 0),
        };
        (arc.hold, Reverse(of), Reverse(index))
    }

    /// A dense knot: gives up all wishes against an order that keeps the needs, and the `Required` ones if it can.
    fn loosen(&mut self, knot: &Knot) {
        let sorted = |least: Hold| {
            let kept = knot.arcs.iter().zip(&knot.local);
            let kept = kept.filter(|(arc, _)| self.arcs[**arc as usize].hold >= least).map(|(_, ends)| *ends);
            (least, sort(knot.nodes.len(), &kept.collect::<Vec<_>>()))
        };
        let (least, order) = Some(sorted(Hold::Required))
            .filter(|(_, order)| order.len() == knot.nodes.len())
            .unwrap_or_else(|| sorted(Hold::Need));
        let mut place = vec![0; knot.nodes.len()];
        (0_u32..).zip(&order).for_each(|(at, node)| place[*node as usize] = at);
        let against: Vec<u32> = knot
            .arcs
            .iter()
            .zip(&knot.local)
            .filter(|(arc, (before, after))| {
                self.arcs[**arc as usize].hold < least && place[*before as usize] > place[*after as usize]
            })
            .map(|(arc, _)| *arc)
            .collect();
        let text = format!(
            "{} scripts are tangled up in circles; {} orders between them are given up, those against the given order",
            knot.nodes.len(),
            against.len()
        );
        let help = format!("given up are:{}", self.list(&against));
        let mut problem = Diagnostic::new(Severity::Warning, Kind::Cycle, "", Place::default(), text);
        if let Some(first) = against.first() {
            let origin = self.graph.origin(&self.graph.edges[self.arcs[*first as usize].strongest]);
            (problem.file, problem.at) = (origin.file.to_owned(), origin.at);
        }
        let names = knot.nodes.iter().map(|job| self.graph.nodes[*job].name);
        let problem = problem.help(help).services(names);
        self.graph.problems.push(problem);
        for arc in against {
            self.set(arc, Fate::Relaxed);
        }
    }

    /// `a -> b -> a`; the middle of a very long one is counted, not named.
    fn around(&self, circle: &[u32]) -> String {
        let name = |arc: &u32| self.graph.nodes[self.arcs[*arc as usize].before].name;
        let mut names: Vec<&str> = circle.iter().map(name).collect();
        let more = format!("({} more)", names.len().saturating_sub(SHOWN));
        if names.len() > SHOWN {
            let end = names.len() - SHOWN / 2;
            names.splice(SHOWN / 2..end, [more.as_str()]);
        }
        format!("{} -> {}", names.join(" -> "), name(&circle[0]))
    }

    /// Each arc on a line of its own, with where it is written.
    fn list(&self, arcs: &[u32]) -> String {
        let mut lines = String::new();
        for arc in arcs.iter().take(SHOWN) {
            let edge = &self.graph.edges[self.arcs[*arc as usize].strongest];
            let _ = write!(lines, "\n    {}", self.graph.describe(edge));
        }
        if arcs.len() > SHOWN {
            let _ = write!(lines, "\n    and {} more", arcs.len() - SHOWN);
        }
        lines
    }

    /// Adds a problem at the place of an arc, about the scripts of a circle.
    fn report(&mut self, severity: Severity, at: u32, text: String, help: String, circle: &[u32]) {
        let origin = self.graph.origin(&self.graph.edges[self.arcs[at as usize].strongest]);
        let mut problem = Diagnostic::new(severity, Kind::Cycle, origin.file, origin.at, text);
        problem.width = u32::try_from(origin.target.chars().count()).unwrap_or(u32::MAX);
        let names = circle.iter().map(|arc| self.graph.nodes[self.arcs[*arc as usize].before].name);
        self.graph.problems.push(problem.help(help).services(names));
    }
}
