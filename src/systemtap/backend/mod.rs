//! The two ways in which a compiled script runs: as a kernel module under staprun, as a BPF program under stapbpf.
//!
//! A back end says what stap is given to compile for it and how the result is brought to life. What both share,
//! states, status files, waiting, the order of things, is outside.

mod bpf;
mod kept;
mod kernel;

pub use bpf::Bpf;
pub use kernel::{ATTACHED, KernelModule, unload};

use super::job::{Failure, Start};
use super::settings::Runtime;

/// Compiled into every script: a file that tells that its probes are alive.
pub const SERVICE_STATUS_PROBE: &str = "probe procfs(\"srvstat\").read {$value = \"running\\n\"}";

/// One way to run scripts.
pub trait Backend: Sync {
    /// Options for stap besides those of every compilation and of the script.
    fn compile_options(&self) -> &'static [&'static str];

    /// Starts a script; the process that reads its output, 0 for none.
    fn start(&self, start: &Start) -> Result<i32, Failure>;
}

/// The back end of a runtime.
pub fn of(runtime: Runtime) -> &'static dyn Backend {
    match runtime {
        Runtime::Kernel => &KernelModule,
        Runtime::Bpf => &Bpf,
    }
}
