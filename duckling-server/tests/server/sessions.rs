//! Sessions: one connection each, statements in turn, results that wait for their readers.

use std::time::{Duration, Instant};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use arrow_flight::FlightData;
use arrow_flight::Ticket;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::flight_service_client::FlightServiceClient;
use duckling_protocol::{CloseSession, Command, Execute, OpenSession, Setting, TransactionControl, action};
use futures::{StreamExt, TryStreamExt};
use prost::Message;
use tonic::transport::Channel;
use tonic::{Code, Streaming};

use crate::fixture::{act, execute, in_session, open_session, with_server};

pub async fn start(channel: &Channel, session: &str, sql: &str) -> FlightRecordBatchStream {
    let mut client = FlightServiceClient::new(channel.clone());
    let messages: Streaming<FlightData> = client.do_get(execute(session, sql)).await.expect(sql).into_inner();
    FlightRecordBatchStream::new_from_flight_data(messages.map_err(Into::into))
}

pub async fn number(channel: &Channel, session: &str, sql: &str) -> i64 {
    let batches: Vec<_> = start(channel, session, sql).await.try_collect().await.expect(sql);
    batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_statement_does_not_end_the_first_result() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        let rows = 3_000_000;
        let mut first = start(&channel, &session, &format!("SELECT range AS i FROM range({rows})")).await;
        let head = first.next().await.expect("rows").expect("no error");
        assert_eq!(number(&channel, &session, "SELECT 42::BIGINT").await, 42);
        let rest: Vec<_> = first.try_collect().await.expect("the first result goes on");
        let total = head.num_rows() + rest.iter().map(|batch| batch.num_rows()).sum::<usize>();
        assert_eq!(total, rows);
        let last = rest
            .last()
            .expect("many batches")
            .column(0)
            .as_primitive::<Int64Type>()
            .values()
            .last()
            .copied();
        assert_eq!(last, Some(rows as i64 - 1), "in the statement's order");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_a_result_stops_its_statement() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        let endless = "SELECT a.range FROM range(10000000) a, range(10000000) b";
        let mut result = start(&channel, &session, endless).await;
        result.next().await.expect("rows").expect("no error");
        drop(result);
        // The session has one connection: it answers only once the endless statement is over.
        let asked = Instant::now();
        assert_eq!(number(&channel, &session, "SELECT 1::BIGINT").await, 1);
        assert!(asked.elapsed() < Duration::from_secs(20), "took {:?}", asked.elapsed());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_keep_their_temporary_tables_and_transactions_apart() {
    with_server(|channel| async move {
        let (one, two) = (open_session(&channel).await, open_session(&channel).await);
        number(&channel, &one, "CREATE TABLE t AS SELECT 1 AS i").await;
        number(&channel, &one, "CREATE TEMP TABLE mine AS SELECT 1 AS i").await;
        let missing = FlightServiceClient::new(channel.clone())
            .do_get(execute(&two, "FROM mine"))
            .await;
        assert_eq!(missing.expect_err("the other session's table").code(), Code::NotFound);

        drop(
            start(&channel, &one, "BEGIN TRANSACTION")
                .await
                .try_collect::<Vec<_>>()
                .await,
        );
        number(&channel, &one, "INSERT INTO t VALUES (2)").await;
        assert_eq!(number(&channel, &one, "SELECT count(*) FROM t").await, 2);
        assert_eq!(number(&channel, &two, "SELECT count(*) FROM t").await, 1);
        act(
            &channel,
            action::TRANSACTION,
            &TransactionControl { commit: false },
            Some(&one),
        )
        .await
        .unwrap();
        assert_eq!(number(&channel, &one, "SELECT count(*) FROM t").await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_session_is_gone_and_says_so() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        act(&channel, action::CLOSE_SESSION, &CloseSession {}, Some(&session))
            .await
            .unwrap();
        let status = FlightServiceClient::new(channel.clone())
            .do_get(execute(&session, "SELECT 1"))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        assert!(status.message().contains("session is not open"), "{}", status.message());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_protocol_version_is_refused() {
    with_server(|channel| async move {
        let request = OpenSession {
            protocol_version: 999,
            database: String::new(),
            want_names: false,
        };
        let status = act(&channel, action::OPEN_SESSION, &request, None).await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert!(status.message().contains("version 999"), "{}", status.message());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_one_session_do_not_reach_another() {
    with_server(|channel| async move {
        let (one, two) = (open_session(&channel).await, open_session(&channel).await);
        let first = "SELECT * FROM (VALUES (1::BIGINT), (2), (NULL)) t(i) ORDER BY i";
        let descending =
            [("default_order", "DESCENDING"), ("default_null_order", "NULLS_LAST")].map(|(name, value)| Setting {
                name: name.to_string(),
                value: value.to_string(),
            });
        let command = Execute {
            sql: first.to_string(),
            settings: descending.to_vec(),
            ..Execute::default()
        };
        let ticket = Ticket::new(command.pack().encode_to_vec());
        let messages = FlightServiceClient::new(channel.clone())
            .do_get(in_session(&one, ticket))
            .await
            .expect("settings are known")
            .into_inner();
        let batches: Vec<_> = FlightRecordBatchStream::new_from_flight_data(messages.map_err(Into::into))
            .try_collect()
            .await
            .unwrap();
        assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0), 2);
        assert_eq!(number(&channel, &one, first).await, 2, "they stay");
        assert_eq!(number(&channel, &two, first).await, 1);
        let later = open_session(&channel).await;
        assert_eq!(number(&channel, &later, first).await, 1);
    })
    .await;
}
