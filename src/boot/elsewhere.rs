//! The real startpar: the next program of that name in PATH that is not us.

use super::PATH;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name that is looked for.
pub(super) const NAME: &str = "startpar";

/// Names those who have handed over or been handed to, so that neither two copies of us nor a script that calls startpar
/// in its turn can go on so for ever.
const TRIED: &str = "SEREL_STARTPAR_TRIED";

/// Becomes the real startpar. Returns only if there is none, or none that can be run: then with the reason.
pub(super) fn become_real(arguments: &[OsString]) -> String {
    let path = std::env::var_os("PATH").unwrap_or_else(|| PATH.into());
    let mut tried = std::env::var(TRIED).unwrap_or_default();
    if let Some(own) = own() {
        tried = format!("{tried} {own}");
    }
    let mut why = format!("there is no other {NAME} in PATH");
    for (program, other) in candidates(&path, &tried) {
        tried = format!("{tried} {other}");
        let error = Command::new(&program).arg0(NAME).args(arguments).env(TRIED, &tried).exec();
        why = format!("{}: {error}", program.display());
    }
    why
}

/// Device and number of our own program.
fn own() -> Option<String> {
    let running = fs::metadata("/proc/self/exe").or_else(|_| fs::metadata(std::env::current_exe()?));
    running.or_else(|_| from_path()).ok().map(|meta| identity(&meta))
}

/// Without `/proc`: the first of our name in PATH, as the shell found us.
fn from_path() -> io::Result<fs::Metadata> {
    let called = std::env::args_os().next().unwrap_or_else(|| NAME.into());
    if Path::new(&called).components().count() > 1 {
        return fs::metadata(called);
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| PATH.into());
    std::env::split_paths(&path)
        .find_map(|directory| fs::metadata(directory.join(&called)).ok())
        .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
}

fn identity(meta: &fs::Metadata) -> String {
    format!("{}:{}", meta.dev(), meta.ino())
}

/// All programs of the name that have not been tried, with device and number.
fn candidates(path: &OsStr, tried: &str) -> Vec<(PathBuf, String)> {
    std::env::split_paths(path)
        .filter_map(|directory| {
            let program = directory.join(NAME);
            let meta = fs::metadata(&program).ok()?;
            let runs = meta.is_file() && meta.mode() & 0o111 != 0;
            runs.then(|| (program, identity(&meta)))
        })
        .filter(|(_, other)| !tried.split(' ').any(|known| known == other))
        .collect()
}
