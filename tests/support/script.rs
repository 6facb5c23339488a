//! Init scripts for the tests: a header, and a body that writes down that it ran.

use std::fmt::Write as _;
use std::path::Path;

/// An init script in the making. As it begins, it provides its own name, starts in level 2, stops in none, and
/// needs nobody.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    /// Its file name in `/etc/init.d`.
    pub(crate) name: String,
    header: Vec<(&'static str, String)>,
    body: String,
}

impl Script {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), header: Vec::new(), body: String::new() }
            .says("Provides", name)
            .says("Required-Start", "")
            .says("Required-Stop", "")
            .says("Default-Start", "2")
            .says("Default-Stop", "")
    }

    /// Sets a keyword of the header.
    pub(crate) fn says(mut self, keyword: &'static str, value: &str) -> Self {
        match self.header.iter_mut().find(|(known, _)| *known == keyword) {
            Some((_, old)) => value.clone_into(old),
            None => self.header.push((keyword, value.to_owned())),
        }
        self
    }

    /// Adds shell commands that run after the line is in the journal.
    pub(crate) fn then(mut self, commands: &str) -> Self {
        self.body.push_str(commands);
        self.body.push('\n');
        self
    }

    /// The text of the script. The first thing it does is to append `NAME ARGUMENT` to the journal, in one write.
    pub(crate) fn text(&self, journal: &Path) -> String {
        let mut text = String::from("#!/bin/sh\n### BEGIN INIT INFO\n");
        for (keyword, value) in &self.header {
            let _ = writeln!(text, "{}", format!("# {keyword}: {value}").trim_end());
        }
        let name = &self.name;
        let _ =
            write!(text, "### END INIT INFO\necho '{name}' \"$1\" >> '{}'\n{}", journal.display(), self.body);
        text
    }
}
