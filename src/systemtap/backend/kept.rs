//! Runners that stay in the foreground, kept as daemons.
//!
//! Each gets a session of its own: it has no terminal, and nobody who would signal it when the job that started it is
//! interrupted.

use crate::systemtap::job::Failure;
use crate::systemtap::journal::{Journal, reason};
use crate::systemtap::process::pause;
use crate::systemtap::spawn::{Child, spawn};
use crate::systemtap::status::Status;
use nix::sys::signal::Signal;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a runner may take to begin.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks.
const STEP: Duration = Duration::from_millis(20);

/// What has to be known of a runner.
pub(super) struct Kept<'k, B: Fn() -> bool> {
    pub(super) journal: &'k Journal,
    pub(super) status: &'k Status,
    pub(super) name: &'k str,
    /// Where its standard output goes; nowhere, if it writes to a file of its own.
    pub(super) output: Option<&'k Path>,
    /// Whether its script has begun.
    pub(super) began: B,
}

/// Starts a runner and waits until its script has begun; its number. From its first moment there is a status file of it:
/// it lives on when the job that started it is killed.
pub(super) fn start<B: Fn() -> bool>(command: &Command, kept: &Kept<B>) -> Result<i32, Failure> {
    let failed = |error: std::io::Error| Failure::new(error.to_string());
    let output = kept.output.map(open).transpose()?;
    let before = kept.journal.length();
    let log = kept.journal.open().ok();
    let program = command.get_program().to_string_lossy().into_owned();
    let child = spawn(command, output.as_ref(), log.as_ref(), true)
        .map_err(|error| Failure::new(format!("{program}: {error}")))?;
    let begun = kept
        .status
        .write(kept.name, child.id())
        .map_err(failed)
        .and_then(|()| begin(&child, &program, before, kept));
    begun.inspect_err(|_| {
        end(&child);
        let _ = kept.status.remove(kept.name);
    })?;
    Ok(child.id())
}

/// Waits until a script has begun.
fn begin<B: Fn() -> bool>(child: &Child, program: &str, before: u64, kept: &Kept<B>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(error.to_string());
    let until = Instant::now() + PATIENCE;
    while !(kept.began)() {
        if let Some(status) = child.try_wait().map_err(failed)? {
            if status.success() {
                // A script that had done all it wanted before we could look.
                break;
            }
            let said = kept.journal.since(before);
            let why =
                reason(&said, Some(kept.name)).unwrap_or_else(|| format!("{program} failed ({status})"));
            return Err(Failure::new(why));
        }
        if Instant::now() >= until {
            kept.journal.write(&format!("Warning: {} has not said that it began; it runs", kept.name));
            break;
        }
        pause(STEP);
    }
    Ok(())
}

/// Ends a runner that nobody would know of.
fn end(child: &Child) {
    let until = Instant::now() + PATIENCE;
    let mut asked = false;
    while let Ok(None) = child.try_wait() {
        if Instant::now() >= until {
            child.signal(Signal::SIGKILL);
        } else if !std::mem::replace(&mut asked, true) {
            child.signal(Signal::SIGTERM);
        }
        pause(STEP);
    }
}

/// A file that is written to at its end, and no link.
fn open(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o640).custom_flags(libc::O_NOFOLLOW);
    options.open(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}
