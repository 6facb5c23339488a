//! Kernel modules: staprun loads them, and becomes stapio where somebody has to read the output.

use super::Backend;
use super::kept::{self, Kept};
use crate::systemtap::job::{Failure, Mode, Start, wait_until_gone, words};
use crate::systemtap::journal::{Journal, reason};
use crate::systemtap::modules::Modules;
use crate::systemtap::process::pause;
use crate::systemtap::spawn::spawn;
use crate::systemtap::status::Status;
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long the daemon may take to tell its number: it does so after staprun has returned.
const LATE: Duration = Duration::from_secs(10);

/// How long a loaded module may take to appear among the modules.
const APPEAR: Duration = Duration::from_secs(2);

/// Exit code of `staprun -d` for a module that it cannot take hold of (staprun 4.8).
pub const ATTACHED: u8 = 234;

/// Between two looks.
const STEP: Duration = Duration::from_millis(20);

/// `stap -p4`, `.ko`, staprun.
#[derive(Debug, Clone, Copy)]
pub struct KernelModule;

impl Backend for KernelModule {
    fn compile_options(&self) -> &'static [&'static str] {
        &["--save-uprobes"]
    }

    fn start(&self, start: &Start) -> Result<i32, Failure> {
        let mut command = Command::new(&start.runner);
        if (start.uprobes || start.cache.wants_uprobes(&start.name)) && start.cache.uprobes().exists() {
            command.arg(format!("-u{}", start.cache.uprobes().display()));
        }
        command.args(&start.options);
        match start.mode {
            Mode::Memory => _ = command.arg("-L"),
            Mode::Daemon => _ = command.arg("-D"),
            Mode::Kept => {}
        }
        command.arg(start.cache.object(&start.name, start.runtime));
        start.journal.write(&format!("Exec: {}", words(&command)));
        match start.mode {
            Mode::Memory => load(start, &command),
            Mode::Daemon => daemon(start, &command),
            Mode::Kept => {
                let began = || Modules::read(&start.status.proc).contains(&start.name);
                kept::start(
                    &command,
                    &Kept {
                        journal: &start.journal,
                        status: &start.status,
                        name: &start.name,
                        output: None,
                        began,
                    },
                )
            }
        }
    }
}

/// staprun loads the module, starts its probes and ends.
fn load(start: &Start, command: &Command) -> Result<i32, Failure> {
    let said = start.work.join("said");
    let file = File::create_new(&said).map_err(|error| Failure::new(error.to_string()))?;
    let status = spawn(command, None, Some(&file), false).and_then(|child| child.wait());
    let text = start.journal.take_in(&said);
    check(start, status, &text)?;
    let until = Instant::now() + APPEAR;
    while !Modules::read(&start.status.proc).contains(&start.name) {
        if Instant::now() >= until {
            let modules = start.status.proc.join("modules");
            return Err(Failure::new(format!("staprun is content, but it is not in {}", modules.display())));
        }
        pause(STEP);
    }
    Ok(0)
}

/// staprun leaves a daemon behind, which writes its number where staprun's output goes, perhaps a little later.
fn daemon(start: &Start, command: &Command) -> Result<i32, Failure> {
    let told = start.work.join("pid");
    let file = File::create_new(&told).map_err(|error| Failure::new(error.to_string()))?;
    // What the daemon has to say in the years to come goes into the log.
    let before = start.journal.length();
    let log = start.journal.open().ok();
    let status = spawn(command, Some(&file), log.as_ref(), false).and_then(|child| child.wait());
    check(start, status, &start.journal.since(before))?;
    let until = Instant::now() + LATE;
    let mut seen = Instant::now();
    loop {
        let text = std::fs::read_to_string(&told).unwrap_or_default();
        if let Some(pid) = number(&text) {
            return Ok(pid);
        }
        if Modules::read(&start.status.proc).contains(&start.name) {
            seen = Instant::now();
        } else if seen.elapsed() >= APPEAR {
            let why = reason(&start.journal.since(before), Some(&start.name));
            let why = why.unwrap_or_else(|| "its daemon has ended without a word".to_owned());
            return Err(Failure::new(why));
        }
        if Instant::now() >= until {
            start.journal.write(&format!("Warning: the daemon of {} never told its number", start.name));
            return Ok(0);
        }
        pause(STEP);
    }
}

/// The number that a daemon has told; without its newline it may be half of one.
fn number(text: &str) -> Option<i32> {
    text.strip_suffix('\n')?.trim().parse().ok().filter(|pid| *pid > 0)
}

/// Whether staprun went well, and if not, why.
fn check(
    start: &Start,
    status: std::io::Result<std::process::ExitStatus>,
    said: &str,
) -> Result<(), Failure> {
    let status = status.map_err(|error| Failure::new(format!("{}: {error}", start.runner.display())))?;
    if status.success() {
        return Ok(());
    }
    let code = status.code().and_then(|code| u8::try_from(code).ok()).filter(|code| *code > 0);
    let why = reason(said, Some(&start.name)).unwrap_or_else(|| format!("staprun failed ({status})"));
    Err(Failure { code: code.unwrap_or(1), reason: why })
}

/// Unloads a module, and makes sure that it is gone. Fails with `ATTACHED` where a process holds it.
pub fn unload(name: &str, staprun: &Path, status: &Status, journal: &Journal) -> Result<(), Failure> {
    let mut command = Command::new(staprun);
    command.args(["-d", name]);
    journal.write(&format!("Exec: {}", words(&command)));
    let before = journal.length();
    let log = journal.open().ok();
    let ended = spawn(&command, log.as_ref(), log.as_ref(), false).and_then(|child| child.wait());
    let ended = ended.map_err(|error| Failure::new(format!("{}: {error}", staprun.display())))?;
    if !ended.success() && Modules::read(&status.proc).contains(name) {
        if ended.code() == Some(ATTACHED.into()) {
            let reason =
                format!("somebody is attached to its module, as `staprun -A {name}` is: end that first");
            return Err(Failure { code: ATTACHED, reason });
        }
        let why = reason(&journal.since(before), Some(name));
        return Err(Failure::new(why.unwrap_or_else(|| format!("staprun -d failed ({ended})"))));
    }
    if wait_until_gone(name, status) {
        Ok(())
    } else {
        Err(Failure::new("staprun -d is content, but the module stays loaded"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_number_is_none() {
        assert_eq!(number("1234\n"), Some(1234));
        for text in ["", "12", "\n", "0\n", "-1\n", "Usage: staprun\n", "99999999999\n"] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }
}
