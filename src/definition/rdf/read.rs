//! From facts to definitions.

use super::vocabulary::{BASE, CLASSES, GRAPH, KINDS, OURS, PROPERTIES, RDF, SEREL, TYPE};
use super::{Facts, Object, Reading, Subject};
use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::definition::name;
use crate::model::{Chkconfig, Definition, Level, Levels, Place, Relation, RelationKind, Source, Spanned};
use std::collections::HashSet;

/// The definitions that a document makes.
pub(super) fn definitions(file: &str, facts: &Facts) -> Reading {
    let mut reader =
        Reader { file, facts, reading: Reading::default(), listed: HashSet::new(), members: 0, warnings: 0 };
    let (service, edge) = (format!("{GRAPH}service"), format!("{GRAPH}edge"));
    let subjects = || facts.order.iter().filter_map(|iri| Some((iri, facts.subjects.get(iri)?)));
    for (iri, subject) in subjects().filter(|(_, subject)| subject.is_a(&service)) {
        reader.service(iri, subject);
        if reader.members > MOST_MEMBERS {
            let text =
                "the services of this document share sequences that are too long; nothing of it was read";
            let fault =
                super::fault(file, Kind::File, text.to_owned(), "give each service a sequence of its own");
            return Reading { definitions: Vec::new(), diagnostics: vec![*fault] };
        }
    }
    for (iri, subject) in subjects() {
        reader.unknown(subject);
        if subject.is_a(&edge) && !reader.listed.contains(iri) {
            let text = format!("the edge {} belongs to no service, and is left out", reader.name(iri));
            reader.warn(subject.line, text, "put it into the <edges> of the service that needs");
        }
    }
    reader.reading.diagnostics.sort_by_key(|found| found.at.line);
    if reader.warnings > MOST_WARNINGS {
        let more = reader.warnings - MOST_WARNINGS;
        let text = format!("{more} more warnings about this document are not shown");
        let fault = Diagnostic::new(Severity::Warning, Kind::Syntax, file, Place::default(), text);
        reader.reading.diagnostics.push(fault.help("mend the first ones and look again"));
    }
    if reader.reading.definitions.is_empty() && reader.reading.diagnostics.is_empty() {
        reader.warn(
            0,
            "this document defines no service".to_owned(),
            "define one with <service rdf:ID=\"NAME\">",
        );
    }
    reader.reading
}

struct Reader<'a> {
    file: &'a str,
    facts: &'a Facts,
    reading: Reading,
    /// Edges that a service has among its own.
    listed: HashSet<String>,
    /// How many edges the services list together; many can share one sequence.
    members: usize,
    /// How many there were, said or not.
    warnings: usize,
}

/// More edges than this in the lists of all services are not read: twice what a document without shared sequences can
/// have.
const MOST_MEMBERS: usize = 1_000_000;
/// Warnings about one document that are said.
const MOST_WARNINGS: usize = 50;

fn serel(word: &str) -> String {
    format!("{SEREL}{word}")
}

impl Reader<'_> {
    fn warn(&mut self, line: u32, text: String, help: &str) {
        self.warnings += 1;
        if self.warnings > MOST_WARNINGS {
            return;
        }
        let at = Place { line, column: 0 };
        let fault = Diagnostic::new(Severity::Warning, Kind::Syntax, self.file, at, text).help(help);
        self.reading.diagnostics.push(fault);
    }

    /// The name that a resource stands for: what it says of itself, else its fragment.
    fn name(&self, iri: &str) -> String {
        let said =
            |word: &str| self.facts.subjects.get(iri).and_then(|subject| subject.literal(&serel(word)));
        if let Some(name) = said("facility").or_else(|| said("name")) {
            return name.to_owned();
        }
        let fragment = iri.strip_prefix(BASE).and_then(|rest| rest.strip_prefix('#'));
        fragment.or_else(|| iri.rsplit(['#', '/']).next()).unwrap_or(iri).to_owned()
    }

    /// A name that is fit to be one, or a warning.
    fn good_name(&mut self, name: String, line: u32) -> Option<Spanned> {
        match name::fault(&name) {
            None => Some(Spanned { name, at: Place { line, column: 0 } }),
            Some(fault) => {
                let shown: String = name.chars().take(40).collect();
                self.warn(
                    line,
                    format!("`{}` {fault}, and is left out", shown.escape_debug()),
                    "give it a plain name",
                );
                None
            }
        }
    }

    fn service(&mut self, iri: &str, subject: &Subject) {
        let Some(primary) = self.good_name(self.name(iri), subject.line) else { return };
        let script = subject.literal(&serel("script")).unwrap_or_default();
        let (path, base) = match script.rsplit_once('/') {
            Some((_, base)) => (script, base),
            None => ("", script),
        };
        let mut definition = Definition {
            file: self.file.to_owned(),
            source: Source::Rdf,
            provides: vec![primary.clone()],
            ..Definition::unknown(if base.is_empty() { &primary.name } else { base }, path)
        };
        let mut known = HashSet::from([primary.name.clone()]);
        for name in subject.literals(&serel("provides")).flat_map(str::split_whitespace) {
            if let Some(provided) = self.good_name(name.to_owned(), subject.line)
                && known.insert(provided.name.clone())
            {
                definition.provides.push(provided);
            }
        }
        definition.start_levels = self.levels(subject, "startLevels");
        definition.stop_levels = self.levels(subject, "stopLevels");
        definition.interactive = self.flag(subject, "interactive");
        definition.summary = subject.literal(&serel("summary")).unwrap_or_default().to_owned();
        definition.description = subject.literal(&serel("description")).unwrap_or_default().to_owned();
        definition.chkconfig = self.chkconfig(subject);
        let extensions = subject.literal(&serel("extensions")).unwrap_or_default();
        definition.extensions = extensions
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(word, value)| (word.to_owned(), value.trim_start().to_owned()))
            .collect();
        let edges = self.edges(subject);
        self.members += edges.len();
        if self.members > MOST_MEMBERS {
            return;
        }
        for edge in edges {
            if let Some(relation) = self.relation(iri, &edge, subject.line) {
                definition.stop_declared |= matches!(
                    relation.kind,
                    RelationKind::RequiredStop | RelationKind::ShouldStop | RelationKind::StopAfter
                );
                definition.relations.push(relation);
            }
        }
        definition.stop_declared |= self.flag(subject, "stopDeclared");
        self.reading.definitions.push(definition);
    }

    /// Properties of ours that are not in the vocabulary; those of other vocabularies may stand there.
    fn unknown(&mut self, subject: &Subject) {
        let mut said = HashSet::new();
        for (predicate, object) in &subject.facts {
            let (kind, iri) = match object {
                Object::Resource(class) if predicate == TYPE => ("class", class),
                _ => ("property", predicate),
            };
            let Some(word) = iri.strip_prefix(OURS) else { continue };
            let known = if kind == "class" { &CLASSES[..] } else { &PROPERTIES[..] };
            if !known.contains(&word) && said.insert(word) {
                let text = format!("unknown {kind} {}; it says nothing here", iri.escape_debug());
                let words: Vec<&str> = known.iter().filter_map(|known| known.split('#').nth(1)).collect();
                self.warn(subject.line, text, &format!("look for a slip; known are {}", words.join(", ")));
            }
        }
    }

    fn flag(&mut self, subject: &Subject, word: &str) -> bool {
        match subject.literal(&serel(word)) {
            Some("true" | "1") => true,
            None | Some("false" | "0" | "") => false,
            Some(other) => {
                let other: String = other.chars().take(40).collect();
                let text = format!("{word} is `{}`, which is taken for false", other.escape_debug());
                self.warn(subject.line, text, "write `true` or `false`");
                false
            }
        }
    }

    fn levels(&mut self, subject: &Subject, word: &str) -> Levels {
        let mut levels = Levels::NONE;
        for token in subject.literals(&serel(word)).flat_map(str::split_whitespace) {
            match Level::parse(token) {
                Some(level) => levels.insert(level),
                None => {
                    let text = format!("`{}` is no runlevel, and is left out", token.escape_debug());
                    self.warn(subject.line, text, "runlevels are S and 0 to 9");
                }
            }
        }
        levels
    }

    fn chkconfig(&mut self, subject: &Subject) -> Option<Chkconfig> {
        let text = subject.literal(&serel("chkconfig"))?;
        let words: Vec<&str> = text.split_whitespace().collect();
        let read = || {
            let [levels, start, stop] = words[..] else { return None };
            let letters = if levels == "-" { "" } else { levels };
            let levels =
                letters.chars().map(|letter| Level::parse(&letter.to_string())).collect::<Option<_>>()?;
            let priority = |word: &str| word.parse::<u8>().ok().filter(|number| *number < 100);
            Some(Chkconfig { levels, start: priority(start)?, stop: priority(stop)? })
        };
        let line = read();
        if line.is_none() {
            let text = format!("`{}` is no chkconfig line", text.escape_debug());
            self.warn(subject.line, text, "write LEVELS START STOP, such as `2345 20 80`");
        }
        line
    }

    /// The members of the sequences under `edges`, in their order; an edge may also stand there directly.
    fn edges(&self, subject: &Subject) -> Vec<String> {
        let mut edges = Vec::new();
        let mut seen = HashSet::new();
        for holder in subject.resources(&format!("{GRAPH}edges")).filter(|holder| seen.insert(*holder)) {
            let Some(sequence) = self.facts.subjects.get(holder) else {
                edges.push(holder.to_owned());
                continue;
            };
            let mut members: Vec<(u32, &str)> = sequence
                .facts
                .iter()
                .filter_map(|(predicate, object)| match object {
                    Object::Resource(iri) => {
                        Some((predicate.strip_prefix(RDF)?.strip_prefix('_')?.parse().ok()?, iri.as_str()))
                    }
                    Object::Literal(_) => None,
                })
                .collect();
            members.sort_unstable();
            let is_container =
                ["Seq", "Bag", "Alt"].iter().any(|class| sequence.is_a(&format!("{RDF}{class}")));
            if members.is_empty() && !is_container {
                edges.push(holder.to_owned());
            }
            edges.extend(members.into_iter().map(|(_, iri)| iri.to_owned()));
        }
        edges
    }

    /// One edge as the relation of its service: the other end is whom it speaks of.
    fn relation(&mut self, service: &str, edge: &str, line: u32) -> Option<Relation> {
        let help = "define it: <edge rdf:ID=\"EDGE\"> with <source rdf:resource=\"#NEEDED\" /> and \
                    <target rdf:resource=\"#NEEDER\" />";
        self.listed.insert(edge.to_owned());
        let Some(subject) = self.facts.subjects.get(edge) else {
            self.warn(line, format!("the edge {} is not defined, and is left out", self.name(edge)), help);
            return None;
        };
        let end = |word: &str| subject.resources(&format!("{GRAPH}{word}")).next().map(str::to_owned);
        let (Some(source), Some(target)) = (end("source"), end("target")) else {
            let text = format!("the edge {} lacks a source or a target, and is left out", self.name(edge));
            self.warn(subject.line, text, help);
            return None;
        };
        let kind = match subject.literal(&serel("relation")) {
            None => RelationKind::RequiredStart,
            Some(word) => match KINDS.iter().find(|(known, _)| *known == word) {
                Some((_, kind)) => *kind,
                None => {
                    let text = format!("unknown relation `{}`; the edge is left out", word.escape_debug());
                    let words: Vec<&str> = KINDS.iter().map(|(known, _)| *known).collect();
                    self.warn(subject.line, text, &format!("write one of {}", words.join(", ")));
                    return None;
                }
            },
        };
        let (here, other) = match kind {
            RelationKind::StartBefore | RelationKind::StopAfter => (source, target),
            _ => (target, source),
        };
        if here != service {
            let (edge, owner) = (self.name(edge), self.name(&here));
            let text = format!("the edge {edge} is one of {owner}'s, not of this service, and is left out");
            self.warn(subject.line, text, "put it into the <edges> of that service, or turn it around");
            return None;
        }
        let optional = self.flag(subject, "optional");
        let line = subject.line;
        self.good_name(self.name(&other), line).map(|target| Relation { kind, target, optional })
    }
}
