//! What a server says of itself to others.

use std::net::{IpAddr, SocketAddr};

use duckling_protocol::Versions;

use crate::engine::duckdb_version;

/// Of this build.
pub fn versions() -> Versions {
    Versions {
        duckling: env!("CARGO_PKG_VERSION").to_string(),
        duckdb: duckdb_version(),
    }
}

/// Where a listener is reached: `host:port`, or `:port` if it listens on all addresses of the machine.
pub fn advertised_address(listener: SocketAddr) -> String {
    if listener.ip().is_unspecified() {
        format!(":{}", listener.port())
    } else {
        listener.to_string()
    }
}

/// An address that another server advertises, with the host that its call came from if it names none.
pub fn complete_address(advertised: &str, peer: IpAddr) -> String {
    match advertised.strip_prefix(':').map(str::parse) {
        Some(Ok(port)) => SocketAddr::new(peer.to_canonical(), port).to_string(),
        _ => advertised.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_host_gets_that_of_the_call() {
        let advertised = |listener: &str| advertised_address(listener.parse().unwrap());
        assert_eq!(advertised("127.0.0.1:8815"), "127.0.0.1:8815");
        assert_eq!(advertised("0.0.0.0:8815"), ":8815");
        assert_eq!(advertised("[::]:8815"), ":8815");
        let complete = |advertised: &str, peer: &str| complete_address(advertised, peer.parse().unwrap());
        assert_eq!(complete(":8815", "10.0.0.7"), "10.0.0.7:8815");
        assert_eq!(complete(":8815", "::ffff:10.0.0.7"), "10.0.0.7:8815");
        assert_eq!(complete(":8815", "fe80::1"), "[fe80::1]:8815");
        assert_eq!(complete("worker:1", "10.0.0.7"), "worker:1");
    }
}
