//! BPF programs: no module, no compiler for the kernel, and a runner that knows no daemon, so it is kept as one.

use super::Backend;
use super::kept::{self, Kept};
use crate::systemtap::job::{Failure, Start, words};
use crate::systemtap::work::make_directory;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

/// `stap --runtime=bpf -p4`, `.bo`, stapbpf.
#[derive(Debug, Clone, Copy)]
pub struct Bpf;

impl Backend for Bpf {
    fn compile_options(&self) -> &'static [&'static str] {
        &["--runtime=bpf"]
    }

    fn start(&self, start: &Start) -> Result<i32, Failure> {
        let mut command = Command::new(&start.runner);
        command.args(&start.options).arg(start.cache.object(&start.name, start.runtime));
        start.journal.write(&format!("Exec: {}", words(&command)));
        let log = start.bpf_log_path.join(format!("{}.log", start.name));
        if !start.output {
            make_directory(&start.bpf_log_path).map_err(|error| {
                Failure::new(format!("Failed to make {}: {error}", start.bpf_log_path.display()))
            })?;
        }
        let place = start.bpf_run_path.join(&start.name);
        clear(&start.bpf_run_path, &place);
        let sign = place.join("srvstat");
        let old = identity(&sign);
        let kept = Kept {
            journal: &start.journal,
            status: &start.status,
            name: &start.name,
            output: (!start.output).then_some(log.as_path()),
            // One that could not be cleared away says nothing.
            began: || identity(&sign).is_some_and(|sign| Some(sign) != old),
        };
        kept::start(&command, &kept)
    }
}

/// What tells a file from another that has its name.
fn identity(file: &Path) -> Option<(u64, u64, i64, i64)> {
    let meta = file.symlink_metadata().ok()?;
    Some((meta.dev(), meta.ino(), meta.ctime(), meta.ctime_nsec()))
}

/// Removes what a runner that was killed has left, on which the next one would fail. Only where nobody else can have
/// put it: `/var/tmp` is everybody's.
fn clear(parent: &Path, place: &Path) {
    let own = nix::unistd::geteuid().as_raw();
    let trusted = |path: &Path| {
        path.symlink_metadata()
            .is_ok_and(|meta| meta.is_dir() && meta.uid() == own && meta.mode() & 0o022 == 0)
    };
    if trusted(parent) && trusted(place) {
        // Links are removed, not followed.
        let _ = std::fs::remove_dir_all(place);
    }
}
