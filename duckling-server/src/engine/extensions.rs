//! Installing and loading extensions.

use std::path::Path;

use arrow::array::AsArray;
use duckling_protocol::{ExtensionLoaded, LoadExtension};

use super::catalog::function_names;
use super::connection::Connection;
use super::error::EngineError;
use super::{quote_identifier, quote_literal};

/// Repositories that DuckDB knows by name; anything else is a folder or a URL.
const KNOWN_REPOSITORIES: [&str; 5] = [
    "core",
    "core_nightly",
    "community",
    "local_build_debug",
    "local_build_release",
];
/// Ends the file names of extensions.
const FILE_SUFFIX: &str = ".duckdb_extension";
const BUILT_IN: &str = "built-in";

/// Install an extension, unless it is there already, and load it. Blocks, while it is downloaded too.
///
/// # Errors
/// DuckDB's own, with what can be done about it.
pub fn load_extension(connection: &Connection, wanted: &LoadExtension) -> Result<ExtensionLoaded, EngineError> {
    let name = match file_stem(&wanted.name) {
        Some(stem) => {
            if !wanted.repository.is_empty() || !wanted.version.is_empty() {
                return Err(EngineError::new(
                    "Invalid Input",
                    format!(
                        "\"{}\" is the file of an extension: it comes from no repository, and in one version",
                        wanted.name
                    ),
                ));
            }
            run(connection, wanted, &format!("LOAD {}", quote_literal(&wanted.name)))?;
            stem
        }
        None => {
            let is_plain = wanted.repository.is_empty() && wanted.version.is_empty();
            if !is_plain || !is_loaded(connection, &wanted.name)? {
                run(connection, wanted, &install_sql(wanted))?;
                run(connection, wanted, &format!("LOAD {}", quote_literal(&wanted.name)))?;
            }
            wanted.name.clone()
        }
    };
    let mut loaded = describe(connection, &name)?;
    loaded.functions = function_names(connection)?;
    Ok(loaded)
}

/// The name of the extension in a file, if a path is given.
fn file_stem(name: &str) -> Option<String> {
    if !name.ends_with(FILE_SUFFIX) && !name.contains('/') {
        return None;
    }
    let file = Path::new(name).file_name().unwrap_or_default().to_string_lossy();
    Some(file.split('.').next().unwrap_or_default().to_string())
}

fn install_sql(wanted: &LoadExtension) -> String {
    let mut sql = format!("INSTALL {}", quote_literal(&wanted.name));
    let repository = wanted.repository.as_str();
    if KNOWN_REPOSITORIES
        .iter()
        .any(|known| known.eq_ignore_ascii_case(repository))
    {
        sql += &format!(" FROM {}", quote_identifier(&repository.to_ascii_lowercase()));
    } else if !repository.is_empty() {
        sql += &format!(" FROM {}", quote_literal(repository));
    }
    if !wanted.version.is_empty() {
        sql += &format!(" VERSION {}", quote_literal(&wanted.version));
    }
    sql
}

fn run(connection: &Connection, wanted: &LoadExtension, sql: &str) -> Result<(), EngineError> {
    connection.query(sql).map(drop).map_err(|error| EngineError {
        message: failure(&wanted.name, &error.message),
        ..error
    })
}

/// Why an extension was not loaded, and what can be done.
pub fn failure(name: &str, reason: &str) -> String {
    format!(
        "Cannot load the extension \"{name}\" on the server: {reason}\nThe server downloads extensions from their repository: \
         without network, name a repository folder or a file of the server. Unsigned ones need a server that was started \
         with --allow-unsigned-extensions"
    )
}

fn is_loaded(connection: &Connection, name: &str) -> Result<bool, EngineError> {
    let name = quote_literal(&name.to_ascii_lowercase());
    let sql = format!(
        "SELECT 1 FROM duckdb_extensions() WHERE loaded AND ({name} = extension_name OR list_contains(aliases, {name}))"
    );
    Ok(connection.query(&sql)?.iter().any(|batch| batch.num_rows() > 0))
}

fn describe(connection: &Connection, name: &str) -> Result<ExtensionLoaded, EngineError> {
    let name = quote_literal(&name.to_ascii_lowercase());
    let sql = format!(
        "SELECT extension_name, coalesce(extension_version, ''), \
         CASE WHEN install_mode = 'STATICALLY_LINKED' THEN '{BUILT_IN}' \
         ELSE coalesce(nullif(installed_from, ''), install_path, '') END \
         FROM duckdb_extensions() WHERE loaded AND ({name} = extension_name OR list_contains(aliases, {name}))"
    );
    for batch in connection.query(&sql)? {
        if batch.num_rows() > 0 {
            let text = |column: usize| batch.column(column).as_string::<i32>().value(0).to_string();
            return Ok(ExtensionLoaded {
                name: text(0),
                version: text(1),
                source: text(2),
                functions: Vec::new(),
            });
        }
    }
    Err(EngineError::new(
        "Invalid Input",
        format!("The extension {name} was loaded under another name"),
    ))
}
