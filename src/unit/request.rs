//! What is asked for: the unit of a runlevel, a change from one to another, or services handed over as pairs.

use crate::definition::diagnostic::{Diagnostic, Kind, Severity};
use crate::fingerprint::Digest;
use crate::model::{Level, Phase, Place, Strength};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A unit: services that are started or stopped together, and how their definitions are to be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Which services.
    pub members: Members,
    /// Which way.
    pub phase: Phase,
    /// How much an LSB `Required-Start` binds.
    pub required: Strength,
}

/// Which services make the unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Members {
    /// Those of a runlevel; with a previous one, only those that it did not have.
    Level {
        /// The level.
        level: Level,
        /// The level that the system comes from, if the difference is asked for.
        previous: Option<Level>,
    },
    /// Those handed over.
    Pairs(Pairs),
    /// Every script, whatever its levels: to look at, not to run.
    Tree,
}

/// The input of `serelhistory --populate` and `serelrc --pairs`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairs {
    /// Services that have been started already.
    pub started: Vec<String>,
    /// Services with the path of their script, in the order in which they were given.
    pub pairs: Vec<(String, String)>,
    /// Services of the unit that was last started (or stopped).
    pub last_unit: Vec<String>,
}

impl Request {
    /// The words that name the unit: `start 2`, `stop 6`, `start 3 from 2`.
    pub fn label(&self) -> String {
        let verb = match self.phase {
            Phase::Start => "start",
            Phase::Stop => "stop",
        };
        match &self.members {
            Members::Level { level, previous: None } => format!("{verb} {level}"),
            Members::Level { level, previous: Some(previous) } => format!("{verb} {level} from {previous}"),
            Members::Pairs(_) => format!("{verb} pairs"),
            Members::Tree => format!("{verb} all"),
        }
    }

    /// The history's key: everything that is asked, the settings, and the formats of what is stored.
    pub fn key(&self) -> Digest {
        let asked = postcard::to_stdvec(self).expect("BUG: a request in memory always fits in memory");
        let mut hasher = blake3::Hasher::new();
        hasher.update(env!("CARGO_PKG_VERSION").as_bytes());
        hasher.update(&crate::plan::VERSION.to_le_bytes());
        hasher.update(&asked);
        Digest(*hasher.finalize().as_bytes())
    }
}

impl Pairs {
    /// Reads `[--started SERVICE...] --pairs SERVICE PATH ...`; tokens are separated by white space, and lone braces
    /// (the manual's notation) are ignored. Errors name line and column of the token that does not fit.
    pub fn parse(file: &str, text: &str) -> Result<Pairs, Box<Diagnostic>> {
        let mut pairs = Pairs::default();
        let mut paths: HashMap<&str, &str> = HashMap::new();
        let mut part = Part::Nothing;
        let mut service: Option<(&str, Place, &str)> = None;
        for (at, token, line) in tokens(text) {
            let fault = |text: String, help: &str| {
                let width = token.chars().count();
                Box::new(
                    Diagnostic::new(Severity::Error, Kind::Syntax, file, at, text)
                        .help(help)
                        .line(line, width),
                )
            };
            match (token, part) {
                ("{" | "}", _) => {}
                ("--started", Part::Nothing) => part = Part::Started,
                ("--pairs", Part::Nothing | Part::Started) => part = Part::Pairs,
                ("--started" | "--pairs", _) => {
                    return Err(fault(
                        format!("{token} for the second time"),
                        "say --started, then --pairs, once each",
                    ));
                }
                (_, Part::Nothing) => {
                    return Err(fault(
                        format!("`{token}` stands before --started or --pairs"),
                        "begin with --started SERVICE... or --pairs SERVICE PATH ...",
                    ));
                }
                (name, Part::Started) => {
                    check_name(name).map_err(|why| fault(why, "give the name of a service"))?;
                    pairs.started.push(name.to_owned());
                }
                (path, Part::Pairs) if service.is_some() => {
                    if !path.starts_with('/') {
                        return Err(fault(
                            format!("the path `{path}` is not absolute"),
                            "after each service name give the whole path of its script",
                        ));
                    }
                    if let Some((name, _, _)) = service.take() {
                        match paths.insert(name, path) {
                            None => pairs.pairs.push((name.to_owned(), path.to_owned())),
                            Some(known) if known == path => {}
                            Some(known) => {
                                let text = format!("service `{name}` has the path {known} already");
                                return Err(fault(text, "give each service one path"));
                            }
                        }
                    }
                }
                (name, Part::Pairs) => {
                    check_name(name).map_err(|why| fault(why, "give pairs of a service name and a path"))?;
                    service = Some((name, at, line));
                }
            }
        }
        if let Some((name, at, line)) = service {
            let text = format!("service `{name}` has no path");
            let fault = Diagnostic::new(Severity::Error, Kind::Syntax, file, at, text)
                .help("give pairs of a service name and a path")
                .line(line, name.chars().count());
            return Err(Box::new(fault));
        }
        if part != Part::Pairs {
            let fault =
                Diagnostic::new(Severity::Error, Kind::Syntax, file, Place::default(), "there is no --pairs")
                    .help("write --pairs SERVICE PATH ... on standard input");
            return Err(Box::new(fault));
        }
        Ok(pairs)
    }

    /// Whether the paths say that the unit is being stopped: links of the form `K??name`, and no `S??name`.
    pub fn is_stopping(&self) -> bool {
        let starts_with = |path: &str, letter: u8| {
            let name = path.rsplit('/').next().unwrap_or_default().as_bytes();
            name.len() > 3 && name[0] == letter && name[1].is_ascii_digit() && name[2].is_ascii_digit()
        };
        self.pairs.iter().any(|(_, path)| starts_with(path, b'K'))
            && !self.pairs.iter().any(|(_, path)| starts_with(path, b'S'))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Nothing,
    Started,
    Pairs,
}

fn check_name(name: &str) -> Result<(), String> {
    if name.starts_with("--") {
        return Err(format!("unknown word {name}"));
    }
    if name.contains('/') || name.chars().any(char::is_control) || name.len() > 255 {
        return Err(format!("`{}` is not the name of a service", name.escape_debug()));
    }
    Ok(())
}

/// Tokens with their places and lines.
fn tokens(text: &str) -> impl Iterator<Item = (Place, &str, &str)> {
    text.lines().enumerate().flat_map(|(number, line)| {
        let number = u32::try_from(number + 1).unwrap_or(u32::MAX);
        line.split_whitespace().map(move |token| {
            // Each token is a part of its line, so its start is a character boundary inside it.
            let offset = token.as_ptr() as usize - line.as_ptr() as usize;
            let column = u32::try_from(line[..offset].chars().count() + 1).unwrap_or(u32::MAX);
            (Place { line: number, column }, token, line)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manuals_form_is_read() {
        let text = "--started { network\n syslog }\n--pairs { cron /etc/init.d/cron\nat /etc/init.d/atd }";
        let pairs = Pairs::parse("<stdin>", text).unwrap();
        assert_eq!(pairs.started, ["network", "syslog"]);
        assert_eq!(pairs.pairs[1], ("at".to_owned(), "/etc/init.d/atd".to_owned()));
    }

    #[test]
    fn what_does_not_fit_is_named_with_its_place() {
        for (text, place, words) in [
            ("cron /etc/init.d/cron", (1, 1), "stands before"),
            ("--pairs cron", (1, 9), "has no path"),
            ("--pairs\n  cron etc/x", (2, 8), "not absolute"),
            ("--pairs a /x\na /y", (2, 3), "has the path /x already"),
            ("--pairs a /x --started b", (1, 14), "second time"),
            ("--started a", (0, 0), "there is no --pairs"),
            ("", (0, 0), "there is no --pairs"),
            ("--pairs --what /x", (1, 9), "unknown word"),
        ] {
            let fault = Pairs::parse("<stdin>", text).unwrap_err();
            assert_eq!((fault.at.line, fault.at.column), place, "{text}");
            assert!(fault.text.contains(words), "{text}: {}", fault.text);
        }
    }

    #[test]
    fn stop_links_mean_stopping() {
        let pairs = |path: &str| Pairs { pairs: vec![("a".into(), path.into())], ..Pairs::default() };
        assert!(pairs("/etc/rc6.d/K01a").is_stopping());
        assert!(!pairs("/etc/rc2.d/S01a").is_stopping());
        assert!(!pairs("/etc/init.d/K").is_stopping());
    }
}
