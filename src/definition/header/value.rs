//! The values of a block: lists of names, levels, descriptions.

use super::block::Lines;
use super::line::{Keyword, Said, Shape, shape};
use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::definition::{Reading, name};
use crate::model::{Definition, Level, Levels, Place, Relation, RelationKind, Spanned};
use std::borrow::Cow;
use std::collections::HashSet;

/// Fills a definition from the lines of a block.
pub(super) fn fill(definition: &mut Definition, lines: Lines, reading: &mut Reading) {
    let mut number = lines.begin;
    let mut filler = Filler {
        file: definition.file.clone(),
        definition,
        reading,
        seen: Vec::new(),
        provided: HashSet::new(),
        number,
        described: false,
        odd_said: false,
        unsaid: 0,
        kept: 0,
    };
    for line in lines {
        number = number.saturating_add(1);
        filler.number = number;
        match std::str::from_utf8(line) {
            Ok(line) => filler.take(line),
            Err(_) => filler.take(&String::from_utf8_lossy(line)),
        }
    }
    filler.levels_apart();
    if filler.unsaid > 0 {
        let text = format!("{} more warnings about this header are not shown", filler.unsaid);
        let at = Place { line: number, column: 1 };
        filler
            .reading
            .diagnostics
            .push(Diagnostic::warning(&filler.file, at, text).help("mend the first ones and look again"));
    }
}

/// Warnings about one header; each holds a copy of its line.
const MOST_WARNINGS: usize = 50;
/// Bytes that these copies may have together; the first is always kept.
const MOST_KEPT: usize = 64 * 1024;

/// Names that are compared one by one.
const FEW: usize = 16;

struct Filler<'a> {
    definition: &'a mut Definition,
    reading: &'a mut Reading,
    file: String,
    /// Keywords so far, with their lines.
    seen: Vec<(Keyword, u32)>,
    /// Names that it provides so far, once they are [`FEW`].
    provided: HashSet<String>,
    number: u32,
    /// The last keyword was `Description`.
    described: bool,
    /// A line in an odd form was warned of already.
    odd_said: bool,
    /// Warnings beyond [`MOST_WARNINGS`] or [`MOST_KEPT`].
    unsaid: usize,
    /// Bytes of lines that warnings hold.
    kept: usize,
}

/// A word of a value.
struct Token<'l> {
    text: &'l str,
    /// Byte offset in the line.
    at: usize,
    place: Place,
}

impl Filler<'_> {
    fn take(&mut self, line: &str) {
        match shape(line) {
            Shape::Empty => {}
            Shape::Said(said) => {
                self.described = false;
                self.say(line, said);
            }
            Shape::Continued(text) if self.described => {
                self.describe(text);
            }
            Shape::Continued(_) | Shape::Comment => {
                self.warn(line, 0, line.chars().count(), "this line of the header says nothing")
                    .help("write `# Keyword: value`; only a Description goes on over several lines");
            }
            Shape::Other => {
                self.warn(line, 0, line.chars().count(), "this line inside the header is no comment")
                    .help("begin it with `# `, or end the header before it");
            }
        }
    }

    fn say(&mut self, line: &str, said: Said) {
        if said.odd && !std::mem::replace(&mut self.odd_said, true) {
            let text = format!("`{}` is read as meant here, but not by every reader of headers", said.word);
            self.warn(line, said.at, said.word.len(), text)
                .help("begin the line with `# `, write `-` in keywords, and no blank before the colon");
        }
        let first = self.seen.iter().find(|(keyword, _)| *keyword == said.keyword).map(|(_, line)| *line);
        match (said.keyword, first) {
            (Keyword::Extension | Keyword::Unknown, _) => {}
            (_, None) => self.seen.push((said.keyword, self.number)),
            (_, Some(first)) => {
                let (counts, help) = match said.keyword {
                    Keyword::ShortDescription | Keyword::Interactive => {
                        ("that one counts", "keep one of them")
                    }
                    _ => ("both are read", "join the two lines"),
                };
                let text = format!("{} stands in line {first} already; {counts}", said.word);
                self.warn(line, said.at, said.word.len(), text).help(help);
            }
        }
        let value = &line[said.value..];
        match said.keyword {
            Keyword::Provides => self.provides(line, said),
            Keyword::RequiredStart => self.relations(line, said, RelationKind::RequiredStart),
            Keyword::ShouldStart => self.relations(line, said, RelationKind::ShouldStart),
            Keyword::StartBefore => self.relations(line, said, RelationKind::StartBefore),
            Keyword::RequiredStop => self.relations(line, said, RelationKind::RequiredStop),
            Keyword::ShouldStop => self.relations(line, said, RelationKind::ShouldStop),
            Keyword::StopAfter => self.relations(line, said, RelationKind::StopAfter),
            Keyword::DefaultStart => {
                let levels = self.levels(line, said);
                levels.iter().for_each(|level| self.definition.start_levels.insert(level));
            }
            Keyword::DefaultStop => {
                let levels = self.levels(line, said);
                levels.iter().for_each(|level| self.definition.stop_levels.insert(level));
            }
            Keyword::ShortDescription | Keyword::Interactive if first.is_some() => {}
            Keyword::ShortDescription => self.definition.summary = plain(value).into_owned(),
            Keyword::Description => {
                self.described = true;
                self.describe(value);
            }
            Keyword::Interactive => {
                let value = plain(value);
                self.definition.interactive = value == "true";
                if !matches!(&*value, "true" | "false" | "") {
                    let at = line.len() - line[said.value..].trim_start().len();
                    self.warn(line, at, value.len(), "only `true` makes a script interactive")
                        .help("write `# X-Interactive: true`, or leave the line out");
                }
            }
            Keyword::Extension => {
                self.definition.extensions.push((said.word.to_owned(), plain(value).into_owned()));
            }
            Keyword::Unknown => {
                let text = format!("unknown keyword {}", said.word);
                self.warn(line, said.at, said.word.len(), text)
                    .help("see the LSB for keywords; begin one of your own with `X-`");
            }
        }
    }

    /// Adds a line of description.
    fn describe(&mut self, text: &str) {
        let text = plain(text);
        let description = &mut self.definition.description;
        if !description.is_empty() && !text.is_empty() {
            description.push('\n');
        }
        *description += &text;
    }

    fn provides(&mut self, line: &str, said: Said) {
        for token in self.tokens(line, said) {
            if let Some(fault) = name::fault(token.text) {
                self.bad_name(line, &token, fault);
            } else if self.is_new(token.text) {
                self.definition.provides.push(Spanned { name: token.text.to_owned(), at: token.place });
            }
        }
    }

    /// Whether a name is not provided yet. Most scripts have one name; only a long list is worth a hash.
    fn is_new(&mut self, name: &str) -> bool {
        let provides = &self.definition.provides;
        if provides.len() < FEW {
            return provides.iter().all(|provided| provided.name != name);
        }
        if self.provided.is_empty() {
            self.provided.extend(provides.iter().map(|provided| provided.name.clone()));
        }
        self.provided.insert(name.to_owned())
    }

    fn relations(&mut self, line: &str, said: Said, kind: RelationKind) {
        self.definition.stop_declared |=
            matches!(kind, RelationKind::RequiredStop | RelationKind::ShouldStop | RelationKind::StopAfter);
        for token in self.tokens(line, said) {
            let (target, optional) =
                token.text.strip_prefix('+').map_or((token.text, false), |target| (target, true));
            if let Some(fault) = name::fault(target) {
                self.bad_name(line, &token, fault);
                continue;
            }
            let target = Spanned { name: target.to_owned(), at: token.place };
            self.definition.relations.push(Relation { kind, target, optional });
        }
    }

    fn levels(&mut self, line: &str, said: Said) -> Levels {
        let mut levels = Levels::NONE;
        for token in self.tokens(line, said) {
            let letters: Option<Levels> =
                token.text.chars().map(|c| Level::parse(c.encode_utf8(&mut [0; 4]))).collect();
            match letters {
                Some(several) => {
                    several.iter().for_each(|level| levels.insert(level));
                    if token.text.len() > 1 {
                        self.warn(line, token.at, token.text.len(), "several levels in one word")
                            .help("put blanks between the levels: not every reader takes them apart");
                    }
                }
                None => {
                    let text = format!("`{}` is no runlevel, and is left out", token.text.escape_debug());
                    self.warn(line, token.at, token.text.len(), text).help("runlevels are S and 0 to 9");
                }
            }
        }
        levels
    }

    /// The words of a list: blanks, commas and semicolons stand between them.
    fn tokens<'l>(&mut self, line: &'l str, said: Said) -> impl Iterator<Item = Token<'l>> + use<'l> {
        let mut value = &line[said.value..];
        if let Some(comment) = comment(value) {
            let length = line.chars().count();
            self.warn(
                line,
                said.value + comment,
                length,
                "a comment ends this list; other readers take its words for names",
            )
            .help("put the comment into a line of its own outside the header");
            value = &value[..comment];
        }
        if let Some(comma) = value.find([',', ';']) {
            self.warn(line, said.value + comma, 1, "names are separated by blanks; this is taken for one")
                .help("put a blank there: some readers take what stands around it for one name");
        }
        let (mut counted, mut column) = (0, 1);
        let number = self.number;
        value
            .split(|c: char| matches!(c, ',' | ';') || (!c.is_ascii_graphic() && c.is_whitespace()))
            .filter(|word| !word.is_empty())
            .map(move |word| {
                let at = word.as_ptr() as usize - line.as_ptr() as usize;
                column += line[counted..at].chars().count();
                counted = at;
                let column = u32::try_from(column).unwrap_or(u32::MAX);
                Token { text: word, at, place: Place { line: number, column } }
            })
    }

    fn bad_name(&mut self, line: &str, token: &Token<'_>, fault: &str) {
        let mut shown: String = token.text.chars().take(40).collect();
        if shown.len() < token.text.len() {
            shown += "...";
        }
        let text = format!("`{}` {fault}, and is left out", shown.escape_debug());
        self.warn(line, token.at, token.text.len(), text).help("give the name of a service");
    }

    /// A level cannot both start and stop a service: starting wins, as with insserv.
    fn levels_apart(&mut self) {
        let both = self.definition.start_levels.shared(self.definition.stop_levels);
        if both.is_empty() {
            return;
        }
        let line = self
            .seen
            .iter()
            .find(|(keyword, _)| *keyword == Keyword::DefaultStop)
            .map_or(0, |(_, line)| *line);
        let words: Vec<String> = both.iter().map(|level| level.to_string()).collect();
        let text =
            format!("Default-Start and Default-Stop both name {}; it is started there", words.join(" "));
        self.reading.diagnostics.push(
            Diagnostic::new(Severity::Warning, Kind::Conflict, &self.file, Place { line, column: 1 }, text)
                .help("take those levels out of Default-Stop"),
        );
        self.definition.stop_levels =
            self.definition.stop_levels.iter().filter(|level| !both.contains(*level)).collect();
    }

    /// Adds a warning about a part of the line and returns it for its help.
    fn warn(&mut self, line: &str, at: usize, length: usize, text: impl Into<String>) -> Warned<'_> {
        if self.reading.diagnostics.len() >= MOST_WARNINGS || self.kept > MOST_KEPT {
            self.unsaid += 1;
            return Warned(None);
        }
        self.kept += line.len();
        let end = (at + length).min(line.len());
        let width = line.get(at..end).map_or(1, |part| part.chars().count());
        let place = place(line, at, self.number);
        self.reading.diagnostics.push(Diagnostic::warning(&self.file, place, text.into()).line(line, width));
        Warned(self.reading.diagnostics.last_mut())
    }
}

/// The warning that was added, if there was room for it.
struct Warned<'a>(Option<&'a mut Diagnostic>);

impl Warned<'_> {
    fn help(self, help: &str) {
        if let Some(warned) = self.0 {
            warned.help = Some(help.to_owned());
        }
    }
}

/// Where in a list a comment begins: at a `#` behind a blank.
fn comment(value: &str) -> Option<usize> {
    let begins = |at: usize| at == 0 || value[..at].ends_with(char::is_whitespace);
    memchr::memchr_iter(b'#', value.as_bytes()).find(|at| begins(*at))
}

/// Free text without blanks around it, and without what no document may hold: control characters (but TAB).
fn plain(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Cow::Borrowed(text);
    }
    let foreign = |c: char| (c.is_control() && c != '\t') || matches!(c, '\u{fffe}' | '\u{ffff}');
    if text.contains(foreign) { Cow::Owned(text.replace(foreign, "\u{fffd}")) } else { Cow::Borrowed(text) }
}

fn place(line: &str, at: usize, number: u32) -> Place {
    let column = u32::try_from(line[..at].chars().count() + 1).unwrap_or(u32::MAX);
    Place { line: number, column }
}
