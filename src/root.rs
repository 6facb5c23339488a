//! The root under which every path is read and run (`--root DIR`).
//!
//! Inside the program a path is always *logical*: absolute, as the booted system will see it (`/etc/init.d/cron`).
//! Only this module turns it into a real one. Links are followed as the booted system would follow them, so an
//! absolute link under `--root` stays inside the root and a `..` cannot climb out of it.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// Links followed in one path before it is called a loop (the kernel's own limit).
const MOST_LINKS: usize = 40;

/// Where logical paths begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    path: PathBuf,
}

impl Default for Root {
    fn default() -> Self {
        Self { path: PathBuf::from("/") }
    }
}

impl Root {
    /// A root at `path`, made absolute. Errors when it is not a directory.
    pub fn new(path: &Path) -> io::Result<Self> {
        let path = path.canonicalize()?;
        if path.is_dir() { Ok(Self { path }) } else { Err(io::Error::from(io::ErrorKind::NotADirectory)) }
    }

    /// The real path of the root.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is the system's own root.
    pub fn is_system(&self) -> bool {
        self.path == Path::new("/")
    }

    /// The real path of a logical one, links not resolved.
    pub fn real(&self, logical: &str) -> PathBuf {
        self.path.join(logical.trim_start_matches('/'))
    }

    /// The real path of something that may have to be made: the links on the way to it are followed inside the root, as
    /// far as the way is there.
    pub fn place(&self, logical: &str) -> PathBuf {
        let mut there = logical;
        while let Some((parent, _)) = there.rsplit_once('/') {
            there = parent;
            if let Ok(resolved) = self.resolve(there) {
                return self.real(&format!("{}{}", resolved.trim_end_matches('/'), &logical[there.len()..]));
            }
        }
        self.real(logical)
    }

    /// How a logical path is shown to people: as the real one, so that it can be opened.
    pub fn shown(&self, logical: &str) -> String {
        self.real(logical).display().to_string()
    }

    /// Resolves all links of a logical path inside the root; the result is logical and link-free.
    /// Errors: not found, a loop, a name that is not UTF-8.
    pub fn resolve(&self, logical: &str) -> io::Result<String> {
        self.trace(logical, &mut Vec::new())
    }

    /// [`Root::resolve`], and adds every link that was followed to `links`, and on an error the path that is not there.
    pub fn trace(&self, logical: &str, links: &mut Vec<String>) -> io::Result<String> {
        let mut left: Vec<String> = parts(Path::new(logical))?;
        left.reverse();
        let mut done: Vec<String> = Vec::new();
        let mut followed = 0;
        while let Some(part) = left.pop() {
            if part == ".." {
                done.pop();
                continue;
            }
            done.push(part);
            let here = self.path.join(done.join("/"));
            let meta = here.symlink_metadata();
            match &meta {
                Ok(meta) if meta.is_symlink() => links.push(format!("/{}", done.join("/"))),
                Ok(_) => {}
                // All of it: that a directory on the way appears changes nothing yet.
                Err(_) => {
                    let rest = left.iter().rev().filter(|part| *part != "..").map(String::as_str);
                    let whole: Vec<&str> = done.iter().map(String::as_str).chain(rest).collect();
                    links.push(format!("/{}", whole.join("/")));
                }
            }
            if meta?.is_symlink() {
                followed += 1;
                if followed > MOST_LINKS {
                    return Err(io::Error::from_raw_os_error(libc::ELOOP));
                }
                done.pop();
                let target = here.read_link()?;
                if target.is_absolute() {
                    done.clear();
                }
                let mut more = parts(&target)?;
                more.reverse();
                left.extend(more);
            }
        }
        Ok(format!("/{}", done.join("/")))
    }
}

/// The named parts of a path, `.` and the leading `/` left out.
fn parts(path: &Path) -> io::Result<Vec<String>> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(utf8(name)),
            Component::ParentDir => Some(Ok("..".to_owned())),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

fn utf8(name: &OsStr) -> io::Result<String> {
    std::str::from_utf8(name.as_bytes())
        .map(str::to_owned)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "a file name that is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_stay_inside() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("etc/init.d")).unwrap();
        std::fs::write(dir.path().join("etc/init.d/a"), "").unwrap();
        symlink("/etc/init.d/a", dir.path().join("etc/absolute")).unwrap();
        symlink("../../../../etc/init.d/a", dir.path().join("etc/climbing")).unwrap();
        symlink("loop", dir.path().join("etc/loop")).unwrap();
        let root = Root::new(dir.path()).unwrap();
        assert_eq!(root.resolve("/etc/absolute").unwrap(), "/etc/init.d/a");
        assert_eq!(root.resolve("/etc/climbing").unwrap(), "/etc/init.d/a");
        assert_eq!(root.resolve("/etc/loop").unwrap_err().raw_os_error(), Some(libc::ELOOP));
        assert_eq!(root.resolve("/etc/none").unwrap_err().kind(), io::ErrorKind::NotFound);
        symlink("/etc", dir.path().join("linked")).unwrap();
        assert_eq!(root.place("/linked/serel/history.db"), root.real("/etc/serel/history.db"));
        assert_eq!(root.place("/none/x"), root.real("/none/x"));
    }
}
