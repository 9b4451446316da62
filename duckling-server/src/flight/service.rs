//! The Flight SQL service: which file answers which call.

use std::sync::Arc;

use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    Any, CommandGetCatalogs, CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys,
    CommandGetImportedKeys, CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables,
    CommandGetXdbcTypeInfo, CommandStatementQuery, CommandStatementUpdate, SqlInfo, TicketStatementQuery,
};
use arrow_flight::{Action, ActionType, FlightDescriptor, FlightInfo, Ticket};
use duckling_protocol::{Command, Execute, Ingest, action};
use tonic::{Request, Response, Status};

use super::sessions::Sessions;
use super::{actions, execute, ingest, sql};
use crate::engine::{Database, EngineError};

/// One server's Flight SQL service.
pub struct Service {
    sessions: Arc<Sessions>,
}

impl Service {
    /// Serve an instance.
    ///
    /// # Errors
    /// DuckDB's own, if the instance cannot be asked for its default database.
    pub fn new(instance: Database) -> Result<Self, EngineError> {
        Ok(Self {
            sessions: Arc::new(Sessions::new(instance)?),
        })
    }
}

#[tonic::async_trait]
impl FlightSqlService for Service {
    type FlightService = Self;

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let session = self.sessions.of(request.metadata())?;
        sql::statement_query::get_flight_info(&session, query, request.into_inner()).await
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let session = self.sessions.of(request.metadata())?;
        sql::statement_query::do_get(&session, &ticket).await
    }

    async fn do_put_statement_update(
        &self,
        command: CommandStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        let session = self.sessions.of(request.metadata())?;
        sql::statement_update::do_put(&session, command).await
    }

    async fn do_get_fallback(
        &self,
        request: Request<Ticket>,
        message: Any,
    ) -> Result<Response<<Self as FlightService>::DoGetStream>, Status> {
        let command = unpack::<Execute>(&message)?;
        let session = self.sessions.of(request.metadata())?;
        execute::execute(&session, command).await
    }

    async fn do_put_fallback(
        &self,
        request: Request<PeekableFlightDataStream>,
        message: Any,
    ) -> Result<Response<<Self as FlightService>::DoPutStream>, Status> {
        let command = unpack::<Ingest>(&message)?;
        let session = self.sessions.of(request.metadata())?;
        ingest::ingest(session, command, request.into_inner()).await
    }

    async fn do_action_fallback(
        &self,
        request: Request<Action>,
    ) -> Result<Response<<Self as FlightService>::DoActionStream>, Status> {
        actions::act(&self.sessions, request).await
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
        let session = self.sessions.of(request.metadata())?;
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
        let session = self.sessions.of(request.metadata())?;
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
        let session = self.sessions.of(request.metadata())?;
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
        let session = self.sessions.of(request.metadata())?;
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
        let session = self.sessions.of(request.metadata())?;
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
        let session = self.sessions.of(request.metadata())?;
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
        let session = self.sessions.of(request.metadata())?;
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
        let session = self.sessions.of(request.metadata())?;
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
        let describe = |name: &str| ActionType {
            r#type: name.to_string(),
            description: "Duckherder".to_string(),
        };
        Some(action::ALL.iter().map(|name| Ok(describe(name))).collect())
    }

    async fn register_sql_info(&self, _id: i32, _result: &SqlInfo) {}
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
