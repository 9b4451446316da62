//! What a server is told when it starts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use crate::engine::Storage;

/// Name of the one database of a server that is given none.
const UNNAMED: &str = "memory";
/// Names that DuckDB keeps for itself.
const RESERVED: [&str; 3] = ["main", "system", "temp"];

/// Settings of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What it serves; if empty, one database in memory, named `memory`.
    pub databases: Vec<DatabaseConfig>,
    /// The database of a session that asks for none; the first of the list if absent.
    pub default_database: Option<String>,
    /// Threads that DuckDB runs statements with; one per core if absent.
    pub threads: Option<usize>,
    /// As DuckDB reads it, such as `4GB` or `60%`; 80% of the machine's if absent.
    pub memory_limit: Option<String>,
    /// Where statements spill what does not fit into memory; DuckDB's `.tmp` in the working directory if absent.
    pub temp_dir: Option<PathBuf>,
    /// Where the files of distributed tables lie, which all ducklings reach; there can be none if absent.
    pub storage: Option<Storage>,
    /// Tables whose statement does not say so are distributed, if they can be; needs `storage`.
    pub distributed_by_default: bool,
    /// How often distributed tables are looked after: small files are compacted, and what nobody needs is removed. Never if zero.
    pub table_care_interval: Duration,
    pub max_sessions: usize,
    /// A session that is not used for so long is closed.
    pub session_idle_timeout: Duration,
    /// How long a session outlives the network connection that opened it.
    pub disconnect_timeout: Duration,
    /// How long a statement may run; without limit if absent.
    pub statement_timeout: Option<Duration>,
    /// Statements that the query history remembers; none if 0.
    pub query_history: usize,
    /// How long running statements may take to end when the server stops.
    pub drain_timeout: Duration,
    /// Load extensions that nobody has signed.
    pub allow_unsigned_extensions: bool,
    pub cluster: ClusterConfig,
}

/// A server's part in a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterConfig {
    /// `host:port` of the driver that it is to work for.
    pub join: Option<String>,
    /// What it is called as a worker; its address if absent.
    pub worker_id: Option<String>,
    /// `host:port` where other servers reach it; where it listens if absent.
    pub advertise: Option<String>,
    /// A worker that does not answer for so long is lost; a driver that does not call for so long has no worker any more.
    pub worker_timeout: Duration,
}

impl Default for ClusterConfig {
    fn default() -> Self {
        Self {
            join: None,
            worker_id: None,
            advertise: None,
            worker_timeout: Duration::from_secs(5),
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            databases: Vec::new(),
            default_database: None,
            threads: None,
            memory_limit: None,
            temp_dir: None,
            storage: None,
            distributed_by_default: false,
            table_care_interval: Duration::from_secs(60),
            max_sessions: 1000,
            session_idle_timeout: Duration::from_secs(3600),
            disconnect_timeout: Duration::from_secs(5),
            statement_timeout: None,
            query_history: 1000,
            drain_timeout: Duration::from_secs(30),
            allow_unsigned_extensions: false,
            cluster: ClusterConfig::default(),
        }
    }
}

/// One database that a server serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseConfig {
    /// What clients call it.
    pub name: String,
    /// Its file, which is created if it does not exist; in memory if absent.
    pub path: Option<PathBuf>,
    /// Nothing can be written to it.
    pub read_only: bool,
}

impl DatabaseConfig {
    /// A database in memory.
    pub fn in_memory(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            path: None,
            read_only: false,
        }
    }

    /// The database of a file, named like the file without its extensions, as DuckDB names it.
    ///
    /// # Errors
    /// `NoName` for a path that ends without a name, such as `/` or `.duckdb`.
    pub fn from_path(path: impl Into<PathBuf>) -> Result<Self, ConfigError> {
        let path = path.into();
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        let stem = file_name.split('.').next().unwrap_or_default();
        if stem.is_empty() {
            return Err(ConfigError::NoName { path });
        }
        let name = if is_reserved(stem) {
            format!("{stem}_db")
        } else {
            stem.to_string()
        };
        Ok(Self {
            name,
            path: Some(path),
            read_only: false,
        })
    }
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    #[error("no name can be made of the path \"{}\": give one with NAME=PATH", path.display())]
    NoName { path: PathBuf },
    #[error("a database needs a name")]
    EmptyName,
    #[error("a database cannot be named \"{name}\": DuckDB keeps that name for itself")]
    ReservedName { name: String },
    #[error("two databases are named \"{name}\" (letter case does not count)")]
    DuplicateName { name: String },
    #[error("database \"{name}\" is in memory and cannot be read-only")]
    ReadOnlyInMemory { name: String },
    #[error("there is no database \"{name}\" to be the default one: the server has {known}")]
    UnknownDefault { name: String, known: String },
    #[error("tables cannot be distributed by default without a storage: add --storage DIR or --storage URL")]
    NoStorage,
    #[error("the folder for temporary files, {}, cannot be used: {reason}", path.display())]
    TempDir { path: PathBuf, reason: String },
}

impl Config {
    /// Where results and inputs of tasks go that do not fit into memory.
    pub(crate) fn spill_folder(&self) -> PathBuf {
        self.temp_dir.clone().unwrap_or_else(std::env::temp_dir)
    }

    /// The databases to serve, and the name of the default one as the list spells it.
    ///
    /// # Errors
    /// If names are missing, reserved, given twice or unknown.
    pub fn resolve_databases(&self) -> Result<(Vec<DatabaseConfig>, String), ConfigError> {
        let databases = if self.databases.is_empty() {
            vec![DatabaseConfig::in_memory(UNNAMED)]
        } else {
            self.databases.clone()
        };
        for (index, database) in databases.iter().enumerate() {
            let name = database.name.clone();
            if name.is_empty() {
                return Err(ConfigError::EmptyName);
            }
            if is_reserved(&name) {
                return Err(ConfigError::ReservedName { name });
            }
            if find(&databases[..index], &name).is_some() {
                return Err(ConfigError::DuplicateName { name });
            }
            if database.read_only && database.path.is_none() {
                return Err(ConfigError::ReadOnlyInMemory { name });
            }
        }
        let default = match &self.default_database {
            None => databases[0].name.clone(),
            Some(name) => match find(&databases, name) {
                Some(database) => database.name.clone(),
                None => {
                    return Err(ConfigError::UnknownDefault {
                        name: name.clone(),
                        known: quoted_list(databases.iter().map(|database| database.name.as_str())),
                    });
                }
            },
        };
        Ok((databases, default))
    }

    /// DuckDB's settings, by name.
    ///
    /// # Errors
    /// `TempDir` if its path cannot be said in DuckDB's settings.
    pub fn duckdb_settings(&self) -> Result<Vec<(String, String)>, ConfigError> {
        let mut settings = Vec::new();
        if let Some(threads) = self.threads {
            settings.push(("threads".to_string(), threads.to_string()));
        }
        if let Some(memory_limit) = &self.memory_limit {
            settings.push(("memory_limit".to_string(), memory_limit.clone()));
        }
        if let Some(temp_dir) = &self.temp_dir {
            settings.push(("temp_directory".to_string(), usable_folder(temp_dir)?));
        }
        if self.allow_unsigned_extensions {
            settings.push(("allow_unsigned_extensions".to_string(), "true".to_string()));
        }
        Ok(settings)
    }
}

/// The database of that name; letter case does not count, as in DuckDB.
pub fn find<'a>(databases: &'a [DatabaseConfig], name: &str) -> Option<&'a DatabaseConfig> {
    databases
        .iter()
        .find(|database| database.name.eq_ignore_ascii_case(name))
}

/// `"a", "b", "c"`, for messages.
pub fn quoted_list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.into_iter().map(|name| format!("\"{name}\"")).collect();
    names.join(", ")
}

fn is_reserved(name: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name))
}

/// A folder that spilled data can go to: DuckDB would notice one that cannot be used only when it first spills.
fn usable_folder(path: &Path) -> Result<String, ConfigError> {
    let unusable = |reason: String| ConfigError::TempDir {
        path: path.to_path_buf(),
        reason,
    };
    std::fs::create_dir_all(path).map_err(|error| unusable(error.to_string()))?;
    let text = path
        .to_str()
        .ok_or_else(|| unusable("its name is not UTF-8".to_string()))?;
    Ok(text.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(databases: &[&str]) -> Config {
        Config {
            databases: databases.iter().map(|name| DatabaseConfig::in_memory(*name)).collect(),
            ..Config::default()
        }
    }

    #[test]
    fn without_databases_there_is_one_in_memory() {
        let (databases, default) = Config::default().resolve_databases().unwrap();
        assert_eq!(databases, [DatabaseConfig::in_memory("memory")]);
        assert_eq!(default, "memory");
    }

    #[test]
    fn the_default_is_the_first_or_the_named_one() {
        assert_eq!(with(&["b", "a"]).resolve_databases().unwrap().1, "b");
        let named = Config {
            default_database: Some("A".to_string()),
            ..with(&["b", "a"])
        };
        assert_eq!(named.resolve_databases().unwrap().1, "a", "as the list spells it");
        let unknown = Config {
            default_database: Some("c".to_string()),
            ..with(&["b", "a"])
        };
        let error = unknown.resolve_databases().unwrap_err().to_string();
        assert!(error.contains("\"c\"") && error.contains("\"b\", \"a\""), "{error}");
    }

    #[test]
    fn names_are_checked() {
        let error = |config: Config| config.resolve_databases().unwrap_err();
        assert!(matches!(error(with(&["a", "A"])), ConfigError::DuplicateName { .. }));
        for name in ["system", "TEMP", "main"] {
            assert!(
                matches!(error(with(&[name])), ConfigError::ReservedName { .. }),
                "{name}"
            );
        }
        assert_eq!(error(with(&[""])), ConfigError::EmptyName);
        let mut read_only = with(&["a"]);
        read_only.databases[0].read_only = true;
        assert!(matches!(error(read_only), ConfigError::ReadOnlyInMemory { .. }));
    }

    #[test]
    fn a_file_names_its_database_as_duckdb_does() {
        let name = |path: &str| DatabaseConfig::from_path(path).map(|database| database.name);
        assert_eq!(name("/data/sales.duckdb").unwrap(), "sales");
        assert_eq!(name("sales.2024.db").unwrap(), "sales");
        assert_eq!(name("sales").unwrap(), "sales");
        assert_eq!(name("temp.duckdb").unwrap(), "temp_db");
        for path in ["/", "..", "/data/.duckdb", ""] {
            assert!(matches!(name(path), Err(ConfigError::NoName { .. })), "{path}");
        }
    }
}
