//! Duckherder's own Execute: describing and running in one round trip.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, SchemaRef};
use arrow_flight::Ticket;
use arrow_flight::decode::{DecodedPayload, FlightDataDecoder};
use arrow_flight::flight_service_client::FlightServiceClient;
use duckling_protocol::{Command, Execute, ExecuteAnswer, ExecuteMode, ReturnKind};
use futures::TryStreamExt;
use prost::Message;
use tonic::transport::Channel;
use tonic::{Code, Status};

use crate::fixture::{in_session, open_session, with_server};

struct Answered {
    answer: ExecuteAnswer,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

async fn try_run(
    channel: &Channel,
    session: &str,
    mode: ExecuteMode,
    begin: bool,
    sql: &str,
) -> Result<Answered, Status> {
    let command = Execute {
        sql: sql.to_string(),
        begin,
        mode: mode.into(),
        ..Execute::default()
    };
    let ticket = Ticket::new(command.pack().encode_to_vec());
    let messages = FlightServiceClient::new(channel.clone())
        .do_get(in_session(session, ticket))
        .await?
        .into_inner();
    let messages: Vec<_> = FlightDataDecoder::new(messages.map_err(Into::into))
        .try_collect()
        .await
        .map_err(Status::from)?;
    let mut messages = messages.into_iter();
    let first = messages.next().expect("a schema comes first");
    let DecodedPayload::Schema(schema) = first.payload else {
        panic!("a schema comes first");
    };
    Ok(Answered {
        answer: ExecuteAnswer::decode(first.inner.app_metadata).expect("an answer comes with the schema"),
        schema,
        batches: messages
            .filter_map(|message| match message.payload {
                DecodedPayload::RecordBatch(batch) => Some(batch),
                DecodedPayload::None | DecodedPayload::Schema(_) => None,
            })
            .collect(),
    })
}

async fn run(channel: &Channel, session: &str, mode: ExecuteMode, sql: &str) -> Answered {
    try_run(channel, session, mode, false, sql)
        .await
        .expect("the statement is right")
}

fn number(answered: &Answered) -> i64 {
    answered.batches[0].column(0).as_primitive::<Int64Type>().value(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_select_is_described_and_run_at_once() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        let sql = "SELECT 42::BIGINT AS i, 'a'::ENUM('a', 'b') AS e";
        let answered = run(&channel, &session, ExecuteMode::DescribeAndRun, sql).await;
        assert!(answered.answer.ran && answered.answer.read_only);
        assert_eq!(answered.answer.return_kind(), ReturnKind::Rows);
        assert_eq!(answered.answer.column_types, ["BIGINT", "ENUM('a', 'b')"]);
        assert_eq!(answered.schema.field(0).name(), "i");
        assert_eq!(number(&answered), 42);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_writes_is_only_described() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        run(&channel, &session, ExecuteMode::Run, "CREATE SEQUENCE s").await;
        run(&channel, &session, ExecuteMode::Run, "CREATE TABLE t (i BIGINT)").await;
        let cases = [
            ("SELECT nextval('s') AS n", ReturnKind::Rows, "n"),
            ("INSERT INTO t VALUES (1)", ReturnKind::ChangedRows, "Count"),
            ("INSERT INTO t VALUES (1) RETURNING i", ReturnKind::Rows, "i"),
            ("DROP TABLE t", ReturnKind::Nothing, "Success"),
        ];
        for begin in [false, true] {
            for (sql, return_kind, column) in cases {
                let answered = try_run(&channel, &session, ExecuteMode::DescribeAndRun, begin, sql)
                    .await
                    .expect("the statement is right");
                assert!(!answered.answer.ran && !answered.answer.read_only, "{sql}");
                assert_eq!(answered.answer.return_kind(), return_kind, "{sql}");
                assert_eq!(answered.schema.field(0).name(), column, "{sql}");
                assert!(answered.batches.is_empty(), "{sql}");
                assert_eq!(answered.answer.in_transaction, begin, "{sql}");
            }
        }
        // The transaction is whole, and nothing has happened in it.
        assert_eq!(
            number(&run(&channel, &session, ExecuteMode::Run, "SELECT nextval('s')").await),
            1
        );
        assert_eq!(
            number(&run(&channel, &session, ExecuteMode::Run, "SELECT count(*) FROM t").await),
            0
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn describing_runs_nothing() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        let answered = run(&channel, &session, ExecuteMode::Describe, "SELECT error('it ran')").await;
        assert!(!answered.answer.ran && answered.answer.read_only);
        let status = match try_run(&channel, &session, ExecuteMode::Describe, false, "FROM nowhere").await {
            Ok(_) => panic!("there is no such table"),
            Err(status) => status,
        };
        assert_eq!(status.code(), Code::NotFound);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalog_version_follows_ddl_alone() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        let version = async |mode, begin, sql| {
            try_run(&channel, &session, mode, begin, sql)
                .await
                .expect("the statement is right")
                .answer
                .catalog_version
        };
        let empty = version(ExecuteMode::DescribeAndRun, false, "SELECT 1").await;
        let created = version(ExecuteMode::Run, false, "CREATE TABLE t (i BIGINT)").await;
        assert!(created > empty && empty > 0);
        assert_eq!(
            version(ExecuteMode::Run, false, "INSERT INTO t VALUES (1)").await,
            created
        );
        assert_eq!(version(ExecuteMode::DescribeAndRun, false, "FROM t").await, created);
        assert_eq!(version(ExecuteMode::Run, true, "FROM t").await, created);
        let uncommitted = version(ExecuteMode::Run, true, "DROP TABLE t").await;
        assert!(uncommitted >= 1 << 62);
        assert_eq!(version(ExecuteMode::Run, true, "SELECT 1").await, uncommitted);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unread_result_does_not_hold_the_session() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        let command = Execute {
            sql: "SELECT a.range FROM range(1000000) a, range(1000000) b".to_string(),
            mode: ExecuteMode::DescribeAndRun.into(),
            ..Execute::default()
        };
        let ticket = Ticket::new(command.pack().encode_to_vec());
        let messages = FlightServiceClient::new(channel.clone())
            .do_get(in_session(&session, ticket))
            .await
            .expect("the query starts")
            .into_inner();
        drop(messages);
        let answered = run(&channel, &session, ExecuteMode::DescribeAndRun, "SELECT 7::BIGINT").await;
        assert_eq!(number(&answered), 7);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_not_read_to_its_end_leaves_its_transaction_whole() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        let endless = [
            "SELECT a.range FROM range(1000000) a, range(1000000) b",
            "SELECT sum(a.range + b.range) FROM range(1000000) a, range(1000000) b",
            "SELECT a.range FROM range(1000000) a, range(100000) b ORDER BY hash(a.range + b.range)",
            // DuckDB works on it for minutes without looking up
            "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE hash(a.range + b.range) = 1",
        ];
        run(&channel, &session, ExecuteMode::Run, "CREATE TABLE t (i BIGINT)").await;
        let insert = "INSERT INTO t VALUES (1)";
        try_run(&channel, &session, ExecuteMode::Run, true, insert)
            .await
            .expect("a transaction begins");
        for round in 0..30 {
            let command = Execute {
                sql: endless[round % endless.len()].to_string(),
                begin: true,
                mode: ExecuteMode::DescribeAndRun.into(),
                ..Execute::default()
            };
            let ticket = Ticket::new(command.pack().encode_to_vec());
            let messages = FlightServiceClient::new(channel.clone())
                .do_get(in_session(&session, ticket))
                .await
                .expect("the query starts")
                .into_inner();
            tokio::time::sleep(std::time::Duration::from_millis(round as u64)).await;
            drop(messages);
            let count = try_run(
                &channel,
                &session,
                ExecuteMode::DescribeAndRun,
                true,
                "SELECT count(*) FROM t",
            )
            .await;
            assert_eq!(number(&count.expect("the transaction goes on")), 1, "round {round}");
        }
    })
    .await;
}
