//! Who has time waits while the processors have none.
//!
//! Where all that is ready is started at once, the scripts of the longest path share the processors with those that nobody
//! waits for, and the whole run takes longer: a boot of thirty daemons on two processors an eighth of its runlevel
//! (`bench/README.md`, "Whole boots"). So a job is held back as long as two things are true: the processors are
//! busy, and it may still start without becoming the last to end, as far as recorded times tell. Recorded times may be
//! wrong, and whoever looks at the machine waits for the others, too: so not for longer than a second.

use super::Nanos;
use std::fs;

/// How often it is looked whether the processors are still busy.
const LOOK: Nanos = 4_000_000;

/// The longest that a job is held back.
const MOST: Nanos = 1_000_000_000;

/// Until when to hold back a job that could start since `ready`, before it is looked at again; `None` when it should start.
/// The `ends` are the expected ends of the paths of those that run, `path` how long that of this job takes.
pub(super) fn hold(
    now: Nanos,
    ready: Nanos,
    ends: impl Iterator<Item = Nanos>,
    path: Nanos,
    is_crowded: impl FnOnce() -> bool,
) -> Option<Nanos> {
    let latest = ends.max()?.saturating_sub(path).min(ready.saturating_add(MOST));
    (now < latest && is_crowded()).then(|| latest.min(now.saturating_add(LOOK)))
}

/// Whether as many processes as there are processors want to run, this one left out (`proc_loadavg(5)`, fourth field).
/// Where that cannot be told, they do not.
pub(super) fn is_crowded(processors: usize) -> bool {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    runnable(&text).is_some_and(|runnable| runnable > processors)
}

fn runnable(loadavg: &str) -> Option<usize> {
    loadavg.split(' ').nth(3)?.split_once('/')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_held_back_as_long_as_it_has_time_and_the_processors_have_none() {
        let ends = || [50 * LOOK, 80 * LOOK].into_iter();
        let hold = |now, ends, path, is_crowded: fn() -> bool| hold(now, 0, ends, path, is_crowded);
        let ends = || ends().collect::<Vec<_>>().into_iter();
        assert_eq!(hold(0, ends(), 10 * LOOK, || true), Some(LOOK));
        assert_eq!(hold(70 * LOOK - 1, ends(), 10 * LOOK, || true), Some(70 * LOOK));
        assert_eq!(hold(70 * LOOK, ends(), 10 * LOOK, || true), None);
        assert_eq!(hold(0, ends(), 10 * LOOK, || false), None);
        assert_eq!(hold(0, ends(), 81 * LOOK, || true), None);
        assert_eq!(hold(0, Vec::new().into_iter(), 1, || true), None);
        assert_eq!(super::hold(2 * MOST, MOST + 1, [9 * MOST].into_iter(), 0, || true), Some(2 * MOST + 1));
        assert_eq!(super::hold(2 * MOST, MOST, [9 * MOST].into_iter(), 0, || true), None);
    }

    #[test]
    fn what_wants_to_run_is_the_fourth_word() {
        assert_eq!(runnable("0.20 0.18 0.12 13/80 11206\n"), Some(13));
        assert_eq!(runnable(""), None);
        assert_eq!(runnable("0.20 0.18 0.12 80\n"), None);
        assert!(!is_crowded(usize::MAX));
    }
}
