//! Stages and what lies between them: the answer is that of one DuckDB.

use std::time::{Duration, Instant};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use duckling_server::cluster::execution::Exchange::{Broadcast, Gather, Shuffle};
use duckling_server::cluster::execution::{Stage, execute};
use duckling_server::engine::Amount;

use crate::fixture::{LIMIT, StageParts, assert_same, query, stage, with_cluster};

const NUMBERS: &str = "SELECT range AS c0 FROM range({task}, 100000, {tasks})";

fn numbers(tasks: usize) -> Stage {
    stage(tasks, "SELECT c0, c0 % 1000 AS c1, hash(c0 % 1000) AS h FROM s")
        .scan("s", NUMBERS)
        .hashed()
}

#[test]
fn two_shuffles_on_two_servers() {
    with_cluster(2, |cluster| {
        let stages = vec![
            numbers(2),
            stage(
                3,
                "SELECT c1 AS c0, sum(c0)::HUGEINT AS c1, count(*) AS c2, hash(c1 % 7) AS h FROM i GROUP BY i.c1",
            )
            .input("i", 0, Shuffle)
            .hashed(),
            stage(
                2,
                "SELECT c0 % 7 AS c0, max(c1) AS c1, sum(c2) AS c2, count(*) AS c3 FROM i GROUP BY i.c0 % 7",
            )
            .input("i", 1, Shuffle),
            stage(1, "SELECT * FROM i ORDER BY c0").input("i", 2, Gather),
        ];
        let rows = assert_same(cluster, query(stages));
        assert_eq!(rows.num_rows(), 7);
        cluster.settle(Duration::from_secs(5));
        assert_eq!(cluster.counts(), (0, 8), "each task ran once");
    });
}

#[test]
fn joins_of_shuffled_and_broadcast_rows() {
    with_cluster(3, |cluster| {
        for join in ["JOIN", "LEFT JOIN", "FULL JOIN"] {
            let stages = vec![
                numbers(3),
                stage(2, "SELECT c0, hash(c0) AS h FROM s WHERE c0 % 3 = 0")
                    .scan("s", "SELECT range AS c0 FROM range({task}, 2000, {tasks})")
                    .hashed(),
                stage(3, &format!("SELECT l.c0, r.c0 AS c1 FROM l {join} r ON l.c1 = r.c0"))
                    .input("l", 0, Shuffle)
                    .input("r", 1, Shuffle),
                stage(1, "SELECT * FROM i ORDER BY ALL").input("i", 2, Gather),
            ];
            assert_same(cluster, query(stages));
        }
        let stages = vec![
            stage(2, "SELECT * FROM s").scan(
                "s",
                "SELECT range AS c0, 'n' || range AS c1 FROM range({task}, 500, {tasks})",
            ),
            stage(3, "SELECT s.c0, i.c1 FROM s JOIN i ON s.c0 % 1000 = i.c0")
                .scan("s", NUMBERS)
                .input("i", 0, Broadcast),
            stage(1, "SELECT * FROM i ORDER BY ALL").input("i", 1, Gather),
        ];
        assert_eq!(assert_same(cluster, query(stages)).num_rows(), 50_000);
    });
}

#[test]
fn the_last_stage_may_have_several_tasks() {
    with_cluster(2, |cluster| {
        let query = query(vec![numbers(3)]);
        let batches = cluster.run(query).expect("the cluster can run it");
        let mut found: Vec<i64> = batches
            .iter()
            .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
            .collect();
        found.sort_unstable();
        assert!(found.into_iter().eq(0..100_000));
    });
}

#[test]
fn a_single_task_runs_on_a_worker() {
    with_cluster(2, |cluster| {
        let stages = vec![stage(1, "SELECT c0 FROM s ORDER BY c0 DESC LIMIT 3 -- a comment").scan("s", NUMBERS)];
        assert_same(cluster, query(stages));
        cluster.settle(Duration::from_secs(5));
        assert_eq!(cluster.counts(), (0, 1));
    });
}

#[test]
fn inputs_are_tables_to_a_fragment() {
    with_cluster(2, |cluster| {
        // Filters and unused columns, several readers, and readers in CTEs and subqueries
        let fragments = [
            "SELECT c0 FROM i WHERE c0 > 90000 AND c1 = 7",
            "SELECT a.c0, b.c0 AS c1 FROM i a JOIN i b ON a.c0 = b.c0 + 1000",
            "WITH x AS (SELECT c1, max(c0) AS c0 FROM i GROUP BY c1) SELECT a.c0 FROM x a JOIN x b USING (c1)",
            "WITH x AS (SELECT c0 FROM i WHERE c0 < 100) SELECT a.c0, b.c0 AS c1 FROM x a, x b ORDER BY ALL LIMIT 10",
            "SELECT c0 FROM i WHERE c0 > (SELECT avg(c0) FROM i)",
            "SELECT count(*) AS c0 FROM i",
        ];
        for fragment in fragments {
            let stages = vec![
                stage(2, "SELECT c0, c0 % 1000 AS c1, 'text ' || c0 AS c2 FROM s").scan("s", NUMBERS),
                stage(1, &format!("SELECT * FROM ({fragment}) ORDER BY ALL")).input("i", 0, Gather),
            ];
            assert_same(cluster, query(stages));
        }
    });
}

#[test]
fn no_rows_are_rows_too() {
    with_cluster(2, |cluster| {
        let stages = vec![
            stage(2, "SELECT c0, hash(c0) AS h FROM s WHERE c0 < 0")
                .scan("s", NUMBERS)
                .hashed(),
            stage(2, "SELECT * FROM s WHERE c0 < 0").scan("s", NUMBERS),
            stage(2, "SELECT a.c0, b.c0 AS c1 FROM a FULL JOIN b USING (c0)")
                .input("a", 0, Shuffle)
                .input("b", 1, Broadcast),
            stage(1, "SELECT count(*) AS c0, max(c1) AS c1 FROM i").input("i", 2, Gather),
        ];
        assert_eq!(assert_same(cluster, query(stages)).num_rows(), 1);
    });
}

#[test]
fn every_task_tells_what_it_has_done() {
    with_cluster(2, |cluster| {
        let stages = vec![
            numbers(2),
            stage(3, "SELECT c1 AS c0, count(*) AS c1 FROM i GROUP BY i.c1").input("i", 0, Shuffle),
            stage(2, "SELECT s.c0 AS c0, i.c1 AS c1 FROM s JOIN i USING (c0)")
                .scan("s", "SELECT range AS c0 FROM range({task}, 500, {tasks})")
                .input("i", 1, Broadcast),
        ];
        let mut reader =
            execute(query(stages), cluster.workers.clone(), &cluster.resources, || false).expect("it starts");
        let rows: usize = reader.by_ref().map(|batch| batch.expect("rows").num_rows()).sum();
        assert_eq!(rows, 500);
        let report = reader.finish();
        assert_eq!((report.workers, report.received.rows), (2, 500));
        let tasks: Vec<_> = report.tasks.iter().map(|task| (task.stage, task.task)).collect();
        assert_eq!(tasks, [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 0), (2, 1)]);
        let of = |stage: usize| report.tasks.iter().filter(move |task| task.stage == stage);
        assert!(of(0).all(|task| task.received == Amount::default() && task.made.rows == 50_000));
        // Three columns of eight bytes, and which of the rows are NULL
        assert!(of(0).all(|task| (1_200_000..1_300_000).contains(&task.made.bytes)));
        assert_eq!(of(1).map(|task| task.received.rows).sum::<u64>(), 100_000);
        assert_eq!(of(1).map(|task| task.made.rows).sum::<u64>(), 1000);
        assert!(of(2).all(|task| task.received.rows == 1000 && task.made.rows == 250));
        assert!(
            report
                .tasks
                .iter()
                .all(|task| !task.cpu.is_zero() && task.elapsed < LIMIT)
        );
    });
}

#[test]
fn a_query_that_is_ended_early_tells_what_was_done() {
    with_cluster(2, |cluster| {
        let stages = vec![
            stage(2, "SELECT c0, hash(c0) AS h FROM s").scan("s", NUMBERS).hashed(),
            stage(2, "SELECT i.c0 FROM i, range(1000000)").input("i", 0, Shuffle),
        ];
        let mut reader =
            execute(query(stages), cluster.workers.clone(), &cluster.resources, || false).expect("it starts");
        reader.next().expect("a batch").expect("rows");
        let begun = Instant::now();
        let report = reader.finish();
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        assert!(report.received.rows > 0);
        assert_eq!(report.tasks.len(), 4, "{report:?}");
        assert!(reader.next().is_none());
        cluster.settle(Duration::from_secs(5));
    });
}
