//! `CommandGetSqlInfo`: what the server and its SQL can do.
//!
//! Says only what holds; an item that has no true answer for DuckDB is left out, and so does not appear in the result.

use std::collections::BTreeMap;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, SchemaRef};
use arrow_flight::sql::metadata::{SqlInfoData, SqlInfoDataBuilder};
use arrow_flight::sql::{
    CommandGetSqlInfo, SqlInfo, SqlNullOrdering, SqlOuterJoinsSupportLevel, SqlSupportedCaseSensitivity,
    SqlSupportedElementActions, SqlSupportedGroupBy, SqlSupportedResultSetConcurrency, SqlSupportedResultSetType,
    SqlSupportedSubqueries, SqlSupportedTransaction, SqlSupportedUnions, SqlSupportsConvert,
    SqlTransactionIsolationLevel, SupportedSqlGrammar,
};
use arrow_flight::{FlightDescriptor, FlightInfo};
use tonic::{Response, Status};

use super::metadata::{columns, flight_info, query, send, texts};
use crate::engine::Session;
use crate::flight::encode::FlightDataStream;

const DATABASE: &str = "SELECT readonly, current_setting('default_null_order') FROM duckdb_databases() \
     WHERE database_name = current_database()";

const KEYWORDS: &str = "SELECT DISTINCT keyword_name FROM duckdb_keywords() ORDER BY keyword_name ASC";

/// Scalar functions by what they work on: their types tell, or DuckDB's own categories for those that work on text.
const FUNCTIONS: &str = "WITH functions AS (
    SELECT function_name AS name, return_type, parameter_types, categories,
        function_name LIKE 'current\\_%' ESCAPE '\\' OR function_name IN ('getvariable', 'pg_typeof', 'session_user',
            'txid_current', 'typeof', 'user', 'version') AS of_system
    FROM duckdb_functions()
    WHERE function_type IN ('scalar', 'macro') AND database_name = 'system'
        AND regexp_full_match(function_name, '[a-z][a-z0-9_]*')
), typed AS (
    SELECT *,
        ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT',
            'UHUGEINT', 'FLOAT', 'DOUBLE', 'DECIMAL', 'BIGNUM'] AS numeric_types,
        ['DATE', 'TIME', 'TIME_NS', 'TIME WITH TIME ZONE', 'TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS',
            'TIMESTAMP WITH TIME ZONE', 'TIMESTAMPTZ_NS', 'INTERVAL'] AS datetime_types
    FROM functions
)
SELECT 'numeric', name FROM typed
WHERE list_contains(numeric_types, return_type) AND list_has_all(numeric_types, parameter_types) AND NOT of_system
UNION
SELECT 'datetime', name FROM typed
WHERE list_contains(datetime_types, return_type) OR list_has_any(datetime_types, parameter_types)
UNION
SELECT 'string', name FROM typed WHERE list_has_any(categories, ['string', 'regex', 'text_similarity'])
UNION
SELECT 'system', name FROM typed WHERE of_system AND coalesce(NOT list_contains(datetime_types, return_type), true)
ORDER BY 1 ASC, 2 ASC";

/// What `do_get` will send.
pub fn get_flight_info(
    command: CommandGetSqlInfo,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    flight_info(&command, SqlInfoDataBuilder::schema(), descriptor)
}

/// Tell the requested items, or all. One that does not exist is not in the result.
///
/// # Errors
/// DuckDB's own.
pub async fn do_get(session: &Session, command: CommandGetSqlInfo) -> Result<Response<FlightDataStream>, Status> {
    let data = collect(session).await?;
    Ok(send(command.into_builder(&data).build()?))
}

async fn collect(session: &Session) -> Result<SqlInfoData, Status> {
    let mut builder = SqlInfoDataBuilder::new();
    append_server(&mut builder);
    append_syntax(&mut builder);
    append_limits(&mut builder);
    append_transactions(&mut builder);
    append_results(&mut builder);

    let shape = columns(&[("read_only", DataType::Boolean), ("null_order", DataType::Utf8)]);
    let database = query(session, DATABASE.to_string(), shape).await?;
    let read_only = database
        .column(0)
        .as_boolean()
        .iter()
        .any(|read_only| read_only == Some(true));
    builder.append(SqlInfo::FlightSqlServerReadOnly, read_only);
    let null_order = match texts(&database, 1).next().unwrap_or_default() {
        "NULLS_FIRST" => SqlNullOrdering::SqlNullsSortedAtStart,
        "NULLS_FIRST_ON_ASC_LAST_ON_DESC" => SqlNullOrdering::SqlNullsSortedLow,
        "NULLS_LAST_ON_ASC_FIRST_ON_DESC" => SqlNullOrdering::SqlNullsSortedHigh,
        _ => SqlNullOrdering::SqlNullsSortedAtEnd,
    };
    builder.append(SqlInfo::SqlNullOrdering, null_order as i32);

    let keywords = query(session, KEYWORDS.to_string(), columns(&[("keyword", DataType::Utf8)])).await?;
    builder.append(
        SqlInfo::SqlKeywords,
        texts(&keywords, 0).map(String::from).collect::<Vec<_>>(),
    );
    append_functions(&mut builder, session).await?;
    Ok(builder.build()?)
}

async fn append_functions(builder: &mut SqlInfoDataBuilder, session: &Session) -> Result<(), Status> {
    let shape: SchemaRef = columns(&[("kind", DataType::Utf8), ("name", DataType::Utf8)]);
    let functions = query(session, FUNCTIONS.to_string(), shape).await?;
    for (kind, info) in [
        ("numeric", SqlInfo::SqlNumericFunctions),
        ("string", SqlInfo::SqlStringFunctions),
        ("datetime", SqlInfo::SqlDatetimeFunctions),
        ("system", SqlInfo::SqlSystemFunctions),
    ] {
        let of_kind = texts(&functions, 0)
            .zip(texts(&functions, 1))
            .filter(|(found, _)| *found == kind);
        builder.append(info, of_kind.map(|(_, name)| name.to_string()).collect::<Vec<_>>());
    }
    Ok(())
}

fn append_server(builder: &mut SqlInfoDataBuilder) {
    builder.append(SqlInfo::FlightSqlServerName, "Duckling");
    builder.append(SqlInfo::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    builder.append(SqlInfo::FlightSqlServerArrowVersion, arrow::ARROW_VERSION);
    builder.append(SqlInfo::FlightSqlServerSql, true);
    builder.append(SqlInfo::FlightSqlServerSubstrait, false);
    builder.append(
        SqlInfo::FlightSqlServerTransaction,
        SqlSupportedTransaction::Transaction as i32,
    );
    builder.append(SqlInfo::FlightSqlServerCancel, true);
    builder.append(SqlInfo::FlightSqlServerBulkIngestion, true);
    builder.append(SqlInfo::FlightSqlServerIngestTransactionsSupported, true);
    // Handles end with their session, not by a timeout of their own.
    builder.append(SqlInfo::FlightSqlServerStatementTimeout, 0);
    builder.append(SqlInfo::FlightSqlServerTransactionTimeout, 0);
}

fn append_syntax(builder: &mut SqlInfoDataBuilder) {
    let case = SqlSupportedCaseSensitivity::SqlCaseSensitivityCaseInsensitive as i32;
    // ATTACH is not CREATE: a client may not make databases on the server.
    builder.append(SqlInfo::SqlDdlCatalog, false);
    builder.append(SqlInfo::SqlDdlSchema, true);
    builder.append(SqlInfo::SqlDdlTable, true);
    builder.append(SqlInfo::SqlIdentifierCase, case);
    builder.append(SqlInfo::SqlIdentifierQuoteChar, "\"");
    builder.append(SqlInfo::SqlQuotedIdentifierCase, case);
    builder.append(SqlInfo::SqlAllTablesAreSelectable, true);
    builder.append(SqlInfo::SqlSearchStringEscape, "\\");
    builder.append(SqlInfo::SqlExtraNameCharacters, "$");
    builder.append(SqlInfo::SqlSupportsColumnAliasing, true);
    builder.append(SqlInfo::SqlNullPlusNullIsNull, true);
    builder.append(SqlInfo::SqlSupportsConvert, conversions());
    builder.append(SqlInfo::SqlSupportsTableCorrelationNames, true);
    // As in JDBC: whether an alias must differ from the names of tables.
    builder.append(SqlInfo::SqlSupportsDifferentTableCorrelationNames, false);
    builder.append(SqlInfo::SqlSupportsExpressionsInOrderBy, true);
    builder.append(SqlInfo::SqlSupportsOrderByUnrelated, true);
    builder.append(
        SqlInfo::SqlSupportedGroupBy,
        bits(&[
            SqlSupportedGroupBy::SqlGroupByUnrelated as i32,
            SqlSupportedGroupBy::SqlGroupByBeyondSelect as i32,
        ]),
    );
    builder.append(SqlInfo::SqlSupportsLikeEscapeClause, true);
    builder.append(SqlInfo::SqlSupportsNonNullableColumns, true);
    // Not the extended grammar: it has positioned updates and procedures.
    builder.append(
        SqlInfo::SqlSupportedGrammar,
        bits(&[
            SupportedSqlGrammar::SqlMinimumGrammar as i32,
            SupportedSqlGrammar::SqlCoreGrammar as i32,
        ]),
    );
    builder.append(SqlInfo::SqlSupportsIntegrityEnhancementFacility, true);
    builder.append(
        SqlInfo::SqlOuterJoinsSupportLevel,
        SqlOuterJoinsSupportLevel::SqlFullOuterJoins as i32,
    );
    builder.append(SqlInfo::SqlSchemaTerm, "schema");
    builder.append(SqlInfo::SqlProcedureTerm, "macro");
    builder.append(SqlInfo::SqlCatalogTerm, "database");
    builder.append(SqlInfo::SqlCatalogAtStart, true);
    let qualified = bits(&[
        SqlSupportedElementActions::SqlElementInProcedureCalls as i32,
        SqlSupportedElementActions::SqlElementInIndexDefinitions as i32,
    ]);
    builder.append(SqlInfo::SqlSchemasSupportedActions, qualified);
    builder.append(SqlInfo::SqlCatalogsSupportedActions, qualified);
    builder.append(SqlInfo::SqlSupportedPositionedCommands, 0);
    builder.append(SqlInfo::SqlSelectForUpdateSupported, false);
    builder.append(SqlInfo::SqlStoredProceduresSupported, false);
    builder.append(
        SqlInfo::SqlSupportedSubqueries,
        bits(&[
            SqlSupportedSubqueries::SqlSubqueriesInComparisons as i32,
            SqlSupportedSubqueries::SqlSubqueriesInExists as i32,
            SqlSupportedSubqueries::SqlSubqueriesInIns as i32,
            SqlSupportedSubqueries::SqlSubqueriesInQuantifieds as i32,
        ]),
    );
    builder.append(SqlInfo::SqlCorrelatedSubqueriesSupported, true);
    builder.append(
        SqlInfo::SqlSupportedUnions,
        bits(&[
            SqlSupportedUnions::SqlUnion as i32,
            SqlSupportedUnions::SqlUnionAll as i32,
        ]),
    );
    builder.append(SqlInfo::SqlStoredFunctionsUsingCallSyntaxSupported, false);
}

/// 0 is: no limit, or none that is known.
fn append_limits(builder: &mut SqlInfoDataBuilder) {
    for limit in [
        SqlInfo::SqlMaxBinaryLiteralLength,
        SqlInfo::SqlMaxCharLiteralLength,
        SqlInfo::SqlMaxColumnNameLength,
        SqlInfo::SqlMaxColumnsInGroupBy,
        SqlInfo::SqlMaxColumnsInIndex,
        SqlInfo::SqlMaxColumnsInOrderBy,
        SqlInfo::SqlMaxColumnsInSelect,
        SqlInfo::SqlMaxColumnsInTable,
        SqlInfo::SqlMaxConnections,
        SqlInfo::SqlMaxCursorNameLength,
        SqlInfo::SqlMaxIndexLength,
        SqlInfo::SqlDbSchemaNameLength,
        SqlInfo::SqlMaxProcedureNameLength,
        SqlInfo::SqlMaxCatalogNameLength,
        SqlInfo::SqlMaxRowSize,
        SqlInfo::SqlMaxStatementLength,
        SqlInfo::SqlMaxStatements,
        SqlInfo::SqlMaxTableNameLength,
        SqlInfo::SqlMaxTablesInSelect,
        SqlInfo::SqlMaxUsernameLength,
    ] {
        builder.append(limit, 0_i64);
    }
    builder.append(SqlInfo::SqlMaxRowSizeIncludesBlobs, true);
}

fn append_transactions(builder: &mut SqlInfoDataBuilder) {
    // A transaction reads one snapshot throughout, and a conflicting write fails. Two transactions may still each
    // change what the other one has read, so it is not SERIALIZABLE.
    let isolation = SqlTransactionIsolationLevel::SqlTransactionRepeatableRead as i32;
    builder.append(SqlInfo::SqlDefaultTransactionIsolation, isolation);
    builder.append(SqlInfo::SqlTransactionsSupported, true);
    builder.append(SqlInfo::SqlSupportedTransactionsIsolationLevels, bits(&[isolation]));
    builder.append(SqlInfo::SqlDataDefinitionCausesTransactionCommit, false);
    builder.append(SqlInfo::SqlDataDefinitionsInTransactionsIgnored, false);
    builder.append(SqlInfo::SqlSavepointsSupported, false);
}

/// A result is read once, from its beginning, and cannot be written to.
fn append_results(builder: &mut SqlInfoDataBuilder) {
    let forward_only = SqlSupportedResultSetType::SqlResultSetTypeForwardOnly as i32;
    let reading = SqlSupportedResultSetConcurrency::SqlResultSetConcurrencyReadOnly as i32;
    builder.append(SqlInfo::SqlSupportedResultSetTypes, bits(&[forward_only]));
    builder.append(SqlInfo::SqlSupportedConcurrenciesForResultSetUnspecified, 0);
    builder.append(
        SqlInfo::SqlSupportedConcurrenciesForResultSetForwardOnly,
        bits(&[reading]),
    );
    builder.append(SqlInfo::SqlSupportedConcurrenciesForResultSetScrollSensitive, 0);
    builder.append(SqlInfo::SqlSupportedConcurrenciesForResultSetScrollInsensitive, 0);
    builder.append(SqlInfo::SqlBatchUpdatesSupported, true);
    builder.append(SqlInfo::SqlNamedParametersSupported, false);
}

/// A bitmask with the bits of these numbers.
fn bits(numbers: &[i32]) -> i32 {
    numbers.iter().fold(0, |mask, number| mask | (1 << number))
}

/// Which types DuckDB can cast to which; it has one type for all lengths of text, and one for all of bytes.
fn conversions() -> BTreeMap<i32, Vec<i32>> {
    use SqlSupportsConvert::*;
    let texts = [SqlConvertChar, SqlConvertVarchar, SqlConvertLongvarchar];
    let bytes = [SqlConvertBinary, SqlConvertVarbinary, SqlConvertLongvarbinary];
    let numbers = [
        SqlConvertBit,
        SqlConvertTinyint,
        SqlConvertSmallint,
        SqlConvertInteger,
        SqlConvertBigint,
        SqlConvertDecimal,
        SqlConvertNumeric,
        SqlConvertFloat,
        SqlConvertReal,
    ];
    let times = [SqlConvertDate, SqlConvertTime, SqlConvertTimestamp];
    let intervals = [SqlConvertIntervalDayTime, SqlConvertIntervalYearMonth];

    let mut conversions = BTreeMap::new();
    let mut allow = |sources: &[SqlSupportsConvert], targets: &[&[SqlSupportsConvert]]| {
        for source in sources {
            let mut targets: Vec<_> = targets.concat().iter().map(|target| *target as i32).collect();
            targets.sort_unstable();
            conversions.insert(*source as i32, targets);
        }
    };
    allow(&texts, &[&texts, &bytes, &numbers, &times, &intervals]);
    allow(&bytes, &[&bytes, &texts]);
    allow(&numbers, &[&numbers, &texts]);
    allow(&intervals, &[&intervals, &texts]);
    allow(&[SqlConvertDate], &[&[SqlConvertDate, SqlConvertTimestamp], &texts]);
    allow(&[SqlConvertTime], &[&[SqlConvertTime], &texts]);
    allow(&[SqlConvertTimestamp], &[&times, &texts]);
    conversions
}
