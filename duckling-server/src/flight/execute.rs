//! `DoGet` of Duckherder's own Execute: describe a statement, run it, or both, in one round trip.

use duckling_protocol::{Execute, ExecuteAnswer, ExecuteMode};
use futures::FutureExt;
use prost::Message;
use tonic::{Response, Status};

use super::encode::{FlightDataStream, encode_answer};
use super::progress::with_progress;
use super::sessions::Lease;
use super::status::from_engine;
use crate::engine::{Conditions, Description, Execution, ExpectedColumn, Mode, Progress, ReturnKind};

/// Do what the command says; the answer goes before the rows.
pub async fn execute(session: Lease, command: Execute) -> Result<Response<FlightDataStream>, Status> {
    let mode = match command.mode() {
        ExecuteMode::Run if command.expected_columns.is_empty() => Mode::Run,
        ExecuteMode::Run => Mode::RunExpecting(expected(command.expected_columns)),
        ExecuteMode::DescribeAndRun => Mode::DescribeAndRun,
        ExecuteMode::Describe => Mode::Describe,
    };
    let progress = command.progress.then(Progress::default);
    let conditions = Conditions {
        begin: command.begin,
        settings: command
            .settings
            .into_iter()
            .map(|setting| (setting.name, setting.value))
            .collect(),
        started_us: command.started_us,
        progress: progress.clone(),
    };
    let start = start(session.clone(), command.sql, mode, conditions);
    let messages = match progress {
        None => start.await?,
        Some(progress) => with_progress(session, progress, start.boxed()).await?,
    };
    Ok(Response::new(messages))
}

async fn start(session: Lease, sql: String, mode: Mode, conditions: Conditions) -> Result<FlightDataStream, Status> {
    let execution = session.execute_as(sql, mode, conditions).await;
    let execution = execution.map_err(|error| from_engine(&error))?;
    let answer = answer(&execution).encode_to_vec();
    Ok(encode_answer(
        answer.into(),
        execution.schema,
        execution.results,
        (None, session),
    ))
}

fn answer(execution: &Execution) -> ExecuteAnswer {
    let answer = ExecuteAnswer {
        ran: execution.results.is_some(),
        catalog_version: execution.catalog_version,
        in_transaction: execution.in_transaction,
        has_run: execution.has_run,
        notices: execution.notices.clone(),
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
