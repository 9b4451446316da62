//! `CommandStatementUpdate`: run a statement and count the rows that it changed.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use arrow_flight::sql::CommandStatementUpdate;
use tonic::Status;

use crate::engine::{Conditions, Session};
use crate::flight::status::from_engine;

/// Run the statement. Returns the changed rows, or -1 if it is not one that counts them.
pub async fn do_put(session: &Session, command: CommandStatementUpdate) -> Result<i64, Status> {
    let mut results = session
        .execute(command.query, Conditions::default())
        .await
        .map_err(|error| from_engine(&error))?;
    let mut changed = -1;
    while let Some(batch) = results.next().await {
        let batch = batch.map_err(|error| from_engine(&error))?;
        if let Some(counts) = batch
            .columns()
            .first()
            .and_then(|column| column.as_primitive_opt::<Int64Type>())
            && batch.num_columns() == 1
            && counts.len() == 1
        {
            changed = counts.value(0);
        }
    }
    Ok(changed)
}
