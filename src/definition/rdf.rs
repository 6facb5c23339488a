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
const MOST_TRIPLES: usize = 500_000;
/// Nor more bytes of them: a long base or namespace is in every triple.
const MOST_BYTES: usize = 128 * 1024 * 1024;

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

impl Object {
    fn text(&self) -> &str {
        match self {
            Object::Resource(text) | Object::Literal(text) => text,
        }
    }
}

/// All that a document says, by subject, subjects in the order in which they came.
#[derive(Debug, Default)]
struct Facts {
    order: Vec<String>,
    subjects: HashMap<String, Subject>,
}

/// Reads the definitions of a document.
pub fn parse(file: &str, bytes: &[u8]) -> Reading {
    let facts = guard::check(file, bytes).and_then(|text| facts(file, &text));
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
    let (mut count, mut length) = (0, 0);
    while let Some(triple) = parser.next() {
        let at = usize::try_from(parser.buffer_position()).unwrap_or(usize::MAX);
        let triple = triple.map_err(|error| {
            let what = format!("this is not RDF/XML: {}", one_line(&error.to_string()));
            fault_at(file, text, at, &what, next_step(&what))
        })?;
        let subject = match triple.subject {
            NamedOrBlankNode::NamedNode(node) => node.into_string(),
            NamedOrBlankNode::BlankNode(node) => format!("_:{}", node.into_string()),
        };
        let object = match triple.object {
            Term::NamedNode(node) => Object::Resource(node.into_string()),
            Term::BlankNode(node) => Object::Resource(format!("_:{}", node.into_string())),
            Term::Literal(literal) => Object::Literal(literal.destruct().0),
            #[allow(unreachable_patterns, reason = "a feature of oxrdf adds quoted triples")]
            _ => continue,
        };
        let predicate = triple.predicate.into_string();
        count += 1;
        length += subject.len() + predicate.len() + object.text().len();
        if count > MOST_TRIPLES || length > MOST_BYTES {
            let text = "this document says too much; nothing of it was read".to_owned();
            return Err(fault(file, Kind::File, text, "split it into several files"));
        }
        let line = lines.line(at);
        let known = facts.subjects.entry(subject.clone()).or_insert_with(|| {
            facts.order.push(subject);
            Subject { line, facts: Vec::new() }
        });
        known.facts.push((predicate, object));
    }
    Ok(facts)
}

/// What to do about an error of the parser: about ids, which writers of definitions get wrong, in particular.
fn next_step(error: &str) -> &'static str {
    if error.contains("is not a valid rdf:ID") {
        "write a plain id, such as `facility-NAME` for $NAME, and tell the name with `serel:name`; nothing was read"
    } else if error.contains("already been used as rdf:ID") {
        "give each service and edge its own id, or add to the first with rdf:about=\"#ID\"; nothing was read"
    } else {
        "mend the document up to here; nothing of it was read"
    }
}

/// Why nothing of a document was read.
fn fault(file: &str, kind: Kind, text: String, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(Severity::Error, kind, file, Place::default(), text).help(help))
}

/// Why nothing of a document was read, and the place of that.
fn fault_at(file: &str, text: &str, at: usize, what: &str, help: &str) -> Box<Diagnostic> {
    let bytes = text.as_bytes();
    let at = at.min(bytes.len());
    let begin = memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |end| end + 1);
    let end = memchr::memchr(b'\n', &bytes[begin..]).map_or(bytes.len(), |end| begin + end);
    let column = String::from_utf8_lossy(&bytes[begin..at]).chars().count() + 1;
    let place = Place {
        line: Lines { text, at: 0, line: 1 }.line(at),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    };
    let line = String::from_utf8_lossy(&bytes[begin..end]);
    Box::new(Diagnostic::new(Severity::Error, Kind::Syntax, file, place, what).help(help).line(line, 1))
}

/// Turns ever larger offsets into lines without counting twice.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u32,
}

impl Lines<'_> {
    fn line(&mut self, offset: usize) -> u32 {
        let to = offset.clamp(self.at, self.text.len());
        let passed = &self.text.as_bytes()[self.at..to];
        self.line += u32::try_from(memchr::memchr_iter(b'\n', passed).count()).unwrap_or(0);
        self.at = to;
        self.line
    }
}

/// What the parser says, in one line of bearable length: it may quote the document.
fn one_line(text: &str) -> String {
    const MOST: usize = 160;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}...", &text[..cut]),
        None => text,
    }
}

impl Subject {
    fn resources<'a>(&'a self, predicate: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let predicate = predicate.to_owned();
        self.facts.iter().filter_map(move |(known, object)| match object {
            Object::Resource(iri) if *known == predicate => Some(iri.as_str()),
            _ => None,
        })
    }

    /// The text of a property, without blanks around it.
    fn literal(&self, predicate: &str) -> Option<&str> {
        self.literals(predicate).next()
    }

    fn literals<'a>(&'a self, predicate: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let predicate = predicate.to_owned();
        self.facts.iter().filter_map(move |(known, object)| match object {
            Object::Literal(text) if *known == predicate => Some(text.trim()),
            _ => None,
        })
    }

    fn is_a(&self, class: &str) -> bool {
        self.resources(vocabulary::TYPE).any(|known| known == class)
    }
}
