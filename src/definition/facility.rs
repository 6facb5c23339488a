//! System facilities: what `$network` stands for on this machine (`/etc/insserv.conf` and `/etc/insserv.conf.d/*`).
//!
//! A line is `$name member...`, with an optional `=` or `:` after the name; a member is a service, `+service` when it
//! may be missing, or another facility. The same name again adds to it, so that packages can. `<interactive> name...`
//! marks services that need the console. Facilities are expanded before ordering; they are not services themselves,
//! but a script may provide one by name (`Provides: $network`, as on Red Hat), and then stands for it as well.

use super::diagnostic::{Diagnostic, Kind, Severity};
use super::name;
use crate::model::Place;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// What each LSB facility stands for where no `insserv.conf` says so; each member may be missing.
const DEFAULTS: [(&str, &[&str]); 7] = [
    ("$local_fs", &["mountall", "mountall-bootclean", "mountoverflowtmp", "umountfs"]),
    ("$network", &["network", "networking", "ifupdown", "NetworkManager", "connman"]),
    ("$named", &["named", "bind9", "dnsmasq", "unbound", "pdns-recursor", "nscd", "$network"]),
    ("$portmap", &["portmap", "rpcbind"]),
    ("$remote_fs", &["mountnfs", "mountnfs-bootclean", "umountnfs", "sendsigs", "netfs", "$local_fs"]),
    (
        "$syslog",
        &["rsyslog", "syslog", "sysklogd", "syslog-ng", "syslogd", "inetutils-syslogd", "busybox-syslogd"],
    ),
    ("$time", &["hwclock", "ntpdate", "chrony", "ntp", "ntpsec"]),
];

/// The name for "nothing, deliberately".
const NULL: &str = "$null";

/// One member of a facility.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    name: String,
    optional: bool,
}

/// All facilities of a system.
#[derive(Debug, Clone, Default)]
pub struct Facilities {
    defined: BTreeMap<String, Vec<Part>>,
    interactive: BTreeSet<String>,
    read: bool,
    expanded: RefCell<HashMap<String, Vec<(String, bool)>>>,
}

impl Facilities {
    /// Those of the LSB, for a system without `insserv.conf`.
    pub fn defaults() -> Self {
        let mut facilities = Facilities::default();
        for (name, members) in DEFAULTS {
            let part = |member: &&str| Part { name: (*member).to_owned(), optional: true };
            facilities.defined.insert(name.to_owned(), members.iter().map(part).collect());
        }
        facilities
    }

    /// Reads one file; what it says is added to what is known.
    pub fn read(&mut self, file: &str, bytes: &[u8]) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        self.read = true;
        for (number, line) in (1u32..).zip(bytes.split(|byte| *byte == b'\n')) {
            let line = String::from_utf8_lossy(line);
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Err((at, text, help)) = self.read_line(line) {
                let column = u32::try_from(line[..at].chars().count() + 1).unwrap_or(u32::MAX);
                diagnostics.push(
                    Diagnostic::new(
                        Severity::Warning,
                        Kind::Syntax,
                        file,
                        Place { line: number, column },
                        text,
                    )
                    .help(help)
                    .line(line, 0),
                );
            }
        }
        self.expanded.borrow_mut().clear();
        diagnostics
    }

    /// Whether any file was read; if not, [`Facilities::defaults`] are in order.
    pub fn is_configured(&self) -> bool {
        self.read
    }

    /// Adds a line. Errors with where in it, what is wrong, and what to do.
    fn read_line(&mut self, line: &str) -> Result<(), (usize, String, &'static str)> {
        let separator = |c: char| matches!(c, ' ' | '\t' | '=' | ':');
        let end = line.find(separator).unwrap_or(line.len());
        let (head, rest) = line.split_at(end);
        let members = rest.trim_start_matches([' ', '\t']);
        let members = members.strip_prefix(['=', ':']).unwrap_or(members);
        let words = members.split_whitespace();
        if head == "<interactive>" {
            self.interactive.extend(words.map(|word| word.trim_start_matches('+').to_owned()));
            return Ok(());
        }
        if !head.starts_with('$') || name::fault(head).is_some() {
            let text = format!("`{}` is no facility", head.escape_debug());
            return Err((0, text, "begin the line with `$name`, `<interactive>` or `#`"));
        }
        let mut parts = Vec::new();
        for word in words {
            let (member, optional) = word.strip_prefix('+').map_or((word, false), |member| (member, true));
            if let Some(fault) = name::fault(member) {
                let at = word.as_ptr() as usize - line.as_ptr() as usize;
                return Err((at, format!("`{}` {fault}", word.escape_debug()), "give names of services"));
            }
            if member != NULL {
                parts.push(Part { name: member.to_owned(), optional });
            }
        }
        self.defined.entry(head.to_owned()).or_default().extend(parts);
        Ok(())
    }

    /// Facilities that hold themselves, directly or not; each is expanded without itself.
    pub fn circles(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for name in self.defined.keys() {
            if self.reaches(name) {
                found.push(
                    Diagnostic::new(
                        Severity::Error,
                        Kind::Cycle,
                        "/etc/insserv.conf",
                        Place::default(),
                        format!("the facility {name} holds itself"),
                    )
                    .help("take it out of its own members, and out of theirs")
                    .services([name.clone()]),
                );
            }
        }
        found
    }

    fn reaches(&self, name: &str) -> bool {
        let mut seen = HashSet::new();
        let mut left: Vec<&str> = vec![name];
        while let Some(next) = left.pop() {
            for part in self.defined.get(next).into_iter().flatten() {
                if part.name == name {
                    return true;
                }
                if part.name.starts_with('$') && seen.insert(part.name.as_str()) {
                    left.push(&part.name);
                }
            }
        }
        false
    }

    /// Members with nested facilities expanded, each service once. What is optional on its way stays optional.
    fn flatten(&self, name: &str) -> Vec<(String, bool)> {
        let mut members: Vec<(String, bool)> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        let mut seen: HashSet<(&str, bool)> = HashSet::new();
        let mut left: Vec<(&str, bool)> = vec![(name, false)];
        while let Some((next, optional)) = left.pop() {
            if !seen.insert((next, optional)) {
                continue;
            }
            for part in self.defined.get(next).into_iter().flatten() {
                let optional = optional || part.optional;
                if part.name.starts_with('$') && self.defined.contains_key(&part.name) {
                    left.push((&part.name, optional));
                } else if let Some(place) = places.get(part.name.as_str()) {
                    members[*place].1 &= optional;
                } else {
                    places.insert(&part.name, members.len());
                    members.push((part.name.clone(), optional || part.name.starts_with('$')));
                }
            }
        }
        members
    }

    /// What a facility (with its `$`) stands for: services, each with whether it may be missing. `None` when nobody
    /// defines it.
    pub fn expand(&self, facility: &str) -> Option<Vec<(String, bool)>> {
        if facility == NULL {
            return Some(Vec::new());
        }
        if !self.defined.contains_key(facility) {
            return None;
        }
        let mut expanded = self.expanded.borrow_mut();
        Some(expanded.entry(facility.to_owned()).or_insert_with(|| self.flatten(facility)).clone())
    }

    /// Whether a service or script is marked `<interactive>`.
    pub fn is_interactive(&self, name: &str) -> bool {
        self.interactive.contains(name)
    }

    /// All facilities, by name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.defined.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(facilities: &Facilities, name: &str) -> Vec<(String, bool)> {
        facilities.expand(name).unwrap()
    }

    #[test]
    fn lines_of_all_forms_add_up() {
        let mut facilities = Facilities::default();
        let text = b"# comment\n$a\tx +y\n$b = $a z\n$c: $b +$a w\n$a v\n<interactive> kbd  udev\n$n $null\n";
        assert_eq!(facilities.read("f", text), []);
        let of = |name| {
            members(&facilities, name).into_iter().map(|(m, o)| format!("{}{m}", if o { "+" } else { "" }))
        };
        assert_eq!(of("$a").collect::<Vec<_>>(), ["x", "+y", "v"]);
        assert_eq!(of("$b").collect::<Vec<_>>(), ["z", "x", "+y", "v"]);
        assert!(of("$c").any(|member| member == "x"), "once required, required");
        assert_eq!(of("$n").count(), 0);
        assert_eq!(facilities.expand("$d"), None);
        assert!(facilities.is_interactive("udev") && !facilities.is_interactive("x"));
    }

    #[test]
    fn what_holds_itself_is_said_and_still_expands() {
        let mut facilities = Facilities::default();
        facilities.read("f", b"$a $b x\n$b $a y\n");
        assert_eq!(facilities.circles().len(), 2);
        assert_eq!(members(&facilities, "$a").len(), 2);
    }

    #[test]
    fn deep_and_doubled_nesting_costs_little() {
        let mut facilities = Facilities::default();
        let line = |n| format!("$f{n} $f{} $f{} +s{n}", n + 1, n + 1);
        let text = (0..5000).map(line).collect::<Vec<_>>().join("\n");
        facilities.read("f", text.as_bytes());
        assert_eq!(members(&facilities, "$f0").len(), 5001);
    }

    #[test]
    fn what_is_not_understood_has_its_place() {
        let mut facilities = Facilities::default();
        let said = facilities.read("f", b"network x\n$a x/y\n");
        let places: Vec<(u32, u32)> = said.iter().map(|fault| (fault.at.line, fault.at.column)).collect();
        assert_eq!(places, [(1, 1), (2, 4)]);
    }
}
