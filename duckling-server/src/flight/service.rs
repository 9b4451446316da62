//! The Flight SQL service: which file answers which call.

use std::sync::Arc;

use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    ActionBeginSavepointRequest, ActionBeginSavepointResult, ActionBeginTransactionRequest,
    ActionBeginTransactionResult, ActionCancelQueryRequest, ActionCancelQueryResult,
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult,
    ActionCreatePreparedSubstraitPlanRequest, ActionEndSavepointRequest, ActionEndTransactionRequest, Any,
    CommandGetCatalogs, CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
    CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables, CommandGetXdbcTypeInfo,
    CommandPreparedStatementQuery, CommandPreparedStatementUpdate, CommandStatementIngest, CommandStatementQuery,
    CommandStatementSubstraitPlan, CommandStatementUpdate, DoPutPreparedStatementResult, SqlInfo, TicketStatementQuery,
};
use arrow_flight::{Action, ActionType, FlightDescriptor, FlightInfo, HandshakeRequest, Ticket};
use duckling_protocol::{Command, Execute, Ingest, action};
use prost::Message;
use tonic::{Request, Response, Status, Streaming};

use super::sessions::{Limits, Sessions};
use super::{actions, execute, handshake, ingest, session_options, sql};
use crate::cluster::Cluster;
use crate::engine::Database;

/// `ActionCancelQueryResult.CancelResult.CANCEL_RESULT_CANCELLED`, which arrow-flight does not export.
const CANCEL_RESULT_CANCELLED: i32 = 1;

/// One server's Flight SQL service.
pub struct Service {
    sessions: Arc<Sessions>,
    cluster: Arc<Cluster>,
}

impl Service {
    /// Serve databases of an instance. Needs a Tokio runtime.
    pub fn new(
        instance: Database,
        default_database: String,
        databases: Vec<String>,
        limits: Limits,
        cluster: Arc<Cluster>,
    ) -> Self {
        Self {
            cluster,
            sessions: Sessions::new(instance, default_database, databases, limits),
        }
    }

    /// Its sessions.
    pub fn sessions(&self) -> Arc<Sessions> {
        self.sessions.clone()
    }
}

#[tonic::async_trait]
impl FlightSqlService for Service {
    type FlightService = Self;

    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<<Self as FlightService>::HandshakeStream>, Status> {
        handshake::shake_hands(&self.sessions, request).await
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let session = self.sessions.of(&request).await?;
        sql::statement_query::get_flight_info(&session, query, request).await
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let session = self.sessions.of(&request).await?;
        sql::statement_query::do_get(session, &ticket).await
    }

    async fn do_put_statement_update(
        &self,
        command: CommandStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        let session = self.sessions.of(&request).await?;
        sql::statement_update::do_put(&session, command).await
    }

    async fn do_put_statement_ingest(
        &self,
        command: CommandStatementIngest,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        let session = self.sessions.of(&request).await?;
        sql::statement_ingest::do_put(&session, command, request.into_inner()).await
    }

    async fn do_action_create_prepared_statement(
        &self,
        command: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        let session = self.sessions.of(&request).await?;
        sql::prepared_statement::create(&session, command).await
    }

    async fn do_action_close_prepared_statement(
        &self,
        command: ActionClosePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<(), Status> {
        let session = self.sessions.of(&request).await?;
        session.close_prepared(&command.prepared_statement_handle);
        Ok(())
    }

    async fn do_put_prepared_statement_query(
        &self,
        command: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        let session = self.sessions.of(&request).await?;
        let handle = command.prepared_statement_handle;
        sql::prepared_statement::bind(&session, &handle, request.into_inner()).await
    }

    async fn do_put_prepared_statement_update(
        &self,
        command: CommandPreparedStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        let session = self.sessions.of(&request).await?;
        let handle = command.prepared_statement_handle;
        sql::prepared_statement::do_put_update(&session, &handle, request.into_inner()).await
    }

    async fn get_flight_info_prepared_statement(
        &self,
        command: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let session = self.sessions.of(&request).await?;
        sql::prepared_statement::get_flight_info(&session, &command, request).await
    }

    async fn do_get_prepared_statement(
        &self,
        command: CommandPreparedStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let session = self.sessions.of(&request).await?;
        sql::prepared_statement::do_get(session, &command.prepared_statement_handle).await
    }

    async fn do_action_begin_transaction(
        &self,
        _command: ActionBeginTransactionRequest,
        request: Request<Action>,
    ) -> Result<ActionBeginTransactionResult, Status> {
        let session = self.sessions.of(&request).await?;
        sql::transaction::begin(&session).await
    }

    async fn do_action_end_transaction(
        &self,
        command: ActionEndTransactionRequest,
        request: Request<Action>,
    ) -> Result<(), Status> {
        let session = self.sessions.of(&request).await?;
        sql::transaction::end(&session, &command).await
    }

    async fn do_action_cancel_query(
        &self,
        command: ActionCancelQueryRequest,
        _request: Request<Action>,
    ) -> Result<ActionCancelQueryResult, Status> {
        let info = FlightInfo::decode(command.info)
            .map_err(|error| Status::invalid_argument(format!("cannot decode the FlightInfo to cancel: {error}")))?;
        sql::cancel::cancel(&self.sessions, &info)?;
        Ok(ActionCancelQueryResult {
            result: CANCEL_RESULT_CANCELLED,
        })
    }

    // What DuckDB cannot do

    async fn do_action_begin_savepoint(
        &self,
        _command: ActionBeginSavepointRequest,
        _request: Request<Action>,
    ) -> Result<ActionBeginSavepointResult, Status> {
        Err(no_savepoints())
    }

    async fn do_action_end_savepoint(
        &self,
        _command: ActionEndSavepointRequest,
        _request: Request<Action>,
    ) -> Result<(), Status> {
        Err(no_savepoints())
    }

    async fn get_flight_info_substrait_plan(
        &self,
        _command: CommandStatementSubstraitPlan,
        _request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        Err(no_substrait())
    }

    async fn do_put_substrait_plan(
        &self,
        _command: CommandStatementSubstraitPlan,
        _request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        Err(no_substrait())
    }

    async fn do_action_create_prepared_substrait_plan(
        &self,
        _command: ActionCreatePreparedSubstraitPlanRequest,
        _request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        Err(no_substrait())
    }

    // Duckherder's own

    async fn do_get_fallback(
        &self,
        request: Request<Ticket>,
        message: Any,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let command = unpack::<Execute>(&message)?;
        let session = self.sessions.of(&request).await?;
        execute::execute(session, command).await
    }

    async fn do_put_fallback(
        &self,
        request: Request<PeekableFlightDataStream>,
        message: Any,
    ) -> Result<Response<<Self as FlightService>::DoPutStream>, Status> {
        let command = unpack::<Ingest>(&message)?;
        let session = self.sessions.of(&request).await?;
        ingest::ingest(session, command, request.into_inner()).await
    }

    async fn do_action_fallback(
        &self,
        request: Request<Action>,
    ) -> Result<Response<<Self as FlightService>::DoActionStream>, Status> {
        actions::act(&self.sessions, &self.cluster, request).await
    }

    async fn get_flight_info_catalogs(
        &self,
        command: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        sql::get_catalogs::get_flight_info(command, request.into_inner())
    }

    async fn do_get_catalogs(
        &self,
        command: CommandGetCatalogs,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let session = self.sessions.of(&request).await?;
        sql::get_catalogs::do_get(&session, command).await
    }

    async fn get_flight_info_schemas(
        &self,
        command: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        sql::get_db_schemas::get_flight_info(command, request.into_inner())
    }

    async fn do_get_schemas(
        &self,
        command: CommandGetDbSchemas,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let session = self.sessions.of(&request).await?;
        sql::get_db_schemas::do_get(&session, command).await
    }

    async fn get_flight_info_tables(
        &self,
        command: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        sql::get_tables::get_flight_info(command, request.into_inner())
    }

    async fn do_get_tables(
        &self,
        command: CommandGetTables,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let session = self.sessions.of(&request).await?;
        sql::get_tables::do_get(&session, command).await
    }

    async fn get_flight_info_table_types(
        &self,
        command: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        sql::get_table_types::get_flight_info(command, request.into_inner())
    }

    async fn do_get_table_types(
        &self,
        command: CommandGetTableTypes,
        _request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        sql::get_table_types::do_get(command)
    }

    async fn get_flight_info_sql_info(
        &self,
        command: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        sql::get_sql_info::get_flight_info(command, request.into_inner())
    }

    async fn do_get_sql_info(
        &self,
        command: CommandGetSqlInfo,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let session = self.sessions.of(&request).await?;
        sql::get_sql_info::do_get(&session, command).await
    }

    async fn get_flight_info_primary_keys(
        &self,
        command: CommandGetPrimaryKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        sql::get_primary_keys::get_flight_info(command, request.into_inner())
    }

    async fn do_get_primary_keys(
        &self,
        command: CommandGetPrimaryKeys,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let session = self.sessions.of(&request).await?;
        sql::get_primary_keys::do_get(&session, command).await
    }

    async fn get_flight_info_exported_keys(
        &self,
        command: CommandGetExportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        sql::get_exported_keys::get_flight_info(command, request.into_inner())
    }

    async fn do_get_exported_keys(
        &self,
        command: CommandGetExportedKeys,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let session = self.sessions.of(&request).await?;
        sql::get_exported_keys::do_get(&session, command).await
    }

    async fn get_flight_info_imported_keys(
        &self,
        command: CommandGetImportedKeys,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        sql::get_imported_keys::get_flight_info(command, request.into_inner())
    }

    async fn do_get_imported_keys(
        &self,
        command: CommandGetImportedKeys,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let session = self.sessions.of(&request).await?;
        sql::get_imported_keys::do_get(&session, command).await
    }

    async fn get_flight_info_cross_reference(
        &self,
        command: CommandGetCrossReference,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        sql::get_cross_reference::get_flight_info(command, request.into_inner())
    }

    async fn do_get_cross_reference(
        &self,
        command: CommandGetCrossReference,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let session = self.sessions.of(&request).await?;
        sql::get_cross_reference::do_get(&session, command).await
    }

    async fn get_flight_info_xdbc_type_info(
        &self,
        command: CommandGetXdbcTypeInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        sql::get_xdbc_type_info::get_flight_info(command, request.into_inner())
    }

    async fn do_get_xdbc_type_info(
        &self,
        command: CommandGetXdbcTypeInfo,
        _request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        sql::get_xdbc_type_info::do_get(command)
    }

    async fn list_custom_actions(&self) -> Option<Vec<Result<ActionType, Status>>> {
        let describe = |name: &str, description: &str| {
            Ok(ActionType {
                r#type: name.to_string(),
                description: description.to_string(),
            })
        };
        let standard = [
            (actions::CANCEL_FLIGHT_INFO, "Cancel the query of a FlightInfo"),
            (session_options::SET_SESSION_OPTIONS, "Set options of the session"),
            (session_options::GET_SESSION_OPTIONS, "Get the options of the session"),
            (session_options::CLOSE_SESSION, "Close the session"),
        ];
        let own = action::ALL.iter().map(|name| describe(name, "Duckherder"));
        Some(
            standard
                .iter()
                .map(|(name, description)| describe(name, description))
                .chain(own)
                .collect(),
        )
    }

    async fn register_sql_info(&self, _id: i32, _result: &SqlInfo) {}
}

fn no_savepoints() -> Status {
    Status::unimplemented("DuckDB has no savepoints")
}

fn no_substrait() -> Status {
    Status::unimplemented("this server takes SQL, not Substrait plans")
}

fn unpack<T: Command>(message: &Any) -> Result<T, Status> {
    if message.type_url != T::TYPE_URL {
        return Err(Status::unimplemented(format!(
            "the command {} is not supported",
            message.type_url
        )));
    }
    T::decode(message.value.clone())
        .map_err(|error| Status::invalid_argument(format!("cannot decode {}: {error}", message.type_url)))
}
