//! File names: which files in `init.d` are scripts, what the links of a runlevel say, and which scripts they lead to.

use crate::model::Phase;
use crate::root::Root;
use std::io;

/// First characters that no script has.
const NOT_FIRST: &str = "$.#%_+-\\*[]^:()~";
/// Beginnings of suffixes: copies that packaging tools and editors leave.
const LEFT_BY_TOOLS: [&str; 4] = [".dpkg", ".ucf", ".rpm", ".ba"];
/// Suffixes of copies.
const COPIES: [&str; 8] = [".old", ".new", ".org", ".orig", ".save", ".swp", ".core", ",v"];
/// Files that stand beside scripts: whole names, and beginnings.
const NO_SCRIPTS: [&str; 4] = ["core", "rx", "rc", "rcS"];
const NO_SCRIPTS_FROM: [&str; 4] = ["README", "Makefile", "skeleton", "powerfail"];

/// Whether a file of `init.d` with this name is a script, as insserv has it. `filters` are more suffixes, from
/// [`filters`].
pub fn accepts(name: &str, filters: &[String]) -> bool {
    !name.is_empty()
        && !name.starts_with(|first| NOT_FIRST.contains(first))
        && !name.ends_with('~')
        && !COPIES.iter().any(|suffix| name.ends_with(suffix))
        && !suffix(name).is_some_and(|suffix| LEFT_BY_TOOLS.iter().any(|tool| suffix.starts_with(tool)))
        && !NO_SCRIPTS.contains(&name)
        && !NO_SCRIPTS_FROM.iter().any(|beginning| name.starts_with(beginning))
        && !filters.iter().any(|filter| name.ends_with(filter.as_str()))
}

/// From the last dot on.
fn suffix(name: &str) -> Option<&str> {
    name.rfind('.').map(|dot| &name[dot..])
}

/// The suffixes in `/etc/insserv/file-filters`: one a line, `#` begins a comment.
pub fn filters(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes)
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .map(|line| if line.starts_with('.') { line.to_owned() } else { format!(".{line}") })
        .collect()
}

/// How the path of upstart's stand-in script ends.
const UPSTART_JOB: &str = "/upstart-job";

/// Whether a path without links is that of upstart's stand-in script, to which all its jobs are links.
pub fn is_upstart(resolved: &str) -> bool {
    resolved.ends_with(UPSTART_JOB)
}

/// The path that a script goes by: links are resolved, but one to upstart's stand-in script stays what it is, for that
/// asks by which name it was called. Errors as [`Root::resolve`] does.
pub fn script(root: &Root, path: &str) -> io::Result<String> {
    let mut links = Vec::new();
    let resolved = root.trace(path, &mut links)?;
    Ok(if is_upstart(&resolved) { links.pop().unwrap_or(resolved) } else { resolved })
}

/// A link of a runlevel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// `S` or `K`.
    pub phase: Phase,
    /// Its two digits.
    pub number: u8,
    /// What follows them: the script's name.
    pub name: String,
    /// The whole name.
    pub file: String,
}

/// The links among some file names, in the order in which rc runs them: by number, then by name.
pub fn links(names: &[String]) -> Vec<Link> {
    let mut links: Vec<Link> = names.iter().filter_map(|name| link(name)).collect();
    links.sort();
    links
}

fn link(file: &str) -> Option<Link> {
    let digit = |place: usize| {
        file.as_bytes().get(place).filter(|byte| byte.is_ascii_digit()).map(|byte| byte - b'0')
    };
    let phase = match file.as_bytes().first()? {
        b'S' => Phase::Start,
        b'K' => Phase::Stop,
        _ => return None,
    };
    let number = digit(1)? * 10 + digit(2)?;
    let name = file.get(3..).filter(|name| !name.is_empty())?.to_owned();
    Some(Link { phase, number, name, file: file.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_script_goes_by_its_own_path_and_a_job_of_upstart_by_that_of_its_link() {
        let dir = tempfile::tempdir().unwrap();
        let etc = dir.path().join("etc");
        fs::create_dir_all(etc.join("init.d")).unwrap();
        fs::write(etc.join("init.d/a"), "").unwrap();
        fs::write(dir.path().join("upstart-job"), "").unwrap();
        symlink("/upstart-job", etc.join("init.d/job")).unwrap();
        for name in ["a", "job"] {
            symlink(format!("init.d/{name}"), etc.join(format!("S20{name}"))).unwrap();
        }
        let root = Root::new(dir.path()).unwrap();
        assert_eq!(script(&root, "/etc/S20a").unwrap(), "/etc/init.d/a");
        assert_eq!(script(&root, "/etc/S20job").unwrap(), "/etc/init.d/job");
    }

    #[test]
    fn scripts_and_what_stands_beside_them() {
        for name in ["cron", "mountall.sh", "x11-common", "S", "rcfoo", "barn.d"] {
            assert!(accepts(name, &[]), "{name}");
        }
        for name in [
            "",
            ".depend.start",
            "#cron#",
            "_x",
            "cron~",
            "cron.dpkg-old",
            "cron.dpkg-dist",
            "x.ucf-new",
            "x.rpmsave",
            "x.bak",
            "x.orig",
            "x,v",
            "README",
            "README.first",
            "Makefile",
            "skeleton",
            "rc",
            "rcS",
            "core",
            "+a",
        ] {
            assert!(!accepts(name, &[]), "{name}");
        }
        let filters = filters(b"# more\nlocal\n .disabled  # ours\n\n");
        assert!(!accepts("cron.local", &filters) && !accepts("cron.disabled", &filters));
    }

    #[test]
    fn links_in_the_order_of_rc() {
        let names =
            ["S20b", "K01z", "S03a", "S20a", "README", "S1x", "S01", "Sx1a", "Sé0a"].map(str::to_owned);
        let files: Vec<String> = links(&names).into_iter().map(|link| link.file).collect();
        assert_eq!(files, ["S03a", "S20a", "S20b", "K01z"]);
    }
}
