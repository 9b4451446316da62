//! Workers and their drivers: joining, being lost and found, leaving.

use std::net::SocketAddr;
use std::time::Duration;

use duckling_protocol::{
    Join, RegisterDriver, RegisterWorker, UnregisterWorker, Versions, Workers, WorkersRequest, action,
};
use duckling_server::{ClusterConfig, Config};
use prost::Message;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tonic::{Code, Status};

use crate::fixture::{LIMIT, Server, act, connect, open_session};
use crate::proxy::Proxy;

/// Short, so that a loss is noticed soon; long for a machine that has other things to do.
const TIMEOUT: Duration = Duration::from_secs(1);

fn config(cluster: ClusterConfig) -> Config {
    Config {
        threads: Some(1),
        cluster: ClusterConfig {
            worker_timeout: TIMEOUT,
            ..cluster
        },
        ..Config::default()
    }
}

async fn driver() -> Server {
    Server::start(config(ClusterConfig::default())).await
}

fn worker_of(driver: SocketAddr, id: &str) -> Config {
    config(ClusterConfig {
        join: Some(driver.to_string()),
        worker_id: Some(id.to_string()),
        ..ClusterConfig::default()
    })
}

/// A worker that its driver reaches through a network that can be cut.
async fn worker_behind_proxy(driver: SocketAddr, id: &str) -> (Server, Proxy) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = worker_of(driver, id);
    config.cluster.advertise = Some(listener.local_addr().unwrap().to_string());
    let worker = Server::start(config).await;
    let proxy = Proxy::start(listener, worker.address);
    (worker, proxy)
}

/// Ids of the workers that answer.
fn active(driver: &Server) -> Vec<String> {
    driver.cluster.workers().into_iter().map(|worker| worker.id).collect()
}

fn instance_of(driver: &Server, id: &str) -> Option<String> {
    let worker = driver.cluster.workers().into_iter().find(|worker| worker.id == id)?;
    Some(worker.instance_id)
}

/// Until `done`, or for as long as the test may take.
async fn until(mut done: impl FnMut() -> bool) {
    while !done() {
        sleep(Duration::from_millis(10)).await;
    }
}

/// Run a test that must end.
async fn limited(test: impl Future<Output = ()>) {
    timeout(LIMIT, test).await.expect("the test ends in time");
}

/// Ask a server something, as a client does.
async fn ask(server: &Server, name: &str, request: &impl Message) -> Result<prost::bytes::Bytes, Status> {
    let channel = connect(server.address).await;
    let session = open_session(&channel).await;
    act(&channel, name, request, Some(&session)).await
}

async fn register(driver: &Server, id: &str, location: String) -> Result<(), Status> {
    let request = RegisterWorker {
        worker_id: id.to_string(),
        location,
    };
    ask(driver, action::REGISTER_WORKER, &request).await.map(drop)
}

fn location(server: &Server) -> String {
    format!("grpc://{}", server.address)
}

#[tokio::test]
async fn a_worker_joins_is_listed_and_leaves() {
    limited(async {
        let driver = driver().await;
        assert!(driver.cluster.list().is_empty());
        let worker = Server::start(worker_of(driver.address, "w1")).await;
        until(|| active(&driver) == ["w1"]).await;
        let task = worker.cluster.tasks().start();
        drop(worker.cluster.tasks().start());

        let listed = async || {
            let body = ask(&driver, action::WORKERS, &WorkersRequest {}).await.unwrap();
            Workers::decode(body).unwrap().workers.remove(0)
        };
        let first = listed().await;
        assert_eq!((first.worker_id.as_str(), first.is_active), ("w1", true));
        assert_eq!(first.address, worker.address.to_string());
        assert_eq!(first.status.threads, 1);
        assert!(first.status.memory_limit_bytes > first.status.memory_used_bytes);
        assert_eq!(first.status.versions.duckdb, "v2.0.0");
        // The next heartbeats tell what it does.
        while listed().await.status.tasks_done == 0 {
            sleep(Duration::from_millis(10)).await;
        }
        let later = listed().await;
        assert_eq!((later.status.tasks_running, later.status.tasks_done), (1, 1));
        assert!(later.last_heartbeat_us > first.last_heartbeat_us);
        drop(task);

        let handle = driver.cluster.workers().remove(0);
        assert_eq!(handle.url, format!("http://{}", worker.address));
        assert_eq!(handle.instance_id, later.status.instance_id);
        worker.stop().await;
        assert!(driver.cluster.list().is_empty(), "it left before it ended");
        driver.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_worker_without_a_name_is_called_by_its_address() {
    limited(async {
        let driver = driver().await;
        let mut config = worker_of(driver.address, "");
        config.cluster.worker_id = None;
        // On all addresses: the driver reaches it where the call came from.
        let worker = Server::start_at("0.0.0.0:0", config).await;
        let expected = format!("127.0.0.1:{}", worker.address.port());
        until(|| active(&driver) == [expected.clone()]).await;
        worker.stop().await;
        driver.stop().await;
    })
    .await;
}

#[tokio::test]
async fn an_id_is_given_once() {
    limited(async {
        let driver = driver().await;
        let first = Server::start(worker_of(driver.address, "w1")).await;
        until(|| active(&driver) == ["w1"]).await;
        let second = Server::start(worker_of(driver.address, "w1")).await;
        let failure = second.failure().await.to_string();
        assert!(failure.contains("There is a worker \"w1\" already"), "{failure}");
        assert!(failure.contains(&first.address.to_string()), "{failure}");
        let third = Server::start(config(ClusterConfig::default())).await;
        let failure = register(&driver, "w1", location(&third)).await.unwrap_err();
        assert_eq!(failure.code(), Code::InvalidArgument);
        assert!(
            failure.message().contains("There is a worker \"w1\" already"),
            "{failure}"
        );
        assert_eq!(active(&driver), ["w1"]);
        for server in [third, first, driver] {
            server.stop().await;
        }
    })
    .await;
}

#[tokio::test]
async fn another_version_is_refused() {
    limited(async {
        let driver = driver().await;
        let worker = Server::start(config(ClusterConfig::default())).await;
        let of_this = Versions {
            duckling: env!("CARGO_PKG_VERSION").to_string(),
            duckdb: "v2.0.0".to_string(),
        };
        for versions in [
            Versions {
                duckling: "0.0.1".to_string(),
                ..of_this.clone()
            },
            Versions {
                duckdb: "v1.0.0".to_string(),
                ..of_this.clone()
            },
        ] {
            let join = Join {
                worker_id: "w1".to_string(),
                address: worker.address.to_string(),
                instance_id: "old".to_string(),
                offer_id: "offer".to_string(),
                versions: versions.clone(),
            };
            let channel = connect(driver.address).await;
            let failure = act(&channel, action::JOIN, &join, None).await.unwrap_err();
            assert_eq!(failure.code(), Code::InvalidArgument);
            for version in [&versions, &of_this] {
                let expected = format!("Duckling {} with DuckDB {}", version.duckling, version.duckdb);
                assert!(failure.message().contains(&expected), "{failure}");
            }
        }
        assert!(driver.cluster.list().is_empty());
        worker.stop().await;
        driver.stop().await;
    })
    .await;
}

#[tokio::test]
async fn an_offer_is_only_taken_from_the_server_that_is_there() {
    limited(async {
        let driver = driver().await;
        let other = Server::start(config(ClusterConfig::default())).await;
        let join = Join {
            worker_id: "w1".to_string(),
            address: other.address.to_string(),
            instance_id: "somebody else".to_string(),
            offer_id: "offer".to_string(),
            versions: Versions {
                duckling: env!("CARGO_PKG_VERSION").to_string(),
                duckdb: "v2.0.0".to_string(),
            },
        };
        let channel = connect(driver.address).await;
        let failure = act(&channel, action::JOIN, &join, None).await.unwrap_err();
        assert!(failure.message().contains("is another server"), "{failure}");
        assert!(driver.cluster.list().is_empty());
        register(&driver, "w1", location(&other))
            .await
            .expect("it was let go of");
        other.stop().await;
        driver.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_silent_worker_is_lost_and_found() {
    limited(async {
        let driver = driver().await;
        let (worker, proxy) = worker_behind_proxy(driver.address, "w1").await;
        until(|| active(&driver) == ["w1"]).await;
        assert_eq!(driver.cluster.workers()[0].url, format!("http://{}", proxy.address));
        let instance = instance_of(&driver, "w1");
        proxy.cut();
        until(|| active(&driver).is_empty()).await;
        let listed = driver.cluster.list().remove(0);
        assert_eq!((listed.worker_id.as_str(), listed.is_active), ("w1", false));
        proxy.mend();
        until(|| active(&driver) == ["w1"]).await;
        assert_eq!(instance_of(&driver, "w1"), instance, "the same process");
        worker.stop().await;
        driver.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_reported_failure_is_looked_into_at_once() {
    limited(async {
        let mut config = config(ClusterConfig::default());
        // So long that nothing but the report can be what takes it out.
        config.cluster.worker_timeout = LIMIT;
        let driver = Server::start(config).await;
        let (worker, proxy) = worker_behind_proxy(driver.address, "w1").await;
        until(|| active(&driver) == ["w1"]).await;
        assert!(driver.cluster.report_failure("w1").await, "it is there");
        assert_eq!(active(&driver), ["w1"]);
        assert!(!driver.cluster.report_failure("w2").await);
        proxy.cut();
        assert!(!driver.cluster.report_failure("w1").await);
        assert!(active(&driver).is_empty());
        proxy.mend();
        until(|| active(&driver) == ["w1"]).await;
        worker.stop().await;
        driver.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_restarted_worker_takes_its_place() {
    limited(async {
        let driver = driver().await;
        let (former, proxy) = worker_behind_proxy(driver.address, "w1").await;
        until(|| active(&driver) == ["w1"]).await;
        let instance = instance_of(&driver, "w1");
        // Gone without a word, and another process of that name is there before its loss is noticed.
        proxy.cut();
        let worker = Server::start(worker_of(driver.address, "w1")).await;
        until(|| instance_of(&driver, "w1").is_some_and(|id| Some(id) != instance)).await;
        assert_eq!(driver.cluster.list().len(), 1);
        assert_eq!(driver.cluster.list()[0].address, worker.address.to_string());
        // The former one finds its place taken.
        proxy.mend();
        let failure = former.failure().await.to_string();
        assert!(failure.contains("There is a worker \"w1\" already"), "{failure}");
        worker.stop().await;
        driver.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_was_stopped_can_be_registered_again() {
    limited(async {
        let driver = driver().await;
        let worker = Server::start(config(ClusterConfig::default())).await;
        register(&driver, "w1", location(&worker)).await.unwrap();
        let (address, instance) = (worker.address.to_string(), instance_of(&driver, "w1"));
        worker.stop().await;
        assert!(driver.cluster.list().is_empty());
        let worker = Server::start_at(&address, config(ClusterConfig::default())).await;
        register(&driver, "w1", location(&worker)).await.unwrap();
        assert_ne!(instance_of(&driver, "w1"), instance);
        worker.stop().await;
        driver.stop().await;
    })
    .await;
}

#[tokio::test]
async fn workers_find_a_driver_that_starts_later_or_again() {
    limited(async {
        let driver = driver().await;
        let address = driver.address.to_string();
        driver.stop().await;
        let worker = Server::start(worker_of(address.parse().unwrap(), "w1")).await;
        let mut ids = Vec::new();
        for _ in 0..2 {
            let driver = Server::start_at(&address, config(ClusterConfig::default())).await;
            until(|| active(&driver) == ["w1"]).await;
            ids.push(instance_of(&driver, "w1"));
            driver.stop().await;
        }
        assert_eq!(ids[0], ids[1], "the worker went on");
        worker.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_worker_has_one_driver() {
    limited(async {
        let (one, two) = (driver().await, driver().await);
        let worker = Server::start(worker_of(one.address, "w1")).await;
        until(|| active(&one) == ["w1"]).await;
        let failure = register(&two, "x", location(&worker)).await.unwrap_err();
        assert_eq!(failure.code(), Code::InvalidArgument);
        let expected = format!("It is the worker \"w1\" of the driver at {} already", one.address);
        assert!(failure.message().contains(&expected), "{failure}");
        assert!(two.cluster.list().is_empty());
        // Nor has a driver it twice.
        let failure = register(&one, "w2", location(&worker)).await.unwrap_err();
        assert!(failure.message().contains(&expected), "{failure}");
        register(&one, "w1", location(&worker))
            .await
            .expect("the same once more");

        let request = UnregisterWorker {
            worker_id: "w1".to_string(),
        };
        ask(&one, action::UNREGISTER_WORKER, &request).await.unwrap();
        assert!(one.cluster.list().is_empty());
        register(&two, "x", location(&worker)).await.expect("it is free");
        let failure = ask(&one, action::UNREGISTER_WORKER, &request).await.unwrap_err();
        assert!(
            failure
                .message()
                .contains("There is no worker \"w1\": the server has none"),
            "{failure}"
        );
        for server in [worker, one, two] {
            server.stop().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_worker_can_be_sent_to_another_driver() {
    limited(async {
        let (one, two) = (driver().await, driver().await);
        let worker = Server::start(worker_of(one.address, "w1")).await;
        let rival = Server::start(worker_of(two.address, "w2")).await;
        until(|| active(&one) == ["w1"] && active(&two) == ["w2"]).await;
        let request = |driver: &Server| RegisterDriver {
            driver_name: "the driver".to_string(),
            location: location(driver),
        };
        ask(&worker, action::REGISTER_DRIVER, &request(&two)).await.unwrap();
        assert_eq!(active(&two), ["w1", "w2"]);
        assert!(one.cluster.list().is_empty(), "it has left");
        // One that is refused stays where it is.
        let failure = ask(&worker, action::REGISTER_DRIVER, &request(&worker))
            .await
            .unwrap_err();
        assert!(
            failure.message().contains("A server cannot be its own worker"),
            "{failure}"
        );
        assert_eq!(active(&two), ["w1", "w2"]);
        // It goes on offering itself to the new one.
        let address = two.address.to_string();
        two.stop().await;
        let two = Server::start_at(&address, config(ClusterConfig::default())).await;
        until(|| active(&two) == ["w1", "w2"]).await;
        assert!(one.cluster.list().is_empty());
        for server in [worker, rival, one, two] {
            server.stop().await;
        }
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_a_worker_is_told() {
    limited(async {
        let driver = driver().await;
        let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        for (id, location, code, expected) in [
            (
                "w1",
                format!("grpc://{nobody}"),
                Code::Unavailable,
                "Cannot reach a Duckling server at",
            ),
            (
                "w1",
                format!("http://{nobody}"),
                Code::InvalidArgument,
                "expected grpc://host:port",
            ),
            ("", format!("grpc://{nobody}"), Code::InvalidArgument, "needs an id"),
            (
                "w1",
                location(&driver),
                Code::InvalidArgument,
                "A server cannot be its own worker",
            ),
        ] {
            let failure = register(&driver, id, location).await.unwrap_err();
            assert_eq!(failure.code(), code, "{failure}");
            assert!(failure.message().contains(expected), "{failure}");
        }
        assert!(driver.cluster.list().is_empty());
        driver.stop().await;
    })
    .await;
}
