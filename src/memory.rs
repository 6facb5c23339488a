//! Memory from the system in large steps.
//!
//! To read thousands of small files takes a program some milliseconds, in which it would ask the system for memory five
//! hundred times, a page at a time, all threads waiting for the one that asks. With these steps it asks a few times:
//! a twelfth less for a cold read of 2,000 scripts (`bench/README.md`, "Plan"). What is asked for is not used, and costs
//! nothing, before something is written to it.

/// What a step is.
#[cfg(target_env = "gnu")]
const STEP: i32 = 4 * 1024 * 1024;

/// What is asked for in huge pages.
#[cfg(target_env = "gnu")]
const HEAP: i32 = 16 * 1024 * 1024;

#[cfg(target_env = "gnu")]
const PAGE: usize = 4096;

/// A huge page, and what its address is a multiple of.
#[cfg(target_env = "gnu")]
const HUGE_PAGE: usize = 2 * 1024 * 1024;

/// What the allocator puts between two allocations, and more.
#[cfg(target_env = "gnu")]
const HEADER: usize = 64;

/// Asks for memory in large steps from now on, and gives none back before the end.
pub fn take_large_steps() {
    #[cfg(target_env = "gnu")]
    {
        set(libc::M_TOP_PAD, STEP);
        set(libc::M_MMAP_THRESHOLD, STEP);
        set(libc::M_TRIM_THRESHOLD, i32::MAX);
    }
}

/// Takes the next megabytes of the heap in huge pages, where the system has them for those who ask: for who is about
/// to use them all, since each is cleared whole when it is first touched. A wish, which may be refused.
/// After [`take_large_steps`].
pub fn take_huge_pages() {
    #[cfg(target_env = "gnu")]
    {
        // One step as large as that, taken by asking for more than is left of the last one. What is asked for is given
        // back at once, so it is where the next allocations go.
        set(libc::M_TOP_PAD, HEAP);
        let first = room(size(STEP) - PAGE);
        set(libc::M_TOP_PAD, STEP);
        let begin = first.as_ptr().addr().next_multiple_of(HUGE_PAGE);
        let gap = begin - first.as_ptr().addr();
        drop(first);
        // SAFETY: sbrk(2) with 0 tells where the heap ends and changes nothing; madvise(2) with this advice changes
        // neither what memory holds nor what may be done with it, whatever of the range is there.
        unsafe {
            let end = libc::sbrk(0);
            libc::madvise(end.with_addr(begin), end.addr().saturating_sub(begin), libc::MADV_HUGEPAGE);
        }
        // What lies before the first of them is never used, so it costs nothing.
        std::mem::forget(room(gap.saturating_sub(HEADER)));
    }
}

#[cfg(target_env = "gnu")]
fn size(bytes: i32) -> usize {
    bytes.unsigned_abs() as usize
}

/// Memory that is not written to.
#[cfg(target_env = "gnu")]
fn room(bytes: usize) -> Vec<u8> {
    std::hint::black_box(Vec::with_capacity(bytes))
}

#[cfg(target_env = "gnu")]
fn set(what: i32, bytes: i32) {
    // SAFETY: mallopt(3) sets a number under the allocator's own lock, and refuses what it does not like.
    unsafe { libc::mallopt(what, bytes) };
}
