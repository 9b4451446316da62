//! ATTACH options → one typed struct.

use url::Url;

use crate::error::{Error, Result};

const SERVER_HOST: &str = "server_host";
const SERVER_PORT: &str = "server_port";
const DATABASE: &str = "database";
const KNOWN: [&str; 3] = [SERVER_HOST, SERVER_PORT, DATABASE];

const DEFAULT_HOST: &str = "localhost";
const DEFAULT_PORT: u16 = 8815;

/// Where the server is, and what to work on there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachOptions {
    pub host: String,
    pub port: u16,
    /// Database on the server; its default one if absent.
    pub database: Option<String>,
}

impl AttachOptions {
    /// Read the options of `ATTACH 'path' (TYPE duckherder, …)`.
    ///
    /// The path may be a URI, `duckherder://host:port/database`; any other path only names the database.
    ///
    /// # Errors
    /// `InvalidOption` for an option that is unknown, malformed, or given both in the URI and beside it.
    pub fn parse<'a>(path: &str, options: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut parsed = Parsed::from_path(path)?;
        for (name, value) in options {
            match name.to_ascii_lowercase().as_str() {
                // DuckDB's own; it arrives with the rest.
                "type" => {}
                SERVER_HOST => set(&mut parsed.host, SERVER_HOST, parse_host(value)?)?,
                SERVER_PORT => set(&mut parsed.port, SERVER_PORT, parse_port(value)?)?,
                DATABASE => set(&mut parsed.database, DATABASE, value.to_string())?,
                _ => return Err(unknown_option(name)),
            }
        }
        Ok(Self {
            host: parsed.host.unwrap_or_else(|| DEFAULT_HOST.to_string()),
            port: parsed.port.unwrap_or(DEFAULT_PORT),
            database: parsed.database.filter(|database| !database.is_empty()),
        })
    }

    /// `host:port`, as it is shown and connected to.
    pub fn endpoint(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

#[derive(Default)]
struct Parsed {
    host: Option<String>,
    port: Option<u16>,
    database: Option<String>,
}

impl Parsed {
    fn from_path(path: &str) -> Result<Self> {
        // DuckDB strips the scheme when it has found the extension by it.
        let rest = path.strip_prefix("duckherder:").unwrap_or(path);
        if !rest.starts_with("//") {
            return Ok(Self::default());
        }
        let malformed = |reason: &str| {
            Error::InvalidOption(format!(
                "\"duckherder:{rest}\" is not a Duckherder URI ({reason}): expected duckherder://host:port/database"
            ))
        };
        let uri = Url::parse(&format!("duckherder:{rest}")).map_err(|error| malformed(&error.to_string()))?;
        if !uri.username().is_empty() || uri.password().is_some() || uri.query().is_some() || uri.fragment().is_some() {
            return Err(malformed("only host, port and database may be given"));
        }
        let host = uri
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or_else(|| malformed("no host"))?;
        let database = uri.path().trim_start_matches('/');
        if database.contains('/') {
            return Err(malformed("more than one path segment"));
        }
        if uri.port() == Some(0) {
            return Err(malformed("port 0"));
        }
        Ok(Self {
            host: Some(host.trim_matches(['[', ']']).to_string()),
            port: uri.port(),
            database: Some(database.to_string()).filter(|database| !database.is_empty()),
        })
    }
}

fn set<T: PartialEq>(slot: &mut Option<T>, name: &str, value: T) -> Result<()> {
    if slot.as_ref().is_some_and(|given| *given != value) {
        return Err(Error::InvalidOption(format!(
            "{name} is given both in the URI and as an option, with two values"
        )));
    }
    *slot = Some(value);
    Ok(())
}

fn parse_host(value: &str) -> Result<String> {
    let host = value.trim();
    if host.is_empty() || host.contains(['/', ' ', '@', '?', '#']) {
        return Err(Error::InvalidOption(format!(
            "server_host: \"{value}\" is not a host name or address"
        )));
    }
    Ok(host.trim_matches(['[', ']']).to_string())
}

fn parse_port(value: &str) -> Result<u16> {
    value.trim().parse().ok().filter(|port| *port != 0).ok_or_else(|| {
        Error::InvalidOption(format!(
            "server_port: \"{value}\" is not a port: expected a number from 1 to 65535"
        ))
    })
}

fn unknown_option(name: &str) -> Error {
    Error::InvalidOption(format!(
        "Unrecognized option \"{name}\" for a Duckherder database. Known options: {}, READ_ONLY",
        KNOWN.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str, options: &[(&str, &str)]) -> Result<AttachOptions> {
        AttachOptions::parse(path, options.iter().copied())
    }

    #[test]
    fn options_and_uri_name_the_same_server() {
        let options = [
            ("type", "duckherder"),
            ("SERVER_HOST", "db.example"),
            ("server_port", "9000"),
            ("database", "x"),
        ];
        let expected = AttachOptions {
            host: "db.example".into(),
            port: 9000,
            database: Some("x".into()),
        };
        assert_eq!(parse("dh", &options).unwrap(), expected);
        assert_eq!(parse("duckherder://db.example:9000/x", &[]).unwrap(), expected);
        assert_eq!(parse("//db.example:9000/x", &[]).unwrap(), expected);
    }

    #[test]
    fn defaults_are_the_local_server() {
        assert_eq!(parse("dh", &[]).unwrap().endpoint(), "localhost:8815");
        assert_eq!(parse("duckherder://[::1]", &[]).unwrap().endpoint(), "[::1]:8815");
    }

    #[test]
    fn bad_options_name_the_remedy() {
        let message = |path: &str, options: &[(&str, &str)]| parse(path, options).unwrap_err().to_string();
        assert!(message("dh", &[("server_prot", "1")]).contains("Known options: server_host, server_port, database"));
        for port in ["0", "-1", "65536", "http", ""] {
            assert!(
                message("dh", &[("server_port", port)]).contains("from 1 to 65535"),
                "{port}"
            );
        }
        assert!(message("dh", &[("server_host", "a/b")]).contains("not a host name"));
        assert!(message("duckherder://h:99999", &[]).contains("duckherder://host:port/database"));
        assert!(message("duckherder://h:1/a/b", &[]).contains("more than one path segment"));
        assert!(message("duckherder://h:1", &[("server_port", "2")]).contains("two values"));
    }
}
