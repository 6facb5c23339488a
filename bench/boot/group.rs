//! A control group around a boot: the processor time of all that ran in it, whoever waited for it or did not.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A group, which is removed with this value.
pub(crate) struct Group {
    path: PathBuf,
}

impl Group {
    /// A new group; `None` where this machine lets nobody make one.
    pub(crate) fn new() -> Option<Self> {
        let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
        let mount = mounts.lines().find_map(|line| {
            let mut words = line.split(' ');
            let place = words.nth(1)?;
            (words.next()? == "cgroup2").then_some(place)
        });
        let path = Path::new(mount?).join(format!("serel-bench-{}", std::process::id()));
        fs::create_dir(&path).is_ok().then_some(Self { path })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Seconds of processor time so far.
    pub(crate) fn seconds(&self) -> f64 {
        let stat = fs::read_to_string(self.path.join("cpu.stat")).expect("our own group");
        let micros = stat.lines().find_map(|line| line.strip_prefix("usage_usec ")?.parse::<f64>().ok());
        micros.expect("a group counts its time") / 1e6
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The kernel takes a moment to see that the last process has left.
        for _ in 0..100_000 {
            if remove(&self.path).is_ok() {
                return;
            }
            std::thread::yield_now();
        }
        eprintln!("{} is left: it has processes", self.path.display());
    }
}

/// Removes a group, and first those that a container's manager has made in it.
fn remove(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove(&entry.path())?;
        }
    }
    fs::remove_dir(path)
}
