//! Workers that are processes, and are killed or frozen while they work.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use duckling_server::cluster::execution::Exchange::Shuffle;
use duckling_server::cluster::execution::{DistributedQuery, ExecutionResources, execute};
use duckling_server::engine::EngineError;
use tokio::runtime::Runtime;
use url::Url;

use crate::fixture::{StageParts, in_time, query, stage};

/// How soon the loss of a worker is told.
const NOTICE: Duration = Duration::from_secs(5);

struct Process {
    child: Child,
    url: Url,
}

impl Process {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_duckling-server"))
            .args(["--listen", "127.0.0.1:0", "--threads", "1"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it is piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it says where it listens");
        let address = line.trim().strip_prefix("listening on ").expect("an address");
        let url = Url::parse(&format!("http://{address}")).expect("an address");
        Self { child, url }
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .args([signal, &self.child.id().to_string()])
            .status();
        assert!(status.expect("there is kill").success());
    }

    fn address(&self) -> String {
        self.url.authority().to_string()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn endless() -> DistributedQuery {
    query(vec![
        stage(3, "SELECT c0, hash(c0) AS h FROM s")
            .scan("s", "SELECT range AS c0 FROM range({task}, 1000000000000, {tasks})")
            .hashed(),
        stage(3, "SELECT c0, hash(c0 + 1) AS h FROM i")
            .input("i", 0, Shuffle)
            .hashed(),
        stage(3, "SELECT c0 FROM i").input("i", 1, Shuffle),
    ])
}

/// Send a signal to one of three workers while a query runs; what its reader is told.
fn lose(signal: &'static str) {
    in_time(move || {
        let processes: Vec<_> = (0..3).map(|_| Process::start()).collect();
        let workers: Vec<_> = processes.iter().map(|process| process.url.clone()).collect();
        let runtime = Runtime::new().expect("threads");
        let resources = ExecutionResources::new(runtime.handle().clone());
        let mut rows = execute(endless(), workers.clone(), &resources, || false).expect("it starts");
        for _ in 0..20 {
            rows.next().expect("rows without end").expect("all is well");
        }
        processes[1].signal(signal);
        let lost = Instant::now();
        let error = rows.find_map(Result::err).expect("the query cannot end well");
        assert!(lost.elapsed() < NOTICE, "{:?}", lost.elapsed());
        let error = EngineError::from(error);
        assert_eq!(error.class, "IO", "{error}");
        assert!(error.message.contains(&processes[1].address()), "{error}");

        // The next query finds the others, and does not find the lost one.
        let count = || {
            query(vec![
                stage(2, "SELECT count(*) AS c0 FROM s").scan("s", "FROM range(10)"),
            ])
        };
        let others = vec![workers[0].clone(), workers[2].clone()];
        let rows = execute(count(), others, &resources, || false).expect("it starts");
        assert_eq!(
            rows.map(|batch| batch.expect("all is well").num_rows()).sum::<usize>(),
            2
        );
        let begun = Instant::now();
        let rows = execute(count(), workers[..2].to_vec(), &resources, || false).expect("it starts");
        let error = rows.filter_map(Result::err).next().expect("a worker is missing");
        assert!(begun.elapsed() < NOTICE, "{:?}", begun.elapsed());
        let error = EngineError::from(error);
        assert!(error.message.contains(&processes[1].address()), "{error}");
    });
}

#[test]
fn a_killed_worker_is_an_error() {
    lose("-KILL");
}

#[test]
fn a_frozen_worker_is_an_error() {
    lose("-STOP");
}
