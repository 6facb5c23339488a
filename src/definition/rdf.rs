//! Service definitions in RDF/XML, in the vocabulary that serel published in 2002, and ours where that is silent.
//!
//! The input is RDF, not a shape of XML: the triples are read by a real parser, and documents that say the same are
//! read alike. A `service` has `edges`, a sequence; an `edge` goes from its `source`, the needed service, to its
//! `target`, the needer. What else a header can say are properties in the `serel:` namespace; `write` says which.

mod guard;
mod read;
mod vocabulary;
mod write;

pub use write::write;

use super::Reading;
use super::diagnostic::{Diagnostic, Kind, Severity};
use crate::model::Place;
use oxrdf::{NamedOrBlankNode, Term};
use oxrdfxml::RdfXmlParser;
use std::collections::HashMap;
use vocabulary::BASE;

/// More triples than this are not read.
const MOST_TRIPLES: usize = 200_000;

/// What is said of one subject.
#[derive(Debug, Default)]
struct Subject {
    /// Where the parser met it first.
    line: u32,
    /// Predicate and object; a resource as its IRI, a literal as its text.
    facts: Vec<(String, Object)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Object {
    Resource(String),
    Literal(String),
}

/// All that a document says, by subject, subjects in the order in which they came.
#[derive(Debug, Default)]
struct Facts {
    order: Vec<String>,
    subjects: HashMap<String, Subject>,
}

/// Reads the definitions of a document.
pub fn parse(file: &str, bytes: &[u8]) -> Reading {
    let facts = guard::check(file, bytes).and_then(|text| facts(file, text));
    match facts {
        Ok(facts) => read::definitions(file, &facts),
        Err(fault) => Reading { definitions: Vec::new(), diagnostics: vec![*fault] },
    }
}

/// Collects the triples. Errors on the first that is not RDF/XML.
fn facts(file: &str, text: &str) -> Result<Facts, Box<Diagnostic>> {
    let mut facts = Facts::default();
    let parser = RdfXmlParser::new().with_base_iri(BASE).expect("BUG: the base is an IRI");
    let mut parser = parser.for_slice(text);
    let mut lines = Lines { text, at: 0, line: 1 };
    let mut count = 0;
    while let Some(triple) = parser.next() {
        let at = usize::try_from(parser.buffer_position()).unwrap_or(usize::MAX);
        let triple = triple.map_err(|error| {
            let place = lines.place(at);
            let line = text.lines().nth(place.line.saturating_sub(1) as usize).unwrap_or_default();
            let text = format!("this is not RDF/XML: {}", one_line(&error.to_string()));
            Box::new(
                Diagnostic::new(Severity::Error, Kind::Syntax, file, place, text)
                    .help("mend the document up to here; nothing of it was read")
                    .line(line, 1),
            )
        })?;
        count += 1;
        if count > MOST_TRIPLES {
            let text = format!("this document says more than {MOST_TRIPLES} things; nothing of it was read");
            let fault = Diagnostic::new(Severity::Error, Kind::File, file, Place::default(), text);
            return Err(Box::new(fault.help("split it into several files")));
        }
        let subject = match triple.subject {
            NamedOrBlankNode::NamedNode(node) => node.into_string(),
            NamedOrBlankNode::BlankNode(node) => format!("_:{}", node.into_string()),
        };
        let object = match triple.object {
            Term::NamedNode(node) => Object::Resource(node.into_string()),
            Term::BlankNode(node) => Object::Resource(format!("_:{}", node.into_string())),
            Term::Literal(literal) => Object::Literal(literal.value().to_owned()),
            #[allow(unreachable_patterns, reason = "a feature of oxrdf adds quoted triples")]
            _ => continue,
        };
        let line = lines.place(at).line;
        let known = facts.subjects.entry(subject.clone()).or_insert_with(|| {
            facts.order.push(subject);
            Subject { line, facts: Vec::new() }
        });
        known.facts.push((triple.predicate.into_string(), object));
    }
    Ok(facts)
}

/// Turns ever larger offsets into lines without counting twice.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u32,
}

impl Lines<'_> {
    fn place(&mut self, offset: usize) -> Place {
        let to = offset.clamp(self.at, self.text.len());
        let passed = &self.text.as_bytes()[self.at..to];
        self.line += u32::try_from(memchr::memchr_iter(b'\n', passed).count()).unwrap_or(0);
        self.at = to;
        let begin = memchr::memrchr(b'\n', &self.text.as_bytes()[..to]).map_or(0, |end| end + 1);
        let column = String::from_utf8_lossy(&self.text.as_bytes()[begin..to]).chars().count() + 1;
        Place { line: self.line, column: u32::try_from(column).unwrap_or(u32::MAX) }
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Subject {
    fn resources<'a>(&'a self, predicate: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let predicate = predicate.to_owned();
        self.facts.iter().filter_map(move |(known, object)| match object {
            Object::Resource(iri) if *known == predicate => Some(iri.as_str()),
            _ => None,
        })
    }

    fn literal(&self, predicate: &str) -> Option<&str> {
        self.facts.iter().find_map(|(known, object)| match object {
            Object::Literal(text) if known == predicate => Some(text.as_str()),
            _ => None,
        })
    }

    fn is_a(&self, class: &str) -> bool {
        self.resources(vocabulary::TYPE).any(|known| known == class)
    }
}
