//! Rows of the client that go into tables.

use std::ptr;
use std::sync::Arc;

use arrow::record_batch::RecordBatchReader;
use tokio::task::spawn_blocking;

use super::{Session, lock};
use crate::engine::conditions::Conditions;
use crate::engine::connection::in_transaction;
use crate::engine::error::EngineError;
use crate::engine::load::{BulkLoad, Load, bulk_load, load};
use crate::engine::working::{AwaitedBatches, Flag, Working};

impl Session {
    /// Load rows into a table; creating and filling it are one transaction. Returns the number of rows.
    ///
    /// Outside a transaction the load has a connection of its own: the statement that it belongs to may be reading from
    /// this session at the same time, and its rows may depend on what it reads.
    ///
    /// # Errors
    /// DuckDB's own, or what reading the rows failed with; then nothing has changed.
    pub async fn load(&self, mut source: Load, conditions: Conditions) -> Result<u64, EngineError> {
        source.batches = self.awaited(source.batches);
        let (database, recording) = (self.database.clone(), self.record(&source.text(&self.database)));
        if !source.apart && (conditions.begin || self.connection.in_transaction()) {
            let loading = Flag::raise(&self.loading);
            return self
                .recorded(recording, conditions, move |connection, entry| {
                    let _loading = loading;
                    load(connection, &database, source).inspect(|rows| entry.change(*rows))
                })
                .await;
        }
        let (instance, options, loads) = (self.instance.clone(), self.options.clone(), self.loads.clone());
        let working = Working::begin(&self.working);
        spawn_blocking(move || {
            let _working = working;
            let outcome = options.connect(&instance, &database).and_then(|connection| {
                let connection = Arc::new(connection);
                {
                    let mut loads = lock(&loads);
                    loads.retain(|load| load.strong_count() > 0);
                    loads.push(Arc::downgrade(&connection));
                }
                recording.entry().begin_work(&connection);
                let loaded = in_transaction(&connection, true, |connection| {
                    let rows = load(connection, &database, source)?;
                    // An interrupted COMMIT may say that it has failed when it has not.
                    lock(&loads).retain(|load| !ptr::eq(load.as_ptr(), connection));
                    Ok(rows)
                });
                recording.entry().end_work();
                loaded.inspect(|rows| recording.entry().change(*rows))
            });
            recording.conclude(outcome)
        })
        .await
        .map_err(|_| EngineError::lost("load"))?
    }

    /// Load rows in bulk on the session's own connection, which sees its temporary tables and its transaction. Returns the
    /// number of rows.
    ///
    /// # Errors
    /// As [`Session::load`].
    pub async fn bulk_load(&self, mut source: BulkLoad, conditions: Conditions) -> Result<u64, EngineError> {
        source.batches = self.awaited(source.batches);
        let (loading, recording) = (Flag::raise(&self.loading), self.record(&source.text()));
        self.recorded(recording, conditions, move |connection, entry| {
            let _loading = loading;
            in_transaction(connection, true, |connection| bulk_load(connection, source))
                .inspect(|rows| entry.change(*rows))
        })
        .await
    }

    fn awaited(&self, batches: Box<dyn RecordBatchReader + Send>) -> Box<dyn RecordBatchReader + Send> {
        Box::new(AwaitedBatches {
            inner: batches,
            working: self.working.clone(),
        })
    }
}
