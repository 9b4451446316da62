//! `N values hashing to MD5`, the short form of a large result.

use md5::{Digest, Md5};

const INFIX: &str = " values hashing to ";

/// Hashes a result: each value followed by a line end.
pub fn hash_of(rows: &[Vec<String>]) -> String {
    let mut md5 = Md5::new();
    let mut count = 0;
    for value in rows.iter().flatten() {
        md5.update(value);
        md5.update("\n");
        count += 1;
    }
    let digest: String = md5.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{count}{INFIX}{digest}")
}

/// Tells whether an expected line is such a hash.
pub fn is_hash(line: &str) -> bool {
    line.split_once(INFIX).is_some_and(|(count, digest)| {
        count.parse::<u64>().is_ok() && digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}
