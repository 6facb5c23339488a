//! BPF programs: no module, no compiler for the kernel, and a runner that knows no daemon, so it is kept as one.

use super::Backend;
use super::kept::{self, Kept};
use crate::systemtap::job::{Failure, Start, words};
use std::os::unix::fs::MetadataExt as _;
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
        command.current_dir("/");
        start.journal.write(&format!("Exec: {}", words(&command)));
        let log = start.bpf_log_path.join(format!("{}.log", start.name));
        if !start.output {
            std::fs::create_dir_all(&start.bpf_log_path).map_err(|error| {
                Failure::new(format!("Failed to make {}: {error}", start.bpf_log_path.display()))
            })?;
        }
        // One that was killed leaves its file behind, which says nothing of the next.
        let sign = start.bpf_run_path.join(&start.name).join("srvstat");
        let stamp = || sign.symlink_metadata().ok().map(|meta| (meta.ino(), meta.ctime(), meta.ctime_nsec()));
        let before = stamp();
        let kept = Kept {
            journal: &start.journal,
            name: &start.name,
            output: (!start.output).then_some(log.as_path()),
            began: || stamp().is_some() && stamp() != before,
        };
        kept::start(command, &kept)
    }
}
