//! The schema: numbered scripts that only ever get more, and SQLite's `user_version` that says how many have run.

use rusqlite::Connection;

/// Never change one that was released, never take one out.
const MIGRATIONS: &[&str] = &[include_str!("../../sql/0001_init.sql")];

/// The version that this program writes.
pub(super) fn current() -> i64 {
    i64::try_from(MIGRATIONS.len()).expect("BUG: a handful of migrations")
}

/// The version of a database; 0 is an empty one.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings a database up to date; the caller has begun a transaction.
pub(super) fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    let from = usize::try_from(version(connection)?).unwrap_or(0);
    for script in MIGRATIONS.iter().skip(from) {
        connection.execute_batch(script)?;
    }
    if from < MIGRATIONS.len() {
        connection.execute_batch(&format!("PRAGMA user_version = {}", MIGRATIONS.len()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(connection: &Connection) -> String {
        let mut query =
            connection.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
        let rows = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|sql| sql.unwrap() + ";\n").collect()
    }

    #[test]
    fn migrating_twice_changes_nothing() {
        let connection = Connection::open_in_memory().unwrap();
        migrate(&connection).unwrap();
        let once = schema(&connection);
        migrate(&connection).unwrap();
        assert_eq!(schema(&connection), once);
        assert_eq!(version(&connection).unwrap(), current());
    }

    #[test]
    fn the_schema_file_is_what_the_migrations_give() {
        let (migrated, written) =
            (Connection::open_in_memory().unwrap(), Connection::open_in_memory().unwrap());
        migrate(&migrated).unwrap();
        written.execute_batch(include_str!("../../sql/schema.sql")).unwrap();
        assert_eq!(schema(&migrated), schema(&written));
    }
}
