//! Shows what would be run: the graph, the plan, what is wrong, and why history was used or not.

use super::{Common, print, save, tell};
use crate::definition::diagnostic::{Diagnostic, Severity};
use crate::exit::Exit;
use crate::graph::{Edge, Graph};
use crate::model::{JobId, Levels, Phase, Strength};
use crate::plan::critical_path;
use crate::text;
use crate::unit::{self, Loaded, Request};
use serde::Serialize;
use std::borrow::Cow;
use std::fmt::Write as _;

// Paths in JSON are logical ones: the same whatever --root is.

#[derive(Serialize)]
struct GraphJson<'a> {
    services: Vec<ServiceJson<'a>>,
    edges: Vec<EdgeJson<'a>>,
    problems: Vec<ProblemJson<'a>>,
}

#[derive(Serialize)]
struct ServiceJson<'a> {
    name: &'a str,
    path: &'a str,
    provides: Vec<&'a str>,
    levels: Vec<String>,
}

#[derive(Serialize)]
struct EdgeJson<'a> {
    before: &'a str,
    after: &'a str,
    kind: Strength,
    file: &'a str,
    line: u32,
}

#[derive(Serialize)]
struct ProblemJson<'a> {
    kind: &'static str,
    severity: &'static str,
    services: &'a [String],
    file: &'a str,
    line: u32,
    column: u32,
    text: &'a str,
    help: Option<&'a str>,
}

/// `serelrc graph`: services, edges that hold, problems.
pub fn graph(common: &Common, request: &Request) -> Exit {
    unit::with_graph(&common.root, &common.database, request, |graph, problems| {
        if common.json {
            return print_json(&graph_json(request.phase, graph, problems));
        }
        tell(&common.root, problems, Severity::Warning);
        let mut out = String::new();
        for (id, node) in graph.nodes.enumerate() {
            let _ = writeln!(out, "{}", harmless(node.name));
            for edge in graph.standing().filter(|edge| edge.after == id) {
                let word = match edge.strength {
                    Strength::Need => "needs",
                    Strength::Order => "after",
                };
                let origin = graph.origin(edge);
                let (file, line) = (common.root.shown(origin.file), origin.at.line);
                let before = harmless(graph.nodes[edge.before].name);
                let _ = writeln!(out, "  {word} {before:<24} {}:{line}", harmless(&file));
            }
        }
        print(&out)
    })
}

fn graph_json<'a>(phase: Phase, graph: &'a Graph, problems: &'a [Diagnostic]) -> GraphJson<'a> {
    let levels = |levels: Levels| levels.iter().map(|level| level.to_string()).collect();
    GraphJson {
        services: graph
            .nodes
            .iter()
            .map(|node| ServiceJson {
                name: node.name,
                path: node.script,
                provides: node.provides.iter().map(|service| graph.services[*service]).collect(),
                levels: levels(match phase {
                    Phase::Start => node.definition.start_levels,
                    Phase::Stop => node.definition.stop_levels,
                }),
            })
            .collect(),
        edges: joined(graph)
            .map(|edge| {
                let origin = graph.origin(edge);
                EdgeJson {
                    before: graph.nodes[edge.before].name,
                    after: graph.nodes[edge.after].name,
                    kind: edge.strength,
                    file: origin.file,
                    line: origin.at.line,
                }
            })
            .collect(),
        problems: problems_json(problems),
    }
}

/// One edge for each pair of scripts: the strongest of those that hold.
fn joined<'g>(graph: &'g Graph) -> impl Iterator<Item = &'g Edge> {
    graph
        .edges
        .chunk_by(|one, next| (one.after, one.before) == (next.after, next.before))
        .filter_map(|edges| edges.iter().filter(|edge| edge.stands()).min_by_key(|edge| edge.strength))
}

fn problems_json(problems: &[Diagnostic]) -> Vec<ProblemJson<'_>> {
    problems
        .iter()
        .map(|problem| ProblemJson {
            kind: problem.kind.word(),
            severity: match problem.severity {
                Severity::Warning => "warning",
                Severity::Error => "error",
            },
            services: &problem.services,
            file: &problem.file,
            line: problem.at.line,
            column: problem.at.column,
            text: &problem.text,
            help: problem.help.as_deref(),
        })
        .collect()
}

#[derive(Serialize)]
struct PlanJson<'a> {
    cached: bool,
    why: &'a str,
    jobs: Vec<JobJson<'a>>,
    critical_path: Vec<&'a str>,
    predicted_ms: f64,
    parallel: bool,
}

#[derive(Serialize)]
struct JobJson<'a> {
    name: &'a str,
    path: &'a str,
    predecessors: Vec<&'a str>,
    cost_ms: Option<f64>,
}

/// `serelrc plan`: what would be run, after what. Saves what it had to read, so that the next call need not.
pub fn plan(common: &Common, request: &Request) -> Exit {
    let loaded = unit::load(&common.root, &common.database, request);
    tell(&common.root, &loaded.problems, if loaded.cached { Severity::Error } else { Severity::Warning });
    let exit = if common.json { print_json(&plan_json(&loaded)) } else { print(&plan_text(&loaded)) };
    save(loaded.batch, common);
    exit
}

pub(super) fn millis(micros: u64) -> f64 {
    // Exact up to 2^53 microseconds, some 285 years.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let micros = micros as f64;
    micros / 1000.0
}

/// The path that would take longest, and what it would take; none where no job has a time yet.
pub(super) fn predicted(loaded: &Loaded) -> (Vec<JobId>, u64) {
    if !loaded.has_costs() {
        return (Vec::new(), 0);
    }
    let costs = loaded.plan.ids().map(|job| loaded.cost(job).unwrap_or(0)).collect();
    critical_path(&loaded.plan, &costs)
}

fn plan_json(loaded: &Loaded) -> PlanJson<'_> {
    let plan = &loaded.plan;
    let name = |job: &JobId| plan.job(*job).name;
    let (path, length) = predicted(loaded);
    PlanJson {
        cached: loaded.cached,
        why: &loaded.why,
        jobs: plan
            .predecessors()
            .enumerate()
            .map(|(id, before)| JobJson {
                name: name(&id),
                path: plan.job(id).script,
                predecessors: before.iter().map(name).collect(),
                cost_ms: loaded.cost(id).map(millis),
            })
            .collect(),
        critical_path: path.iter().map(name).collect(),
        predicted_ms: millis(length),
        parallel: plan.parallel,
    }
}

fn plan_text(loaded: &Loaded) -> String {
    let plan = &loaded.plan;
    let mut out = String::with_capacity(plan.len() * 64);
    for (id, before) in plan.predecessors().enumerate() {
        let job = plan.job(id);
        out += &harmless(job.name);
        if let Some(cost) = loaded.cost(id) {
            let _ = write!(out, " ({})", text::seconds(cost.saturating_mul(1000)));
        }
        for (number, other) in before.iter().enumerate() {
            out += if number == 0 { ": " } else { " " };
            out += &harmless(plan.job(*other).name);
        }
        out.push('\n');
    }
    let (path, length) = predicted(loaded);
    let _ = write!(out, "{} jobs; plan: {}", plan.len(), loaded.plan_words());
    if length > 0 {
        let names: Vec<_> = path.iter().map(|job| harmless(plan.job(*job).name)).collect();
        let _ =
            write!(out, "; predicted {}: {}", text::seconds(length.saturating_mul(1000)), names.join(" > "));
    }
    out.push('\n');
    out
}

#[derive(Serialize)]
struct VerifyJson<'a> {
    valid: bool,
    problems: Vec<ProblemJson<'a>>,
}

/// `serelrc verify`: everything that is wrong, warnings too. `success` alone on stdout when the unit is sound.
pub fn verify(common: &Common, request: &Request) -> Exit {
    unit::with_graph(&common.root, &common.database, request, |graph, problems| {
        let valid = problems.iter().all(|problem| problem.severity < Severity::Error);
        let printed = if common.json {
            print_json(&VerifyJson { valid, problems: problems_json(problems) })
        } else {
            tell(&common.root, problems, Severity::Warning);
            if valid {
                print("success\n")
            } else {
                let count = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
                let what = if graph.is_valid() {
                    "what is wrong would be left out of the run"
                } else {
                    "this unit would be run in the given order, one by one"
                };
                crate::log::say(format_args!(
                    "serelrc: {count} error{}: {what}",
                    if count == 1 { "" } else { "s" }
                ));
                Exit::Ok
            }
        };
        if valid { printed } else { Exit::Invalid }
    })
}

#[derive(Serialize)]
struct ExplainJson<'a> {
    cached: bool,
    why: &'a str,
}

/// `serelrc explain`: why the history would be used, or why not.
pub fn explain(common: &Common, request: &Request) -> Exit {
    let loaded = unit::load(&common.root, &common.database, request);
    if common.json {
        return print_json(&ExplainJson { cached: loaded.cached, why: &loaded.why });
    }
    print(&format!("{}: {}\n", request.label(), loaded.plan_words()))
}

/// A name of a file may hold anything.
fn harmless(name: &str) -> Cow<'_, str> {
    text::harmless(name.as_bytes())
}

pub(super) fn print_json(document: &impl Serialize) -> Exit {
    match serde_json::to_string_pretty(document) {
        Ok(text) => print(&(text + "\n")),
        Err(error) => {
            log::error!("cannot make JSON of it: {error}");
            Exit::Failed
        }
    }
}
