//! What can be wrong with the history, and what follows: it is never a reason not to boot.

use std::path::{Path, PathBuf};

/// Why the history cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The file system is read-only, or we may not write there.
    #[error("history {path}: cannot be written here ({why}); what was learned is not kept", path = path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
        /// In the system's words.
        why: String,
    },
    /// Another process has it and does not let go.
    #[error("history {path}: locked by another process; try again when that has ended", path = path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// Not a database, damaged, or of a later version of serel.
    #[error("history {path}: {why}; it is not used, and set aside when a new one is saved", path = path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Owned by somebody else, or writable by others.
    #[error(
        "history {path}: {why}; it is not used: make it a file of root's (or your own) that only the owner can write",
        path = path.display()
    )]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Anything else the system says, such as a full disk; the old content is intact.
    #[error("history {path}: {why}; what was learned is not kept", path = path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// In the system's words.
        why: String,
    },
}

impl Trouble {
    /// Whether it is what every early boot meets, and so not worth a warning.
    pub fn is_quiet(&self) -> bool {
        matches!(self, Trouble::ReadOnly { .. })
    }

    /// From what SQLite says.
    pub(super) fn of(path: &Path, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let path = path.to_owned();
        let why = error.to_string();
        match error.sqlite_error_code() {
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => Trouble::Locked { path },
            Some(Code::ReadOnly | Code::CannotOpen | Code::PermissionDenied) => {
                Trouble::ReadOnly { path, why }
            }
            Some(Code::DiskFull | Code::SystemIoFailure | Code::OutOfMemory) => Trouble::System { path, why },
            Some(Code::NotADatabase | Code::DatabaseCorrupt) | None => Trouble::Unusable { path, why },
            // A table or column that is missing, a row that does not fit: not a database of ours.
            Some(_) => Trouble::Unusable { path, why },
        }
    }

    /// From what the file system says.
    pub(super) fn io(path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let (path, why) = (path.to_owned(), error.to_string());
        match error.kind() {
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Trouble::ReadOnly { path, why },
            _ => Trouble::System { path, why },
        }
    }
}
