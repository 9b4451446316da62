//! `require`, `require-env` and the variables that they define.

use super::Duckling;
use super::context::Place;
use super::failure::{Cause, Stop};
use super::file_run::FileRun;
use super::scope::free_port;
use crate::ffi;
use crate::script::Requirement;

/// Linked into the runner, so present without loading anything.
const BUILT_IN: [&str; 3] = ["core_functions", "json", "parquet"];
/// A row, if the server that runs it has ICU.
const LOADED_ICU: &str = "FROM duckdb_extensions() WHERE loaded AND extension_name = ''icu''";

impl FileRun<'_> {
    /// Meets a requirement, or skips the file. Our own extension and server are never skipped: without them the test
    /// fails.
    pub(super) fn require(&mut self, place: &Place, requirement: &Requirement) -> Result<(), Stop> {
        let vector_size = ffi::vector_size();
        let skip_unless = |met: bool, reason: String| if met { Ok(()) } else { Err(place.skip(reason)) };
        match requirement {
            Requirement::Duckherder => self.load_duckherder(place),
            Requirement::Duckling => {
                self.load_duckherder(place)?;
                self.require_duckling(place).map(drop)
            }
            Requirement::DucklingIcu => {
                self.load_duckherder(place)?;
                let port = self.require_duckling(place)?;
                skip_unless(
                    self.duckling_has_icu(place, port)?,
                    "require duckling_icu: the server was built without ICU".to_owned(),
                )
            }
            Requirement::Extension(name) => self.require_extension(place, name),
            Requirement::VectorSize(least) => skip_unless(
                vector_size >= *least,
                format!("require vector_size {least}: it is {vector_size}"),
            ),
            Requirement::ExactVectorSize(size) => skip_unless(
                vector_size == *size,
                format!("require exact_vector_size {size}: it is {vector_size}"),
            ),
            Requirement::BlockSize(size) => {
                let actual = self.block_size(place)?;
                skip_unless(
                    actual == size.to_string(),
                    format!("require block_size {size}: it is {actual}"),
                )
            }
            Requirement::Platform { name, met } => {
                skip_unless(*met, format!("require {name}: this build is of another kind"))
            }
        }
    }

    fn load_duckherder(&mut self, place: &Place) -> Result<(), Stop> {
        let path = &self.options.extension;
        if !path.is_file() {
            return Err(place.fail(Cause::NoExtension(path.clone())));
        }
        let load = format!("LOAD '{}'", path.to_string_lossy().replace('\'', "''"));
        if self.extensions.contains(&load) {
            return Ok(());
        }
        self.connection(None)
            .query(&load)
            .map_err(|error| place.fail(Cause::LoadExtension(error)))?;
        self.extensions.push(load);
        Ok(())
    }

    /// Returns the server's port, which is `${DUCKLING_PORT}` too.
    fn require_duckling(&mut self, place: &Place) -> Result<u16, Stop> {
        let port = match self.options.duckling {
            Some(Duckling::Standalone { port }) => port,
            _ => {
                let port = free_port(|_| false).map_err(|error| place.fail(Cause::NoPort(error)))?;
                let started = self
                    .connection(None)
                    .query(&format!("SELECT duckherder_start_local_server({port})"));
                started.map_err(|error| place.fail(Cause::StartServer(error)))?;
                self.local_server_runs = true;
                port
            }
        };
        self.define(place, "DUCKLING_PORT", port.to_string())?;
        Ok(port)
    }

    fn duckling_has_icu(&self, place: &Place, port: u16) -> Result<bool, Stop> {
        let connection = self.connection(None);
        let query = |sql: String| {
            let outcome = connection.query(&sql);
            outcome.map_err(|error| place.fail(Cause::UnexpectedError { sql, error }))
        };
        query(format!("ATTACH 'duckherder://localhost:{port}' AS duckling_icu"))?;
        let loaded = query(format!("FROM duckherder_query('duckling_icu', '{LOADED_ICU}')"))?;
        query("DETACH duckling_icu".to_owned())?;
        Ok(!loaded.rows.is_empty())
    }

    fn require_extension(&mut self, place: &Place, name: &str) -> Result<(), Stop> {
        if BUILT_IN.contains(&name) {
            return Ok(());
        }
        let load = format!("LOAD \"{}\"", name.replace('"', "\"\""));
        match self.connection(None).query(&load) {
            Ok(_) => {
                self.extensions.push(load);
                Ok(())
            }
            Err(error) => {
                let first_line = error.0.lines().next().unwrap_or_default().to_owned();
                Err(place.skip(format!("require {name}: {first_line}")))
            }
        }
    }

    fn block_size(&self, place: &Place) -> Result<String, Stop> {
        let sql = "SELECT current_setting('default_block_size')".to_owned();
        match self.connection(None).query(&sql) {
            Ok(table) => Ok(table.rows.concat().concat()),
            Err(error) => Err(place.fail(Cause::UnexpectedError { sql, error })),
        }
    }

    pub(super) fn require_env(&mut self, place: &Place, name: &str, value: Option<&str>) -> Result<(), Stop> {
        match (std::env::var(name), value) {
            (Err(_), _) => Err(place.skip(format!("require-env {name}: it is not set"))),
            (Ok(actual), Some(value)) if actual != value => {
                Err(place.skip(format!("require-env {name} {value}: it has another value")))
            }
            (Ok(actual), _) => self.define(place, name, actual),
        }
    }

    pub(super) fn define(&mut self, place: &Place, name: &str, value: String) -> Result<(), Stop> {
        if self.context.variables.define(name, value) {
            Ok(())
        } else {
            Err(place.fail(Cause::VariableDefined(name.to_owned())))
        }
    }
}
