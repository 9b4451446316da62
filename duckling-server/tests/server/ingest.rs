//! Loads: whole or not at all.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::DoPutUpdateResult;
use arrow_flight::{FlightData, FlightDescriptor};
use duckling_protocol::{Command, ErrorDetail, INGEST_END, Ingest};
use futures::{StreamExt, TryStreamExt, stream};
use prost::Message;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::fixture::{execute, in_session, open_session, with_server};

fn batch(values: std::ops::Range<i64>) -> RecordBatch {
    let column: ArrayRef = Arc::new(Int64Array::from_iter_values(values));
    RecordBatch::try_from_iter([("i", column)]).expect("one column")
}

/// The messages that load batches into a new table `t`, with or without the end mark.
async fn messages(batches: Vec<RecordBatch>, whole: bool) -> Vec<FlightData> {
    let command = Ingest {
        create_sql: "CREATE TABLE t (i BIGINT CHECK (i < 1000))".to_string(),
        schema: vec!["main".to_string()],
        table: "t".to_string(),
        columns: vec!["i".to_string()],
        ..Ingest::default()
    };
    let mut messages: Vec<FlightData> = FlightDataEncoderBuilder::new()
        .with_flight_descriptor(Some(FlightDescriptor::new_cmd(command.pack().encode_to_vec())))
        .build(stream::iter(batches.into_iter().map(Ok)))
        .try_collect()
        .await
        .expect("batches can be encoded");
    if whole {
        messages.push(FlightData {
            app_metadata: INGEST_END.into(),
            ..FlightData::default()
        });
    }
    messages
}

async fn load(channel: &Channel, session: &str, batches: Vec<RecordBatch>, whole: bool) -> Result<i64, Status> {
    let request = in_session(session, stream::iter(messages(batches, whole).await));
    let mut answers = FlightServiceClient::new(channel.clone())
        .do_put(request)
        .await?
        .into_inner();
    let answer = answers.message().await?.expect("one answer");
    Ok(DoPutUpdateResult::decode(answer.app_metadata)
        .expect("a count")
        .record_count)
}

async fn tables(channel: &Channel, session: &str) -> i64 {
    let messages = FlightServiceClient::new(channel.clone())
        .do_get(execute(session, "SELECT count(*) FROM duckdb_tables()"))
        .await
        .expect("a count of tables")
        .into_inner();
    let batches: Vec<_> = FlightRecordBatchStream::new_from_flight_data(messages.map_err(Into::into))
        .try_collect()
        .await
        .unwrap();
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_load_creates_and_fills_the_table() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        let rows = load(&channel, &session, vec![batch(0..500), batch(500..900)], true)
            .await
            .unwrap();
        assert_eq!((rows, tables(&channel, &session).await), (900, 1));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_is_cut_off_leaves_nothing() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        let status = load(&channel, &session, vec![batch(0..500)], false).await.unwrap_err();
        assert!(status.message().contains("cut off"), "{}", status.message());
        assert_eq!(tables(&channel, &session).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_breaks_a_constraint_leaves_nothing() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        let status = load(&channel, &session, vec![batch(0..500), batch(900..1100)], true)
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(
            ErrorDetail::from_status(&status).expect("DuckDB raised it").class,
            "Constraint"
        );
        assert_eq!(tables(&channel, &session).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_whose_client_vanishes_leaves_nothing() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        let (first, rest) = (messages(vec![batch(0..500)], false).await, stream::pending());
        let request = in_session(&session, stream::iter(first).chain(rest));
        let mut client = FlightServiceClient::new(channel.clone());
        // The server has the rows and waits for more when the call is dropped.
        let call = client.do_put(request);
        assert!(
            tokio::time::timeout(Duration::from_millis(300), call).await.is_err(),
            "the call is still open"
        );
        // Nothing tells us when the server has given up; whole or absent is all that may ever be seen.
        for _ in 0..20 {
            assert_eq!(tables(&channel, &session).await, 0);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
