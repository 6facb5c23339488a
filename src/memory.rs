//! Memory from the system in large steps.
//!
//! To read thousands of small files takes a program some milliseconds, in which it would ask the system for memory five
//! hundred times, a page at a time, all threads waiting for the one that asks. With these steps it asks a few times:
//! a twelfth less for a cold read of 2,000 scripts (`bench/README.md`, "Plan"). What is asked for is not used, and costs
//! nothing, before something is written to it.

/// What a step is.
#[cfg(target_env = "gnu")]
const STEP: i32 = 4 * 1024 * 1024;

/// Asks for memory in large steps from now on, and gives none back before the end.
pub fn take_large_steps() {
    #[cfg(target_env = "gnu")]
    for what in [libc::M_TOP_PAD, libc::M_TRIM_THRESHOLD, libc::M_MMAP_THRESHOLD] {
        // SAFETY: mallopt(3) sets a number under the allocator's own lock, and refuses what it does not like.
        unsafe { libc::mallopt(what, STEP) };
    }
}
