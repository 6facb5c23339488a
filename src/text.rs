//! Text made fit for people: control characters made harmless, columns counted, times in words.
//!
//! What a job writes, and what a file is called, goes to the operator's terminal and log. Neither may move the cursor,
//! change the title or forge a line.

use nix::sys::signal::Signal;
use std::borrow::Cow;
use std::fmt::Write as _;

/// Bytes of unknown origin as one line of text. Tabs stay; colour sequences (`ESC [ .. m`) are dropped since they carry
/// no text; every other control character, what changes the direction of writing, and what is not UTF-8 is shown
/// as `\x1b` or `\u{202e}`.
pub fn harmless(bytes: &[u8]) -> Cow<'_, str> {
    // Nearly every name is plain ASCII, which is told without decoding it.
    let plain = bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
    if let Ok(text) = std::str::from_utf8(bytes)
        && (plain || !text.chars().any(is_harmful))
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    let mut left = bytes;
    while !left.is_empty() {
        let plain = left.iter().position(|byte| *byte == 0x1b).unwrap_or(left.len());
        escape(&mut out, &left[..plain]);
        left = &left[plain..];
        let skipped = colour_sequence(left);
        if skipped == 0 && !left.is_empty() {
            escape(&mut out, &left[..1]);
        }
        left = left.get(skipped.max(1)..).unwrap_or_default();
    }
    Cow::Owned(out)
}

/// The length of the colour sequence at the start of `bytes`, 0 if there is none.
fn colour_sequence(bytes: &[u8]) -> usize {
    let Some(rest) = bytes.strip_prefix(b"\x1b[") else { return 0 };
    let parameters = rest.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')).count();
    if rest.get(parameters) == Some(&b'm') { parameters + 3 } else { 0 }
}

fn escape(out: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                _ if !is_harmful(c) => out.push(c),
                _ if u32::from(c) < 0x100 => _ = write!(out, "\\x{:02x}", u32::from(c)),
                _ => _ = write!(out, "\\u{{{:x}}}", u32::from(c)),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
}

/// Whether a character may move the cursor or turn the direction of writing.
pub fn is_harmful(c: char) -> bool {
    (c.is_control() && c != '\t')
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Columns that a character takes on a terminal: 0 for what is put onto the one before, 2 for East Asian wide ones
/// and pictures (after Unicode's `EastAsianWidth`, its wide blocks taken whole).
fn columns_of(c: char) -> usize {
    match u32::from(c) {
        0x300..=0x36f | 0x200b..=0x200d | 0x20d0..=0x20ff | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// Columns that a text without control characters takes on a terminal.
pub fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// The longest beginning of a text that takes at most so many columns.
pub fn cut(text: &str, most: usize) -> &str {
    let mut taken = 0;
    for (at, c) in text.char_indices() {
        taken += columns_of(c);
        if taken > most {
            return &text[..at];
        }
    }
    text
}

/// A text filled up with spaces to so many columns; a longer one stays as it is.
pub fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Nanoseconds to the hundredth: `0.12s`, `59.99s`, `1m02s`.
pub fn seconds(nanos: u64) -> String {
    let hundredths = nanos.saturating_add(5_000_000) / 10_000_000;
    if hundredths < 6000 { format!("{}.{:02}s", hundredths / 100, hundredths % 100) } else { minutes(nanos) }
}

/// Nanoseconds as coarse as a glance wants them: `0.1s`, `9.9s`, `30s`, `1m02s`.
pub fn about(nanos: u64) -> String {
    let tenths = nanos.saturating_add(50_000_000) / 100_000_000;
    let whole = nanos.saturating_add(500_000_000) / 1_000_000_000;
    match (tenths, whole) {
        (0..100, _) => format!("{}.{}s", tenths / 10, tenths % 10),
        (_, 0..60) => format!("{whole}s"),
        _ => minutes(nanos),
    }
}

fn minutes(nanos: u64) -> String {
    let whole = nanos.saturating_add(500_000_000) / 1_000_000_000;
    format!("{}m{:02}s", whole / 60, whole % 60)
}

/// `1 script`, `2 scripts`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `SIGSEGV`, or `signal 40` for one without a name.
pub fn signal_name(signal: i32) -> String {
    Signal::try_from(signal).map_or_else(|_| format!("signal {signal}"), |known| known.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_shown_and_not_obeyed() {
        assert_eq!(harmless(b"plain\ttext"), "plain\ttext");
        assert_eq!(harmless("sch\u{f6}n \u{65e5}".as_bytes()), "sch\u{f6}n \u{65e5}");
        assert_eq!(harmless(b"\x1b[2J\x1b]0;title\x07"), "\\x1b[2J\\x1b]0;title\\x07");
        assert_eq!(harmless(b"10%\r20%\x08\x00"), "10%\\x0d20%\\x08\\x00");
        assert_eq!(harmless("\u{9b}2J \u{202e}evil".as_bytes()), "\\x9b2J \\u{202e}evil");
        assert_eq!(harmless(b"latin \xe9t\xe9"), "latin \\xe9t\\xe9");
        assert_eq!(harmless(b"two\nlines"), "two\\x0alines");
    }

    #[test]
    fn colours_are_dropped() {
        assert_eq!(harmless(b"[ \x1b[1;32mok\x1b[0m ]\x1b[m"), "[ ok ]");
        assert_eq!(harmless(b"\x1b[1;32"), "\\x1b[1;32");
        assert_eq!(harmless(b"\x1b"), "\\x1b");
        assert_eq!(harmless(b"\x1b\x1b[31mx"), "\\x1bx");
    }

    #[test]
    fn columns_are_those_of_the_terminal() {
        assert_eq!(columns("cron"), 4);
        assert_eq!(columns("\u{65e5}\u{672c}"), 4);
        assert_eq!(columns("e\u{301}t"), 2);
        assert_eq!(cut("\u{65e5}\u{672c}", 3), "\u{65e5}");
        assert_eq!(cut("cron", 9), "cron");
        assert_eq!(cut("cron", 0), "");
        assert_eq!(pad("\u{65e5}", 4), "\u{65e5}  ");
    }

    #[test]
    fn times_read_well_at_every_size() {
        let ms = 1_000_000;
        assert_eq!(seconds(0), "0.00s");
        assert_eq!(seconds(124 * ms), "0.12s");
        assert_eq!(seconds(59_994 * ms), "59.99s");
        assert_eq!(seconds(59_996 * ms), "1m00s");
        assert_eq!(seconds(3_723_000 * ms), "62m03s");
        assert_eq!(about(94 * ms), "0.1s");
        assert_eq!(about(9_949 * ms), "9.9s");
        assert_eq!(about(9_950 * ms), "10s");
        assert_eq!(about(59_600 * ms), "1m00s");
        assert_eq!(about(u64::MAX), "307445734m33s");
    }
}
