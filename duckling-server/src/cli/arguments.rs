//! The flags, and the configuration that they make.

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use clap::builder::{NonEmptyStringValueParser, RangedU64ValueParser};
use clap::{Parser, ValueEnum};
use duckling_server::config::{find, quoted_list};
use duckling_server::engine::{Storage, duckdb_version};
use duckling_server::{ClusterConfig, Config, DatabaseConfig};

use super::CliError;
use super::values;

static VERSION: LazyLock<String> =
    LazyLock::new(|| format!("{} (DuckDB {})", env!("CARGO_PKG_VERSION"), duckdb_version()));

const NETWORK: &str = "Network";
const CLUSTER: &str = "Cluster";
const DATABASES: &str = "Databases";
const LIMITS: &str = "Limits";
const LOGS: &str = "Logs";
const GENERAL: &str = "General";

/// More than any machine has; DuckDB would try to start them all.
const MAX_THREADS: u64 = 4096;
/// Their texts alone may take 16 kB each.
const MAX_QUERY_HISTORY: u64 = 1_000_000;

/// Duckling: serve DuckDB databases over Arrow Flight SQL.
///
/// Every flag can also be given in a configuration file, see --config.
#[derive(Debug, Parser)]
#[command(
    name = "duckling-server",
    version = VERSION.as_str(),
    disable_help_flag = true,
    disable_version_flag = true
)]
pub struct Arguments {
    /// Address to listen on; port 0 takes a free one, which is printed
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8815", help_heading = NETWORK)]
    pub listen: String,
    /// Listen, or join a driver, beyond loopback although there is no authentication yet
    #[arg(long, help_heading = NETWORK)]
    pub insecure: bool,

    /// Be a worker of the server at this address, its driver, and try again whenever it is not there
    #[arg(long, value_name = "HOST:PORT", value_parser = values::address, help_heading = CLUSTER)]
    pub join: Option<String>,
    /// What the driver calls this worker [default: its address]
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new(), help_heading = CLUSTER)]
    worker_id: Option<String>,
    /// Where other servers reach this one [default: where it listens]
    #[arg(long, value_name = "HOST:PORT", value_parser = values::address, help_heading = CLUSTER)]
    advertise: Option<String>,
    /// Take a worker that does not answer for so long for lost, and a driver that does not call
    #[arg(long, value_name = "TIME", value_parser = values::positive_duration, default_value = "5s", help_heading = CLUSTER)]
    worker_timeout: Duration,

    /// Database to serve; repeatable
    ///
    /// The file is created if it does not exist. `NAME=:memory:` is a database in memory.
    /// A bare PATH is named like the file, without its extensions.
    /// Without this flag, there is one database in memory, named `memory`.
    #[arg(
        long,
        value_name = "NAME=PATH",
        value_parser = values::database,
        verbatim_doc_comment,
        help_heading = DATABASES
    )]
    database: Vec<DatabaseConfig>,
    /// Database of clients that name none [default: the first one]
    #[arg(long, value_name = "NAME", help_heading = DATABASES)]
    default_database: Option<String>,
    /// Where the files of distributed tables lie: a folder that all servers of a cluster reach by this path, or s3://BUCKET/PATH,
    /// gs://… or az://… [default: no such tables]
    ///
    /// Object stores are asked as the environment of each server says, such as AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
    /// AWS_REGION, AWS_ENDPOINT_URL, and AWS_ALLOW_HTTP=true for an endpoint that is not encrypted.
    #[arg(long, value_name = "DIR|URL", help_heading = DATABASES)]
    storage: Option<Storage>,
    /// What tables are whose statement says nothing of it: with a key they are native even so
    #[arg(long, value_name = "KIND", value_enum, default_value_t = TableKind::Native, help_heading = DATABASES)]
    default_table_kind: TableKind,
    /// How often small files of distributed tables are compacted, and files removed that nobody needs; 0s for never
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "1m", help_heading = DATABASES)]
    table_care_interval: Duration,
    /// Let nobody write to this database; repeatable
    #[arg(long, value_name = "NAME", help_heading = DATABASES)]
    read_only: Vec<String>,

    /// Let clients load extensions that nobody has signed: code that runs in the server
    #[arg(long, help_heading = GENERAL)]
    allow_unsigned_extensions: bool,

    /// Threads that DuckDB runs statements with [default: one per core]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_THREADS), help_heading = LIMITS)]
    threads: Option<usize>,
    /// Memory that DuckDB may use, such as 4GB or 60% [default: 80% of the machine's]
    #[arg(long, value_name = "SIZE", value_parser = values::memory_limit, help_heading = LIMITS)]
    memory_limit: Option<String>,
    /// Folder for what does not fit into memory [default: .tmp in the working directory]
    #[arg(long, value_name = "PATH", help_heading = LIMITS)]
    temp_dir: Option<PathBuf>,
    /// Sessions that may be open at once
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..), default_value = "1000", help_heading = LIMITS)]
    max_sessions: usize,
    /// Close a session that is not used for so long
    #[arg(long, value_name = "TIME", value_parser = values::positive_duration, default_value = "1h", help_heading = LIMITS)]
    session_idle_timeout: Duration,
    /// Close a session so long after its client's connection broke
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "5s", help_heading = LIMITS)]
    disconnect_timeout: Duration,
    /// Interrupt a statement that runs for longer [default: none does]
    #[arg(long, value_name = "TIME", value_parser = values::positive_duration, help_heading = LIMITS)]
    statement_timeout: Option<Duration>,
    /// Statements that the query history remembers; 0 for none
    #[arg(long, value_name = "N", default_value = "1000", value_parser = RangedU64ValueParser::<usize>::new().range(0..=MAX_QUERY_HISTORY), help_heading = LIMITS)]
    query_history: usize,
    /// When told to stop, let running statements end for so long
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "30s", help_heading = LIMITS)]
    drain_timeout: Duration,

    /// Least severe messages to log; the environment variable DUCKLING_LOG takes a tracing filter instead
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = LogLevel::Info, help_heading = LOGS)]
    pub log_level: LogLevel,
    /// The level is on the command line, which wins over the environment, as that wins over a file.
    #[arg(skip)]
    pub log_level_is_given: bool,
    /// How logs are written to standard error
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Human, help_heading = LOGS)]
    pub log_format: LogFormat,

    /// Read more settings from a TOML file, whose keys are these flags; the command line wins
    ///
    /// Repeatable flags are lists: `database = ["sales=/data/sales.duckdb", "scratch=:memory:"]`.
    /// A list on the command line replaces that of the file.
    #[arg(long, value_name = "FILE", verbatim_doc_comment, help_heading = GENERAL)]
    config: Option<PathBuf>,
    /// Print this text; -h prints a shorter one
    #[arg(short, long, action = clap::ArgAction::Help, help_heading = GENERAL)]
    help: Option<bool>,
    /// Print the versions of server and DuckDB
    #[arg(short = 'V', long, action = clap::ArgAction::Version, help_heading = GENERAL)]
    version: Option<bool>,
}

/// Where the rows of a table are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TableKind {
    /// In the driver's database
    Native,
    /// In files on the storage
    Distributed,
}

/// Severity of log messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines to read
    Human,
    /// One JSON object a line
    Json,
}

impl Arguments {
    /// The settings of the server.
    ///
    /// # Errors
    /// If names of databases do not fit together.
    pub fn config(self) -> Result<Config, CliError> {
        let mut config = Config {
            databases: self.database,
            default_database: self.default_database,
            threads: self.threads,
            memory_limit: self.memory_limit,
            temp_dir: self.temp_dir,
            storage: self.storage,
            distributed_by_default: self.default_table_kind == TableKind::Distributed,
            table_care_interval: self.table_care_interval,
            max_sessions: self.max_sessions,
            session_idle_timeout: self.session_idle_timeout,
            disconnect_timeout: self.disconnect_timeout,
            statement_timeout: self.statement_timeout,
            query_history: self.query_history,
            drain_timeout: self.drain_timeout,
            allow_unsigned_extensions: self.allow_unsigned_extensions,
            cluster: ClusterConfig {
                join: self.join,
                worker_id: self.worker_id,
                advertise: self.advertise,
                worker_timeout: self.worker_timeout,
            },
        };
        if !self.read_only.is_empty() {
            // With the one that a server has which is given none.
            config.databases = config.resolve_databases()?.0;
        }
        for name in self.read_only {
            if find(&config.databases, &name).is_none() {
                let known = quoted_list(config.databases.iter().map(|database| database.name.as_str()));
                return Err(CliError::UnknownReadOnly { name, known });
            }
            for database in &mut config.databases {
                database.read_only |= database.name.eq_ignore_ascii_case(&name);
            }
        }
        config.resolve_databases()?;
        Ok(config)
    }
}
