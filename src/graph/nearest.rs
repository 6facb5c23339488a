//! The name that a misspelt one may have meant.
//!
//! One look at every known name for each misspelt one, and only for the first [`ASKED`] of these: a tree with
//! thousands of unknown names has another trouble than spelling.

use std::cell::Cell;

/// How many misspelt names are looked up.
const ASKED: u32 = 64;

/// All names that could be meant.
pub(super) struct Nearest<'a> {
    services: Vec<&'a str>,
    facilities: Vec<String>,
    asked: Cell<u32>,
}

impl<'a> Nearest<'a> {
    pub(super) fn new(mut services: Vec<&'a str>, facilities: Vec<String>) -> Self {
        services.retain(|name| !name.starts_with('$'));
        Self { services, facilities, asked: Cell::new(0) }
    }

    /// A service with nearly this name.
    pub(super) fn service(&self, name: &str) -> Option<&str> {
        self.search(name, self.services.iter().copied())
    }

    /// A facility with nearly this name.
    pub(super) fn facility(&self, name: &str) -> Option<&str> {
        self.search(name, self.facilities.iter().map(String::as_str))
    }

    fn search<'n>(&self, name: &str, among: impl Iterator<Item = &'n str>) -> Option<&'n str> {
        self.asked.set(self.asked.get() + 1);
        // One slip in a short name, two in a longer one: more, and it is another name.
        let most = match name.chars().count() {
            3..=5 => 1,
            6..=64 => 2,
            _ => return None,
        };
        if self.asked.get() > ASKED {
            return None;
        }
        let near = among.filter(|other| *other != name && other.len().abs_diff(name.len()) <= most * 4);
        let measured = near.map(|other| (distance(name, other, most), other));
        measured.filter(|(distance, _)| *distance <= most).min().map(|(_, other)| other)
    }
}

/// How many letters to insert, drop, replace or swap with their neighbour (Damerau 1964, restricted: no letter is
/// touched twice); anything above `most` may come out as any number above it.
fn distance(one: &str, other: &str, most: usize) -> usize {
    let one: Vec<char> = one.chars().flat_map(char::to_lowercase).collect();
    let other: Vec<char> = other.chars().flat_map(char::to_lowercase).collect();
    if one.len().abs_diff(other.len()) > most {
        return most + 1;
    }
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for i in 1..=one.len() {
        let mut row = vec![i; other.len() + 1];
        for j in 1..=other.len() {
            let changed = usize::from(one[i - 1] != other[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + changed);
            let swapped = i > 1 && j > 1 && one[i - 1] == other[j - 2] && one[i - 2] == other[j - 1];
            if swapped {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        if row.iter().all(|cell| *cell > most) {
            return most + 1;
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_slips_and_nothing_else() {
        let names = vec!["syslog", "network", "nfs", "cron", "$syslog"];
        let nearest = Nearest::new(names, vec!["$remote_fs".into(), "$local_fs".into()]);
        for (written, meant) in [
            ("sylsog", Some("syslog")),
            ("Syslog", Some("syslog")),
            ("netwrok", Some("network")),
            ("networking", None),
            ("corn", Some("cron")),
            ("nis", Some("nfs")),
            ("xyz", None),
            ("db", None),
        ] {
            assert_eq!(nearest.service(written), meant, "{written}");
        }
        assert_eq!(nearest.facility("$remotefs"), Some("$remote_fs"));
        assert_eq!(nearest.facility("$syslog"), None);
    }

    #[test]
    fn gives_up_after_many_questions() {
        let nearest = Nearest::new(vec!["syslog"], Vec::new());
        let answers = (0..200).filter(|_| nearest.service("sylog").is_some()).count();
        assert_eq!(answers, ASKED as usize);
    }

    #[test]
    fn measures() {
        for (one, other, expected) in
            [("", "", 0), ("ab", "ba", 1), ("abc", "abd", 1), ("abcd", "abd", 1), ("ca", "abc", 3)]
        {
            assert_eq!(distance(one, other, 9), expected, "{one} {other}");
        }
    }
}
