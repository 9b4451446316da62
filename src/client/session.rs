//! One session on one server.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow::datatypes::SchemaRef;
use arrow_flight::Ticket;
use duckling_protocol::{
    CatalogRequest, CatalogResponse, CloseSession, Command, Execute, ExecuteAnswer, ExecuteMode, ExpectedColumn,
    ExtensionLoaded, LoadExtension, OpenSession, PROTOCOL_VERSION, QueryHistory, QueryHistoryRequest, QueryRecord,
    SessionOpened, Setting, TransactionControl, action,
};
use prost::Message;
use tokio::sync::Mutex as AsyncMutex;
use tokio::task::JoinHandle;

use super::connection::Connection;
use super::history::Recording;
use super::progress::Progress;
use super::results::Results;
use crate::error::{Error, Result};
use crate::runtime::runtime;

/// A statement on its way to the server.
pub struct Statement {
    pub sql: String,
    pub mode: ExecuteMode,
    /// Start the session's transaction first if none is open.
    pub begin: bool,
    /// May leave something changed, if it is run.
    pub writes: bool,
    /// Settings to run under; they stay until another statement brings others.
    pub settings: Vec<Setting>,
    /// When the client's transaction began, in microseconds since 1970, UTC.
    pub started_us: i64,
    /// Run it only if it returns these columns; empty: whatever it returns.
    pub expected_columns: Vec<ExpectedColumn>,
    /// To be told how far the server is.
    pub progress: Option<Progress>,
}

impl Statement {
    /// Giving it up while it runs leaves unknown whether it took effect: nothing has to be committed after it.
    pub fn is_decisive(&self) -> bool {
        self.writes && self.mode == ExecuteMode::Run && !self.begin
    }
}

/// What became of a statement.
pub struct Execution {
    pub schema: SchemaRef,
    pub answer: ExecuteAnswer,
    /// Rows, if the statement was run.
    pub results: Option<Results>,
}

/// A session. If the server was restarted, it is opened again, unless a transaction was lost with it.
pub struct Session {
    connection: Connection,
    database: String,
    state: Mutex<State>,
    /// A rollback that nobody has waited for yet; true if it reached the server. Held while the session is renewed.
    ending: AsyncMutex<Option<JoinHandle<bool>>>,
}

struct State {
    id: String,
    /// A transaction may be open on the server.
    in_transaction: bool,
    /// Whether the last transaction has ended is not known: nothing else may run in this session.
    is_doubtful: bool,
}

impl Session {
    /// Open a session on a database of the server, its default one if `database` is empty.
    ///
    /// # Errors
    /// `Unreachable` or `NoAnswer` if there is no server; `Remote` if it has no such database.
    pub async fn open(connection: Connection, database: &str, want_names: bool) -> Result<(Self, SessionOpened)> {
        let mut opened = request_session(&connection, database, want_names).await?;
        let state = State {
            id: std::mem::take(&mut opened.session_id),
            in_transaction: false,
            is_doubtful: false,
        };
        Ok((
            Self {
                connection,
                database: database.to_string(),
                state: Mutex::new(state),
                ending: AsyncMutex::default(),
            },
            opened,
        ))
    }

    /// The channel to the server.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Describe a statement, run it, or both, in one round trip.
    ///
    /// # Errors
    /// What the server's DuckDB raises before the first row; `OutcomeUnknown` if the answer to a statement that writes
    /// was lost.
    pub async fn execute(&self, statement: Statement) -> Result<Execution> {
        let begin = statement.begin;
        let may_have_written = statement.writes && statement.mode == ExecuteMode::Run;
        // A description is no execution.
        let mut recording = (statement.mode != ExecuteMode::Describe)
            .then(|| Recording::start(&statement.sql, self.connection.endpoint()));
        let command = Execute {
            sql: statement.sql,
            begin,
            settings: statement.settings,
            mode: statement.mode.into(),
            started_us: Some(statement.started_us),
            expected_columns: statement.expected_columns,
            progress: statement.progress.is_some(),
        };
        let ticket = Ticket::new(command.pack().encode_to_vec());
        let outcome = self
            .retrying(begin, |id| {
                let (ticket, progress) = (ticket.clone(), statement.progress.clone());
                async move {
                    let messages = self
                        .connection
                        .sending(ticket, Some(&id), async |mut flight, request| {
                            flight.do_get(request).await
                        })
                        .await?;
                    Results::start(messages, self.connection.clone(), progress).await
                }
            })
            .await;
        let outcome = outcome.map_err(|error| {
            let error = if may_have_written {
                error.outcome_unknown("the statement took effect")
            } else {
                error
            };
            if let Some(recording) = &mut recording {
                recording.failed(&error);
            }
            error
        });
        let (mut results, answer) = outcome?;
        match recording {
            Some(recording) if answer.ran => results.record(recording),
            Some(mut recording) => recording.discard(),
            None => {}
        }
        self.lock().in_transaction = answer.in_transaction;
        Ok(Execution {
            schema: results.schema(),
            results: answer.ran.then_some(results),
            answer,
        })
    }

    /// Have the server stop what runs in this session; what has become of it is the answer to its own call.
    pub async fn interrupt(&self) {
        let id = self.lock().id.clone();
        interrupt(&self.connection, &id).await;
    }

    /// The remote catalog; without a snapshot if the version that the request names is current.
    ///
    /// # Errors
    /// As the server reports it.
    pub async fn snapshot(&self, request: CatalogRequest) -> Result<CatalogResponse> {
        self.retrying(request.begin, |id| {
            let request = &request;
            async move { self.connection.act(action::CATALOG, request, Some(&id)).await }
        })
        .await
    }

    /// Have an extension installed and loaded on the server; no transaction matters to it.
    ///
    /// # Errors
    /// As the server reports it, within its time limit.
    pub async fn load_extension(&self, wanted: &LoadExtension) -> Result<ExtensionLoaded> {
        self.ask(action::LOAD_EXTENSION, wanted).await
    }

    /// What the server has recorded of the statements of all its clients, or of this session alone, oldest first.
    ///
    /// # Errors
    /// As the server reports it.
    pub async fn query_history(&self, own: bool) -> Result<Vec<QueryRecord>> {
        self.retrying(false, |id| async move {
            let request = QueryHistoryRequest {};
            let mut history: QueryHistory = self.connection.act(action::QUERY_HISTORY, &request, Some(&id)).await?;
            history.records.retain(|record| !own || record.session_id == id);
            Ok(history.records)
        })
        .await
    }

    /// Have the server do something that no transaction matters to.
    ///
    /// # Errors
    /// As the server reports it.
    pub(super) async fn ask<Answer: Message + Default>(&self, action: &str, request: &impl Message) -> Result<Answer> {
        self.retrying(false, |id| async move {
            self.connection.act(action, request, Some(&id)).await
        })
        .await
    }

    /// End the transaction that statements have begun, if any.
    ///
    /// # Errors
    /// `Remote` if it cannot be committed, and was rolled back; `OutcomeUnknown` if the answer was lost.
    pub async fn end_transaction(&self, commit: bool) -> Result<()> {
        let Some(id) = self.leave_transaction() else {
            return Ok(());
        };
        self.lock().is_doubtful = true;
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
        if matches!(ended, Ok(_) | Err(Error::Remote { .. } | Error::SessionLost { .. })) {
            self.lock().is_doubtful = false;
        }
        match ended {
            Ok(_) => Ok(()),
            Err(error) if commit => Err(error.outcome_unknown("the transaction was committed")),
            Err(error) => Err(error),
        }
    }

    /// Roll back without waiting for it; the next call of the session does.
    pub async fn abandon_transaction(&self) {
        let Some(id) = self.leave_transaction() else {
            return;
        };
        let connection = self.connection.clone();
        let call = runtime().spawn(async move {
            let control = TransactionControl { commit: false };
            let call = connection.act::<CloseSession>(action::TRANSACTION, &control, Some(&id));
            matches!(
                connection.promptly(call).await,
                Ok(_) | Err(Error::Remote { .. } | Error::SessionLost { .. })
            )
        });
        *self.ending.lock().await = Some(call);
    }

    /// The session's id for a call that begins a transaction if `begin` says so.
    ///
    /// # Errors
    /// If the session had to be opened anew, and could not.
    pub async fn id_for_call(&self, begin: bool) -> Result<String> {
        {
            let mut ending = self.ending.lock().await;
            if let Some(call) = ending.as_mut() {
                let ended = call.await.unwrap_or(false);
                *ending = None;
                self.lock().is_doubtful |= !ended;
            }
        }
        let doubtful = {
            let state = self.lock();
            state.is_doubtful.then(|| state.id.clone())
        };
        if let Some(id) = doubtful {
            self.renew(&id).await?;
            close(self.connection.clone(), id);
        }
        let mut state = self.lock();
        state.in_transaction |= begin;
        Ok(state.id.clone())
    }

    /// Make a call; if the session is gone and nothing was lost with it, open another and make the call once more.
    async fn retrying<T, Call: Future<Output = Result<T>>>(
        &self,
        begin: bool,
        call: impl Fn(String) -> Call,
    ) -> Result<T> {
        let had_transaction = self.lock().in_transaction;
        let id = self.id_for_call(begin).await?;
        match call(id.clone()).await {
            Err(error) if had_transaction => {
                let error = error.inside_transaction();
                if matches!(error, Error::TransactionLost { .. }) && !begin {
                    // Begun by a statement of the user's own, so nobody will end it: leave it with its session.
                    let mut state = self.lock();
                    state.in_transaction = false;
                    state.is_doubtful = true;
                }
                Err(error)
            }
            Err(Error::SessionLost { .. }) => {
                self.renew(&id).await?;
                call(self.id_for_call(begin).await?).await
            }
            outcome => outcome,
        }
    }

    /// Open another session in the place of one that cannot be used any more.
    async fn renew(&self, id: &str) -> Result<()> {
        let _turn = self.ending.lock().await;
        if self.lock().id != id {
            // Another thread of the same statement was faster.
            return Ok(());
        }
        let opened = request_session(&self.connection, &self.database, false).await?;
        let mut state = self.lock();
        state.id = opened.session_id;
        state.is_doubtful = false;
        Ok(())
    }

    /// Take note that the transaction ends; the session's id if there is one to end.
    fn leave_transaction(&self) -> Option<String> {
        let mut state = self.lock();
        std::mem::replace(&mut state.in_transaction, false).then(|| state.id.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        close(self.connection.clone(), std::mem::take(&mut self.lock().id));
    }
}

/// Close a session. Nobody waits for it: a server that does not hear of it closes the session by itself.
fn close(connection: Connection, id: String) {
    runtime().spawn(async move {
        let close = connection.act::<CloseSession>(action::CLOSE_SESSION, &CloseSession {}, Some(&id));
        let _ = connection.promptly(close).await;
    });
}

/// Have the server stop what runs in a session. If it does not hear of that, what runs goes on.
pub(super) async fn interrupt(connection: &Connection, id: &str) {
    let _ = connection
        .act::<CloseSession>(action::INTERRUPT, &CloseSession {}, Some(id))
        .await;
}

async fn request_session(connection: &Connection, database: &str, want_names: bool) -> Result<SessionOpened> {
    let request = OpenSession {
        protocol_version: PROTOCOL_VERSION,
        database: database.to_string(),
        want_names,
    };
    connection
        .promptly(connection.act(action::OPEN_SESSION, &request, None))
        .await
}
