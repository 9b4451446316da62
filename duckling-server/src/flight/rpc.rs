//! Where every RPC enters: its panics, and the calls that arrow-flight's Flight SQL service leaves out.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use arrow_flight::flight_service_server::FlightService;
use arrow_flight::{
    Action, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest, PollInfo, SchemaResult, Ticket,
};
use futures::FutureExt;
use tonic::{Code, Request, Response, Status, Streaming};

use super::service::Service;
use super::sql::statement_query::SchemaOnly;
use super::status::internal;

/// The gRPC face of [`Service`].
pub struct Rpc(pub Service);

/// Turn a panic into a status: the connection, and the other calls on it, go on.
async fn guard<T>(call: impl Future<Output = Result<T, Status>>) -> Result<T, Status> {
    let outcome = AssertUnwindSafe(call).catch_unwind().await.unwrap_or_else(|_| {
        tracing::error!("a call panicked");
        Err(internal("the call panicked: please report it as a bug of the server"))
    });
    outcome.map_err(|status| {
        if status.code() == Code::Internal && status.details().is_empty() {
            // Ours carry details; those without are what arrow-flight says of a message that it cannot decode.
            return Status::invalid_argument(status.message());
        }
        if status.code() == Code::Internal {
            tracing::error!(message = status.message(), "a call failed");
        }
        status
    })
}

#[tonic::async_trait]
impl FlightService for Rpc {
    type HandshakeStream = <Service as FlightService>::HandshakeStream;
    type ListFlightsStream = <Service as FlightService>::ListFlightsStream;
    type DoGetStream = <Service as FlightService>::DoGetStream;
    type DoPutStream = <Service as FlightService>::DoPutStream;
    type DoActionStream = <Service as FlightService>::DoActionStream;
    type ListActionsStream = <Service as FlightService>::ListActionsStream;
    type DoExchangeStream = <Service as FlightService>::DoExchangeStream;

    async fn handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        guard(FlightService::handshake(&self.0, request)).await
    }

    async fn list_flights(&self, _request: Request<Criteria>) -> Result<Response<Self::ListFlightsStream>, Status> {
        Err(Status::unimplemented(
            "this server keeps no list of flights: ask for tables with CommandGetTables",
        ))
    }

    async fn get_flight_info(&self, request: Request<FlightDescriptor>) -> Result<Response<FlightInfo>, Status> {
        guard(FlightService::get_flight_info(&self.0, request)).await
    }

    /// Complete at once: a statement runs, and streams, when its ticket is used.
    async fn poll_flight_info(&self, request: Request<FlightDescriptor>) -> Result<Response<PollInfo>, Status> {
        let info = self.get_flight_info(request).await?;
        Ok(info.map(|info| PollInfo {
            info: Some(info),
            flight_descriptor: None,
            progress: Some(1.0),
            expiration_time: None,
        }))
    }

    async fn get_schema(&self, mut request: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        request.extensions_mut().insert(SchemaOnly);
        let info = self.get_flight_info(request).await?;
        Ok(info.map(|info| SchemaResult { schema: info.schema }))
    }

    async fn do_get(&self, request: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        guard(FlightService::do_get(&self.0, request)).await
    }

    async fn do_put(&self, request: Request<Streaming<FlightData>>) -> Result<Response<Self::DoPutStream>, Status> {
        guard(FlightService::do_put(&self.0, request)).await
    }

    async fn do_action(&self, request: Request<Action>) -> Result<Response<Self::DoActionStream>, Status> {
        tracing::debug!(action = request.get_ref().r#type, "action");
        guard(FlightService::do_action(&self.0, request)).await
    }

    async fn list_actions(&self, request: Request<Empty>) -> Result<Response<Self::ListActionsStream>, Status> {
        guard(FlightService::list_actions(&self.0, request)).await
    }

    async fn do_exchange(
        &self,
        _request: Request<Streaming<FlightData>>,
    ) -> Result<Response<Self::DoExchangeStream>, Status> {
        Err(Status::unimplemented(
            "this server exchanges no data in both directions at once: use DoGet and DoPut",
        ))
    }
}
