//! The modules of the tests, compiled once for all of them.
//!
//! systemtap probes the kernel's features anew for each set of `-g`, `-R` and `-B`, ten seconds of work: all scripts
//! are compiled with the same set, though only two of them need it.

use crate::program::finish;
use crate::tools::{Skip, Tools, build_dir};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

/// The modules, and the scripts of `scripts/` that they are made from. The stranger is a guest that does not tell
/// whether it runs, as systemtap-service's own modules do.
const MODULES: [(&str, &str); 5] =
    [("host", "host"), ("guest", "guest"), ("other", "other"), ("ender", "ender"), ("stranger", "guest")];

/// For the first compilation with new headers on a machine that is busy with something else.
const COMPILE_LIMIT: Duration = Duration::from_mins(5);

/// What tells whether a script still runs; the same that systemtap-service adds.
fn srvstat(name: &str) -> &'static [&'static str] {
    let probe = &["-E", "probe procfs(\"srvstat\").read {$value = \"running\\n\"}"];
    if name == "stranger" { &[] } else { probe }
}

/// Where the texts are.
pub(crate) fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernel/scripts")
}

/// Where the modules are, all of them compiled. What an earlier run has compiled of the same texts is used again.
pub(crate) fn compiled() -> Result<PathBuf, Skip> {
    let tools = Tools::ready()?;
    let dir = build_dir().join("modules").join(&tools.release);
    fs::create_dir_all(&dir).expect("our own directory");
    let stale: Vec<_> =
        MODULES.into_iter().filter(|(name, script)| !is_fresh(tools, &dir, name, script)).collect();
    // The first one alone, since it finds out what the others use.
    let (first, others) = stale.split_at(stale.len().min(1));
    for names in [first, others] {
        thread::scope(|scope| {
            for (name, script) in names {
                scope.spawn(|| compile(tools, &dir, name, script));
            }
        });
    }
    Ok(dir)
}

/// All that a module was made from, in words.
fn key(tools: &Tools, name: &str, script: &str) -> String {
    let text = fs::read_to_string(scripts().join(format!("{script}.stp"))).expect("one of our scripts");
    format!("{}\n{}\n{:?}\n{:?}\n{text}", tools.systemtap, tools.headers, tools.options(), srvstat(name))
}

fn is_fresh(tools: &Tools, dir: &Path, name: &str, script: &str) -> bool {
    let known = fs::read_to_string(dir.join(format!("{name}.key"))).unwrap_or_default();
    known == key(tools, name, script) && dir.join(format!("{name}.ko")).exists()
}

fn compile(tools: &Tools, dir: &Path, name: &str, script: &str) {
    let mut command = Command::new("stap");
    command.args(["-p4", "-m", name, "-r", &tools.release]).args(srvstat(name)).args(tools.options());
    command.arg(scripts().join(format!("{script}.stp"))).current_dir(dir);
    let done = finish(command.env("SYSTEMTAP_DIR", &tools.stap_dir), COMPILE_LIMIT).expect_code(0);
    assert_eq!(done.stdout, format!("{name}.ko\n"), "{done}");
    fs::write(dir.join(format!("{name}.key")), key(tools, name, script)).expect("our own directory");
}
