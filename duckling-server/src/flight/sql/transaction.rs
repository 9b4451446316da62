//! Transactions that a client begins and ends by action, and names in its statements.
//!
//! DuckDB has one transaction per connection, and so per session.

use arrow_flight::sql::{ActionBeginTransactionResult, ActionEndTransactionRequest, EndTransaction};
use prost::bytes::Bytes;
use tonic::Status;
use uuid::Uuid;

use crate::flight::sessions::Lease;
use crate::flight::status::from_engine;

/// Begin a transaction.
pub async fn begin(session: &Lease) -> Result<ActionBeginTransactionResult, Status> {
    session.begin_transaction().await.map_err(|error| from_engine(&error))?;
    let transaction_id = Bytes::from(Uuid::new_v4().to_string());
    *session.transaction() = Some(transaction_id.clone());
    Ok(ActionBeginTransactionResult { transaction_id })
}

/// Commit or roll back.
pub async fn end(session: &Lease, request: &ActionEndTransactionRequest) -> Result<(), Status> {
    let commit = match request.action() {
        EndTransaction::Commit => true,
        EndTransaction::Rollback => false,
        EndTransaction::Unspecified => {
            return Err(Status::invalid_argument("EndTransaction must say COMMIT or ROLLBACK"));
        }
    };
    if request.transaction_id.is_empty() {
        return Err(Status::invalid_argument("EndTransaction must name the transaction"));
    }
    session.check_transaction(Some(&request.transaction_id))?;
    let ended = session.end_transaction(commit).await;
    // Also after a failed commit, which DuckDB rolls back.
    session.transaction().take();
    ended.map_err(|error| from_engine(&error))
}
