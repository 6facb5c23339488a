//! What is refused before any parser sees it: the parser expands entities eagerly, and a document of a kilobyte could
//! take all memory.

use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::model::Place;
use memchr::memmem;

/// The largest document, in bytes.
const LARGEST: usize = 256 * 1024;
/// The longest value of an entity, in bytes; what abbreviating a namespace needs.
const LONGEST_ENTITY: usize = 256;

/// The text of a document that is safe to parse.
pub(super) fn check<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, Box<Diagnostic>> {
    let fault = |kind, at, text: String, help: &str| {
        Err(Box::new(Diagnostic::new(Severity::Error, kind, file, at, text).help(help)))
    };
    if bytes.len() > LARGEST {
        let text = format!("this document has more than {} KiB, and is not read", LARGEST / 1024);
        return fault(Kind::File, Place::default(), text, "split it into several files");
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        let text = "this document is not UTF-8".to_owned();
        return fault(Kind::Syntax, Place::default(), text, "save it as UTF-8");
    };
    for at in memmem::find_iter(bytes, b"<!ENTITY") {
        let value = entity_value(&text[at..]);
        if value.is_none_or(|value| value.len() > LONGEST_ENTITY || value.contains(['&', '%'])) {
            let line =
                u32::try_from(memchr::memchr_iter(b'\n', &bytes[..at]).count() + 1).unwrap_or(u32::MAX);
            let text = "an entity that is long, made of entities, or not plain text".to_owned();
            let help = "write what it stands for in its place; entities may only abbreviate short text";
            return fault(Kind::Syntax, Place { line, column: 0 }, text, help);
        }
    }
    Ok(text)
}

/// The quoted value of a declaration that begins here.
fn entity_value(declaration: &str) -> Option<&str> {
    let open = declaration.find(['"', '\'', '>']).filter(|at| !declaration[*at..].starts_with('>'))?;
    let quote = declaration[open..].chars().next()?;
    let value = &declaration[open + 1..];
    let head = &declaration[..open];
    // SYSTEM and PUBLIC name other files, which are not read.
    let external = head.contains("SYSTEM") || head.contains("PUBLIC");
    value.find(quote).map(|end| &value[..end]).filter(|_| !external)
}
