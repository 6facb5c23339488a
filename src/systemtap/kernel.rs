//! The kernel that scripts are compiled for: its release, and what tells one build of a release from another.

use super::settings::Settings;
use nix::sys::utsname::uname;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a compiled script depends on, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// `uname -r` of it.
    pub release: String,
    /// `uname -v` of it; known only of the one that runs.
    pub version: Option<String>,
    /// Digest of its build tree's configuration and symbols; where it has one.
    pub tree: Option<String>,
}

impl Kernel {
    /// The kernel of a release; its build tree is not looked at.
    pub fn new(release: &str) -> Self {
        let (running, version) = running();
        let version = (release == running).then_some(version);
        Self { release: release.to_owned(), version, tree: None }
    }

    /// `uname -r` of the running kernel.
    pub fn running_release() -> String {
        running().0
    }

    /// Why something compiled for `self` does not fit the `target`. What either does not know is no reason.
    pub fn differs(&self, target: &Self) -> Option<&'static str> {
        let differ =
            |one: &Option<String>, other: &Option<String>| one.is_some() && other.is_some() && one != other;
        if self.release != target.release {
            Some("it was compiled for another kernel")
        } else if differ(&self.version, &target.version) || differ(&self.tree, &target.tree) {
            Some("the kernel was built anew")
        } else {
            None
        }
    }

    /// `uname -a`, as the first line of an `.opts` file has it.
    pub fn uname_line(&self) -> String {
        let Ok(uname) = uname() else { return String::new() };
        let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
        let [system, host, machine] = [uname.sysname(), uname.nodename(), uname.machine()].map(text);
        let version = self.version.clone().unwrap_or_else(|| text(uname.version()));
        format!("{system} {host} {} {version} {machine} GNU/Linux", self.release)
    }

    /// Whether a line of `uname -a` is about this very kernel, the name of the host left out: it says nothing of a
    /// kernel, and hosts are renamed.
    pub fn is_of(&self, line: &str) -> bool {
        let without_host = |line: &str| {
            let mut words = line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            if words.len() > 1 {
                words.remove(1);
            }
            words
        };
        self.version.is_some() && without_host(line) == without_host(&self.uname_line())
    }

    /// The directory of its build tree, when it is not to be left to stap.
    pub fn build_tree(&self, settings: &Settings) -> Option<PathBuf> {
        settings.build_path.as_ref().map(|path| path.join(&self.release).join("build"))
    }

    /// Digest of the configuration and the symbols of its build tree; `None` without one.
    pub fn digest_tree(&self, settings: &Settings) -> Option<String> {
        let lib_modules = PathBuf::from("/lib/modules").join(&self.release).join("build");
        let tree = self.build_tree(settings).unwrap_or(lib_modules);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&std::fs::read(tree.join(".config")).ok()?);
        for file in ["Module.symvers", "include/generated/utsversion.h"] {
            hasher.update(&std::fs::read(tree.join(file)).unwrap_or_default());
        }
        Some(hasher.finalize().to_hex().to_string())
    }
}

/// Release and version of the running kernel.
fn running() -> (String, String) {
    uname().map_or_else(
        |_| (String::new(), String::new()),
        |uname| {
            let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
            (text(uname.release()), text(uname.version()))
        },
    )
}

/// Why a word cannot be the release of a kernel: it becomes a directory's name.
pub fn fault(release: &str) -> Option<&'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+~:@".contains(&byte);
    if release.is_empty() || !release.bytes().all(plain) || release.starts_with(['.', '-']) {
        Some("is no release of a kernel (letters, digits, and any of -_.+~ are)")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel(release: &str, version: Option<&str>, tree: Option<&str>) -> Kernel {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Kernel { release: release.to_owned(), version: owned(version), tree: owned(tree) }
    }

    #[test]
    fn only_what_both_know_can_differ() {
        let full = kernel("6.1", Some("#1"), Some("a"));
        assert_eq!(full.differs(&full), None);
        assert_eq!(kernel("6.1", None, Some("a")).differs(&full), None);
        assert_eq!(kernel("6.1", None, None).differs(&full), None);
        assert!(kernel("6.2", None, None).differs(&full).unwrap().contains("another kernel"));
        assert!(kernel("6.1", Some("#2"), None).differs(&full).unwrap().contains("anew"));
        assert!(kernel("6.1", None, Some("b")).differs(&full).unwrap().contains("anew"));
    }

    #[test]
    fn a_host_may_be_renamed() {
        let (release, version) = running();
        let running = kernel(&release, Some(&version), None);
        let line = running.uname_line();
        let renamed = line.replacen(line.split(' ').nth(1).unwrap(), "elsewhere", 1);
        assert!(running.is_of(&line) && running.is_of(&renamed));
        assert!(!running.is_of("Linux x 2.6.18 #1 SMP x86_64 GNU/Linux") && !running.is_of(""));
    }

    #[test]
    fn releases_are_names() {
        assert_eq!(fault("6.1.0-56-amd64"), None);
        for bad in ["", "..", "a/b", "-r", "a b"] {
            assert!(fault(bad).is_some(), "{bad}");
        }
    }
}
