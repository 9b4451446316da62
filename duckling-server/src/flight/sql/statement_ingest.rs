//! `CommandStatementIngest`: load an Arrow stream into a table that exists, or is made to fit it.

use arrow_flight::sql::server::PeekableFlightDataStream;
use arrow_flight::sql::{CommandStatementIngest, TableDefinitionOptions, TableExistsOption, TableNotExistOption};
use tonic::Status;

use crate::engine::{BulkLoad, Conditions, IfExists, IfMissing};
use crate::flight::arrivals::receive;
use crate::flight::sessions::Lease;
use crate::flight::status::from_engine;

/// Load the stream. Returns the number of rows.
pub async fn do_put(
    session: &Lease,
    command: CommandStatementIngest,
    messages: PeekableFlightDataStream,
) -> Result<i64, Status> {
    // The ADBC driver leaves the transaction out of its ingest commands: they belong to the one that is open.
    if command.transaction_id.as_ref().is_some_and(|id| !id.is_empty()) {
        session.check_transaction(command.transaction_id.as_ref())?;
    }
    if command.temporary && (command.schema.is_some() || command.catalog.is_some()) {
        return Err(Status::invalid_argument(
            "a temporary table has no schema or catalog to choose: leave them out",
        ));
    }
    let (if_missing, if_exists) = choices(command.table_definition_options)?;
    let Some((batches, forward)) = receive(messages, None).await? else {
        return Err(Status::invalid_argument("the ingest stream has no columns"));
    };
    let load = BulkLoad {
        database: command.catalog,
        schema: command.schema,
        table: command.table,
        temporary: command.temporary,
        if_missing,
        if_exists,
        batches,
    };
    let (rows, ()) = tokio::join!(session.bulk_load(load, Conditions::default()), forward);
    let rows = rows.map_err(|error| from_engine(&error))?;
    Ok(i64::try_from(rows).unwrap_or(i64::MAX))
}

fn choices(options: Option<TableDefinitionOptions>) -> Result<(IfMissing, IfExists), Status> {
    let options = options.unwrap_or_default();
    let if_missing = match options.if_not_exist() {
        TableNotExistOption::Create => IfMissing::Create,
        TableNotExistOption::Fail => IfMissing::Fail,
        TableNotExistOption::Unspecified => return Err(unspecified("if_not_exist")),
    };
    let if_exists = match options.if_exists() {
        TableExistsOption::Fail => IfExists::Fail,
        TableExistsOption::Append => IfExists::Append,
        TableExistsOption::Replace => IfExists::Replace,
        TableExistsOption::Unspecified => return Err(unspecified("if_exists")),
    };
    Ok((if_missing, if_exists))
}

fn unspecified(option: &str) -> Status {
    Status::invalid_argument(format!("table_definition_options.{option} must say what to do"))
}
