//! What fails, and what is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use duckling_server::cluster::execution::Exchange::{Gather, Shuffle};
use duckling_server::cluster::execution::{DistributedQuery, execute};
use duckling_server::engine::EngineError;
use url::Url;

use crate::fixture::{StageParts, expected, query, stage, with_cluster};

const NUMBERS: &str = "SELECT range AS c0 FROM range({task}, 100000, {tasks})";

/// A query with `sql` in its first or in its second stage.
fn failing(sql: &str, first: bool) -> DistributedQuery {
    let passed = "SELECT c0, hash(c0) AS h FROM i";
    let (one, two) = if first { (sql, passed) } else { (passed, sql) };
    query(vec![
        stage(2, one).scan("i", NUMBERS).hashed(),
        stage(2, two).input("i", 0, Shuffle).hashed(),
        stage(1, "SELECT max(c0) AS c0 FROM i").input("i", 1, Gather),
    ])
}

#[test]
fn an_error_of_duckdb_keeps_class_and_text() {
    with_cluster(2, |cluster| {
        let errors = [
            "SELECT c0 + (c0::VARCHAR || 'x')::BIGINT AS c0, hash(c0) AS h FROM i WHERE c0 = 77",
            "SELECT error('it is ' || c0)::BIGINT AS c0, hash(c0) AS h FROM i WHERE c0 = 77",
            "SELECT c0 + 9223372036854775807 AS c0, hash(c0) AS h FROM i WHERE c0 = 77",
        ];
        for sql in errors {
            for first in [true, false] {
                let query = failing(sql, first);
                let expected = expected(&query).expect_err("one DuckDB fails too");
                let actual = cluster.run(query).expect_err("the cluster fails too");
                assert_eq!((&actual.class, &actual.message), (&expected.class, &expected.message));
                cluster.settle(Duration::from_secs(5));
            }
        }
        let mut query = failing("SELECT c0, hash(c0) AS h FROM i", true);
        query.stages[0].sql = "SELECT nothing FROM i".to_string();
        assert_eq!(cluster.run(query).expect_err("there is no such column").class, "Binder");
    });
}

#[test]
fn a_worker_that_is_not_there_is_named() {
    with_cluster(1, |cluster| {
        let nobody = Url::parse("http://127.0.0.1:1").expect("an address");
        let query = failing("SELECT c0, hash(c0) AS h FROM i", true);
        let workers = vec![cluster.workers[0].clone(), nobody];
        let start = Instant::now();
        let error = execute(query.clone(), workers, &cluster.resources, || false)
            .and_then(|rows| rows.collect::<Result<Vec<_>, _>>().map_err(EngineError::from))
            .expect_err("nobody listens there");
        assert_eq!(error.class, "IO");
        assert!(error.message.contains("127.0.0.1:1"), "{error}");
        assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        let error = execute(query, Vec::new(), &cluster.resources, || false).err();
        assert!(error.is_some_and(|error| error.message.contains("no workers")));
    });
}

/// It takes hours, in both of its stages.
fn endless() -> DistributedQuery {
    query(vec![
        stage(2, "SELECT c0, hash(c0) AS h FROM s")
            .scan("s", "SELECT range AS c0 FROM range({task}, 1000000000000, {tasks})")
            .hashed(),
        stage(2, "SELECT c0, hash(c0) AS h FROM i")
            .input("i", 0, Shuffle)
            .hashed(),
        stage(2, "SELECT i.c0 FROM i, range(1000000) WHERE hash(i.c0 + range) = 1").input("i", 1, Shuffle),
    ])
}

#[test]
fn an_interrupt_ends_a_query_everywhere() {
    with_cluster(2, |cluster| {
        let interrupted = Arc::new(AtomicBool::new(false));
        let flag = interrupted.clone();
        let mut rows = execute(endless(), cluster.workers.clone(), &cluster.resources, move || {
            flag.load(Ordering::Relaxed)
        })
        .expect("it starts");
        let (next, stopped) = thread::scope(|scope| {
            let stopping = scope.spawn(|| {
                while cluster.counts().0 < 6 {
                    thread::sleep(Duration::from_millis(10));
                }
                interrupted.store(true, Ordering::Relaxed);
                Instant::now()
            });
            let next = rows.next().expect("an error");
            (next, stopping.join().expect("it sets a flag"))
        });
        let error = EngineError::from(next.expect_err("it is endless"));
        assert_eq!(error.class, EngineError::INTERRUPT);
        assert!(stopped.elapsed() < Duration::from_secs(1), "{:?}", stopped.elapsed());
        assert!(rows.next().is_none());
        cluster.settle(Duration::from_secs(5));
        assert_eq!(cluster.counts(), (0, 6));
    });
}

#[test]
fn a_reader_that_goes_ends_a_query_everywhere() {
    with_cluster(2, |cluster| {
        for delay_ms in [0, 20, 200, 600] {
            let rows = execute(endless(), cluster.workers.clone(), &cluster.resources, || false).expect("it starts");
            thread::sleep(Duration::from_millis(delay_ms));
            drop(rows);
            thread::sleep(Duration::from_millis(300));
            cluster.settle(Duration::from_secs(5));
        }
    });
}
