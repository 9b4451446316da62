//! Servers on free ports, queries that are cut by hand, and what one DuckDB answers to the same.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use duckling_server::cluster::TaskCounters;
use duckling_server::cluster::execution::{
    DistributedQuery, Exchange, ExecutionResources, Input, Scan, Stage, execute,
};
use duckling_server::engine::{Connection, Database, EngineError};
use duckling_server::{Config, Server, ServerError};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use url::Url;

/// Nothing here takes long; what does is a hang.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Servers in this process.
pub struct Cluster {
    pub workers: Vec<Url>,
    pub resources: ExecutionResources,
    pub tasks: Vec<Arc<TaskCounters>>,
    servers: Vec<Serving>,
}

struct Serving {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServerError>>,
}

impl Cluster {
    async fn start(resources: ExecutionResources, servers: usize, config: &Config) -> Self {
        let mut cluster = Self {
            workers: Vec::new(),
            resources,
            tasks: Vec::new(),
            servers: Vec::new(),
        };
        for _ in 0..servers {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("a bound listener");
            cluster
                .workers
                .push(Url::parse(&format!("http://{address}")).expect("an address"));
            let server = Server::open(config.clone()).await.expect("the server opens");
            cluster.tasks.push(server.cluster().tasks().clone());
            let (stop, stopped) = oneshot::channel::<()>();
            let stopped = async {
                let _ = stopped.await;
            };
            let task = tokio::spawn(server.serve(listener, stopped, std::future::pending()));
            cluster.servers.push(Serving { stop, task });
        }
        cluster
    }

    /// Run a query to its end.
    pub fn run(&self, query: DistributedQuery) -> Result<Vec<RecordBatch>, EngineError> {
        execute(query, self.workers.clone(), &self.resources, || false)?
            .collect::<Result<_, _>>()
            .map_err(EngineError::from)
    }

    /// Tasks that run now, and that have run, on all servers.
    pub fn counts(&self) -> (u64, u64) {
        let sum = |count: fn(&TaskCounters) -> u64| self.tasks.iter().map(|tasks| count(tasks)).sum();
        (sum(|tasks| tasks.running()), sum(|tasks| tasks.done()))
    }

    /// Wait until no server runs a task.
    pub fn settle(&self, limit: Duration) {
        let start = Instant::now();
        while self.counts().0 > 0 {
            assert!(start.elapsed() < limit, "{} tasks go on", self.counts().0);
            thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Run a test with fresh servers; they have stopped when this returns.
pub fn with_cluster(servers: usize, test: impl FnOnce(&Cluster) + Send + 'static) {
    with_config(servers, Config::default(), test);
}

/// The same for servers with settings of the test's own.
pub fn with_config(servers: usize, config: Config, test: impl FnOnce(&Cluster) + Send + 'static) {
    in_time(move || {
        let runtime = Runtime::new().expect("threads");
        let resources = ExecutionResources::new(runtime.handle().clone());
        let cluster = runtime.block_on(Cluster::start(resources, servers, &config));
        test(&cluster);
        cluster.settle(Duration::from_secs(10));
        for Serving { stop, task } in cluster.servers {
            let _ = stop.send(());
            runtime
                .block_on(task)
                .expect("the server does not panic")
                .expect("the server stops cleanly");
        }
    });
}

/// Fail if a test takes too long.
pub fn in_time(test: impl FnOnce() + Send + 'static) {
    let (done, waiting) = channel();
    let running = thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    match waiting.recv_timeout(LIMIT) {
        Ok(()) => running.join().expect("the test has ended"),
        // It has panicked: so does this.
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
            if let Err(panic) = running.join() {
                std::panic::resume_unwind(panic);
            }
        }
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("the test hangs"),
    }
}

/// One DuckDB.
pub fn local() -> Connection {
    let connection = Database::open(&[])
        .and_then(|database| {
            database.attach("memory", None, false)?;
            database.set_default("memory")?;
            database.connect()
        })
        .expect("a DuckDB");
    connection.keep_types().expect("types are kept");
    connection
        .query("SET TimeZone = 'UTC'")
        .expect("there is such a time zone");
    connection
}

/// A stage without its schema.
pub fn stage(tasks: usize, sql: &str) -> Stage {
    Stage {
        sql: sql.to_string(),
        target: None,
        feed: None,
        tasks,
        inputs: Vec::new(),
        scans: Vec::new(),
        schema: arrow::datatypes::Schema::empty().into(),
        hashed: false,
    }
}

pub trait StageParts {
    /// With a scan: `sql` with `{task}` and `{tasks}` in it.
    fn scan(self, name: &str, sql: &str) -> Self;
    fn input(self, name: &str, stage: usize, exchange: Exchange) -> Self;
    /// The last column is a hash.
    fn hashed(self) -> Self;
}

impl StageParts for Stage {
    fn scan(mut self, name: &str, sql: &str) -> Self {
        let of_task = |task: usize| {
            sql.replace("{tasks}", &self.tasks.to_string())
                .replace("{task}", &task.to_string())
        };
        self.scans.push(Scan {
            name: name.to_string(),
            sql: (0..self.tasks).map(of_task).collect(),
        });
        self
    }

    fn input(mut self, name: &str, stage: usize, exchange: Exchange) -> Self {
        self.inputs.push(Input {
            name: name.to_string(),
            stage,
            exchange,
        });
        self
    }

    fn hashed(mut self) -> Self {
        self.hashed = true;
        self
    }
}

/// A query of stages, whose schemas are what one DuckDB says of them.
pub fn query(stages: Vec<Stage>) -> DistributedQuery {
    let mut query = DistributedQuery {
        stages,
        feeds: Vec::new(),
        settings: vec![("TimeZone".to_string(), "UTC".to_string())],
    };
    let connection = local();
    let schemas: Vec<SchemaRef> = (0..query.stages.len())
        .map(|index| {
            let described = connection.describe(&undistributed(&query, index));
            described
                .unwrap_or_else(|error| panic!("stage {index}: {error}"))
                .schema
        })
        .collect();
    for (stage, schema) in query.stages.iter_mut().zip(schemas) {
        stage.schema = schema;
    }
    query
}

/// A stage, and what it reads, as one statement.
pub fn undistributed(query: &DistributedQuery, stage: usize) -> String {
    let stage = &query.stages[stage];
    let scans = stage
        .scans
        .iter()
        .map(|scan| format!("{} AS ({})", scan.name, scan.sql.join(" UNION ALL ")));
    let inputs = stage
        .inputs
        .iter()
        .map(|input| format!("{} AS ({})", input.name, undistributed(query, input.stage)));
    let tables: Vec<_> = scans.chain(inputs).collect();
    let with = if tables.is_empty() { "" } else { "WITH " };
    format!("{with}{} SELECT * FROM ({}\n)", tables.join(", "), stage.sql)
}

/// The rows that one DuckDB answers.
pub fn expected(query: &DistributedQuery) -> Result<Vec<RecordBatch>, EngineError> {
    local().query(&undistributed(query, query.stages.len() - 1))
}

/// All rows of a result, whatever its batches.
pub fn rows(query: &DistributedQuery, batches: &[RecordBatch]) -> RecordBatch {
    let schema = &query.stages.last().expect("a stage").schema;
    concat_batches(schema, batches).expect("batches of that schema")
}

/// Run a query whose last stage has an order, and compare.
pub fn assert_same(cluster: &Cluster, query: DistributedQuery) -> RecordBatch {
    let expected = rows(&query, &expected(&query).expect("one DuckDB can run it"));
    let actual = rows(&query, &cluster.run(query.clone()).expect("the cluster can run it"));
    assert_eq!(actual, expected);
    actual
}
