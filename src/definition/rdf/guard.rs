//! What is refused before the RDF parser sees it: a document of a kilobyte could take all memory with entities, with
//! elements a hundred thousand deep, or with a namespace so long that every fact repeats it.

use super::{fault, fault_at};
use crate::definition::diagnostic::{Diagnostic, Kind};
use memchr::memmem;
use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event;
use std::borrow::Cow;

/// The largest document, in bytes; some ten thousand services.
const LARGEST: usize = 8 * 1024 * 1024;
/// The longest value of an entity, in bytes; what abbreviating a namespace needs.
const LONGEST_ENTITY: usize = 256;
/// The longest tag with its attributes, in bytes.
const LONGEST_TAG: usize = 16 * 1024;
/// Elements inside each other; the vocabulary needs six.
const DEEPEST: usize = 64;
/// Namespaces known at one place; every name is looked up among them.
const MOST_NAMESPACES: usize = 256;

/// The text of a document that is safe to parse. What is not XML is left for the parser to say.
pub(super) fn check<'a>(file: &str, bytes: &'a [u8]) -> Result<Cow<'a, str>, Box<Diagnostic>> {
    if bytes.len() > LARGEST {
        let text = format!("this document has more than {} MiB, and is not read", LARGEST >> 20);
        return Err(fault(file, Kind::File, text, "split it into several files"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let valid = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        fault_at(file, valid, valid.len(), "this document is not UTF-8 from here on", "save it as UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match bad_place(text) {
        None => Ok(joined(text)),
        Some((at, what, help)) => Err(fault_at(file, text, at, what, help)),
    }
}

/// The first place that is not safe: its offset, what is wrong, what to do.
fn bad_place(text: &str) -> Option<(usize, &'static str, &'static str)> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<usize> = Vec::new();
    let mut namespaces = 0;
    loop {
        let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        let (tag, is_empty) = match reader.read_event().ok()? {
            Event::Eof if open.is_empty() => return None,
            // The RDF parser would take a half for the whole.
            Event::Eof => {
                return Some((
                    text.len(),
                    "this document ends before its elements are closed",
                    "write the rest of it",
                ));
            }
            Event::DocType(declarations) => {
                let declarations = String::from_utf8_lossy(&declarations);
                let fault = bad_entity(&declarations).or_else(|| {
                    stand_for_much(text, &declarations).then_some("entities that stand for more than 8 MiB")
                });
                if let Some(fault) = fault {
                    return Some((
                        at,
                        fault,
                        "write what it stands for in its place; entities only abbreviate",
                    ));
                }
                continue;
            }
            Event::End(_) => {
                namespaces -= open.pop().unwrap_or(0);
                continue;
            }
            Event::Start(tag) => (tag, false),
            Event::Empty(tag) => (tag, true),
            _ => continue,
        };
        let own = memmem::find_iter(&tag, b"xmlns").count();
        if tag.len() > LONGEST_TAG {
            return Some((at, "this tag has more than 16 KiB", "write long text between tags"));
        } else if namespaces + own > MOST_NAMESPACES {
            return Some((at, "more than 256 namespaces are known here", "declare each namespace once"));
        } else if open.len() >= DEEPEST {
            return Some((at, "more than 64 elements are open here", "close them: a service needs six"));
        } else if !is_empty {
            open.push(own);
            namespaces += own;
        }
    }
}

/// The same document with text in one piece: the RDF parser refuses text that a comment or a CDATA section parts.
/// Lines stay where they are.
fn joined(text: &str) -> Cow<'_, str> {
    if !text.contains("<![CDATA[") && !text.contains("<!--") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut reader = Reader::from_str(text);
    let mut from = 0;
    loop {
        let event = reader.read_event();
        let to = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        match event {
            Ok(Event::Comment(comment)) => {
                out.extend(comment.iter().filter(|byte| **byte == b'\n').map(|_| '\n'));
            }
            Ok(Event::CData(section)) => out += &escape(String::from_utf8_lossy(&section)),
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => out += text.get(from..to).unwrap_or_default(),
        }
        from = to;
    }
    // What is not XML stays, for the parser to say what is wrong with it.
    out += text.get(from..).unwrap_or_default();
    Cow::Owned(out)
}

/// What is wrong with one of the entities that are declared here.
fn bad_entity(declarations: &str) -> Option<&'static str> {
    let mut rest = declarations.split("<!ENTITY");
    rest.next();
    rest.find_map(|declaration| match value(declaration) {
        Some(Value::External) => Some("an entity from another file, which is not read"),
        Some(Value::Text(text)) if text.len() > LONGEST_ENTITY => Some("an entity of more than 256 bytes"),
        Some(Value::Text(text)) if text.contains(['&', '%']) => Some("an entity that is made of entities"),
        Some(Value::Text(_)) => None,
        None => Some("an entity without a value in quotes"),
    })
}

/// Whether the document would grow beyond [`LARGEST`] if all its references were to the longest entity.
fn stand_for_much(text: &str, declarations: &str) -> bool {
    let longest =
        declarations.split("<!ENTITY").skip(1).filter_map(|declaration| match value(declaration)? {
            Value::Text(text) => Some(text.len()),
            Value::External => None,
        });
    let references = memchr::memchr_iter(b'&', text.as_bytes()).count();
    longest.max().is_some_and(|longest| references * longest > LARGEST)
}

enum Value<'a> {
    Text(&'a str),
    /// `SYSTEM` or `PUBLIC`.
    External,
}

/// What a declaration says, from behind its `<!ENTITY` on.
fn value(declaration: &str) -> Option<Value<'_>> {
    let open = declaration.find(['"', '\'', '>'])?;
    let (head, rest) = declaration.split_at(open);
    if head.contains("SYSTEM") || head.contains("PUBLIC") {
        return Some(Value::External);
    }
    let quote = rest.chars().next().filter(|first| *first != '>')?;
    rest[1..].split_once(quote).map(|(value, _)| Value::Text(value))
}
