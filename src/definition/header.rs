//! The comment header of init scripts: LSB 5.0, chapter 22, and where that is silent, what insserv reads.
//!
//! A block from `### BEGIN INIT INFO` to `### END INIT INFO` of lines `# Keyword: value...`. Readers in the field differ
//! in many small things (blanks, commas, case, repeated keywords); what is meant is read, and a warning says what other
//! readers would have made of it. Red Hat's `# chkconfig: LEVELS START STOP` line gives levels and a fall-back order.

mod block;
mod line;
mod value;

use super::Reading;
use super::diagnostic::Diagnostic;
use crate::model::{Chkconfig, Definition, Level, Levels, Place, Relation, RelationKind, Source, Spanned};
use block::Lines;
use memchr::memmem::{self, Finder};
use std::sync::LazyLock;

/// Reads the header of a script. `file` is where it is read from, `script` what it defines, `name` the script's name;
/// `source` tells an override from the script itself. A script without a header is an unknown service.
pub fn parse(file: &str, script: &str, name: &str, source: Source, bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let chkconfig = chkconfig(file, bytes, &mut reading);
    let mut definition = match block::find(file, bytes, &mut reading.diagnostics) {
        Some(lines) => from_block(Context { file, script, name, source }, lines, &mut reading),
        None if is_openrc(bytes) => openrc(file, script, name),
        None => {
            reading.diagnostics.extend(block::nearly(file, bytes));
            Definition { file: file.to_owned(), ..Definition::unknown(name, script) }
        }
    };
    if let Some(line) = chkconfig {
        definition.chkconfig = Some(line);
        if definition.start_levels.is_empty() && definition.stop_levels.is_empty() {
            definition.start_levels = line.levels;
            let all = "0123456".chars().filter_map(|digit| Level::parse(&digit.to_string()));
            definition.stop_levels = all.filter(|level| !line.levels.contains(*level)).collect();
        }
    }
    // Exactly one: a `push` would make room for four.
    reading.definitions = vec![definition];
    reading.diagnostics.sort_by_key(|found| (found.at.line, found.at.column));
    reading
}

/// What a block belongs to.
#[derive(Clone, Copy)]
struct Context<'a> {
    file: &'a str,
    script: &'a str,
    name: &'a str,
    source: Source,
}

fn from_block(context: Context, lines: Lines, reading: &mut Reading) -> Definition {
    let mut definition = Definition {
        file: context.file.to_owned(),
        source: context.source,
        provides: Vec::new(),
        ..Definition::unknown(context.name, context.script)
    };
    let begin = lines.begin;
    value::fill(&mut definition, lines, reading);
    if definition.provides.is_empty() {
        reading.diagnostics.push(
            Diagnostic::warning(
                context.file,
                Place { line: begin, column: 1 },
                "the header has no Provides".to_owned(),
            )
            .help(format!("add `# Provides: {}`, which is what is assumed", context.name)),
        );
        let at = Place { line: begin, column: 1 };
        definition.provides.push(Spanned { name: context.name.to_owned(), at });
    }
    definition
}

/// Whether the script is one of OpenRC's, which has its relations in shell functions that only OpenRC can ask.
fn is_openrc(bytes: &[u8]) -> bool {
    let first = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    first.starts_with(b"#!") && memmem::find(first, b"openrc-run").is_some()
}

/// What insserv takes for granted of an OpenRC script.
fn openrc(file: &str, script: &str, name: &str) -> Definition {
    let at = Place { line: 1, column: 1 };
    let levels =
        |text: &str| text.chars().filter_map(|level| Level::parse(&level.to_string())).collect::<Levels>();
    let relation = |kind, target: &str| Relation {
        kind,
        target: Spanned { name: target.to_owned(), at },
        optional: false,
    };
    let mut definition = Definition::unknown(name, script);
    definition.file = file.to_owned();
    definition.source = Source::Header;
    definition.start_levels = levels("2345");
    definition.stop_levels = levels("016");
    definition.stop_declared = true;
    for kind in [RelationKind::RequiredStart, RelationKind::RequiredStop] {
        definition.relations.extend(["$remote_fs", "$syslog"].map(|target| relation(kind, target)));
    }
    definition
}

const CHKCONFIG: &[u8] = b"chkconfig:";
static FIND_CHKCONFIG: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(CHKCONFIG));

/// The first `# chkconfig:` line of the file.
fn chkconfig(file: &str, bytes: &[u8], reading: &mut Reading) -> Option<Chkconfig> {
    let found = FIND_CHKCONFIG.find_iter(bytes).find(|at| {
        let blanks = bytes[..*at].iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        matches!(bytes[..at - blanks], [b'#'] | [.., b'\n', b'#'])
    })?;
    let rest = &bytes[found + CHKCONFIG.len()..];
    let text =
        String::from_utf8_lossy(&rest[..memchr::memchr(b'\n', rest).unwrap_or(rest.len())]).into_owned();
    let words: Vec<&str> = text.split_whitespace().collect();
    let priority =
        |word: Option<&&str>| word.and_then(|word| word.parse::<u8>().ok()).filter(|number| *number < 100);
    let levels = words.first().and_then(|word| {
        let letters = if *word == "-" { "" } else { word };
        letters.chars().map(|letter| Level::parse(&letter.to_string())).collect::<Option<Levels>>()
    });
    if let (Some(levels), Some(start), Some(stop)) = (levels, priority(words.get(1)), priority(words.get(2)))
    {
        return Some(Chkconfig { levels, start, stop });
    }
    let line = u32::try_from(memchr::memchr_iter(b'\n', &bytes[..found]).count() + 1).unwrap_or(u32::MAX);
    reading.diagnostics.push(
        Diagnostic::warning(
            file,
            Place { line, column: 1 },
            "this chkconfig line is not understood".to_owned(),
        )
        .help("write `# chkconfig: LEVELS START STOP`, such as `# chkconfig: 2345 20 80`")
        .line(format!("# chkconfig:{}", text.trim_end()), 0),
    );
    None
}
