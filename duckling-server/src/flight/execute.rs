//! `DoGet` of Duckherder's own Execute: describe a statement, run it, or both, in one round trip.

use duckling_protocol::{Execute, ExecuteAnswer, ExecuteMode, Setting};
use prost::Message;
use tonic::{Response, Status};

use super::encode::{FlightDataStream, encode_answer};
use super::sessions::Lease;
use super::status::from_engine;
use crate::engine::{Conditions, Description, Execution, ExpectedColumn, Mode, ReturnKind};

/// Do what the command says; the answer goes before the rows.
pub async fn execute(session: Lease, command: Execute) -> Result<Response<FlightDataStream>, Status> {
    let mode = match command.mode() {
        ExecuteMode::Run if command.expected_columns.is_empty() => Mode::Run,
        ExecuteMode::Run => Mode::RunExpecting(expected(command.expected_columns)),
        ExecuteMode::DescribeAndRun => Mode::DescribeAndRun,
        ExecuteMode::Describe => Mode::Describe,
    };
    let execution = session
        .execute_as(
            command.sql,
            mode,
            conditions(command.begin, command.settings, command.started_us),
        )
        .await
        .map_err(|error| from_engine(&error))?;
    let answer = answer(&execution).encode_to_vec();
    Ok(Response::new(encode_answer(
        answer.into(),
        execution.schema,
        execution.results,
        (None, session),
    )))
}

fn answer(execution: &Execution) -> ExecuteAnswer {
    let answer = ExecuteAnswer {
        ran: execution.results.is_some(),
        catalog_version: execution.catalog_version,
        in_transaction: execution.in_transaction,
        ..ExecuteAnswer::default()
    };
    match &execution.description {
        None => answer,
        Some(Description {
            column_types,
            return_kind,
            read_only,
            ..
        }) => ExecuteAnswer {
            column_types: column_types.clone(),
            return_kind: match return_kind {
                ReturnKind::Rows => duckling_protocol::ReturnKind::Rows,
                ReturnKind::ChangedRows => duckling_protocol::ReturnKind::ChangedRows,
                ReturnKind::Nothing => duckling_protocol::ReturnKind::Nothing,
            }
            .into(),
            read_only: *read_only,
            ..answer
        },
    }
}

fn expected(columns: Vec<duckling_protocol::ExpectedColumn>) -> Vec<ExpectedColumn> {
    columns
        .into_iter()
        .map(|column| ExpectedColumn {
            name: column.name,
            column_type: column.column_type,
        })
        .collect()
}

/// What a request asks its statement to run under.
fn conditions(begin: bool, settings: Vec<Setting>, started_us: Option<i64>) -> Conditions {
    Conditions {
        begin,
        settings: settings
            .into_iter()
            .map(|setting| (setting.name, setting.value))
            .collect(),
        started_us,
    }
}
