//! The SQLite history.
