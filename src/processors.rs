//! A little work shared among a few short-lived threads, each on a processor of its own.
//!
//! Kernels were seen that leave a thread on its parent's processor for the whole of its short life, while the next
//! one is idle: an unchanged plan of 2,000 scripts takes 3.9 ms then, and 2.9 ms when the second thread asks for
//! another processor (`bench/README.md`, "Plan").

use nix::sched::{CloneFlags, sched_getaffinity, sched_getcpu, sched_setaffinity, unshare};
use nix::unistd::Pid;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Stack of a thread. What is shared here reads files and takes headers apart, without recursion.
const STACK: usize = 256 * 1024;

/// Number of processors that this process may use.
pub fn count() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Does `work` on all of `0..count`, `chunk` at a time, with at most `threads` threads, this one among them; what each
/// chunk gave, in order. `meanwhile` is done by this thread before it begins to help. A thread that cannot be had is
/// done without. Files that `work` opens are to be closed by it: the other threads have tables of open files of their
/// own.
pub fn share<M, T: Send>(
    threads: usize,
    count: usize,
    chunk: usize,
    meanwhile: impl FnOnce() -> M,
    work: impl Fn(Range<usize>) -> T + Sync,
) -> (M, Vec<T>) {
    let next = AtomicUsize::new(0);
    let take_turns = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let first = number.saturating_mul(chunk);
            if first >= count {
                return done;
            }
            done.push((number, work(first..count.min(first.saturating_add(chunk)))));
        }
    };
    let here = sched_getcpu().ok();
    thread::scope(|scope| {
        let useful = threads.min(count.div_ceil(chunk.max(1)));
        let others: Vec<_> = (1..useful)
            .filter_map(|number| {
                let elsewhere = move || {
                    // The odd ones leave this thread alone; the even ones go where the kernel puts them.
                    if number % 2 == 1 {
                        leave(here);
                    }
                    // Whoever has a table of open files to itself need not lock it (`bench/README.md`, "Plan").
                    let _ = unshare(CloneFlags::CLONE_FILES);
                    take_turns()
                };
                thread::Builder::new().stack_size(STACK).spawn_scoped(scope, elsewhere).ok()
            })
            .collect();
        if !others.is_empty() {
            thread::yield_now();
        }
        let meanwhile = meanwhile();
        let mut done = take_turns();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done.sort_unstable_by_key(|(number, _)| *number);
        (meanwhile, done.into_iter().map(|(_, done)| done).collect())
    })
}

/// Moves this thread off a processor. Where there is no other, the thread stays.
fn leave(processor: Option<usize>) {
    let this = Pid::from_raw(0);
    if let (Some(processor), Ok(mut others)) = (processor, sched_getaffinity(this))
        && others.unset(processor).is_ok()
    {
        let _ = sched_setaffinity(this, &others);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chunk_is_done_once_and_in_order() {
        for (threads, count, chunk) in [(1, 10, 3), (2, 1000, 7), (16, 100, 1), (4, 0, 5), (3, 5, 100)] {
            let (meanwhile, done) = share(threads, count, chunk, || "done", Iterator::collect::<Vec<usize>>);
            assert_eq!(meanwhile, "done");
            assert_eq!(done.concat(), (0..count).collect::<Vec<_>>(), "{threads} {count} {chunk}");
        }
    }
}
