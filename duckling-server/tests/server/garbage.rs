//! Bad input: whatever bytes arrive, each call is answered with a status, and nobody else is harmed.
//!
//! `PROPTEST_CASES` sets the number of cases, of [`INPUTS_PER_CASE`] inputs each; 5000 make 100,000 inputs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Int64Array, ListArray, RecordBatch, StringArray, StringViewArray,
    StructArray,
};
use arrow::datatypes::{Float64Type, Int32Type};
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::flight_service_client::FlightServiceClient;
use arrow_flight::sql::{
    ActionBeginTransactionRequest, ActionCancelQueryRequest, ActionClosePreparedStatementRequest,
    ActionCreatePreparedStatementRequest, ActionCreatePreparedStatementResult, ActionEndTransactionRequest, Any,
    CommandGetCatalogs, CommandGetCrossReference, CommandGetDbSchemas, CommandGetExportedKeys, CommandGetImportedKeys,
    CommandGetPrimaryKeys, CommandGetSqlInfo, CommandGetTableTypes, CommandGetTables, CommandGetXdbcTypeInfo,
    CommandPreparedStatementQuery, CommandPreparedStatementUpdate, CommandStatementIngest, CommandStatementQuery,
    CommandStatementUpdate, EndTransaction, ProstMessageExt, TableDefinitionOptions, TableExistsOption,
    TableNotExistOption,
};
use arrow_flight::{
    Action, CancelFlightInfoRequest, Criteria, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest, Ticket,
};
use duckling_protocol::{
    CatalogRequest, Command, Execute, ExecuteMode, Ingest, OpenSession, PROTOCOL_VERSION, SESSION_HEADER, Setting,
    action,
};
use duckling_server::Config;
use futures::future::join_all;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;
use prost::Message;
use prost::bytes::{Buf, BufMut, Bytes};
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tokio::time::{sleep, timeout};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

use crate::fixture::{connect, open_session_on, with_address};

const INPUTS_PER_CASE: usize = 20;
const MAX_SESSIONS: usize = 40;
/// Of one call; they take milliseconds.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// Of a long run.
const RUN_LIMIT: Duration = Duration::from_secs(3600);
const UNARY_METHODS: [&str; 4] = ["GetFlightInfo", "GetSchema", "PollFlightInfo", "DoGet"];

/// One call.
#[derive(Clone, Debug)]
enum Input {
    /// A command in a descriptor.
    Describe {
        method: &'static str,
        kind: i32,
        command: Vec<u8>,
        path: Vec<String>,
    },
    Get(Vec<u8>),
    Act(String, Vec<u8>),
    Put(Vec<FlightData>),
    Exchange(Vec<FlightData>),
    Handshake(u64, Vec<u8>),
    ListFlights(Vec<u8>),
    /// Bytes in place of the request's message.
    Raw(&'static str, Vec<u8>),
    /// A command of the session or token that is named.
    Named {
        header: &'static str,
        value: String,
        ticket: Vec<u8>,
    },
}

/// A change to bytes that were valid.
#[derive(Clone, Debug)]
enum Mutation {
    Truncate(Index),
    Overwrite(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |index: &Index| index.index(bytes.len() + 1);
        match self {
            Self::Truncate(index) => bytes.truncate(at(index)),
            Self::Overwrite(index, value) => {
                let at = at(index);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = *value;
                }
            }
            Self::Insert(index, inserted) => {
                let at = at(index);
                bytes.splice(at..at, inserted.iter().copied());
            }
            Self::Remove(index, count) => {
                let at = at(index);
                bytes.drain(at..(at + count).min(bytes.len()));
            }
            Self::Repeat(index, count) => {
                let at = at(index);
                bytes.extend_from_within(at..(at + count).min(bytes.len()));
            }
        }
    }
}

/// Valid requests, to be mutated.
struct Seeds {
    commands: Vec<Vec<u8>>,
    actions: Vec<(String, Vec<u8>)>,
    uploads: Vec<Vec<FlightData>>,
}

/// A client whose session must stay as it was.
struct Witness {
    client: FlightServiceClient<Channel>,
    prepared: Bytes,
    transaction: Bytes,
    kept: Ticket,
}

impl Witness {
    async fn new(address: SocketAddr) -> Self {
        let mut client = FlightServiceClient::new(connect(address).await);
        let created: ActionCreatePreparedStatementResult = action_result(
            &mut client,
            "CreatePreparedStatement",
            &ActionCreatePreparedStatementRequest {
                query: "SELECT 42".to_string(),
                transaction_id: None,
            },
        )
        .await;
        let insert = CommandStatementQuery {
            query: "CREATE TEMP TABLE mine AS SELECT 7 AS i".to_string(),
            transaction_id: None,
        };
        let descriptor = FlightDescriptor::new_cmd(insert.as_any().encode_to_vec());
        let info = client.get_flight_info(descriptor).await.expect("a table").into_inner();
        let begun: arrow_flight::sql::ActionBeginTransactionResult =
            action_result(&mut client, "BeginTransaction", &ActionBeginTransactionRequest {}).await;
        Self {
            client,
            prepared: created.prepared_statement_handle,
            transaction: begun.transaction_id,
            kept: info.endpoint[0].ticket.clone().expect("a ticket"),
        }
    }

    fn statement(&self, sql: &str) -> CommandStatementQuery {
        CommandStatementQuery {
            query: sql.to_string(),
            transaction_id: Some(self.transaction.clone()),
        }
    }

    async fn answers(&mut self) {
        let descriptor = FlightDescriptor::new_cmd(self.statement("FROM mine").as_any().encode_to_vec());
        let info = self
            .client
            .get_flight_info(descriptor)
            .await
            .expect("the session goes on");
        let ticket = info.into_inner().endpoint[0].ticket.clone().expect("a ticket");
        drain(
            self.client
                .do_get(ticket)
                .await
                .expect("the session goes on")
                .into_inner(),
        )
        .await
        .expect("the result arrives");
    }
}

async fn action_result<T: Message + Default>(
    client: &mut FlightServiceClient<Channel>,
    name: &str,
    request: &impl ProstMessageExt,
) -> T {
    let action = Action::new(name, request.as_any().encode_to_vec());
    let mut answers = client.do_action(action).await.expect(name).into_inner();
    let body = answers.message().await.expect(name).expect("one answer").body;
    let any = Any::decode(body).expect("a packed answer");
    T::decode(any.value).expect("the answer")
}

/// Batches of many layouts: each has a decoder of its own.
fn batch() -> RecordBatch {
    let integers: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(3)]));
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("one"), None, Some("three")]));
    let views: ArrayRef = Arc::new(StringViewArray::from(vec!["a", "longer than twelve bytes", "c"]));
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>([
        Some(vec![Some(1.5), None]),
        None,
        Some(vec![]),
    ]));
    let words: ArrayRef = Arc::new(["x", "y", "x"].into_iter().collect::<DictionaryArray<Int32Type>>());
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true, false, true]));
    let pairs: ArrayRef = Arc::new(
        StructArray::try_from(vec![("a", integers.clone()), ("b", names.clone())]).expect("columns of one length"),
    );
    let columns = [
        ("i", integers),
        ("name", names),
        ("view", views),
        ("list", lists),
        ("word", words),
        ("flag", flags),
        ("pair", pairs),
    ];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

async fn upload(command: Vec<u8>, batch: RecordBatch) -> Vec<FlightData> {
    FlightDataEncoderBuilder::new()
        .with_flight_descriptor(Some(FlightDescriptor::new_cmd(command)))
        .build(stream::iter([Ok(batch.clone()), Ok(batch)]))
        .try_collect()
        .await
        .expect("batches can be encoded")
}

impl Seeds {
    async fn new(witness: &Witness) -> Self {
        let prepared = CommandPreparedStatementQuery {
            prepared_statement_handle: witness.prepared.clone(),
        };
        let update = CommandPreparedStatementUpdate {
            prepared_statement_handle: witness.prepared.clone(),
        };
        let foreign = witness.statement("SELECT 1");
        let ingest = CommandStatementIngest {
            table_definition_options: Some(TableDefinitionOptions {
                if_not_exist: TableNotExistOption::Create.into(),
                if_exists: TableExistsOption::Replace.into(),
            }),
            table: "t".to_string(),
            schema: None,
            catalog: None,
            temporary: true,
            transaction_id: None,
            options: Default::default(),
        };
        let own_ingest = Ingest {
            create_sql: "CREATE OR REPLACE TABLE u (i BIGINT)".to_string(),
            schema: vec!["main".to_string()],
            table: "u".to_string(),
            columns: vec!["i".to_string()],
            ..Ingest::default()
        };
        let query = |sql: &str| CommandStatementQuery {
            query: sql.to_string(),
            transaction_id: None,
        };
        let update_statement = CommandStatementUpdate {
            query: "CREATE OR REPLACE TEMP TABLE v AS SELECT 1 AS i".to_string(),
            transaction_id: None,
        };
        let execute = Execute {
            sql: "SELECT 1".to_string(),
            begin: false,
            settings: vec![Setting {
                name: "default_order".to_string(),
                value: "DESCENDING".to_string(),
            }],
            mode: ExecuteMode::DescribeAndRun.into(),
            started_us: Some(1_700_000_000_000_000),
            expected_columns: Vec::new(),
            progress: true,
        };
        let tables = CommandGetTables {
            catalog: Some("memory".to_string()),
            db_schema_filter_pattern: Some("ma%".to_string()),
            table_name_filter_pattern: Some("%\\_%".to_string()),
            table_types: vec!["BASE TABLE".to_string()],
            include_schema: true,
        };
        let references = CommandGetCrossReference {
            pk_table: "t".to_string(),
            fk_table: "u".to_string(),
            ..CommandGetCrossReference::default()
        };
        let keys = |table: &str| table.to_string();
        let mut uploads = Vec::new();
        for command in [
            ingest.as_any().encode_to_vec(),
            own_ingest.pack().encode_to_vec(),
            prepared.as_any().encode_to_vec(),
            update.as_any().encode_to_vec(),
        ] {
            uploads.push(upload(command.clone(), batch()).await);
            uploads.push(upload(command, batch().project(&[0]).expect("a column")).await);
        }
        Self {
            commands: vec![
                query("SELECT 1").as_any().encode_to_vec(),
                query("CREATE TEMP TABLE IF NOT EXISTS w (i INTEGER)")
                    .as_any()
                    .encode_to_vec(),
                foreign.as_any().encode_to_vec(),
                update_statement.as_any().encode_to_vec(),
                prepared.as_any().encode_to_vec(),
                update.as_any().encode_to_vec(),
                witness.kept.ticket.to_vec(),
                ingest.as_any().encode_to_vec(),
                own_ingest.pack().encode_to_vec(),
                execute.pack().encode_to_vec(),
                CommandGetCatalogs {}.as_any().encode_to_vec(),
                CommandGetDbSchemas::default().as_any().encode_to_vec(),
                tables.as_any().encode_to_vec(),
                CommandGetTableTypes {}.as_any().encode_to_vec(),
                CommandGetSqlInfo { info: vec![0, 8, 500] }.as_any().encode_to_vec(),
                CommandGetXdbcTypeInfo { data_type: Some(4) }.as_any().encode_to_vec(),
                references.as_any().encode_to_vec(),
                CommandGetPrimaryKeys {
                    table: keys("t"),
                    ..Default::default()
                }
                .as_any()
                .encode_to_vec(),
                CommandGetImportedKeys {
                    table: keys("t"),
                    ..Default::default()
                }
                .as_any()
                .encode_to_vec(),
                CommandGetExportedKeys {
                    table: keys("t"),
                    ..Default::default()
                }
                .as_any()
                .encode_to_vec(),
            ],
            actions: Self::actions(witness),
            uploads,
        }
    }

    fn actions(witness: &Witness) -> Vec<(String, Vec<u8>)> {
        let info = FlightInfo {
            endpoint: vec![arrow_flight::FlightEndpoint::new().with_ticket(witness.kept.clone())],
            ..FlightInfo::default()
        };
        let end = ActionEndTransactionRequest {
            transaction_id: witness.transaction.clone(),
            action: EndTransaction::Rollback.into(),
        };
        let prepare = ActionCreatePreparedStatementRequest {
            query: "SELECT ?::INTEGER".to_string(),
            transaction_id: None,
        };
        let close = ActionClosePreparedStatementRequest {
            prepared_statement_handle: witness.prepared.clone(),
        };
        let cancel = ActionCancelQueryRequest {
            info: info.encode_to_vec().into(),
        };
        let open = OpenSession {
            protocol_version: PROTOCOL_VERSION,
            database: "memory".to_string(),
            want_names: false,
        };
        let catalog = CatalogRequest::default();
        let cancel_info = CancelFlightInfoRequest { info: Some(info) };
        // A map from "TimeZone" to the text "UTC", as SetSessionOptionsRequest has it.
        let options = b"\x0a\x11\x0a\x08TimeZone\x12\x05\x0a\x03UTC".to_vec();
        [
            (
                "BeginTransaction",
                ActionBeginTransactionRequest {}.as_any().encode_to_vec(),
            ),
            ("EndTransaction", end.as_any().encode_to_vec()),
            ("CreatePreparedStatement", prepare.as_any().encode_to_vec()),
            ("ClosePreparedStatement", close.as_any().encode_to_vec()),
            ("CancelQuery", cancel.as_any().encode_to_vec()),
            ("CancelFlightInfo", cancel_info.encode_to_vec()),
            ("CreatePreparedSubstraitPlan", Vec::new()),
            ("BeginSavepoint", Vec::new()),
            ("EndSavepoint", Vec::new()),
            ("SetSessionOptions", options),
            ("GetSessionOptions", Vec::new()),
            ("CloseSession", Vec::new()),
            (action::OPEN_SESSION, open.encode_to_vec()),
            (action::CLOSE_SESSION, Vec::new()),
            (action::CATALOG, catalog.encode_to_vec()),
            (action::TRANSACTION, vec![8, 1]),
        ]
        .map(|(name, body)| (name.to_string(), body))
        .into()
    }

    fn inputs(&self) -> impl Strategy<Value = Input> + use<> {
        let command = || mutated(select(self.commands.clone()));
        let named = (
            prop_oneof![Just(SESSION_HEADER), Just("authorization")],
            prop_oneof![
                "[ -~]{0,50}",
                "Bearer [ -~]{0,40}",
                "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}"
            ],
            command(),
        );
        prop_oneof![
            4 => (select(&UNARY_METHODS[..3]), -1..4, command(), vec(".{0,10}", 0..3))
                .prop_map(|(method, kind, command, path)| Input::Describe { method, kind, command, path }),
            4 => command().prop_map(Input::Get),
            4 => select(self.actions.clone())
                .prop_flat_map(|(name, body)| (Just(name), mutated(Just(body))))
                .prop_map(|(name, body)| Input::Act(name, body)),
            1 => (".{0,40}", command()).prop_map(|(name, body)| Input::Act(name, body)),
            6 => damaged(self.uploads.clone()).prop_map(Input::Put),
            1 => damaged(self.uploads.clone()).prop_map(Input::Exchange),
            1 => (any::<u64>(), vec(any::<u8>(), 0..100)).prop_map(|(version, body)| Input::Handshake(version, body)),
            1 => command().prop_map(Input::ListFlights),
            2 => (select(&UNARY_METHODS[..]), command()).prop_map(|(method, body)| Input::Raw(method, body)),
            1 => named.prop_map(|(header, value, ticket)| Input::Named { header, value, ticket }),
        ]
    }
}

fn mutated(valid: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let mutation = prop_oneof![
        any::<Index>().prop_map(Mutation::Truncate),
        (any::<Index>(), any::<u8>()).prop_map(|(index, byte)| Mutation::Overwrite(index, byte)),
        (any::<Index>(), vec(any::<u8>(), 1..12)).prop_map(|(index, bytes)| Mutation::Insert(index, bytes)),
        (any::<Index>(), 1..20usize).prop_map(|(index, count)| Mutation::Remove(index, count)),
        (any::<Index>(), 1..40usize).prop_map(|(index, count)| Mutation::Repeat(index, count)),
    ];
    prop_oneof![
        1 => vec(any::<u8>(), 0..200),
        9 => (valid, vec(mutation, 0..5)).prop_map(|(mut bytes, mutations)| {
            mutations.iter().for_each(|mutation| mutation.apply(&mut bytes));
            bytes
        }),
    ]
}

/// An upload of which one message is damaged, missing, or sent twice.
fn damaged(uploads: Vec<Vec<FlightData>>) -> impl Strategy<Value = Vec<FlightData>> {
    select(uploads)
        .prop_flat_map(|messages| (0..messages.len(), Just(messages)))
        .prop_flat_map(|(at, messages)| {
            let chosen = messages[at].clone();
            let command = chosen.flight_descriptor.clone().unwrap_or_default().cmd.to_vec();
            let damage = prop_oneof![
                4 => mutated(Just(chosen.data_header.to_vec())).prop_map(Some),
                1 => Just(None),
            ];
            let parts = (
                damage,
                mutated(Just(chosen.data_body.to_vec())),
                mutated(Just(command)),
                0..4u8,
            );
            (parts, Just((at, messages)))
        })
        .prop_map(|((header, body, command, what), (at, mut messages))| {
            match (what, header) {
                (0, Some(header)) => messages[at].data_header = header.into(),
                (1, _) => messages[at].data_body = body.into(),
                (2, _) if at == 0 => messages[0].flight_descriptor = Some(FlightDescriptor::new_cmd(command)),
                (3, Some(_)) => messages.insert(at, messages[at].clone()),
                _ => drop(messages.remove(at)),
            }
            messages
        })
}

/// Read a stream to its end.
async fn drain<T>(mut messages: impl Stream<Item = Result<T, Status>> + Unpin) -> Result<(), Status> {
    while let Some(message) = messages.next().await {
        message?;
    }
    Ok(())
}

async fn call(channel: &Channel, input: Input) -> Result<(), Status> {
    let mut client = FlightServiceClient::new(channel.clone());
    match input {
        Input::Describe {
            method,
            kind,
            command,
            path,
        } => {
            let descriptor = FlightDescriptor {
                r#type: kind,
                cmd: command.into(),
                path,
            };
            match method {
                "GetFlightInfo" => client.get_flight_info(descriptor).await.map(drop),
                "GetSchema" => client.get_schema(descriptor).await.map(drop),
                _ => client.poll_flight_info(descriptor).await.map(drop),
            }
        }
        Input::Get(ticket) => drain(client.do_get(Ticket::new(ticket)).await?.into_inner()).await,
        Input::Act(name, body) => drain(client.do_action(Action::new(name, body)).await?.into_inner()).await,
        Input::Put(messages) => drain(client.do_put(stream::iter(messages)).await?.into_inner()).await,
        Input::Exchange(messages) => drain(client.do_exchange(stream::iter(messages)).await?.into_inner()).await,
        Input::Handshake(protocol_version, payload) => {
            let request = HandshakeRequest {
                protocol_version,
                payload: payload.into(),
            };
            drain(client.handshake(stream::iter([request])).await?.into_inner()).await
        }
        Input::ListFlights(expression) => {
            let criteria = Criteria {
                expression: expression.into(),
            };
            drain(client.list_flights(criteria).await?.into_inner()).await
        }
        Input::Raw(method, message) => raw(channel, method, message.into()).await,
        Input::Named { header, value, ticket } => {
            let mut request = Request::new(Ticket::new(ticket));
            if let Ok(value) = value.parse() {
                request.metadata_mut().insert(header, value);
            }
            drain(client.do_get(request).await?.into_inner()).await
        }
    }
}

async fn raw(channel: &Channel, method: &str, message: Bytes) -> Result<(), Status> {
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready()
        .await
        .map_err(|error| Status::unavailable(error.to_string()))?;
    let path: PathAndQuery = format!("/arrow.flight.protocol.FlightService/{method}")
        .parse()
        .expect("a path");
    let answers = grpc.server_streaming(Request::new(message), path, AsIs).await;
    let refused = match answers {
        Ok(answers) => drain(answers.into_inner()).await,
        Err(status) => Err(status),
    };
    // What is no message of the method, tonic refuses itself, before our code is called.
    refused.or_else(|status| match status.code() {
        Code::Internal if status.message().starts_with("failed to decode Protobuf message") => Ok(()),
        _ => Err(status),
    })
}

/// Sends and receives bytes as they are.
struct AsIs;

impl Codec for AsIs {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for AsIs {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for AsIs {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}

/// Send one input; what is wrong with the answer.
async fn check(channel: &Channel, input: Input) -> Result<(), TestCaseError> {
    let shown = format!("{input:?}");
    let answer = timeout(CALL_LIMIT, call(channel, input))
        .await
        .map_err(|_| TestCaseError::fail(format!("no answer to {shown}")))?;
    match answer {
        Err(status) if [Code::Internal, Code::Unknown, Code::Unavailable, Code::DataLoss].contains(&status.code()) => {
            Err(TestCaseError::fail(format!("{status} answers {shown}")))
        }
        _ => Ok(()),
    }
}

async fn close_session(channel: &Channel) {
    let action = Action::new("CloseSession", Vec::new());
    let answers = FlightServiceClient::new(channel.clone()).do_action(action).await;
    if let Ok(answers) = answers {
        drain(answers.into_inner()).await.expect("an answer");
    }
}

fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages: u64 = pages
        .split(' ')
        .nth(1)
        .expect("a second number")
        .parse()
        .expect("a number");
    pages * 4096
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_answered_with_a_status() {
    let config = Config {
        max_sessions: MAX_SESSIONS,
        disconnect_timeout: Duration::from_millis(200),
        ..Config::default()
    };
    with_address(config, RUN_LIMIT, async |address| {
        let mut witness = Witness::new(address).await;
        let inputs = vec(Seeds::new(&witness).await.inputs(), INPUTS_PER_CASE);
        let config = ProptestConfig {
            failure_persistence: None,
            max_shrink_iters: 200,
            ..ProptestConfig::default()
        };
        let cases = config.cases as usize;
        let channel = connect(address).await;
        let before = resident_bytes();
        block_in_place(|| {
            TestRunner::new(config).run(&inputs, |inputs| {
                Handle::current().block_on(async {
                    let answers = join_all(inputs.into_iter().map(|input| check(&channel, input))).await;
                    answers.into_iter().collect::<Result<(), _>>()?;
                    close_session(&channel).await;
                    witness_goes_on(&witness).await
                })
            })
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
        let grown = resident_bytes().saturating_sub(before) >> 20;
        println!("{} inputs; the process grew by {grown} MiB", cases * INPUTS_PER_CASE);
        assert!(grown < 512, "grew by {grown} MiB");

        witness.answers().await;
        drop(channel);
        // The sessions of the connection that is gone end, so that as many as before can be opened: all but the witness's.
        let channel = connect(address).await;
        for number in 1..MAX_SESSIONS {
            while let Err(status) = open_session_on(&channel, "").await {
                assert_eq!(status.code(), Code::ResourceExhausted, "session {number}: {status}");
                sleep(Duration::from_millis(20)).await;
            }
        }
        let status = open_session_on(&channel, "").await.expect_err("one too many");
        assert_eq!(status.code(), Code::ResourceExhausted);
    })
    .await;
}

async fn witness_goes_on(witness: &Witness) -> Result<(), TestCaseError> {
    let descriptor = FlightDescriptor::new_cmd(witness.statement("FROM mine").as_any().encode_to_vec());
    let info = witness.client.clone().get_flight_info(descriptor).await;
    info.map(drop)
        .map_err(|status| TestCaseError::fail(format!("another session was harmed: {status}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_of_another_session_are_unknown() {
    with_address(Config::default(), CALL_LIMIT, async |address| {
        let mut witness = Witness::new(address).await;
        let channel = connect(address).await;
        let prepared = CommandPreparedStatementQuery {
            prepared_statement_handle: witness.prepared.clone(),
        }
        .as_any()
        .encode_to_vec();
        let update = CommandPreparedStatementUpdate {
            prepared_statement_handle: witness.prepared.clone(),
        };
        let foreign = witness.statement("SELECT 1").as_any().encode_to_vec();
        let end = ActionEndTransactionRequest {
            transaction_id: witness.transaction.clone(),
            action: EndTransaction::Commit.into(),
        };
        let describe = |command: &[u8]| Input::Describe {
            method: "GetFlightInfo",
            kind: 2,
            command: command.to_vec(),
            path: Vec::new(),
        };
        let calls = [
            describe(&prepared),
            Input::Get(prepared.clone()),
            Input::Put(upload(prepared, batch()).await),
            Input::Put(upload(update.as_any().encode_to_vec(), batch()).await),
            describe(&foreign),
            Input::Act("EndTransaction".to_string(), end.as_any().encode_to_vec()),
            Input::Get(witness.kept.ticket.to_vec()),
        ];
        for input in calls {
            let shown = format!("{input:?}");
            let status = call(&channel, input).await.expect_err(&shown);
            assert_eq!(status.code(), Code::NotFound, "{status} answers {shown}");
        }
        let close = ActionClosePreparedStatementRequest {
            prepared_statement_handle: witness.prepared.clone(),
        };
        let close = Input::Act("ClosePreparedStatement".to_string(), close.as_any().encode_to_vec());
        call(&channel, close)
            .await
            .expect("closing what is not there is no error");
        // All of it is still there for its owner.
        witness.answers().await;
        drain(
            witness
                .client
                .do_get(witness.kept.clone())
                .await
                .expect("kept")
                .into_inner(),
        )
        .await
        .expect("the result arrives");
    })
    .await;
}
