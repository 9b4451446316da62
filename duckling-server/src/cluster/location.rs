//! Where a server is, as users write it.

use super::error::ClusterError;

const SCHEME: &str = "grpc://";

/// `host:port` of a location, `grpc://host:port`.
///
/// # Errors
/// `NotALocation`.
pub fn parse_location(text: &str) -> Result<String, ClusterError> {
    let address = text.strip_prefix(SCHEME).filter(|address| is_address(address));
    address.map(str::to_string).ok_or_else(|| ClusterError::NotALocation {
        text: text.to_string(),
        expected: "grpc://host:port",
    })
}

/// The same for what is written `host:port`.
///
/// # Errors
/// `NotALocation`.
pub fn check_address(text: &str) -> Result<String, ClusterError> {
    if is_address(text) {
        return Ok(text.to_string());
    }
    Err(ClusterError::NotALocation {
        text: text.to_string(),
        expected: "HOST:PORT",
    })
}

fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else {
        return false;
    };
    let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(host) => host.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            let may_be_in_a_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
            !host.is_empty() && host.chars().all(may_be_in_a_name)
        }
    };
    let is_number = port.chars().all(|c| c.is_ascii_digit());
    is_host && is_number && port.parse::<u16>().is_ok_and(|port| port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_name_host_and_port() {
        assert_eq!(parse_location("grpc://db.example:9000").unwrap(), "db.example:9000");
        assert_eq!(parse_location("grpc://[::1]:1").unwrap(), "[::1]:1");
        assert_eq!(check_address("127.0.0.1:8815").unwrap(), "127.0.0.1:8815");
        for text in [
            "",
            "host:1",
            "http://host:1",
            "grpc://",
            "grpc://host",
            "grpc://:1",
            "grpc://host:0",
            "grpc://host:65536",
            "grpc://host:+1",
            "grpc://host:1/x",
            "grpc://a@host:1",
            "grpc://::1:1",
            "grpc://[x]:1",
            "grpc://a b:1",
        ] {
            let error = parse_location(text).expect_err(text).to_string();
            assert!(
                error.contains(&format!("\"{text}\"")) && error.contains("grpc://host:port"),
                "{error}"
            );
        }
    }
}
