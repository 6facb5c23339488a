//! When two states of the file system count as the same.
