//! Databases: several of them, in files that are let go of, and what cannot be one.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use arrow_flight::Ticket;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::flight_service_client::FlightServiceClient;
use duckling_server::{Config, DatabaseConfig, Server, ServerError};
use futures::TryStreamExt;
use tempfile::TempDir;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::fixture::{execute, open_session, open_session_on, with_config};

fn file(name: &str, path: &Path) -> DatabaseConfig {
    DatabaseConfig {
        name: name.to_string(),
        path: Some(path.to_path_buf()),
        read_only: false,
    }
}

fn serving(databases: Vec<DatabaseConfig>) -> Config {
    Config {
        databases,
        ..Config::default()
    }
}

/// Run a statement to its end; how many rows it returned.
async fn rows(channel: &Channel, request: Request<Ticket>) -> Result<usize, Status> {
    let messages = FlightServiceClient::new(channel.clone())
        .do_get(request)
        .await?
        .into_inner();
    let batches: Vec<_> = FlightRecordBatchStream::new_from_flight_data(messages.map_err(Into::into))
        .try_collect()
        .await
        .expect("the result is complete");
    Ok(batches.iter().map(|batch| batch.num_rows()).sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_choose_their_database() {
    let config = Config {
        default_database: Some("hr".to_string()),
        ..serving(vec![
            DatabaseConfig::in_memory("sales"),
            DatabaseConfig::in_memory("hr"),
        ])
    };
    with_config(config, |channel| async move {
        let default = open_session(&channel).await;
        rows(&channel, execute(&default, "CREATE TABLE t AS FROM range(3)"))
            .await
            .unwrap();
        let named = open_session_on(&channel, "HR").await.unwrap();
        assert_eq!(named.database, "hr", "as the server spells it");
        assert_eq!(rows(&channel, execute(&named.session_id, "FROM t")).await.unwrap(), 3);
        let other = open_session_on(&channel, "sales").await.unwrap().session_id;
        assert_eq!(
            rows(&channel, execute(&other, "FROM t")).await.unwrap_err().code(),
            Code::NotFound
        );
        assert_eq!(rows(&channel, execute(&other, "FROM hr.t")).await.unwrap(), 3);
        let unknown = open_session_on(&channel, "nope").await.unwrap_err();
        assert!(
            unknown.message().contains("it has \"sales\", \"hr\""),
            "{}",
            unknown.message()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_server_has_written_and_let_go_of_its_files() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.duckdb");
    let wal = PathBuf::from(format!("{}.wal", path.display()));
    for expected in 0..3 {
        // In one process: a lock does not keep it out, only a file that is still in use would.
        with_config(serving(vec![file("x", &path)]), |channel| {
            let wal = wal.clone();
            async move {
                let session = open_session(&channel).await;
                let create = execute(&session, "CREATE TABLE IF NOT EXISTS t (i INTEGER)");
                rows(&channel, create).await.unwrap();
                assert_eq!(rows(&channel, execute(&session, "FROM t")).await.unwrap(), expected);
                rows(&channel, execute(&session, "INSERT INTO t VALUES (1)"))
                    .await
                    .unwrap();
                rows(&channel, execute(&session, "BEGIN")).await.unwrap();
                rows(&channel, execute(&session, "INSERT INTO t VALUES (2)"))
                    .await
                    .unwrap();
                assert!(wal.exists());
            }
        })
        .await;
        assert!(!wal.exists(), "checkpointed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_does_not_delay_the_end() {
    let config = Config {
        drain_timeout: Duration::from_secs(600),
        ..Config::default()
    };
    let (asked, mut kept) = (std::cell::Cell::new(Instant::now()), None);
    with_config(config, |channel| {
        kept = Some(channel.clone());
        let asked = &asked;
        async move {
            let session = open_session(&channel).await;
            rows(&channel, execute(&session, "SELECT 1")).await.unwrap();
            asked.set(Instant::now());
        }
    })
    .await;
    assert!(
        asked.get().elapsed() < Duration::from_secs(5),
        "took {:?}",
        asked.get().elapsed()
    );
    drop(kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_opened_names_database_and_file() {
    let folder = TempDir::new().unwrap();
    let missing = folder.path().join("missing").join("x.duckdb");
    let text = folder.path().join("text");
    std::fs::write(&text, "no database").unwrap();
    for path in [&missing, &text] {
        let error = Server::open(serving(vec![file("x", path)]))
            .await
            .err()
            .expect("it cannot be opened");
        let ServerError::Database {
            name,
            path: named,
            source,
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!((name.as_str(), named.as_ref()), ("x", Some(path)));
        assert_eq!(source.class, "IO", "{source}");
    }
    let config = Config {
        memory_limit: Some("4XB".to_string()),
        ..Config::default()
    };
    assert!(matches!(
        Server::open(config).await.err(),
        Some(ServerError::Instance(_))
    ));
}
