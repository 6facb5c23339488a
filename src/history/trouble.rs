//! What can be wrong with the history, in words, and what happens then.

use rusqlite::ErrorCode;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Wrong with the history. Never a reason not to boot: say it once and go on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Trouble {
    /// Somebody else may have written it.
    #[error("{}: the history is not to be trusted: {why}; taking the cold path", path.display())]
    Untrusted {
        /// The history.
        path: PathBuf,
        /// What is wrong with its owner, mode or kind.
        why: String,
    },
    /// Not a database, or one whose content is broken.
    #[error("{}: the history is damaged ({why}); taking the cold path, the next save mends that", path.display())]
    Damaged {
        /// The history.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// A database, but of another program.
    #[error("{}: this is not a history of serel, it is left as it is; taking the cold path", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Written by another version of serel.
    #[error("{}: the history has schema {found}, this version has {ours}; taking the cold path", path.display())]
    Schema {
        /// The history.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// Ours.
        ours: u32,
    },
    /// A writer was killed, and its work cannot be rolled back on this file system.
    #[error("{}: the history has an unfinished write that cannot be rolled back here; taking the cold path", path.display())]
    HotJournal {
        /// The history.
        path: PathBuf,
    },
    /// Another process holds it.
    #[error("{}: the history is locked by another process, and is not used", path.display())]
    Locked {
        /// The history.
        path: PathBuf,
    },
    /// It cannot be written: a read-only file system, or no permission. Worth no more than a debug line.
    #[error("{}: the history cannot be written ({why})", path.display())]
    ReadOnly {
        /// The history.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// No space is left; the earlier content is intact.
    #[error("{}: no space is left for the history; what was there still is", path.display())]
    Full {
        /// The history.
        path: PathBuf,
    },
    /// Anything else.
    #[error("{}: the history cannot be used: {why}", path.display())]
    Failed {
        /// The history.
        path: PathBuf,
        /// The error of the system or of SQLite.
        why: String,
    },
}

impl Trouble {
    /// A blob or a value that we did not write like this.
    pub(super) fn damaged(path: &Path, why: impl Into<String>) -> Self {
        Trouble::Damaged { path: path.to_owned(), why: why.into() }
    }

    /// From a system call.
    pub(super) fn of_io(path: &Path, error: &std::io::Error) -> Self {
        let path = path.to_owned();
        let why = error.to_string();
        match error.raw_os_error() {
            Some(libc::EROFS | libc::EACCES | libc::EPERM) => Trouble::ReadOnly { path, why },
            Some(libc::ENOSPC | libc::EDQUOT) => Trouble::Full { path },
            _ => Trouble::Failed { path, why },
        }
    }

    /// From SQLite.
    pub(super) fn of_sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let why = error.to_string();
        let path = path.to_owned();
        let rusqlite::Error::SqliteFailure(code, _) = error else {
            return match error {
                rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::Utf8Error(..)
                | rusqlite::Error::SqlInputError { .. } => Trouble::Damaged { path, why },
                _ => Trouble::Failed { path, why },
            };
        };
        match (code.code, code.extended_code) {
            (_, rusqlite::ffi::SQLITE_READONLY_ROLLBACK | rusqlite::ffi::SQLITE_READONLY_RECOVERY) => {
                Trouble::HotJournal { path }
            }
            // A plain SQLITE_ERROR is not a mistake in a statement of ours: a table it speaks of is not there.
            (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TypeMismatch, _)
            | (_, rusqlite::ffi::SQLITE_IOERR_SHORT_READ | rusqlite::ffi::SQLITE_ERROR) => {
                Trouble::Damaged { path, why }
            }
            (ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked, _) => Trouble::Locked { path },
            (ErrorCode::ReadOnly | ErrorCode::PermissionDenied, _) => Trouble::ReadOnly { path, why },
            (ErrorCode::DiskFull, _) => Trouble::Full { path },
            _ => Trouble::Failed { path, why },
        }
    }
}
