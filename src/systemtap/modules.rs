//! What the kernel says of loaded modules: `/proc/modules`, and the `srvstat` that each of our scripts answers.

use std::collections::HashMap;
use std::path::Path;

/// Looks at a list that never stays the same.
const MOST_LOOKS: usize = 6;

/// The modules that are loaded, each with those that use it.
#[derive(Debug, Clone, Default)]
pub struct Modules {
    holders: HashMap<String, Vec<String>>,
}

/// What a script's module says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Its probes are alive.
    Running,
    /// The script has called `exit()`, or met an error: the module is loaded and does nothing.
    Finished,
    /// It has no such file, which scripts compiled by others have not.
    None,
}

impl Modules {
    /// Reads what is loaded. A kernel without modules has none.
    pub fn read(proc: &Path) -> Self {
        let file = proc.join("modules");
        Self::settle(|| std::fs::read(&file).unwrap_or_default())
    }

    /// Looks until two looks see the same. The kernel gives the list in parts, each from a position on
    /// (`seq_file`): where one is unloaded between two parts, as stops at the same time do, the next one that stays
    /// is left out. One that is missed would be taken for stopped and forgotten, so what any look has seen counts: at
    /// worst it is asked to go once more.
    fn settle(mut look: impl FnMut() -> Vec<u8>) -> Self {
        let mut seen = look();
        let mut modules = Self::parse(&seen);
        for _ in 1..MOST_LOOKS {
            let now = look();
            if now == seen {
                break;
            }
            modules.holders.extend(Self::parse(&now).holders);
            seen = now;
        }
        modules
    }

    fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let holders = text.lines().filter_map(|line| {
            // NAME SIZE COUNT HOLDER,HOLDER,|- STATE ADDRESS
            let mut fields = line.split(' ');
            let name = fields.next()?;
            let holders = fields.nth(2).unwrap_or("-").split(',');
            let holders =
                holders.filter(|holder| !holder.is_empty() && !matches!(*holder, "-" | "[permanent]"));
            Some((name.to_owned(), holders.map(str::to_owned).collect()))
        });
        Self { holders: holders.filter(|(name, _)| !name.is_empty()).collect() }
    }

    /// Whether a module is loaded.
    pub fn contains(&self, name: &str) -> bool {
        self.holders.contains_key(name)
    }

    /// The modules that use one.
    pub fn holders(&self, name: &str) -> &[String] {
        self.holders.get(name).map_or(&[], Vec::as_slice)
    }
}

/// Asks a script's module how it is.
pub fn sign(proc: &Path, name: &str) -> Sign {
    match std::fs::read(proc.join("systemtap").join(name).join("srvstat")) {
        Ok(said) if said.windows(7).any(|part| part == b"running") => Sign::Running,
        Err(error) if error.raw_os_error() == Some(libc::EIO) => Sign::Finished,
        Ok(_) | Err(_) => Sign::None,
    }
}

/// The scripts whose modules say that they run, sorted.
pub fn running(proc: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(proc.join("systemtap")).into_iter().flatten();
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| sign(proc, name) == Sign::Running).collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_come_with_their_holders_and_signs() {
        let dir = tempfile::tempdir().unwrap();
        let text = "ahost 73728 2 bguest,cguest, Live 0xffffffffc0a00000 (OE)\nbguest 1 0 - Live 0x0\n\
                    odd\nkeeper 8 1 [permanent], Live 0x0\n";
        std::fs::write(dir.path().join("modules"), text).unwrap();
        let modules = Modules::read(dir.path());
        assert_eq!(modules.holders("ahost"), ["bguest", "cguest"]);
        assert!(modules.contains("bguest") && modules.holders("bguest").is_empty());
        assert!(modules.contains("odd") && modules.holders("keeper").is_empty());
        assert!(!modules.contains("none") && modules.holders("none").is_empty());

        let file = |name: &str| dir.path().join("systemtap").join(name).join("srvstat");
        for name in ["run", "done", "quiet"] {
            std::fs::create_dir_all(file(name).parent().unwrap()).unwrap();
        }
        std::fs::write(file("run"), "running\n").unwrap();
        // What reads like a module that has ended: its first byte gives EIO.
        std::os::unix::fs::symlink("/proc/self/mem", file("done")).unwrap();
        let signs = ["run", "done", "quiet"].map(|name| sign(dir.path(), name));
        assert_eq!(signs, [Sign::Running, Sign::Finished, Sign::None]);
        assert_eq!(running(dir.path()), ["run"]);
        assert!(running(Path::new("/nowhere")).is_empty());
    }

    /// `x` was unloaded between two parts of the list, and `one` behind it was left out.
    #[test]
    fn one_that_a_look_has_missed_is_seen_by_the_next() {
        let mut looks = ["x 1 0 - Live\ntwo 1 0 - Live\n", "one 1 0 - Live\ntwo 1 0 - Live\n"].into_iter();
        let mut last = "";
        let modules = Modules::settle(|| {
            last = looks.next().unwrap_or(last);
            last.into()
        });
        assert!(modules.contains("one") && modules.contains("two"));
        let mut looks = 0;
        let never_the_same = Modules::settle(|| {
            looks += 1;
            format!("m{looks} 1 0 - Live\n").into()
        });
        assert_eq!((looks, never_the_same.holders.len()), (MOST_LOOKS, MOST_LOOKS));
    }
}
