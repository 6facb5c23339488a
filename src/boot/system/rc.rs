//! Who starts the scripts of a level: rc by itself, startpar, or serel in the place of one of them.

use super::super::PATH;
use super::super::elsewhere::NAME as STARTPAR;
use super::super::switch::one_by_one;
use super::findings::Findings;
use super::inittab::Inittab;
use crate::definition::trust;
use crate::root::Root;
use std::collections::VecDeque;
use std::os::unix::fs::MetadataExt as _;

/// Our program, by which a stand-in is known.
const OURS: &str = "serelrc";
/// Where our hooks are, and where that is with `/usr` on the root file system.
const HOOKS: &str = "/lib/serel/";
const USR: &str = "/usr";
/// How the names of scripts end that init's scripts call to run a level.
const NAMES: [&str; 3] = ["/rc", "/rc.sysinit", "/rc.sysvinit"];
/// Without all of these Debian's rc runs its scripts one by one.
const DEPENDS: [&str; 3] = ["boot", "start", "stop"];

/// How scripts get started.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// rc calls startpar, and finds us.
    StandIn {
        /// Under which name.
        link: String,
    },
    /// rc calls a hook of ours.
    Hook {
        /// Which.
        hook: String,
    },
    /// rc calls the real startpar.
    Startpar {
        /// Where it is.
        program: String,
    },
    /// rc runs them one by one.
    Serial {
        /// Why.
        why: String,
    },
    /// There is no rc.
    Nobody,
}

impl Way {
    /// Whether serel is asked at all.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self, Way::StandIn { .. } | Way::Hook { .. })
    }
}

/// The script that runs a level, and what it does.
#[derive(Debug)]
pub(super) struct Rc {
    /// The last of those that init starts, and that they start, that has a say; a logical path.
    script: String,
    pub(super) way: Way,
}

impl Rc {
    /// Finds out.
    pub(super) fn find(root: &Root, inittab: &Inittab, findings: &mut Findings) -> Self {
        let scripts = scripts(root, &inittab.programs, findings);
        if let Some((script, hook)) = scripts.iter().find_map(|(script, text)| Some((script, hook(text)?))) {
            let way = Self::hooked(root, script, &hook, findings);
            return Self { script: script.clone(), way };
        }
        let startpar = scripts.iter().find(|(_, text)| code(text).any(|line| line.contains(STARTPAR)));
        let (script, way) = match (startpar, scripts.first()) {
            (Some((script, text)), _) => (script.clone(), calls_startpar(root, script, text, findings)),
            (None, Some((script, _))) => {
                (script.clone(), Way::Serial { why: "it calls no startpar".to_owned() })
            }
            (None, None) => {
                findings.warning(
                    "rc",
                    "there is no rc: init starts no scripts here",
                    "see that sysv-rc, or what your distribution has in its place, is installed",
                );
                (String::new(), Way::Nobody)
            }
        };
        Self { script, way }
    }

    fn hooked(root: &Root, script: &str, hook: &str, findings: &mut Findings) -> Way {
        if root.resolve(hook).is_ok_and(|file| root.real(&file).is_file()) {
            if let Some(why) = one_by_one(root) {
                let text = format!("{hook} leaves everything to {}: {why}", root.shown(script));
                findings.error("rc", text, "take away what is in the way");
            }
            return Way::Hook { hook: hook.to_owned() };
        }
        let text = format!("{} calls {hook}, which is not there", root.shown(script));
        findings.error("rc", text, "install serel again, or take the line out");
        Way::Serial { why: format!("{hook} is not there") }
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        let script = &self.script;
        match &self.way {
            Way::StandIn { link } => format!("{script} calls startpar, and finds serel: {link}"),
            Way::Hook { hook } => format!("{script} calls the hook of serel: {hook}"),
            Way::Startpar { program } => format!("{script} calls {program}; serel is not enabled"),
            Way::Serial { why } => format!("{script} runs its scripts one by one: {why}"),
            Way::Nobody => "there is none".to_owned(),
        }
    }
}

/// The scripts that init starts, and those that they name in turn, each with its text.
fn scripts(root: &Root, programs: &[String], findings: &mut Findings) -> Vec<(String, String)> {
    // A script that starts all scripts names none of them; rcS names rc.
    const MOST: usize = 16;
    let mut left: VecDeque<String> = programs.iter().cloned().collect();
    let mut found: Vec<(String, String)> = Vec::new();
    while let Some(script) = left.pop_front().filter(|_| found.len() < MOST) {
        let Some(file) = root.resolve(&script).ok() else { continue };
        if found.iter().any(|(known, _)| *known == script) {
            continue;
        }
        let text = match trust::read(root, &file) {
            Ok((bytes, _)) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(fault) => {
                findings.diagnostic(root, &fault);
                continue;
            }
        };
        let named = code(&text).flat_map(str::split_whitespace);
        let is_rc = |word: &&str| word.starts_with('/') && NAMES.iter().any(|name| word.ends_with(name));
        left.extend(named.filter(is_rc).map(str::to_owned));
        found.push((script, text));
    }
    found
}

/// Lines that are no comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim_start).filter(|line| !line.starts_with('#'))
}

/// The hook that a script calls.
fn hook(text: &str) -> Option<String> {
    let line = code(text).find(|line| line.contains(HOOKS))?;
    let at = line.find(HOOKS)?;
    let from = &line[line[..at].strip_suffix(USR).map_or(at, str::len)..];
    let end = from.find(|c: char| c.is_whitespace() || "\"';|&)]".contains(c)).unwrap_or(from.len());
    Some(from[..end].to_owned())
}

/// rc mentions startpar: whether it would call it, and which it would find.
fn calls_startpar(root: &Root, script: &str, text: &str, findings: &mut Findings) -> Way {
    let path = code(text)
        .find_map(|line| line.strip_prefix("PATH=").or_else(|| line.strip_prefix("export PATH=")))
        .map(|path| path.trim_matches(['"', '\'']))
        .filter(|path| !path.contains('$'))
        .unwrap_or(PATH);
    let found = search(root, path);
    let ours = found.iter().position(|candidate| matches!(candidate, Candidate::Ours(_)));
    for candidate in &found {
        if let Candidate::Broken(link, why) = candidate {
            let text = format!(
                "{} cannot be run ({why}): rc goes on to the next {STARTPAR} in its PATH",
                root.shown(link)
            );
            findings.error("rc", text, "install serel again, or remove the link with `serel-boot disable`");
        }
    }
    let usable = found.iter().position(|candidate| !matches!(candidate, Candidate::Broken(..)));
    if let (Some(ours), Some(first)) = (ours, usable)
        && first < ours
        && let (Candidate::Ours(link), Candidate::Other(other)) = (&found[ours], &found[first])
    {
        let text = format!("{} is behind {other} in the PATH of {script}", root.shown(link));
        findings.error(
            "rc",
            text,
            "put the link into the first directory of that PATH, or take the hook for rc",
        );
    }
    let enabled = matches!(usable.map(|at| &found[at]), Some(Candidate::Ours(_)));
    if let Some(why) = serial(root) {
        let text = format!("rc runs its scripts one by one and calls no startpar: {why}");
        let help =
            "run `insserv`, which writes the orders and removes what is in the way, or take the hook for rc";
        if enabled {
            findings.error("rc", text, help);
        } else {
            findings.warning("rc", text, help);
        }
        return Way::Serial { why };
    }
    match usable.map(|at| &found[at]) {
        Some(Candidate::Ours(link)) => Way::StandIn { link: link.clone() },
        Some(Candidate::Other(program)) => Way::Startpar { program: program.clone() },
        _ => {
            findings.error(
                "rc",
                format!("{script} calls {STARTPAR}, and there is none in {path}: no script would be started"),
                "install startpar, which is what runs when serel cannot",
            );
            Way::Nobody
        }
    }
}

/// A file by the name of startpar.
enum Candidate {
    Ours(String),
    Other(String),
    /// A link that leads nowhere, or a file that cannot be run, and why.
    Broken(String, &'static str),
}

/// All that are called startpar, in the order of a PATH; a directory that another name leads to counts once.
fn search(root: &Root, path: &str) -> Vec<Candidate> {
    let mut seen = Vec::new();
    let mut found = Vec::new();
    for directory in path.split(':').filter(|directory| directory.starts_with('/')) {
        let Ok(resolved) = root.resolve(directory) else { continue };
        if seen.contains(&resolved) {
            continue;
        }
        let file = format!("{}/{STARTPAR}", resolved.trim_end_matches('/'));
        seen.push(resolved);
        if root.real(&file).symlink_metadata().is_err() {
            continue;
        }
        found.push(match root.resolve(&file) {
            Err(_) => Candidate::Broken(file, "it leads nowhere"),
            Ok(program) => match root.real(&program).metadata() {
                Ok(meta) if !meta.is_file() => Candidate::Broken(file, "it is no file"),
                Ok(meta) if meta.mode() & 0o111 == 0 => Candidate::Broken(file, "it is not executable"),
                Ok(_) if program.ends_with(&format!("/{OURS}")) => Candidate::Ours(file),
                Ok(_) => Candidate::Other(file),
                Err(_) => Candidate::Broken(file, "it cannot be read"),
            },
        });
    }
    found
}

/// Why Debian's rc would run its scripts one by one.
fn serial(root: &Root) -> Option<String> {
    let is_empty = |file: &String| {
        root.resolve(file).is_ok_and(|file| root.real(&file).metadata().is_ok_and(|meta| meta.len() > 0))
    };
    let depends = DEPENDS.map(|phase| format!("/etc/init.d/.depend.{phase}"));
    if let Some(missing) = depends.iter().find(|file| !is_empty(file)) {
        return Some(format!("{} is missing or empty", root.shown(missing)));
    }
    one_by_one(root)
}
