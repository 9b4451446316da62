//! The Flight SQL service: which file answers which call.

use std::sync::Arc;

use arrow_flight::flight_service_server::FlightService;
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{Any, CommandStatementQuery, CommandStatementUpdate, SqlInfo, TicketStatementQuery};
use arrow_flight::{Action, ActionType, FlightDescriptor, FlightInfo, Ticket};
use duckling_protocol::{Command, Execute, Ingest, action};
use tonic::{Request, Response, Status};

use super::sessions::Sessions;
use super::{actions, execute, ingest, sql};
use crate::engine::Database;

/// One server's Flight SQL service.
pub struct Service {
    sessions: Arc<Sessions>,
}

impl Service {
    /// Serve databases of an instance.
    pub fn new(instance: Database, default_database: String, databases: Vec<String>) -> Self {
        Self {
            sessions: Arc::new(Sessions::new(instance, default_database, databases)),
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
