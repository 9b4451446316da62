//! `CommandStatementUpdate`: run a statement and count the rows that it changed.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use arrow_flight::sql::CommandStatementUpdate;
use tonic::Status;

use crate::engine::Conditions;
use crate::flight::sessions::Lease;
use crate::flight::status::from_engine;

/// What stands for a count that is not known. Source: Flight SQL, DoPutUpdateResult.
pub const UNKNOWN_COUNT: i64 = -1;

/// Run the statement. Returns the changed rows, or -1 if it is not one that counts them.
pub async fn do_put(session: &Lease, command: CommandStatementUpdate) -> Result<i64, Status> {
    session.check_transaction(command.transaction_id.as_ref())?;
    let mut results = session
        .execute(command.query, Conditions::default())
        .await
        .map_err(|error| from_engine(&error))?;
    let mut changed = UNKNOWN_COUNT;
    while let Some(batch) = results.next().await {
        session.touch();
        let batch = batch.map_err(|error| from_engine(&error))?;
        if let [column] = batch.columns()
            && let Some(counts) = column.as_primitive_opt::<Int64Type>()
            && counts.len() == 1
        {
            changed = counts.value(0);
        }
    }
    Ok(changed)
}
