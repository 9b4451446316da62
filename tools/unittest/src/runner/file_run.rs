//! The state of a run that goes through its file in order: the open database, its connections, its extensions.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use flate2::read::GzDecoder;

use super::context::{Context, Place};
use super::failure::{Cause, Stop};
use super::scope::Bindings;
use super::{Duckling, Outcome, RunOptions, concurrent, sql};
use crate::database::{Connection, Database, Interrupts, OpenOptions};
use crate::script::{Command, CommandKind, Loop};

pub struct FileRun<'a> {
    pub(super) context: Context,
    pub(super) options: &'a RunOptions,
    /// What `restart` opens again.
    pub(super) open_options: OpenOptions,
    pub(super) interrupts: Interrupts,
    // Connections stand before the database, so that they are dropped first.
    pub(super) main: Option<Connection>,
    pub(super) named: HashMap<String, Connection>,
    pub(super) database: Option<Database>,
    /// The SQL that loads each required extension, run again after `load` and `restart`.
    pub(super) extensions: Vec<String>,
    pub(super) local_server_runs: bool,
}

impl<'a> FileRun<'a> {
    pub fn new(context: Context, open_options: OpenOptions, interrupts: Interrupts, options: &'a RunOptions) -> Self {
        Self {
            context,
            options,
            open_options,
            interrupts,
            main: None,
            named: HashMap::new(),
            database: None,
            extensions: Vec::new(),
            local_server_runs: false,
        }
    }

    /// Runs the commands, then stops what they started.
    pub fn run(mut self, commands: &[Command]) -> Outcome {
        let path = self.context.path.clone();
        let start = Place {
            line: 1,
            bindings: Bindings::default(),
        };
        let result = self
            .open(&start, true)
            .and_then(|()| self.execute(commands, &Bindings::default()));
        let end = Place {
            line: commands.last().map_or(1, |command| command.line),
            bindings: Bindings::default(),
        };
        let stopped = self.stop_local_server(&end);
        Outcome::new(&path, result).and(&path, stopped)
    }

    fn execute(&mut self, commands: &[Command], bindings: &Bindings) -> Result<(), Stop> {
        for command in commands.iter().filter(|command| bindings.satisfy(&command.conditions)) {
            let place = self.context.begin(command.line, bindings)?;
            self.command(&place, &command.kind)?;
        }
        Ok(())
    }

    fn command(&mut self, place: &Place, kind: &CommandKind) -> Result<(), Stop> {
        match kind {
            CommandKind::Statement(statement) => {
                self.connect(place, statement.connection.as_deref())?;
                sql::statement(
                    &self.context,
                    place,
                    self.connection(statement.connection.as_deref()),
                    statement,
                )
            }
            CommandKind::Query(query) => {
                self.connect(place, query.connection.as_deref())?;
                sql::query(
                    &self.context,
                    place,
                    self.connection(query.connection.as_deref()),
                    query,
                )
            }
            CommandKind::Loop(header) => self.run_loop(place, header),
            CommandKind::Require(requirement) => self.require(place, requirement),
            CommandKind::RequireEnv { name, value } => self.require_env(place, name, value.as_deref()),
            CommandKind::TestEnv { name, default } => {
                let value = std::env::var(name).unwrap_or_else(|_| default.clone());
                self.define(place, name, value)
            }
            CommandKind::Load {
                path,
                read_only,
                storage_version,
            } => self.load(place, path.as_deref(), *read_only, storage_version.clone()),
            CommandKind::Restart { reload_extensions } => {
                if self.open_options.path.is_none() {
                    return Err(place.fail(Cause::RestartInMemory));
                }
                self.open(place, *reload_extensions)
            }
            CommandKind::Reconnect => {
                self.main = None;
                self.connect(place, None)
            }
            CommandKind::OutputMode(mode) => {
                self.context.output = *mode;
                Ok(())
            }
            // The form of the expected result tells whether it is a hash, so the threshold changes nothing.
            CommandKind::HashThreshold(_) => Ok(()),
            CommandKind::IgnoreErrorMessages(messages) => {
                self.context.ignored_errors.clone_from(messages);
                Ok(())
            }
            CommandKind::AlwaysFailErrorMessages(messages) => {
                self.context.forbidden_errors.clone_from(messages);
                Ok(())
            }
            CommandKind::Seed(seed) => {
                let sql = format!("SELECT setseed({seed})");
                let seeded = self.connection(None).query(&sql);
                seeded
                    .map(drop)
                    .map_err(|error| place.fail(Cause::UnexpectedError { sql, error }))
            }
            CommandKind::ResetLabel(label) => reset_label(&self.context, place, label),
            CommandKind::Sleep(duration) => {
                self.context.deadline.sleep(*duration);
                self.context.check_time(place)
            }
            CommandKind::Unzip { source, target } => self.unzip(place, source, target.as_deref()),
        }
    }

    fn run_loop(&mut self, place: &Place, header: &Loop) -> Result<(), Stop> {
        if header.concurrent {
            let database = self.database.as_ref().expect("a run has an open database");
            return concurrent::run(&self.context, database, header, &place.bindings);
        }
        for iteration in &header.iterations {
            self.execute(&header.body, &place.bindings.with(header, iteration))?;
        }
        Ok(())
    }

    /// Closes the database, if any, and opens the one of `open_options`.
    pub(super) fn open(&mut self, place: &Place, load_extensions: bool) -> Result<(), Stop> {
        self.main = None;
        self.named.clear();
        self.database = None;
        let opened = Database::open(&self.open_options, self.interrupts.clone());
        self.database = Some(opened.map_err(|error| place.fail(Cause::Open(error)))?);
        self.connect(place, None)?;
        if load_extensions {
            for load in self.extensions.clone() {
                let loaded = self.connection(None).query(&load);
                loaded.map_err(|error| place.fail(Cause::LoadExtension(error)))?;
            }
        }
        Ok(())
    }

    /// Opens the connection of that name, or the unnamed one, unless it is open.
    fn connect(&mut self, place: &Place, name: Option<&str>) -> Result<(), Stop> {
        let known = name.map_or(self.main.is_some(), |name| self.named.contains_key(name));
        if known {
            return Ok(());
        }
        let database = self.database.as_ref().expect("a run has an open database");
        let connection = database.connect().map_err(|error| place.fail(Cause::Connect(error)))?;
        match name {
            Some(name) => drop(self.named.insert(name.to_owned(), connection)),
            None => self.main = Some(connection),
        }
        Ok(())
    }

    pub(super) fn connection(&self, name: Option<&str>) -> &Connection {
        let connection = name.map_or(self.main.as_ref(), |name| self.named.get(name));
        connection.expect("the connection was opened before")
    }

    fn load(
        &mut self,
        place: &Place,
        path: Option<&str>,
        read_only: bool,
        storage_version: Option<String>,
    ) -> Result<(), Stop> {
        let path = path
            .map(|path| self.context.substitute(place, path).map(PathBuf::from))
            .transpose()?;
        if let Some(path) = path.as_deref().filter(|_| !read_only) {
            self.delete_database(place, path)?;
        }
        self.open_options = OpenOptions {
            path,
            read_only,
            storage_version,
            ..self.open_options.clone()
        };
        self.open(place, true)
    }

    /// A test that writes a database begins with none.
    fn delete_database(&mut self, place: &Place, path: &Path) -> Result<(), Stop> {
        if !path.starts_with(self.context.variables.test_dir()) {
            return Err(place.fail(Cause::LoadOutside(path.to_owned())));
        }
        self.main = None;
        self.named.clear();
        self.database = None;
        let mut log = path.as_os_str().to_owned();
        log.push(".wal");
        for file in [path.to_owned(), PathBuf::from(log)] {
            match std::fs::remove_file(&file) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(place.fail(Cause::File { path: file, source }));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn unzip(&self, place: &Place, source: &str, target: Option<&str>) -> Result<(), Stop> {
        let source = PathBuf::from(self.context.substitute(place, source)?);
        let target = match target {
            Some(target) => PathBuf::from(self.context.substitute(place, target)?),
            None => self
                .context
                .variables
                .test_dir()
                .join(source.file_stem().unwrap_or_default()),
        };
        let unpack = || io::copy(&mut GzDecoder::new(File::open(&source)?), &mut File::create(&target)?);
        unpack().map(drop).map_err(|error| {
            place.fail(Cause::File {
                path: source.clone(),
                source: error,
            })
        })
    }

    /// Stops the server that `require duckling` started in this process.
    fn stop_local_server(&mut self, place: &Place) -> Result<(), Stop> {
        if !self.local_server_runs || self.options.duckling != Some(Duckling::InProcess) {
            return Ok(());
        }
        self.local_server_runs = false;
        let Some(database) = &self.database else {
            return Ok(());
        };
        // On a connection of its own: the test may have left the others inside a transaction.
        let stopped = database
            .connect()
            .and_then(|own| own.query("SELECT duckherder_stop_local_server()"));
        stopped.map(drop).map_err(|error| place.fail(Cause::StopServer(error)))
    }
}

/// Forgets the result under a label.
pub(super) fn reset_label(context: &Context, place: &Place, label: &str) -> Result<(), Stop> {
    let mut labels = context.labels.lock().unwrap_or_else(PoisonError::into_inner);
    match labels.remove(label) {
        Some(_) => Ok(()),
        None => Err(place.fail(Cause::UnknownLabel(label.to_owned()))),
    }
}
