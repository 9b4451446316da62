//! What depends on whether DuckDB has its ICU extension: time zones, calendars and collations.

use super::error::EngineError;

/// Names of the zone that DuckDB works in without ICU, lower case.
const UTC: [&str; 18] = [
    "utc",
    "etc/utc",
    "uct",
    "etc/uct",
    "universal",
    "etc/universal",
    "zulu",
    "etc/zulu",
    "gmt",
    "etc/gmt",
    "gmt0",
    "etc/gmt0",
    "gmt+0",
    "etc/gmt+0",
    "gmt-0",
    "etc/gmt-0",
    "greenwich",
    "etc/greenwich",
];
/// The calendar that DuckDB works in without ICU.
const CALENDAR: &str = "gregorian";

/// Whether this build has ICU, as DuckDB's official ones do.
pub fn has_icu() -> bool {
    cfg!(duckling_icu)
}

/// Whether a setting of a client asks a server without ICU for no more than what it does anyway.
///
/// # Errors
/// `Not implemented` if it asks for more: answers would differ silently from the client's own.
pub(super) fn holds_without_icu(name: &str, value: &str) -> Result<bool, EngineError> {
    let (holds, instead) = if name.eq_ignore_ascii_case("TimeZone") {
        (UTC.contains(&value.to_ascii_lowercase().as_str()), "UTC")
    } else if name.eq_ignore_ascii_case("Calendar") {
        (value.eq_ignore_ascii_case(CALENDAR), CALENDAR)
    } else {
        return Ok(false);
    };
    if holds {
        return Ok(true);
    }
    Err(EngineError::new(
        "Not implemented",
        format!(
            "This server was built without ICU and cannot follow {name} '{value}' of the client: \
             SET {name} = '{instead}', or use a server with ICU"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_icu_accepts_what_it_does_anyway() {
        for (name, value) in [("TimeZone", "Etc/UTC"), ("timezone", "GMT"), ("Calendar", "Gregorian")] {
            assert_eq!(holds_without_icu(name, value), Ok(true), "{name} {value}");
        }
        assert_eq!(holds_without_icu("default_order", "DESC"), Ok(false));
    }

    #[test]
    fn a_server_without_icu_refuses_other_zones_and_calendars() {
        for (name, value, remedy) in [
            ("TimeZone", "Europe/Berlin", "SET TimeZone = 'UTC'"),
            ("Calendar", "japanese", "SET Calendar = 'gregorian'"),
        ] {
            let error = holds_without_icu(name, value).expect_err(name);
            assert_eq!(error.class, "Not implemented");
            assert!(
                error.message.contains(value) && error.message.contains(remedy),
                "{error}"
            );
        }
    }
}
