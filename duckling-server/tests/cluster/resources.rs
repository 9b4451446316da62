//! More rows than memory, and more tasks than threads.

use std::thread;

use duckling_server::Config;
use duckling_server::cluster::execution::DistributedQuery;
use duckling_server::cluster::execution::Exchange::{Broadcast, Gather, Shuffle};

use crate::fixture::{StageParts, assert_same, query, stage, with_config};

/// All rows, of 1 kB, go to one task, which cannot read them before the other input has come.
fn skewed() -> DistributedQuery {
    query(vec![
        stage(
            2,
            "SELECT c0, repeat('x', 1000 + (c0 % 2)::INTEGER) AS c1, 7::UBIGINT AS h FROM s",
        )
        .scan("s", "SELECT range AS c0 FROM range({task}, 200000, {tasks})")
        .hashed(),
        stage(
            1,
            "SELECT (max(hash(a.range, b.range)) % 7)::INTEGER AS c0 FROM range(30000) a, range(20000) b",
        ),
        stage(
            2,
            "SELECT i.c1, sum(i.c0 + b.c0) AS c0, count(*) AS c2 FROM i, b GROUP BY i.c1",
        )
        .input("i", 0, Shuffle)
        .input("b", 1, Broadcast),
        stage(1, "SELECT * FROM i ORDER BY ALL").input("i", 2, Gather),
    ])
}

fn one_thread() -> Config {
    Config {
        threads: Some(1),
        ..Config::default()
    }
}

#[test]
fn rows_that_do_not_fit_into_memory_wait_on_disk() {
    with_config(2, one_thread(), |cluster| {
        assert_eq!(assert_same(cluster, skewed()).num_rows(), 2);
    });
    let folder = tempfile::tempdir().expect("a folder");
    let config = Config {
        temp_dir: Some(folder.path().to_path_buf()),
        ..one_thread()
    };
    with_config(2, config, move |cluster| {
        let path = folder.path().display().to_string();
        folder.close().expect("it is empty");
        let error = cluster.run(skewed()).expect_err("there is no folder any more");
        assert_eq!(error.class, "IO");
        assert!(error.message.contains(&path), "{error}");
    });
}

/// Both of its inputs are large, and DuckDB reads one after the other.
fn join() -> DistributedQuery {
    let numbers = "SELECT range AS c0 FROM range({task}, 1000000, {tasks})";
    let stages = vec![
        stage(2, "SELECT c0, hash(c0) AS h FROM s").scan("s", numbers).hashed(),
        stage(2, "SELECT c0, hash(c0) AS h FROM s").scan("s", numbers).hashed(),
        stage(2, "SELECT a.c0, hash(a.c0 % 10) AS h FROM a JOIN b USING (c0)")
            .input("a", 0, Shuffle)
            .input("b", 1, Shuffle)
            .hashed(),
        stage(
            2,
            "SELECT c0 % 10 AS c0, sum(i.c0) AS c1, count(*) AS c2 FROM i GROUP BY i.c0 % 10",
        )
        .input("i", 2, Shuffle),
        stage(1, "SELECT * FROM i ORDER BY ALL").input("i", 3, Gather),
    ];
    query(stages)
}

#[test]
fn queries_share_workers_with_one_thread() {
    with_config(2, one_thread(), |cluster| {
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(assert_same(cluster, join()).num_rows(), 10));
            }
        });
    });
}
