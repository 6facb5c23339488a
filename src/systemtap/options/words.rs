//! Options come as one text; quotes in it keep words together, as in a shell.

/// Splits a text at blanks. Errors with what is wrong with its quotes.
pub(super) fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (_, Some(open)) if c == open => quote = None,
            ('\\', Some('"')) => match chars.next() {
                Some(escaped @ ('"' | '\\')) => word.get_or_insert_default().push(escaped),
                Some(other) => word.get_or_insert_default().extend(['\\', other]),
                None => word.get_or_insert_default().push('\\'),
            },
            ('\\', None) => match chars.next() {
                Some(escaped) => word.get_or_insert_default().push(escaped),
                None => return Err("they end after a backslash".to_owned()),
            },
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (_, None) if c.is_whitespace() => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    if let Some(open) = quote {
        return Err(format!("a quote {open} is never closed"));
    }
    words.extend(word);
    Ok(words)
}

/// The words as one text that [`split`] takes apart again.
pub(super) fn join<'w>(words: impl IntoIterator<Item = &'w str>) -> String {
    let plain = |c: char| !c.is_whitespace() && !"'\"\\".contains(c);
    let quoted = |word: &str| {
        if !word.is_empty() && word.chars().all(plain) {
            word.to_owned()
        } else {
            format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
        }
    };
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_keep_words_together() {
        for (text, words) in [
            ("", &[][..]),
            ("  -g \t-o\n/x ", &["-g", "-o", "/x"]),
            ("-c \"sleep 10\"", &["-c", "sleep 10"]),
            ("-c'sleep \"10\"'x", &["-csleep \"10\"x"]),
            ("a\\ b '' \"\\\"\\\\\\n\"", &["a b", "", "\"\\\\n"]),
        ] {
            let split_words = split(text).unwrap();
            assert_eq!(split_words, words, "{text:?}");
            assert_eq!(split(&join(split_words.iter().map(String::as_str))).unwrap(), words);
        }
        assert!(split("a 'b").unwrap_err().contains("never closed"));
        assert!(split("a\\").is_err());
    }
}
