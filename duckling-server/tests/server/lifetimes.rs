//! How long things live: sessions without a client, results without a reader, statements without an end.

use std::time::{Duration, Instant};

use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::client::FlightSqlServiceClient;
use duckling_protocol::{CloseSession, action};
use duckling_server::Config;
use futures::StreamExt;
use tokio::time::sleep;
use tonic::Code;
use tonic::transport::Channel;

use crate::fixture::{LIMIT, act, connect, execute, open_session, with_address, with_config, with_server};
use crate::sessions::{number, start};

/// Until `done`, or for as long as the fixture allows.
async fn eventually(mut done: impl AsyncFnMut() -> bool) {
    while !done().await {
        sleep(Duration::from_millis(20)).await;
    }
}

async fn status_of(channel: &Channel, session: &str, sql: &str) -> Code {
    match FlightServiceClient::new(channel.clone())
        .do_get(execute(session, sql))
        .await
    {
        Ok(_) => Code::Ok,
        Err(status) => status.code(),
    }
}

#[test]
fn results_that_nobody_reads_hold_no_threads() {
    const BLOCKING_THREADS: usize = 8;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(with_address(Config::default(), LIMIT, async |address| {
        let mut unread = Vec::new();
        for _ in 0..5 * BLOCKING_THREADS {
            // Of their own, because unread results use up the flow control window of a connection.
            let channel = connect(address).await;
            let session = open_session(&channel).await;
            let mut result = start(&channel, &session, "SELECT range FROM range(10_000_000)").await;
            result.next().await.expect("rows").expect("no error");
            unread.push((channel, result));
        }
        let channel = connect(address).await;
        let session = open_session(&channel).await;
        assert_eq!(number(&channel, &session, "SELECT 42::BIGINT").await, 42);
    }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_result_that_is_pushed_aside_comes_whole() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        let rows = 20_000_000;
        let sql = format!("SELECT range, 'text ' || range AS text FROM range({rows})");
        let mut first = start(&channel, &session, &sql).await;
        let head = first.next().await.expect("rows").expect("no error").num_rows();
        assert_eq!(number(&channel, &session, "SELECT 42::BIGINT").await, 42);
        let mut total = head;
        while let Some(batch) = first.next().await {
            total += batch.expect("what was spilled can be read").num_rows();
        }
        assert_eq!(total, rows);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_gone_is_rolled_back() {
    let config = Config {
        disconnect_timeout: Duration::from_millis(300),
        ..Config::default()
    };
    with_address(config, LIMIT, async |address| {
        let stays = connect(address).await;
        let other = open_session(&stays).await;
        number(&stays, &other, "CREATE TABLE t AS SELECT 1 AS i").await;

        let goes = connect(address).await;
        let lost = open_session(&goes).await;
        for sql in ["BEGIN", "UPDATE t SET i = 2"] {
            assert_eq!(status_of(&goes, &lost, sql).await, Code::Ok);
        }
        assert_eq!(status_of(&stays, &other, "UPDATE t SET i = 3").await, Code::Aborted);
        drop(goes);
        // The session can still be taken up from another connection, but not for long.
        eventually(async || status_of(&stays, &other, "UPDATE t SET i = 3").await == Code::Ok).await;
        assert_eq!(number(&stays, &other, "SELECT i::BIGINT FROM t").await, 3);
        assert_eq!(status_of(&stays, &lost, "SELECT 1").await, Code::NotFound);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_survives_a_short_interruption() {
    let config = Config {
        disconnect_timeout: Duration::from_secs(30),
        ..Config::default()
    };
    with_address(config, LIMIT, async |address| {
        let first = connect(address).await;
        let session = open_session(&first).await;
        number(&first, &session, "CREATE TEMP TABLE mine AS SELECT 7::BIGINT AS i").await;
        drop(first);
        let second = connect(address).await;
        assert_eq!(number(&second, &session, "FROM mine").await, 7);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_session_is_closed_and_a_busy_one_is_not() {
    let config = Config {
        session_idle_timeout: Duration::from_millis(400),
        ..Config::default()
    };
    with_config(config, |channel| async move {
        let (idle, busy) = (open_session(&channel).await, open_session(&channel).await);
        // Longer than the timeout, and all of it work of DuckDB's.
        let asked = Instant::now();
        number(
            &channel,
            &busy,
            "SELECT count(*) FROM range(100_000) a, range(1_000) b WHERE hash(a.range + b.range) % 7 = 3",
        )
        .await;
        assert!(
            asked.elapsed() > Duration::from_millis(400),
            "too fast to tell: {:?}",
            asked.elapsed()
        );
        eventually(async || status_of(&channel, &idle, "SELECT 1").await == Code::NotFound).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_limited() {
    let config = Config {
        max_sessions: 2,
        ..Config::default()
    };
    with_address(config, LIMIT, async |address| {
        let channel = connect(address).await;
        let (_one, _two) = (open_session(&channel).await, open_session(&channel).await);
        let mut third = FlightSqlServiceClient::new(channel.clone());
        let refused = third
            .execute("SELECT 1".to_string(), None)
            .await
            .expect_err("one too many");
        assert!(refused.to_string().contains("--max-sessions"), "{refused}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_limited_in_time() {
    let config = Config {
        statement_timeout: Some(Duration::from_millis(200)),
        ..Config::default()
    };
    with_config(config, |channel| async move {
        let session = open_session(&channel).await;
        let endless = "SELECT count(*) FROM range(1_000_000) a, range(1_000_000) b WHERE hash(a.range + b.range) = 1";
        let mut result = start(&channel, &session, endless).await;
        let outcome = result.next().await.expect("an error");
        assert!(outcome.expect_err("it has no end").to_string().contains("INTERRUPT"));
        assert_eq!(
            number(&channel, &session, "SELECT 1::BIGINT").await,
            1,
            "the session goes on"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_waits_for_its_turn_does_not_outlive_its_session() {
    with_server(|channel| async move {
        let (closing, other) = (open_session(&channel).await, open_session(&channel).await);
        number(&channel, &other, "CREATE TABLE t AS SELECT 1 AS i").await;
        // It holds the connection until the session is closed, in steps that are short: a stop waits for the end of one.
        let endless = "SELECT count(*) FROM range(1_000_000_000_000) WHERE hash(range) = 1";
        let running = start(&channel, &closing, endless).await;
        let waiting = tokio::spawn({
            let (channel, closing) = (channel.clone(), closing.clone());
            async move { status_of(&channel, &closing, "INSERT INTO t VALUES (2)").await }
        });
        // Long enough to be waiting; if it came later, it would find no session at all, with the same answer.
        sleep(Duration::from_millis(300)).await;
        act(&channel, action::CLOSE_SESSION, &CloseSession {}, Some(&closing))
            .await
            .expect("it closes");
        assert_eq!(waiting.await.expect("no panic"), Code::NotFound);
        assert_eq!(
            number(&channel, &other, "SELECT count(*) FROM t").await,
            1,
            "nothing was written"
        );
        drop(running);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_whose_session_is_closed_does_not_look_complete() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        let mut result = start(&channel, &session, "SELECT range FROM range(50_000_000)").await;
        result.next().await.expect("rows").expect("no error");
        act(&channel, action::CLOSE_SESSION, &CloseSession {}, Some(&session))
            .await
            .expect("it closes");
        let mut outcome = Ok(());
        while let Some(batch) = result.next().await {
            outcome = batch.map(drop);
        }
        outcome.expect_err("rows are missing, so it must not end well");
    })
    .await;
}
