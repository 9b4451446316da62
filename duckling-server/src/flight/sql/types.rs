//! DuckDB's types in terms of JDBC and ODBC.
//!
//! Codes follow the Arrow type that a standard client receives; what XDBC has no code for is `XdbcUnknownType`. Every
//! literal that the prefixes and suffixes make is one that DuckDB reads as the type.

use arrow_flight::sql::metadata::XdbcTypeInfo;
use arrow_flight::sql::{Nullable, Searchable, XdbcDataType, XdbcDatetimeSubcode};

/// Every type that a column can have, by the name that DuckDB gives it.
pub fn all() -> Vec<XdbcTypeInfo> {
    use XdbcDataType::{
        XdbcBigint, XdbcBit, XdbcDate, XdbcDecimal, XdbcDouble, XdbcInteger, XdbcInterval, XdbcNumeric, XdbcReal,
        XdbcSmallint, XdbcTime, XdbcTimestamp, XdbcTinyint, XdbcUnknownType, XdbcVarbinary, XdbcVarchar,
    };
    // The subcode of DATE is 1, for which the generated code has only the name of its alias.
    use XdbcDatetimeSubcode::{
        XdbcSubcodeTime as Time, XdbcSubcodeTimeWithTimezone as TimeTz, XdbcSubcodeTimestamp as Timestamp,
        XdbcSubcodeTimestampWithTimezone as TimestampTz, XdbcSubcodeYear as Date,
    };
    vec![
        plain("BOOLEAN", XdbcBit),
        exact("TINYINT", XdbcTinyint, 3, false),
        exact("SMALLINT", XdbcSmallint, 5, false),
        exact("INTEGER", XdbcInteger, 10, false),
        exact("BIGINT", XdbcBigint, 19, false),
        exact("HUGEINT", XdbcNumeric, 39, false),
        exact("UTINYINT", XdbcTinyint, 3, true),
        exact("USMALLINT", XdbcSmallint, 5, true),
        exact("UINTEGER", XdbcInteger, 10, true),
        exact("UBIGINT", XdbcBigint, 20, true),
        exact("UHUGEINT", XdbcNumeric, 39, true),
        XdbcTypeInfo {
            create_params: Some(vec!["precision".to_string(), "scale".to_string()]),
            maximum_scale: Some(38),
            ..exact("DECIMAL", XdbcDecimal, 38, false)
        },
        approximate("FLOAT", XdbcReal, 24),
        approximate("DOUBLE", XdbcDouble, 53),
        XdbcTypeInfo {
            create_params: Some(vec!["length".to_string()]),
            literal_prefix: Some("'".to_string()),
            ..text("VARCHAR", XdbcVarchar)
        },
        text("JSON", XdbcVarchar),
        XdbcTypeInfo {
            literal_prefix: None,
            literal_suffix: None,
            ..text("ENUM", XdbcVarchar)
        },
        XdbcTypeInfo {
            column_size: Some(36),
            case_sensitive: false,
            ..text("UUID", XdbcVarchar)
        },
        quoted("BLOB", XdbcVarbinary),
        quoted("BIT", XdbcVarbinary),
        temporal("DATE", XdbcDate, Date, 10, None),
        temporal("TIME", XdbcTime, Time, 15, Some(6)),
        temporal("TIME_NS", XdbcTime, Time, 18, Some(9)),
        temporal("TIME WITH TIME ZONE", XdbcTime, TimeTz, 24, Some(6)),
        temporal("TIMESTAMP_S", XdbcTimestamp, Timestamp, 19, Some(0)),
        temporal("TIMESTAMP_MS", XdbcTimestamp, Timestamp, 23, Some(3)),
        temporal("TIMESTAMP", XdbcTimestamp, Timestamp, 26, Some(6)),
        temporal("TIMESTAMP_NS", XdbcTimestamp, Timestamp, 29, Some(9)),
        temporal("TIMESTAMP WITH TIME ZONE", XdbcTimestamp, TimestampTz, 32, Some(6)),
        temporal("TIMESTAMPTZ_NS", XdbcTimestamp, TimestampTz, 35, Some(9)),
        // Months, days and microseconds at once: no subcode is all of that.
        quoted("INTERVAL", XdbcInterval),
        quoted("BIGNUM", XdbcUnknownType),
        quoted("GEOMETRY", XdbcUnknownType),
        quoted("VARIANT", XdbcUnknownType),
        plain("LIST", XdbcUnknownType),
        plain("ARRAY", XdbcUnknownType),
        plain("STRUCT", XdbcUnknownType),
        plain("MAP", XdbcUnknownType),
        plain("UNION", XdbcUnknownType),
    ]
}

/// The type that a column's type is one of, such as `DECIMAL` for `DECIMAL(18,3)`; none for nested ones.
pub fn of_column<'a>(types: &'a [XdbcTypeInfo], column_type: &str) -> Option<&'a XdbcTypeInfo> {
    if column_type.ends_with(']') {
        return None;
    }
    let name = column_type.split('(').next().unwrap_or_default();
    types.iter().find(|info| info.type_name == name)
}

fn plain(name: &str, code: XdbcDataType) -> XdbcTypeInfo {
    XdbcTypeInfo {
        type_name: name.to_string(),
        local_type_name: Some(name.to_string()),
        data_type: code,
        sql_data_type: code,
        nullable: Nullable::NullabilityNullable,
        searchable: Searchable::Basic,
        ..XdbcTypeInfo::default()
    }
}

/// Units: `digits` decimal ones.
fn exact(name: &str, code: XdbcDataType, digits: i32, unsigned: bool) -> XdbcTypeInfo {
    XdbcTypeInfo {
        column_size: Some(digits),
        num_prec_radix: Some(10),
        unsigned_attribute: Some(unsigned),
        auto_increment: Some(false),
        minimum_scale: Some(0),
        maximum_scale: Some(0),
        ..plain(name, code)
    }
}

fn approximate(name: &str, code: XdbcDataType, bits: i32) -> XdbcTypeInfo {
    XdbcTypeInfo {
        column_size: Some(bits),
        num_prec_radix: Some(2),
        unsigned_attribute: Some(false),
        auto_increment: Some(false),
        ..plain(name, code)
    }
}

/// A type whose literals are its name and a string.
fn quoted(name: &str, code: XdbcDataType) -> XdbcTypeInfo {
    XdbcTypeInfo {
        literal_prefix: Some(format!("{name} '")),
        literal_suffix: Some("'".to_string()),
        ..plain(name, code)
    }
}

fn text(name: &str, code: XdbcDataType) -> XdbcTypeInfo {
    XdbcTypeInfo {
        case_sensitive: true,
        searchable: Searchable::Full,
        ..quoted(name, code)
    }
}

/// Units: `length` characters as text, `scale` digits of a second.
fn temporal(
    name: &str,
    code: XdbcDataType,
    subcode: XdbcDatetimeSubcode,
    length: i32,
    scale: Option<i32>,
) -> XdbcTypeInfo {
    XdbcTypeInfo {
        column_size: Some(length),
        sql_data_type: XdbcDataType::XdbcDatetime,
        datetime_subcode: Some(subcode),
        minimum_scale: scale,
        maximum_scale: scale,
        ..quoted(name, code)
    }
}
