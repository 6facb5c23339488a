//! One line of a block: which keyword, and where its value begins.

/// What a keyword is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    Provides,
    RequiredStart,
    RequiredStop,
    ShouldStart,
    ShouldStop,
    StartBefore,
    StopAfter,
    DefaultStart,
    DefaultStop,
    ShortDescription,
    Description,
    Interactive,
    /// `X-*` that we do not know.
    Extension,
    /// A word and a colon, but none that means anything.
    Unknown,
}

const KEYWORDS: [(&str, Keyword); 9] = [
    ("provides", Keyword::Provides),
    ("required-start", Keyword::RequiredStart),
    ("required-stop", Keyword::RequiredStop),
    ("should-start", Keyword::ShouldStart),
    ("should-stop", Keyword::ShouldStop),
    ("default-start", Keyword::DefaultStart),
    ("default-stop", Keyword::DefaultStop),
    ("short-description", Keyword::ShortDescription),
    ("description", Keyword::Description),
];

/// Those that came as `X-Name` or `X-Vendor-Name`, and are read without that, too.
const EXTENDED: [(&str, Keyword); 5] = [
    ("should-start", Keyword::ShouldStart),
    ("should-stop", Keyword::ShouldStop),
    ("start-before", Keyword::StartBefore),
    ("stop-after", Keyword::StopAfter),
    ("interactive", Keyword::Interactive),
];

/// A line that says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said<'a> {
    pub(super) keyword: Keyword,
    /// As it is written.
    pub(super) word: &'a str,
    /// Byte offset of the word in the line.
    pub(super) at: usize,
    /// Byte offset of what follows the colon.
    pub(super) value: usize,
    /// Blanks before the `#` or the colon, `_` for `-`, or several: other readers skip such a line.
    pub(super) odd: bool,
}

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape<'a> {
    /// Nothing, or a `#` alone.
    Empty,
    /// `# Keyword: value`.
    Said(Said<'a>),
    /// `#` and more than one blank, or a TAB: continues a description.
    Continued(&'a str),
    /// A comment that says nothing.
    Comment,
    /// No comment at all.
    Other,
}

/// Reads the shape of a line.
pub(super) fn shape(line: &str) -> Shape<'_> {
    let trimmed = line.trim_start_matches([' ', '\t']);
    let Some(text) = trimmed.strip_prefix('#') else {
        return if trimmed.trim().is_empty() { Shape::Empty } else { Shape::Other };
    };
    if text.trim().is_empty() {
        return Shape::Empty;
    }
    let word_from = line.len() - text.trim_start_matches([' ', '\t']).len();
    if let Some(said) = said(line, word_from, trimmed.len() < line.len())
        && (said.keyword != Keyword::Unknown || !is_indented(text))
    {
        return Shape::Said(said);
    }
    if is_indented(text) { Shape::Continued(text.trim()) } else { Shape::Comment }
}

fn is_indented(text: &str) -> bool {
    text.starts_with('\t') || text.starts_with("  ") || text.starts_with(" \t")
}

fn said(line: &str, from: usize, indented: bool) -> Option<Said<'_>> {
    let colon = from + memchr::memchr(b':', &line.as_bytes()[from..])?;
    let word = line[from..colon].trim_end_matches([' ', '\t']);
    let letters = word.as_bytes();
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !letters.first().is_some_and(u8::is_ascii_alphabetic) || !letters.iter().all(allowed) {
        return None;
    }
    let twice = || letters.windows(2).any(|pair| pair == b"--");
    let odd = indented || from + word.len() < colon || letters.contains(&b'_') || twice();
    Some(Said { keyword: keyword(word), word, at: from, value: colon + 1, odd })
}

/// Case does not count, `_` is a `-`, and several of them are one.
fn keyword(word: &str) -> Keyword {
    if let Some((_, keyword)) = KEYWORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)) {
        return *keyword;
    }
    let mut plain = String::with_capacity(word.len());
    for letter in word.chars() {
        match letter {
            '_' | '-' if plain.ends_with('-') => {}
            '_' => plain.push('-'),
            letter => plain.push(letter.to_ascii_lowercase()),
        }
    }
    if let Some((_, keyword)) = KEYWORDS.iter().chain(&EXTENDED).find(|(known, _)| *known == plain) {
        return *keyword;
    }
    let Some(rest) = plain.strip_prefix("x-") else { return Keyword::Unknown };
    let known = EXTENDED.iter().find(|(known, _)| {
        rest.strip_suffix(known).is_some_and(|vendor| vendor.is_empty() || vendor.ends_with('-'))
    });
    known.map_or(Keyword::Extension, |(_, keyword)| *keyword)
}
