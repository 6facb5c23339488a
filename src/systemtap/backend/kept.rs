//! Runners that stay in the foreground, kept as daemons.
//!
//! The job that starts one leads a session of its own, so the runner, in a group of its own within it, has neither a
//! terminal nor anybody who would signal it once the job has ended.

use crate::systemtap::job::Failure;
use crate::systemtap::journal::{Journal, reason};
use crate::systemtap::process::pause;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a runner may take to begin.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks.
const STEP: Duration = Duration::from_millis(20);

/// What has to be known of a runner.
pub(super) struct Kept<'k, B: Fn() -> bool> {
    pub(super) journal: &'k Journal,
    pub(super) name: &'k str,
    /// Where its standard output goes; nowhere, if it writes to a file of its own.
    pub(super) output: Option<&'k Path>,
    /// Whether its script has begun.
    pub(super) began: B,
}

/// Starts a runner and waits until its script has begun; its number.
pub(super) fn start<B: Fn() -> bool>(mut command: Command, kept: &Kept<B>) -> Result<i32, Failure> {
    let failed = |error: std::io::Error| Failure::new(error.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    if let Some(path) = kept.output {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o640)
            .custom_flags(libc::O_NOFOLLOW)
            .open(path)
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        command.stdout(file);
    }
    let before = kept.journal.length();
    if let Ok(log) = kept.journal.open() {
        command.stderr(log);
    }
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().map_err(|error| Failure::new(format!("{program}: {error}")))?;
    let until = Instant::now() + PATIENCE;
    while !(kept.began)() {
        if let Some(status) = child.try_wait().map_err(failed)? {
            if status.success() {
                // A script that had done all it wanted before we could look.
                break;
            }
            let said = kept.journal.since(before);
            let why = reason(&said, kept.name).unwrap_or_else(|| format!("{program} failed ({status})"));
            return Err(Failure::new(why));
        }
        if Instant::now() >= until {
            kept.journal.write(&format!("Warning: {} has not said that it began; it runs", kept.name));
            break;
        }
        pause(STEP);
    }
    i32::try_from(child.id()).map_err(|_| Failure::new("BUG: a process number beyond all numbers"))
}
