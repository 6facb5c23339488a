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

/// Warnings about one file.
const MOST_WARNINGS: usize = 50;
/// Bytes that the copies of lines in them may have together; the first is always kept.
const MOST_KEPT: usize = 64 * 1024;

/// How far the search for circles is with a facility.
enum State {
    /// It is on the way, so far from its begin.
    Open(usize),
    /// All ways from it have been gone.
    Done,
}

/// One member of a facility.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    name: String,
    optional: bool,
    /// Where it is written: a place in one of the files read.
    file: usize,
    at: Place,
}

/// All facilities of a system.
#[derive(Debug, Clone, Default)]
pub struct Facilities {
    defined: BTreeMap<String, Vec<Part>>,
    interactive: BTreeSet<String>,
    /// The files read so far.
    files: Vec<String>,
    expanded: RefCell<HashMap<String, Vec<(String, bool)>>>,
}

impl Facilities {
    /// Those of the LSB, for a system without `insserv.conf`.
    pub fn defaults() -> Self {
        let mut facilities = Facilities::default();
        for (name, members) in DEFAULTS {
            let part = |member: &&str| Part {
                name: (*member).to_owned(),
                optional: true,
                file: 0,
                at: Place::default(),
            };
            facilities.defined.insert(name.to_owned(), members.iter().map(part).collect());
        }
        facilities
    }

    /// Reads one file; what it says is added to what is known.
    pub fn read(&mut self, file: &str, bytes: &[u8]) -> Vec<Diagnostic> {
        let mut diagnostics = Vec::new();
        let (mut kept, mut unsaid) = (0, 0);
        self.files.push(file.to_owned());
        for (number, line) in (1u32..).zip(bytes.split(|byte| *byte == b'\n')) {
            let line = String::from_utf8_lossy(line);
            let line = line.trim_end();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            for (word, text, help) in self.read_line(number, line) {
                if diagnostics.len() == MOST_WARNINGS || kept > MOST_KEPT {
                    unsaid += 1;
                    continue;
                }
                kept += line.len();
                let at = place(line, word, number);
                let fault = Diagnostic::new(Severity::Warning, Kind::Syntax, file, at, text);
                diagnostics.push(fault.help(help).line(line, word.chars().count()));
            }
        }
        if unsaid > 0 {
            let text = format!("{unsaid} more warnings about this file are not shown");
            let fault = Diagnostic::warning(file, Place::default(), text);
            diagnostics.push(fault.help("mend the first ones and look again"));
        }
        self.expanded.borrow_mut().clear();
        diagnostics
    }

    /// Whether any file was read; if not, [`Facilities::defaults`] are in order.
    pub fn is_configured(&self) -> bool {
        !self.files.is_empty()
    }

    /// Adds a line. What is wrong in it: the word, why, and what to do.
    fn read_line<'l>(&mut self, number: u32, line: &'l str) -> Vec<(&'l str, String, &'static str)> {
        const BEGIN: &str = "begin the line with `$NAME`, `<interactive>` or `#`";
        let separator = |c: char| matches!(c, ' ' | '\t' | '=' | ':');
        let end = line.find(separator).unwrap_or(line.len());
        let (head, rest) = line.split_at(end);
        let members = rest.trim_start_matches([' ', '\t']);
        let members = members.strip_prefix(['=', ':']).unwrap_or(members);
        let words = members.split_whitespace();
        if head == "<interactive>" {
            self.interactive.extend(words.map(|word| word.trim_start_matches('+').to_owned()));
            return Vec::new();
        }
        if line.starts_with(char::is_whitespace) {
            return vec![(head, "this line begins with a blank, and is left out".to_owned(), BEGIN)];
        }
        if !head.starts_with('$') || head == "$" || name::fault(head).is_some() {
            let shown: String = head.chars().take(40).collect();
            return vec![(
                head,
                format!("`{}` is no facility; this line is left out", shown.escape_debug()),
                BEGIN,
            )];
        }
        let (mut parts, mut faults) = (Vec::new(), Vec::new());
        let (mut counted, mut column) = (0, 1);
        for word in words {
            let (member, optional) = word.strip_prefix('+').map_or((word, false), |member| (member, true));
            if let Some(fault) = name::fault(member) {
                let shown: String = word.chars().take(40).collect();
                let text = format!("`{}` {fault}, and is left out", shown.escape_debug());
                faults.push((word, text, "give the name of a service"));
            } else if member != NULL {
                let from = word.as_ptr() as usize - line.as_ptr() as usize;
                column += line[counted..from].chars().count();
                counted = from;
                let at = Place { line: number, column: u32::try_from(column).unwrap_or(u32::MAX) };
                let file = self.files.len() - 1;
                parts.push(Part { name: member.to_owned(), optional, file, at });
            }
        }
        self.defined.entry(head.to_owned()).or_default().extend(parts);
        faults
    }

    /// What is wrong with all of them together: facilities that hold themselves (each is expanded without itself),
    /// and members that are facilities which nobody defines.
    pub fn troubles(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let mut said = HashSet::new();
        for part in self.defined.values().flatten() {
            if part.name.starts_with('$') && !self.defined.contains_key(&part.name) && said.insert(&part.name)
            {
                let text = format!("the facility {} is not defined, and stands for nothing", part.name);
                let help = "define it on a line of its own, or take it out here";
                found.push(self.trouble(Severity::Warning, Kind::Missing, part, text).help(help));
            }
        }
        let mut state: HashMap<&str, State> = HashMap::new();
        for name in self.defined.keys().filter(|name| name.starts_with('$')) {
            if !state.contains_key(name.as_str()) {
                self.follow(name, &mut state, &mut found);
            }
        }
        found
    }

    /// Goes all ways from a facility that was not seen yet; a way back to one it came from is a circle.
    fn follow<'a>(&'a self, from: &'a str, state: &mut HashMap<&'a str, State>, found: &mut Vec<Diagnostic>) {
        let parts = |name: &str| self.defined.get(name).into_iter().flatten();
        state.insert(from, State::Open(0));
        let mut way = vec![(from, parts(from))];
        while let Some((name, left)) = way.last_mut() {
            let Some(part) = left.next() else {
                state.insert(name, State::Done);
                way.pop();
                continue;
            };
            match state.get(part.name.as_str()) {
                Some(State::Done) => {}
                Some(State::Open(depth)) => {
                    let circle: Vec<&str> = way[*depth..].iter().map(|(name, _)| *name).collect();
                    let text = format!("facilities that hold each other: {} > {}", short(&circle), part.name);
                    let fault = self.trouble(Severity::Error, Kind::Cycle, part, text);
                    found.push(fault.help(format!("take {} out here", part.name)).services(circle));
                }
                None if self.defined.contains_key(&part.name) => {
                    state.insert(&part.name, State::Open(way.len()));
                    way.push((&part.name, parts(&part.name)));
                }
                None => {}
            }
        }
    }

    fn trouble(&self, severity: Severity, kind: Kind, part: &Part, text: String) -> Diagnostic {
        let file = self.files.get(part.file).map_or("", String::as_str);
        Diagnostic::new(severity, kind, file, part.at, text)
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

/// Where a word of a line is.
fn place(line: &str, word: &str, number: u32) -> Place {
    let from = word.as_ptr() as usize - line.as_ptr() as usize;
    Place { line: number, column: u32::try_from(line[..from].chars().count() + 1).unwrap_or(u32::MAX) }
}

/// The names of a circle; of a large one the first.
fn short(circle: &[&str]) -> String {
    const SHOWN: usize = 8;
    let more = if circle.len() > SHOWN { " > ..." } else { "" };
    circle[..circle.len().min(SHOWN)].join(" > ") + more
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
        assert_eq!(facilities.troubles().len(), 1);
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
