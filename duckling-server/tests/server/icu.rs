//! Time zones, calendars and collations, as in DuckDB's official builds.

use std::fs;
use std::path::PathBuf;

use arrow::array::AsArray;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::{FlightData, Ticket};
use duckling_protocol::{Command, ErrorDetail, Execute, Setting};
use duckling_server::engine::{Connection, Database};
use futures::TryStreamExt;
use prost::Message;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use crate::fixture::{in_session, open_session, with_server};

/// Run a statement as a client with such settings does; the first value of its result.
async fn ask(channel: &Channel, session: &str, settings: &[(&str, &str)], sql: &str) -> Result<String, Status> {
    let setting = |(name, value): &(&str, &str)| Setting {
        name: name.to_string(),
        value: value.to_string(),
    };
    let command = Execute {
        sql: sql.to_string(),
        begin: false,
        settings: settings.iter().map(setting).collect(),
        ..Execute::default()
    };
    let ticket = Ticket::new(command.pack().encode_to_vec());
    let mut client = FlightServiceClient::new(channel.clone());
    let messages: Streaming<FlightData> = client.do_get(in_session(session, ticket)).await?.into_inner();
    let batches: Vec<_> = FlightRecordBatchStream::new_from_flight_data(messages.map_err(Into::into))
        .try_collect()
        .await
        .expect(sql);
    Ok(batches[0].column(0).as_string::<i32>().value(0).to_string())
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(duckling_icu), ignore = "built without ICU")]
async fn timestamps_follow_time_zone_and_calendar() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        for (zone, calendar, sql, expected) in [
            (
                "UTC",
                "gregorian",
                "SELECT (TIMESTAMPTZ '2024-01-31 00:00:00+00' + INTERVAL 1 MONTH)::VARCHAR",
                "2024-02-29 00:00:00+00",
            ),
            (
                "America/New_York",
                "gregorian",
                "SELECT (TIMESTAMPTZ '2024-07-01 12:00:00+00')::VARCHAR",
                "2024-07-01 08:00:00-04",
            ),
            // Over the change to summer time, a day has 23 hours.
            (
                "America/New_York",
                "gregorian",
                "SELECT (TIMESTAMPTZ '2024-03-09 12:00:00' + INTERVAL 1 DAY)::VARCHAR",
                "2024-03-10 12:00:00-04",
            ),
            (
                "Asia/Tokyo",
                "japanese",
                "SELECT year(TIMESTAMPTZ '2024-03-09 12:00:00+00')::VARCHAR",
                "6",
            ),
            (
                "UTC",
                "gregorian",
                "SELECT count(*)::VARCHAR FROM pg_timezone_names() WHERE name IN ('Europe/Berlin', 'Asia/Kathmandu')",
                "2",
            ),
            (
                "UTC",
                "gregorian",
                "SELECT string_agg(s, '' ORDER BY s COLLATE de) FROM (VALUES ('z'), ('ä'), ('a')) t(s)",
                "aäz",
            ),
        ] {
            let settings = [("TimeZone", zone), ("Calendar", calendar)];
            let answer = ask(&channel, &session, &settings, sql).await.expect(sql);
            assert_eq!(answer, expected, "{zone} {calendar}: {sql}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(duckling_icu), ignore = "built without ICU")]
async fn the_time_zone_belongs_to_the_session() {
    with_server(|channel| async move {
        let (one, two) = (open_session(&channel).await, open_session(&channel).await);
        let zone = "SELECT current_setting('TimeZone')";
        let own = ask(&channel, &two, &[], zone).await.expect("a zone");
        let foreign = if own == "Asia/Tokyo" {
            "Asia/Seoul"
        } else {
            "Asia/Tokyo"
        };
        let answer = ask(&channel, &one, &[("TimeZone", foreign)], zone).await;
        assert_eq!(answer.expect("a known zone"), foreign);
        assert_eq!(ask(&channel, &one, &[], zone).await.expect("it stays"), foreign);
        assert_eq!(ask(&channel, &two, &[], zone).await.expect("its own"), own);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(duckling_icu, ignore = "built with ICU")]
async fn a_server_without_icu_says_so_instead_of_answering_in_another_zone() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        let sql = "SELECT (TIMESTAMPTZ '2024-07-01 12:00:00+00')::VARCHAR";
        let settings = [("TimeZone", "Etc/UTC"), ("Calendar", "gregorian")];
        let answer = ask(&channel, &session, &settings, sql).await;
        assert_eq!(answer.expect("what it does anyway"), "2024-07-01 12:00:00+00");
        let refused = ask(&channel, &session, &[("TimeZone", "Asia/Tokyo")], sql).await;
        let detail = ErrorDetail::from_status(&refused.expect_err("another zone")).expect("the engine raised it");
        assert_eq!(detail.class, "Not implemented");
        assert!(detail.message.contains("without ICU"), "{}", detail.message);
    })
    .await;
}

/// A database file of its own, removed with what DuckDB puts beside it.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("duckling-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a writable folder");
        Self(folder)
    }

    fn open(&self) -> Connection {
        let database = Database::open(&[]).expect("an instance");
        let path = self.0.join("file.duckdb");
        database.attach("file", Some(&path), false).expect("the file opens");
        database.set_default("file").expect("it is attached");
        database.connect().expect("a connection")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
#[cfg_attr(not(duckling_icu), ignore = "built without ICU")]
fn a_log_that_needs_icu_is_replayed() {
    let file = File::new("icu-log");
    let connection = file.open();
    for sql in [
        "PRAGMA disable_checkpoint_on_shutdown",
        "CREATE TABLE t (s VARCHAR COLLATE de, ts TIMESTAMPTZ DEFAULT (TIMESTAMPTZ '2024-01-31' + INTERVAL 1 MONTH))",
        "CREATE INDEX by_month ON t (date_trunc('month', ts))",
        "CREATE INDEX by_name ON t (s)",
        "INSERT INTO t (s) VALUES ('z'), ('ä'), ('a')",
        "DELETE FROM t WHERE s = 'z'",
    ] {
        connection.query(sql).expect(sql);
    }
    drop(connection);
    assert!(
        file.0.join("file.duckdb.wal").is_file(),
        "the statements are in the log alone"
    );

    let connection = file.open();
    connection
        .query("INSERT INTO t (s) VALUES ('b')")
        .expect("the default binds");
    let sql =
        "SELECT string_agg(s, '' ORDER BY s) || count(*) FILTER (WHERE date_part('epoch', ts) > 1709100000) FROM t";
    let batches = connection.query(sql).expect(sql);
    assert_eq!(batches[0].column(0).as_string::<i32>().value(0), "aäb3");
}
