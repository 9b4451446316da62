//! Standard Flight SQL statements, and how failures are told.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use arrow_flight::sql::client::FlightSqlServiceClient;
use duckling_protocol::ErrorDetail;
use futures::TryStreamExt;
use tonic::Code;
use tonic::transport::Channel;

use crate::fixture::{act, execute, open_session, with_server};

async fn query(client: &mut FlightSqlServiceClient<Channel>, sql: &str) -> Vec<RecordBatch> {
    let info = client.execute(sql.to_string(), None).await.expect("the query binds");
    let ticket = info.endpoint[0].ticket.clone().expect("an endpoint has a ticket");
    client
        .do_get(ticket)
        .await
        .expect("the query runs")
        .try_collect()
        .await
        .expect("the query ends well")
}

#[tokio::test(flavor = "multi_thread")]
async fn any_flight_sql_client_can_query_and_update() {
    with_server(|channel| async move {
        let mut client = FlightSqlServiceClient::new(channel);
        client
            .execute_update("CREATE TABLE t AS SELECT range AS i FROM range(10)".to_string(), None)
            .await
            .unwrap();
        let changed = client
            .execute_update("DELETE FROM t WHERE i >= 7".to_string(), None)
            .await
            .unwrap();
        assert_eq!(changed, 3);
        let batches = query(&mut client, "SELECT sum(i)::BIGINT AS s FROM t").await;
        assert_eq!(batches[0].schema().field(0).name(), "s");
        assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0), 21);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_keep_class_and_text() {
    with_server(|channel| async move {
        let session = open_session(&channel).await;
        let mut client = arrow_flight::flight_service_client::FlightServiceClient::new(channel);
        for (sql, code, class, text) in [
            ("SELEC 1", Code::InvalidArgument, "Parser", "syntax error"),
            (
                "SELECT * FROM missing",
                Code::NotFound,
                "Catalog",
                "Table with name missing does not exist!",
            ),
            ("SELECT nope FROM range(1)", Code::InvalidArgument, "Binder", "nope"),
            (
                "SELECT 'x'::INTEGER FROM range(1)",
                Code::InvalidArgument,
                "Conversion",
                "Could not convert",
            ),
        ] {
            let status = match client.do_get(execute(&session, sql)).await {
                Err(status) => status,
                Ok(response) => response.into_inner().try_collect::<Vec<_>>().await.expect_err(sql),
            };
            let detail = ErrorDetail::from_status(&status).expect("DuckDB raised it");
            assert_eq!(
                (status.code(), detail.class.as_str()),
                (code, class),
                "{sql}: {status:?}"
            );
            assert!(detail.message.contains(text), "{sql}: {}", detail.message);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_action_is_refused() {
    with_server(|channel| async move {
        let nothing = duckling_protocol::CloseSession {};
        let status = act(&channel, "duckherder.Nonsense", &nothing, None).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains("duckherder.Nonsense"));
    })
    .await;
}
