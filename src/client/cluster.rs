//! What a session asks of its server's part in a cluster.

use duckling_protocol::{
    Done, RegisterDriver, RegisterWorker, UnregisterWorker, Worker, Workers, WorkersRequest, action,
};

use super::session::Session;
use crate::error::Result;

impl Session {
    /// Have the server take another one as a worker.
    ///
    /// # Errors
    /// As the server reports it: an id that is taken, a server that cannot be reached or does not fit.
    pub async fn register_worker(&self, request: &RegisterWorker) -> Result<()> {
        self.ask::<Done>(action::REGISTER_WORKER, request).await.map(drop)
    }

    /// Have the server do without a worker.
    ///
    /// # Errors
    /// As the server reports it: an id that it does not know.
    pub async fn unregister_worker(&self, request: &UnregisterWorker) -> Result<()> {
        self.ask::<Done>(action::UNREGISTER_WORKER, request).await.map(drop)
    }

    /// Have the server be a worker of another one.
    ///
    /// # Errors
    /// As the server reports it: a driver that cannot be reached or refuses.
    pub async fn register_driver(&self, request: &RegisterDriver) -> Result<()> {
        self.ask::<Done>(action::REGISTER_DRIVER, request).await.map(drop)
    }

    /// The workers of the server, by id.
    ///
    /// # Errors
    /// As the server reports it.
    pub async fn workers(&self) -> Result<Vec<Worker>> {
        let workers: Workers = self.ask(action::WORKERS, &WorkersRequest {}).await?;
        Ok(workers.workers)
    }
}
