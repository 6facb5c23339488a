//! The file itself: whether it may be trusted, how it is opened, created and set aside.

use super::schema;
use super::trouble::Trouble;
use rusqlite::{Connection, OpenFlags};
use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a boot waits for a writer: the level before, which may still be saved, holds the file for as long as the disk
/// takes to write a few pages. Who does not wait makes the plan anew, and has to save that on the same disk.
const READ_WAIT: Duration = Duration::from_secs(1);

/// How long a writer waits for another one.
const WRITE_WAIT: Duration = Duration::from_secs(2);

/// Page size of a new file. Smaller ones are read faster (an unchanged boot reads a few rows of a few tables, and each
/// page is copied), larger ones are written faster (`bench/README.md`, "Plan").
const PAGE: u32 = 8_192;

/// Enough cache, in KiB, for any save: a spill would mean more syncs.
const CACHE_KIB: u32 = 32 * 1024;

/// What stands at the history's path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing.
    Missing,
    /// A file of no bytes: created, never written.
    Empty,
    /// A file that may be trusted.
    There,
}

/// Looks at the path without opening it. Errors when somebody else may have written what is there.
pub(super) fn standing(path: &Path) -> Result<Standing, Trouble> {
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Standing::Missing);
        }
        Err(error) => return Err(Trouble::Failed { path: path.to_owned(), why: error.to_string() }),
    };
    match distrust(&meta) {
        Some(why) => Err(Trouble::Untrusted { path: path.to_owned(), why }),
        None if meta.len() == 0 => Ok(Standing::Empty),
        None => Ok(Standing::There),
    }
}

/// Why a file is not to be trusted.
fn distrust(meta: &fs::Metadata) -> Option<String> {
    let caller = nix::unistd::geteuid().as_raw();
    if !meta.is_file() {
        Some("it is not a regular file".to_owned())
    } else if meta.uid() != 0 && meta.uid() != caller {
        Some(format!("it belongs to user {}, not to root or to the caller", meta.uid()))
    } else if meta.mode() & 0o022 != 0 {
        Some(format!("its mode {:04o} lets others write it", meta.mode() & 0o7777))
    } else {
        None
    }
}

/// SQLite would replay a journal that somebody else put beside the file.
fn trust_journal(path: &Path) -> Result<(), Trouble> {
    let journal = beside(path, "-journal");
    match fs::symlink_metadata(&journal) {
        Ok(meta) => match distrust(&meta) {
            Some(why) => Err(Trouble::Untrusted { path: journal, why }),
            None => Ok(()),
        },
        Err(_) => Ok(()),
    }
}

/// Opens for reading; `None` when there is no history yet.
pub(super) fn open_reading(path: &Path) -> Result<Option<Connection>, Trouble> {
    if standing(path)? != Standing::There {
        return Ok(None);
    }
    let first = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, READ_WAIT);
    let (connection, found) = match first {
        Err(Trouble::HotJournal { .. }) => roll_back(path)?,
        other => other?,
    };
    if found == schema::version() {
        return Ok(Some(connection));
    }
    let ours = schema::is_ours(&connection).map_err(|error| Trouble::of_sqlite(path, &error))?;
    match (ours, found) {
        (false, _) => Err(Trouble::Foreign { path: path.to_owned() }),
        (true, 0) => Ok(None),
        (true, found) => Err(Trouble::Schema { path: path.to_owned(), found, ours: schema::version() }),
    }
}

/// A killed writer left its journal: whoever may write the file rolls it back by opening it.
fn roll_back(path: &Path) -> Result<(Connection, u32), Trouble> {
    trust_journal(path)?;
    connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, READ_WAIT).map_err(|trouble| match trouble {
        Trouble::ReadOnly { path, .. } => Trouble::HotJournal { path },
        other => other,
    })
}

/// Opens for writing, creating the file and its directory when they are missing. True when it had to.
pub(super) fn open_writing(path: &Path) -> Result<(Connection, bool), Trouble> {
    let created = match standing(path)? {
        Standing::Missing => create(path).map_err(|error| Trouble::of_io(path, &error))?,
        Standing::Empty | Standing::There => false,
    };
    trust_journal(path)?;
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, WRITE_WAIT)?;
    // A new file has nothing in it that a journal or a sync could save: a crash leaves a torn file at worst, which the
    // seals and SQLite notice, and which is set aside like any damaged one. DELETE is the default; it is said for a
    // file that somebody turned to WAL by hand.
    let (journal, synchronous) = if created { ("MEMORY", "OFF") } else { ("DELETE", "FULL") };
    let settings = format!(
        "PRAGMA page_size = {PAGE}; PRAGMA cache_size = -{CACHE_KIB}; PRAGMA temp_store = MEMORY;
         PRAGMA journal_mode = {journal}; PRAGMA synchronous = {synchronous};"
    );
    connection.execute_batch(&settings).map_err(|error| Trouble::of_sqlite(path, &error))?;
    Ok((connection, created))
}

/// Opens and asks for the schema, which is the first read of the file and meets whatever is wrong with it.
fn connect(path: &Path, flags: OpenFlags, wait: Duration) -> Result<(Connection, u32), Trouble> {
    let connection = open(path, flags, wait)?;
    let found = schema::found(&connection).map_err(|error| Trouble::of_sqlite(path, &error))?;
    Ok((connection, found))
}

fn open(path: &Path, flags: OpenFlags, wait: Duration) -> Result<Connection, Trouble> {
    // A relative path must not begin with "file:", which SQLite would take for a URI.
    let plain = if path.is_relative() { Path::new(".").join(path) } else { path.to_owned() };
    Connection::open_with_flags(plain, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .and_then(|connection| connection.busy_timeout(wait).map(|()| connection))
        .map_err(|error| Trouble::of_sqlite(path, &error))
}

/// Creates an empty file 0644, and its directory 0755 when that is missing, whatever the umask. False when another
/// process was faster.
fn create(path: &Path) -> io::Result<bool> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        match DirBuilder::new().mode(0o755).create(parent) {
            Ok(()) => fs::set_permissions(parent, Permissions::from_mode(0o755))?,
            Err(_) if parent.is_dir() => {}
            Err(error) => return Err(error),
        }
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o644).open(path) {
        Ok(file) => file.set_permissions(Permissions::from_mode(0o644)).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a save may move away what is there: a file by the name of a database that is of no use. `--db` may have
/// named something else by mistake.
pub(super) fn may_set_aside(path: &Path, trouble: &Trouble) -> bool {
    let useless = match trouble {
        Trouble::Damaged { .. } | Trouble::Untrusted { .. } => true,
        Trouble::Schema { found, ours, .. } => found > ours,
        _ => false,
    };
    useless
        && path.extension().is_some_and(|extension| extension == "db")
        && fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file())
}

/// Renames the file to `NAME.bad`, over an earlier one, with its journal, which goes first: a journal without its file
/// is nothing, a new file beside an old journal would be spoilt.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, Trouble> {
    let bad = beside(path, ".bad");
    let moved = match fs::rename(beside(path, "-journal"), beside(path, ".bad-journal")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match fs::remove_file(beside(path, ".bad-journal")) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            }
        }
        other => other,
    };
    moved.and_then(|()| fs::rename(path, &bad)).map_err(|error| Trouble::of_io(path, &error))?;
    Ok(bad)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
