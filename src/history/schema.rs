//! The tables, made by numbered migrations that are never changed once released.
//!
//! The number of migrations applied is kept in the file's own header (`user_version`), beside a mark that the file is
//! ours (`application_id`). Migrations run inside the transaction of the save that needs them, so a file has either
//! all of a save or nothing.

use rusqlite::{Connection, Result, Transaction};

/// All migrations in order. Append only.
const MIGRATIONS: &[&str] = &[include_str!("../../sql/0001_init.sql")];

/// Marks the file as ours, for `file(1)` and for us.
const APPLICATION: u32 = u32::from_be_bytes(*b"SERL");

/// The schema that this program reads.
pub(super) fn version() -> u32 {
    u32::try_from(MIGRATIONS.len()).expect("BUG: there are fewer than 2^32 migrations")
}

/// The schema of a file; 0 for an empty one.
pub(super) fn found(connection: &Connection) -> Result<u32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Whether a file is ours, or empty so that it can become ours.
pub(super) fn is_ours(connection: &Connection) -> Result<bool> {
    let mark: u32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if mark == APPLICATION {
        return Ok(true);
    }
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(mark == 0 && tables == 0)
}

/// Brings a file of ours from schema `found` to the newest.
pub(super) fn migrate(transaction: &Transaction<'_>, found: u32) -> Result<()> {
    if found >= version() {
        return Ok(());
    }
    for migration in MIGRATIONS.iter().skip(found as usize) {
        transaction.execute_batch(migration)?;
    }
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {};",
        version()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migrated() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        for _ in 0..2 {
            let transaction = connection.transaction().unwrap();
            let before = found(&transaction).unwrap();
            migrate(&transaction, before).unwrap();
            transaction.commit().unwrap();
        }
        connection
    }

    #[test]
    fn migrating_twice_is_migrating_once() {
        let connection = migrated();
        assert_eq!(found(&connection).unwrap(), version());
        assert!(is_ours(&connection).unwrap());
        let tables: i64 = connection
            .query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |r| r.get(0))
            .unwrap();
        assert_eq!(tables, 7);
    }

    #[test]
    fn schema_sql_is_what_the_migrations_give() {
        let connection = migrated();
        let mut query = connection
            .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC, name")
            .unwrap();
        let statements: Vec<String> =
            query.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let header = "-- What the migrations give; a test keeps it so. Explained in 0001_init.sql.\n\n";
        let given = format!("{header}{};\n", statements.join(";\n\n"));
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/sql/schema.sql");
        let written = std::fs::read_to_string(path).unwrap();
        assert!(written == given, "write this to {path}:\n{given}");
    }

    #[test]
    fn another_programs_database_is_not_ours() {
        let connection = Connection::open_in_memory().unwrap();
        assert!(is_ours(&connection).unwrap());
        connection.execute_batch("CREATE TABLE bookmark (url TEXT)").unwrap();
        assert!(!is_ours(&connection).unwrap());
    }
}
