//! The jobs of one command as a unit: compilations, stops and starts become services of one graph, and the graph one
//! plan.
//!
//! The words "compile one", "stop one" and "start one" are the names of services, so that all rules about who waits
//! for whom, whom a failure takes with it, and what a circle is, are those of every other unit.

use super::config::Config;
use super::job::Task;
use crate::definition::diagnostic::{Diagnostic, Kind as Finding, Severity};
use crate::graph::{self, Expand, Expansion, Member, Scope};
use crate::model::{Definition, Phase, Place, Relation, RelationKind, Source, Spanned, Strength};
use crate::plan::Plan;
use std::collections::{HashMap, HashSet};
use std::fmt;

/// Steps of a circle that are told.
const MOST_TOLD: usize = 16;

/// What a job does to its script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Compiles it.
    Compile,
    /// Ends it.
    Stop,
    /// Starts it.
    Start,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compile => "compile",
            Self::Stop => "stop",
            Self::Start => "start",
        })
    }
}

/// Something that a job waits for.
#[derive(Debug, Clone)]
pub struct Wait {
    /// Of which kind.
    pub kind: Kind,
    /// Of which script.
    pub name: String,
    /// It need not succeed.
    pub order_only: bool,
    /// The file and the place where that is written; empty when nobody wrote it.
    pub written: (String, Place),
}

/// One job.
#[derive(Debug, Clone)]
pub struct Job {
    /// What it does.
    pub kind: Kind,
    /// To which script.
    pub name: String,
    /// The file that it is about: what the history knows it by.
    pub file: String,
    /// How; `None` when there is nothing left to do.
    pub task: Option<Task>,
    /// What it waits for; what is not in the unit is not waited for.
    pub waits: Vec<Wait>,
}

impl Job {
    /// A job that waits for nobody.
    pub fn new(kind: Kind, name: &str, file: impl Into<String>, task: Option<Task>) -> Self {
        Self { kind, name: name.to_owned(), file: file.into(), task, waits: Vec::new() }
    }

    /// Adds something to wait for.
    pub fn wait(&mut self, kind: Kind, name: &str, order_only: bool) {
        let written = (String::new(), Place::default());
        self.waits.push(Wait { kind, name: name.to_owned(), order_only, written });
    }
}

/// The plan of these jobs, and the circles that keep it from being carried out as asked. Job N of the list is job N
/// of the plan.
pub fn plan(jobs: &[Job]) -> (Plan, Vec<Diagnostic>) {
    let there: HashSet<(Kind, &str)> = jobs.iter().map(|job| (job.kind, job.name.as_str())).collect();
    let definitions: Vec<Definition> = jobs
        .iter()
        .map(|job| definition(job, |wait| there.contains(&(wait.kind, wait.name.as_str()))))
        .collect();
    let one_kind = jobs.iter().all(|job| job.kind == jobs[0].kind);
    let labels: Vec<String> = jobs.iter().map(|job| label(job, one_kind)).collect();
    let members: Vec<Member<'_>> = definitions
        .iter()
        .zip(jobs)
        .zip(&labels)
        .map(|((definition, job), label)| Member {
            name: label,
            script: &job.file,
            definition,
            also: &[],
            levels: None,
        })
        .collect();
    let graph = graph::build(&graph::Request {
        phase: Phase::Start,
        scope: Scope::Unit,
        members: &members,
        given: &[],
        installed: &[],
        expand: &Nothing,
        required: Strength::Need,
    });
    let circles = graph.problems.iter().filter(|problem| problem.kind == Finding::Cycle);
    let circles = circles.map(|problem| circle(jobs, &labels, problem));
    let circles = circles.chain(jobs.iter().filter_map(itself)).collect();
    let mut plan = graph.plan();
    // What was given up is told; what stands is no circle.
    plan.parallel = true;
    if jobs.iter().all(|job| job.kind == Kind::Stop) {
        plan.phase = Phase::Stop;
    }
    (plan, circles)
}

/// A script that requires itself.
fn itself(job: &Job) -> Option<Diagnostic> {
    let wait = job.waits.iter().find(|wait| (wait.kind, &wait.name) == (job.kind, &job.name))?;
    let text = format!("Dependency loop detected on {0}: {0} requires {0}", job.name);
    let found = Diagnostic::new(Severity::Error, Finding::Cycle, &wait.written.0, wait.written.1, text);
    Some(found.help("remove its own name from its _REQ").services([&job.name]))
}

/// A circle said in the words of the configuration.
fn circle(jobs: &[Job], labels: &[String], problem: &Diagnostic) -> Diagnostic {
    let of: HashMap<&str, &Job> = labels.iter().map(String::as_str).zip(jobs).collect();
    let around: Vec<&Job> =
        problem.services.iter().filter_map(|label| of.get(label.as_str()).copied()).collect();
    let mut text = format!("Dependency loop detected on {}:", around.first().map_or("?", |job| &job.name));
    let mut found = Diagnostic::new(Severity::Error, Finding::Cycle, "", Place::default(), "");
    for (at, before) in around.iter().enumerate().take(MOST_TOLD) {
        let after = around[(at + 1) % around.len()];
        // A stop goes the other way round.
        let (owner, needed) = if before.kind == Kind::Stop { (before, after) } else { (&after, *before) };
        let written = [after, before]
            .into_iter()
            .flat_map(|job| &job.waits)
            .find(|wait| (wait.name == needed.name || wait.name == owner.name) && !wait.written.0.is_empty());
        let place = written.map_or(String::new(), |wait| {
            found.file.clone_from(&wait.written.0);
            found.at = wait.written.1;
            format!(" ({}:{})", wait.written.0, wait.written.1.line)
        });
        text += &format!("{} {} requires {}{place}", if at > 0 { "," } else { "" }, owner.name, needed.name);
    }
    if around.len() > MOST_TOLD {
        text += &format!(", and {} more", around.len() - MOST_TOLD);
    }
    found.text = text;
    found.services = around.iter().map(|job| job.name.clone()).collect();
    found.help("remove one of these names from its _REQ")
}

/// How a job is called on the console, whatever becomes of it: where all start or all stop, as its script.
fn label(job: &Job, one_kind: bool) -> String {
    match job.kind {
        Kind::Compile => format!("compilation of {}", job.name),
        _ if one_kind => job.name.clone(),
        Kind::Stop => format!("stop of {}", job.name),
        Kind::Start => format!("start of {}", job.name),
    }
}

fn definition(job: &Job, is_there: impl Fn(&Wait) -> bool) -> Definition {
    let mut definition = Definition::unknown(&job.name, &job.file);
    definition.source = Source::Header;
    definition.provides = vec![Spanned { name: service(job.kind, &job.name), at: Place::default() }];
    for wait in job.waits.iter().filter(|wait| is_there(wait)) {
        if !wait.written.0.is_empty() {
            definition.file.clone_from(&wait.written.0);
        }
        definition.relations.push(Relation {
            kind: if wait.order_only { RelationKind::ShouldStart } else { RelationKind::RequiredStart },
            target: Spanned { name: service(wait.kind, &wait.name), at: wait.written.1 },
            optional: false,
        });
    }
    definition
}

fn service(kind: Kind, name: &str) -> String {
    format!("{kind} {name}")
}

/// Scripts know neither facilities nor a console.
struct Nothing;

impl Expand for Nothing {
    fn expand(&self, _: &str) -> Expansion {
        Expansion::Undefined
    }

    fn interactive(&self, _: &str) -> bool {
        false
    }
}

/// Where a requirement is written.
pub fn written(config: &Config, variable: Option<&super::config::Variable>) -> (String, Place) {
    variable.map_or_else(Default::default, |variable| (config.file(variable).to_owned(), variable.at))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row<'r> = (Kind, &'r str, &'r [(Kind, &'r str)]);

    fn jobs(of: &[Row<'_>]) -> Vec<Job> {
        of.iter()
            .map(|(kind, name, waits)| {
                let mut job = Job::new(*kind, name, format!("/{name}.stp"), None);
                for (kind, name) in *waits {
                    job.wait(*kind, name, false);
                    let written = ("/conf".to_owned(), Place { line: 7, column: 1 });
                    job.waits.last_mut().unwrap().written = written;
                }
                job
            })
            .collect()
    }

    #[test]
    fn kinds_of_one_script_are_apart_and_wait_for_each_other() {
        use Kind::{Compile, Start, Stop};
        let list = jobs(&[
            (Compile, "a", &[]),
            (Stop, "a", &[(Compile, "a")]),
            (Start, "a", &[(Stop, "a"), (Start, "gone")]),
            (Start, "b", &[(Start, "a")]),
        ]);
        let (plan, circles) = plan(&list);
        assert_eq!(circles, []);
        let names: Vec<&str> = plan.jobs().map(|job| job.name).collect();
        assert_eq!(names, ["compilation of a", "stop of a", "start of a", "start of b"]);
        let before: Vec<Vec<u32>> =
            plan.predecessors().iter().map(|list| list.iter().map(|job| job.0).collect()).collect();
        assert_eq!(before, [vec![], vec![0], vec![1], vec![2]]);
    }

    #[test]
    fn a_circle_is_told_with_its_places() {
        let list = jobs(&[
            (Kind::Start, "a", &[(Kind::Start, "b")]),
            (Kind::Start, "b", &[(Kind::Start, "a")]),
            (Kind::Start, "c", &[]),
        ]);
        let (_, circles) = plan(&list);
        assert_eq!(circles.len(), 1);
        let text = &circles[0].text;
        assert!(text.starts_with("Dependency loop detected on"), "{text}");
        assert!(text.contains("a requires b (/conf:7)") && text.contains("b requires a (/conf:7)"), "{text}");
        assert!(!text.contains('c') || !circles[0].services.contains(&"c".to_owned()));
    }
}
