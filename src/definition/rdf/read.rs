//! From facts to definitions.

use super::vocabulary::{BASE, GRAPH, KINDS, RDF, SEREL};
use super::{Facts, Object, Reading, Subject};
use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::definition::name;
use crate::model::{Chkconfig, Definition, Level, Levels, Place, Relation, RelationKind, Source, Spanned};

/// The definitions that a document makes.
pub(super) fn definitions(file: &str, facts: &Facts) -> Reading {
    let mut reader = Reader { file, facts, reading: Reading::default() };
    let service = format!("{GRAPH}service");
    for iri in &facts.order {
        if let Some(subject) = facts.subjects.get(iri).filter(|subject| subject.is_a(&service)) {
            reader.service(iri, subject);
        }
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
}

fn serel(word: &str) -> String {
    format!("{SEREL}{word}")
}

impl Reader<'_> {
    fn warn(&mut self, line: u32, text: String, help: &str) {
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
        for name in subject.literal(&serel("provides")).unwrap_or_default().split_whitespace() {
            if let Some(provided) = self.good_name(name.to_owned(), subject.line)
                && definition.provides.iter().all(|known| known.name != provided.name)
            {
                definition.provides.push(provided);
            }
        }
        definition.start_levels = self.levels(subject, "startLevels");
        definition.stop_levels = self.levels(subject, "stopLevels");
        definition.interactive = subject.literal(&serel("interactive")) == Some("true");
        definition.summary = subject.literal(&serel("summary")).unwrap_or_default().to_owned();
        definition.description = subject.literal(&serel("description")).unwrap_or_default().to_owned();
        definition.chkconfig = self.chkconfig(subject);
        let extensions = subject.literal(&serel("extensions")).unwrap_or_default();
        definition.extensions = extensions
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(word, value)| (word.to_owned(), value.trim_start().to_owned()))
            .collect();
        for edge in self.edges(subject) {
            if let Some(relation) = self.relation(iri, &edge, subject.line) {
                definition.stop_declared |= matches!(
                    relation.kind,
                    RelationKind::RequiredStop | RelationKind::ShouldStop | RelationKind::StopAfter
                );
                definition.relations.push(relation);
            }
        }
        definition.stop_declared |= subject.literal(&serel("stopDeclared")) == Some("true");
        self.reading.definitions.push(definition);
    }

    fn levels(&mut self, subject: &Subject, word: &str) -> Levels {
        let text = subject.literal(&serel(word)).unwrap_or_default();
        let mut levels = Levels::NONE;
        for token in text.split_whitespace() {
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
            Some(Chkconfig { levels, start: start.parse().ok()?, stop: stop.parse().ok()? })
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
        for holder in subject.resources(&format!("{GRAPH}edges")) {
            let Some(sequence) = self.facts.subjects.get(holder) else { continue };
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
            if members.is_empty() {
                edges.push(holder.to_owned());
            }
            edges.extend(members.into_iter().map(|(_, iri)| iri.to_owned()));
        }
        edges
    }

    /// One edge as the relation of its service: the other end is whom it speaks of.
    fn relation(&mut self, service: &str, edge: &str, line: u32) -> Option<Relation> {
        let help = "define it: <edge rdf:ID=\"...\"> with a <source> and a <target>";
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
                    self.warn(subject.line, text, "see lsb2rdf(8) for the words");
                    return None;
                }
            },
        };
        let other = match (source == service, target == service) {
            (_, true) => source,
            (true, false) => target,
            (false, false) => {
                let text =
                    format!("the edge {} does not touch its service, and is left out", self.name(edge));
                self.warn(subject.line, text, "put it into the sequence of the service that needs");
                return None;
            }
        };
        let optional = subject.literal(&serel("optional")) == Some("true");
        let line = subject.line;
        self.good_name(self.name(&other), line).map(|target| Relation { kind, target, optional })
    }
}
