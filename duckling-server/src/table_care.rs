//! Looks after distributed tables while a server runs: small files are made large ones, and files that nobody needs go.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval_at};

use crate::config::DatabaseConfig;
use crate::engine::{Connection, Database, EngineError, Storage, StorageFile, quote_identifier};

/// Files of a table, or of a partition of it, that are smaller than one of these sizes, in bytes, are made one when there
/// are [`MANY_FILES`] of them: so a row is written anew once per size.
const SIZES: [u64; 3] = [1_000_000, 16_000_000, 128_000_000];
const MANY_FILES: usize = 16;
const VACUUM_INTERVAL: Duration = Duration::from_secs(600);
/// What tells, beside the folder of a database, which file has the database.
const OWNER_SUFFIX: &str = ".owner";

/// Look after the tables of these databases every `interval`, for as long as it is polled.
pub async fn look_after(instance: Database, storage: Storage, databases: Vec<DatabaseConfig>, interval: Duration) {
    let mut ticks = interval_at(tokio::time::Instant::now() + interval, interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let writable = databases.into_iter().filter(|database| !database.read_only);
    let cares: Vec<_> = writable
        .map(|database| {
            Arc::new(Mutex::new(Care {
                instance: instance.clone(),
                storage: storage.clone(),
                database,
                small_files: HashMap::new(),
                vacuumed: None,
            }))
        })
        .collect();
    loop {
        ticks.tick().await;
        for care in &cares {
            let care = care.clone();
            // One that has panicked goes on with what it knew.
            let round = move || care.lock().unwrap_or_else(PoisonError::into_inner).run();
            let _ = spawn_blocking(round).await;
        }
    }
}

/// What is done for one database, and was done for it before.
struct Care {
    instance: Database,
    storage: Storage,
    database: DatabaseConfig,
    /// How many small files of a partition a table still had after it was compacted, by its name and the size.
    small_files: HashMap<(String, u64), usize>,
    vacuumed: Option<Instant>,
}

impl Care {
    /// One round. What fails is tried again in the next one.
    fn run(&mut self) {
        let outcome = self.connect().and_then(|connection| {
            for size in SIZES {
                self.compact(&connection, size)?;
            }
            self.vacuum(&connection)
        });
        self.note(None, outcome);
    }

    fn note(&self, table: Option<&str>, outcome: Result<(), EngineError>) {
        let database = &self.database.name;
        match outcome {
            Ok(()) => {}
            // A server that stops, or others that change the same files, are no trouble.
            Err(error)
                if [EngineError::INTERRUPT, "TransactionContext", "Connection"].contains(&error.class.as_str()) =>
            {
                tracing::debug!(database, table, %error, "not looked after now");
            }
            Err(error) => tracing::warn!(database, table, %error, "not looked after"),
        }
    }

    fn connect(&self) -> Result<Connection, EngineError> {
        let connection = self.instance.connect()?;
        connection.query(&format!("USE {}", quote_identifier(&self.database.name)))?;
        Ok(connection)
    }

    fn compact(&mut self, connection: &Connection, size: u64) -> Result<(), EngineError> {
        for (table, count) in self.tables_with_small_files(connection, size)? {
            let key = (table, size);
            // A table may be so divided that its files stay small.
            if count < MANY_FILES + self.small_files.get(&key).unwrap_or(&0) {
                continue;
            }
            let compacted = connection.query(&format!(
                "FROM duckherder_compact('{}', target_size := '{size}B', gives_way := true)",
                key.0.replace('\'', "''")
            ));
            let compacted = compacted.and_then(|_| {
                let left = self.tables_with_small_files(connection, size)?;
                let left = left
                    .into_iter()
                    .find_map(|(table, count)| (table == key.0).then_some(count));
                self.small_files.insert(key.clone(), left.unwrap_or(0));
                Ok(())
            });
            self.note(Some(&key.0), compacted);
        }
        Ok(())
    }

    fn vacuum(&mut self, connection: &Connection) -> Result<(), EngineError> {
        if self.vacuumed.is_some_and(|at| at.elapsed() < VACUUM_INTERVAL) {
            return Ok(());
        }
        if self.owns_files(connection)? {
            connection.query("FROM duckherder_vacuum()")?;
        }
        self.vacuumed = Some(Instant::now());
        Ok(())
    }

    /// Qualified names, and the greatest number of small files that a partition of the table has.
    fn tables_with_small_files(&self, connection: &Connection, size: u64) -> Result<Vec<(String, usize)>, EngineError> {
        let found = connection.query(&format!(
            "SELECT schema_name, table_name, max(small) FROM (SELECT schema_name, table_name, count(*) AS small FROM duckherder.files \
             JOIN duckdb_tables() ON database_name = current_database() AND tags['duckherder_table_id'] = table_id \
             WHERE file_size_bytes < {size} GROUP BY schema_name, table_name, partition_values) GROUP BY ALL ORDER BY ALL"
        ))?;
        let tables = found.iter().flat_map(|batch| {
            let (schemas, names) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
            let counts = batch.column(2).as_primitive::<Int64Type>();
            (0..batch.num_rows()).map(|row| (schemas.value(row), names.value(row), counts.value(row)))
        });
        Ok(tables
            .map(|(schema, name, count)| {
                let name = [&self.database.name, schema, name].map(quote_identifier).join(".");
                (name, usize::try_from(count).unwrap_or(0))
            })
            .collect())
    }

    /// Whether the files that the database does not list are nobody's. A copy of a database lists those of the original, and
    /// not what this has written since: only the one that was there first removes files by itself.
    fn owns_files(&self, connection: &Connection) -> Result<bool, EngineError> {
        let Some(path) = &self.database.path else {
            return Ok(true);
        };
        let found = connection.query("SELECT folder FROM duckherder.storage")?;
        let folder = found
            .iter()
            .find_map(|batch| batch.column(0).as_string::<i32>().iter().flatten().next());
        let folder = folder.ok_or_else(|| EngineError::new("IO", "the folder of the database is not known"))?;
        let owner = self.storage.file(&format!("{folder}{OWNER_SUFFIX}"));
        let identity =
            identity(path).map_err(|error| EngineError::new("IO", format!("{}: {error}", path.display())))?;
        let owns = claim(&owner, &identity)?;
        if !owns {
            tracing::warn!(
                database = self.database.name,
                "the database looks like a copy of another one, so no files of distributed tables are removed: call \
                 duckherder_vacuum() if it is the only one, or remove {}",
                owner
            );
        }
        Ok(owns)
    }
}

/// What a copy of a file does not have.
fn identity(path: &Path) -> io::Result<String> {
    Ok(format!(
        "{} {}\n",
        fs::metadata(path)?.ino(),
        path.canonicalize()?.display()
    ))
}

/// Whether `owner` says `identity`, or nothing yet.
fn claim(owner: &StorageFile, identity: &str) -> Result<bool, EngineError> {
    match owner.read()? {
        Some(known) => Ok(known == identity),
        None => owner.write(identity).map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_a_database_owns_no_files() {
        let folder = tempfile::tempdir().unwrap();
        let (original, copy, owner) = (
            folder.path().join("a.duckdb"),
            folder.path().join("b.duckdb"),
            Storage::from(folder.path().to_path_buf()).file("tables.owner"),
        );
        fs::write(&original, "a database").unwrap();
        fs::copy(&original, &copy).unwrap();
        assert!(claim(&owner, &identity(&original).unwrap()).unwrap());
        assert!(!claim(&owner, &identity(&copy).unwrap()).unwrap());
        assert!(claim(&owner, &identity(&original).unwrap()).unwrap());
    }
}
