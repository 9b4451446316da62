//! One session on one server.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow::datatypes::{Schema, SchemaRef};
use arrow_flight::{IpcMessage, Ticket};
use duckling_protocol::{
    CatalogRequest, CatalogResponse, CatalogSnapshot, CloseSession, Command, DescribeRequest, DescribeResponse,
    Execute, OpenSession, PROTOCOL_VERSION, ReturnKind, SessionOpened, Setting, TransactionControl, action,
};
use prost::Message;
use tonic::Request;

use super::connection::{Connection, name_session};
use super::results::Results;
use crate::error::{Error, Result};
use crate::runtime::runtime;

/// The shape of a statement's result.
pub struct Description {
    pub schema: SchemaRef,
    /// DuckDB type of each column as SQL; empty where the server learns the shape only by running the statement.
    pub column_types: Vec<String>,
    pub return_kind: ReturnKind,
    /// The statement leaves everything as it was.
    pub read_only: bool,
}

/// A session. If the server was restarted, it is opened again, unless a transaction was lost with it.
pub struct Session {
    connection: Connection,
    database: String,
    state: Mutex<State>,
}

struct State {
    id: String,
    /// A transaction may be open on the server.
    in_transaction: bool,
}

impl Session {
    /// Open a session on a database of the server, its default one if `database` is empty.
    ///
    /// # Errors
    /// `Unreachable` or `NoAnswer` if there is no server; `Remote` if it has no such database.
    pub async fn open(connection: Connection, database: &str, want_functions: bool) -> Result<(Self, SessionOpened)> {
        let mut opened = request_session(&connection, database, want_functions).await?;
        let state = State {
            id: std::mem::take(&mut opened.session_id),
            in_transaction: false,
        };
        Ok((
            Self {
                connection,
                database: database.to_string(),
                state: Mutex::new(state),
            },
            opened,
        ))
    }

    /// The channel to the server.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Ask for the shape of a statement's result; nothing is run.
    ///
    /// # Errors
    /// What the server's DuckDB finds wrong with the statement.
    pub async fn describe(&self, sql: &str, begin: bool, settings: Vec<Setting>) -> Result<Description> {
        let request = DescribeRequest {
            sql: sql.to_string(),
            begin,
            settings,
        };
        let answer: DescribeResponse = self.act(action::DESCRIBE, request, begin).await?;
        let return_kind = answer.return_kind();
        Ok(Description {
            schema: decode_schema(answer.schema)?.into(),
            column_types: answer.column_types,
            return_kind,
            read_only: answer.read_only,
        })
    }

    /// Run a statement in one round trip.
    ///
    /// # Errors
    /// What the server's DuckDB raises before the first row.
    pub async fn execute(&self, sql: &str, begin: bool, settings: Vec<Setting>) -> Result<Results> {
        let ticket = Ticket::new(
            Execute {
                sql: sql.to_string(),
                begin,
                settings,
            }
            .pack()
            .encode_to_vec(),
        );
        self.retrying(begin, |id| {
            let ticket = ticket.clone();
            async move {
                let mut request = Request::new(ticket);
                name_session(&mut request, &id)?;
                let messages = self
                    .connection
                    .flight()
                    .do_get(request)
                    .await
                    .map_err(|status| self.connection.error(&status))?;
                Results::start(messages.into_inner(), self.connection.clone()).await
            }
        })
        .await
    }

    /// The remote catalog; `None` if `known_version` is current.
    ///
    /// # Errors
    /// As the server reports it.
    pub async fn snapshot(&self, known_version: Option<u64>, begin: bool) -> Result<Option<CatalogSnapshot>> {
        let answer: CatalogResponse = self
            .act(action::CATALOG, CatalogRequest { known_version, begin }, begin)
            .await?;
        Ok(answer.snapshot)
    }

    /// End the transaction that statements have begun, if any.
    ///
    /// # Errors
    /// `Remote` if it cannot be committed, and was rolled back; otherwise its outcome is unknown.
    pub async fn end_transaction(&self, commit: bool) -> Result<()> {
        let id = {
            let mut state = self.lock();
            if !std::mem::replace(&mut state.in_transaction, false) {
                return Ok(());
            }
            state.id.clone()
        };
        let control = TransactionControl { commit };
        let call = self
            .connection
            .act::<CloseSession>(action::TRANSACTION, &control, Some(&id));
        // A commit may have much to write; a rollback has not, and must not keep the user waiting for a dead server.
        let ended = if commit {
            call.await
        } else {
            self.connection.promptly(call).await
        };
        match ended {
            Ok(_) => Ok(()),
            Err(Error::Disconnected { endpoint, reason }) if commit => Err(Error::Disconnected {
                endpoint,
                reason: format!(
                    "{reason}. Whether the transaction was committed is unknown: look before you repeat it"
                ),
            }),
            Err(error) => Err(error),
        }
    }

    /// The session's id for a call of its own, which begins a transaction if `begin` says so.
    pub fn id_for_call(&self, begin: bool) -> String {
        let mut state = self.lock();
        state.in_transaction |= begin;
        state.id.clone()
    }

    async fn act<Answer: Message + Default>(&self, action: &str, request: impl Message, begin: bool) -> Result<Answer> {
        self.retrying(begin, |id| {
            let request = &request;
            async move { self.connection.act(action, request, Some(&id)).await }
        })
        .await
    }

    /// Make a call; if the session is gone and nothing was lost with it, open another and make the call once more.
    async fn retrying<T, Call: Future<Output = Result<T>>>(
        &self,
        begin: bool,
        call: impl Fn(String) -> Call,
    ) -> Result<T> {
        let had_transaction = self.lock().in_transaction;
        match call(self.id_for_call(begin)).await {
            Err(Error::SessionLost { .. }) if !had_transaction => {
                let opened = request_session(&self.connection, &self.database, false).await?;
                self.lock().id = opened.session_id;
                call(self.id_for_call(begin)).await
            }
            outcome => outcome,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let id = std::mem::take(&mut self.lock().id);
        let connection = self.connection.clone();
        // Nobody waits for it: a server that does not hear of it closes the session by itself.
        runtime().spawn(async move {
            let close = connection.act::<CloseSession>(action::CLOSE_SESSION, &CloseSession {}, Some(&id));
            let _ = connection.promptly(close).await;
        });
    }
}

async fn request_session(connection: &Connection, database: &str, want_functions: bool) -> Result<SessionOpened> {
    let request = OpenSession {
        protocol_version: PROTOCOL_VERSION,
        database: database.to_string(),
        want_functions,
    };
    connection
        .promptly(connection.act(action::OPEN_SESSION, &request, None))
        .await
}

fn decode_schema(message: prost::bytes::Bytes) -> Result<Schema> {
    Schema::try_from(IpcMessage(message)).map_err(|error| Error::Protocol(error.to_string()))
}
