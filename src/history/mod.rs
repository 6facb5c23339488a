//! What earlier boots left for this one: verified plans, what was read in each file, and what every job took.
//!
//! One SQLite file, and the only module that names it.
//!
//! **Locking.** A boot opens the file read-only and asks for one row. Everything learnt is collected in a [`Batch`] and
//! saved in one transaction after the run, when nobody waits for it; a second writer waits up to two seconds.
//!
//! **File systems.** `journal_mode=DELETE` (but for a file that is just being made, which has nothing to lose): a WAL
//! database cannot be opened on a read-only root, and `immutable=1` shows stale or damaged content where a writer was
//! killed. A journal left by a killed writer is rolled back when the file system can be written, else the history is
//! left alone.
//!
//! **Trust.** The file decides what is run, so it must be a regular file of root or the caller that nobody else can
//! write, and every stored blob carries a seal, since SQLite does not notice a changed byte inside one.
//!
//! **Trouble** is never a reason not to boot: it is said once, and the cold path is taken. The next save sets a damaged
//! file aside as `history.db.bad` and begins anew.

mod batch;
mod cost;
mod file;
mod prune;
mod query;
mod reading;
mod row;
mod schema;
mod seal;
mod trouble;

pub use batch::{Batch, Saved};
pub use prune::{MOST_RUNS, MOST_UNITS};
pub use query::History;
pub use row::{JobRow, LastUnit, Populated, RunRow, StoredReading, StoredRun, StoredUnit, UnitRow};
pub use trouble::Trouble;

/// Where the history lies below the root, unless `--db` says otherwise. On the root file system, since `/var` may be
/// mounted later.
pub const PATH: &str = "/etc/serel/history.db";

/// The identity of this boot; `None` without `/proc`.
pub fn boot_id() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let id = text.trim();
    (!id.is_empty()).then(|| id.to_owned())
}
