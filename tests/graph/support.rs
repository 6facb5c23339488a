//! A small language for units, so that a test shows its input at a glance.
//!
//! Each line is a script: its name, then words. `rs: ss: sb: rp: sp: sa:` are lists for Required-Start,
//! Should-Start, X-Start-Before, Required-Stop, Should-Stop and X-Stop-After; `as:` what it provides instead of its
//! name, `on:`/`off:` its start and stop levels. `rdf`, `unknown`, `interactive` are what they say. It declares
//! stopping if it has a list that speaks of it, or the word `stops`.

use serel::definition::diagnostic::{Diagnostic, Severity};
use serel::graph::{Expand, Expansion, Graph, Member, Request, Scope, build};
use serel::model::{
    Definition, Level, Levels, Phase, Place, Relation, RelationKind, Source, Spanned, Strength,
};
use serel::plan::Plan;

/// Definitions of a text.
pub(crate) fn definitions(text: &str) -> Vec<Definition> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(number, line)| definition(number, line)).collect()
}

fn definition(line: u32, text: &str) -> Definition {
    use RelationKind::{RequiredStart, RequiredStop, ShouldStart, ShouldStop, StartBefore, StopAfter};
    let mut words = text.split_whitespace();
    let name = words.next().unwrap();
    let mut definition = Definition::unknown(name, &format!("/etc/init.d/{name}"));
    definition.source = Source::Header;
    definition.provides[0].at = Place { line, column: 1 };
    for word in words {
        let (key, values) = word.split_once(':').unwrap_or((word, ""));
        let kind = match key {
            "rs" => RequiredStart,
            "ss" => ShouldStart,
            "sb" => StartBefore,
            "rp" => RequiredStop,
            "sp" => ShouldStop,
            "sa" => StopAfter,
            "as" => {
                let at = Place { line, column: 1 };
                let spanned = |name: &str| Spanned { name: name.to_owned(), at };
                definition.provides = values.split(',').map(spanned).collect();
                continue;
            }
            "on" | "off" => {
                let levels: Levels = values.chars().map(|c| Level::parse(&c.to_string()).unwrap()).collect();
                if key == "on" {
                    definition.start_levels = levels;
                } else {
                    definition.stop_levels = levels;
                }
                continue;
            }
            "rdf" => {
                definition.source = Source::Rdf;
                continue;
            }
            "unknown" => {
                definition.source = Source::None;
                continue;
            }
            "interactive" => {
                definition.interactive = true;
                continue;
            }
            "stops" => {
                definition.stop_declared = true;
                continue;
            }
            other => panic!("{other}?"),
        };
        definition.stop_declared |= matches!(kind, RequiredStop | ShouldStop | StopAfter);
        for target in values.split(',') {
            let optional = target.starts_with('+');
            let at = Place { line, column: 20 };
            let target = Spanned { name: target.trim_start_matches('+').to_owned(), at };
            definition.relations.push(Relation { kind, target, optional });
        }
    }
    definition
}

/// Facilities with their members, and interactive names.
#[derive(Debug, Default)]
pub(crate) struct Conf {
    pub(crate) facilities: Vec<(&'static str, &'static str)>,
    pub(crate) interactive: Vec<&'static str>,
}

impl Expand for Conf {
    fn expand(&self, facility: &str) -> Expansion {
        let Some((_, members)) = self.facilities.iter().find(|(name, _)| *name == facility) else {
            return Expansion::Undefined;
        };
        let member = |member: &str| (member.trim_start_matches('+').to_owned(), member.starts_with('+'));
        Expansion::Members(members.split_whitespace().map(member).collect())
    }

    fn interactive(&self, name: &str) -> bool {
        self.interactive.contains(&name)
    }

    fn facilities(&self) -> Vec<String> {
        self.facilities.iter().map(|(name, _)| (*name).to_owned()).collect()
    }
}

/// A unit with all its circumstances.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) phase: Phase,
    pub(crate) scope: Scope,
    pub(crate) required: Strength,
    pub(crate) given: Vec<String>,
    pub(crate) conf: Conf,
    pub(crate) installed: Vec<Definition>,
    pub(crate) members: Vec<Definition>,
}

/// A unit that starts.
pub(crate) fn start(text: &str) -> Case {
    Case {
        phase: Phase::Start,
        scope: Scope::Level(Level::parse("2").unwrap()),
        required: Strength::Need,
        given: Vec::new(),
        conf: Conf::default(),
        installed: Vec::new(),
        members: definitions(text),
    }
}

/// A unit that stops.
pub(crate) fn stop(text: &str) -> Case {
    Case { phase: Phase::Stop, scope: Scope::Level(Level::parse("0").unwrap()), ..start(text) }
}

impl Case {
    pub(crate) fn given(mut self, names: &str) -> Self {
        self.given = names.split_whitespace().map(str::to_owned).collect();
        self
    }

    pub(crate) fn facility(mut self, name: &'static str, members: &'static str) -> Self {
        self.conf.facilities.push((name, members));
        self
    }

    pub(crate) fn installed(mut self, text: &str) -> Self {
        self.installed = definitions(text);
        self
    }

    pub(crate) fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    pub(crate) fn level(self, level: &str) -> Self {
        self.scope(Scope::Level(Level::parse(level).unwrap()))
    }

    pub(crate) fn order_only(mut self) -> Self {
        self.required = Strength::Order;
        self
    }

    /// Builds the graph and looks at it.
    pub(crate) fn see<T>(&self, look: impl FnOnce(&Graph) -> T) -> T {
        let members: Vec<Member> =
            self.members.iter().map(|definition| Member::of(definition, self.phase)).collect();
        let installed: Vec<&Definition> = self.installed.iter().collect();
        let request = Request {
            phase: self.phase,
            scope: self.scope,
            members: &members,
            given: &self.given,
            installed: &installed,
            expand: &self.conf,
            required: self.required,
        };
        look(&build(&request))
    }

    /// `a>b` is a need, `a-b` an order; sorted.
    pub(crate) fn edges(&self) -> String {
        self.see(|graph| {
            let mut edges: Vec<String> = graph
                .standing()
                .map(|edge| {
                    let arrow = if edge.strength == Strength::Need { '>' } else { '-' };
                    format!("{}{arrow}{}", graph.nodes[edge.before].name, graph.nodes[edge.after].name)
                })
                .collect();
            edges.sort();
            edges.dedup();
            edges.join(" ")
        })
    }

    pub(crate) fn problems(&self) -> Vec<Diagnostic> {
        self.see(|graph| graph.problems.clone())
    }

    /// `error missing 3: TEXT` (the number is the line) for each problem.
    pub(crate) fn words(&self) -> Vec<String> {
        let word = |problem: &Diagnostic| {
            let severity = if problem.severity == Severity::Error { "error" } else { "warning" };
            format!("{severity} {} {}: {}", problem.kind.word(), problem.at.line, problem.text)
        };
        self.problems().iter().map(word).collect()
    }

    #[expect(clippy::redundant_closure_for_method_calls, reason = "the method is not general enough")]
    pub(crate) fn plan(&self) -> Plan {
        self.see(|graph| graph.plan())
    }

    /// Names in the order that the graph allows.
    pub(crate) fn order(&self) -> String {
        self.see(|graph| {
            let names: Vec<&str> = graph.order().into_iter().map(|job| graph.nodes[job].name).collect();
            names.join(" ")
        })
    }
}
