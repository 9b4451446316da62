//! Progress of a statement between the messages of its answer, for clients that ask for it.

use std::pin::pin;
use std::time::Duration;

use arrow_flight::FlightData;
use duckling_protocol::ExecuteProgress;
use futures::future::{BoxFuture, Either, select};
use futures::stream::{self, StreamExt};
use prost::Message;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep};
use tonic::Status;

use super::encode::FlightDataStream;
use super::sessions::Lease;
use crate::engine::Progress;

/// How often a client hears of it, and after how long for the first time.
const INTERVAL: Duration = Duration::from_millis(250);

/// Where an answer stands.
enum Phase {
    /// Its first message does not come before the statement has run, if it writes.
    Starting(BoxFuture<'static, Result<FlightDataStream, Status>>),
    Following(FlightDataStream),
}

/// The answer as it is, with messages between its own that say how far the statement is. Dropping it stops the statement.
///
/// # Errors
/// Those of a statement that fails at once; later ones are in the stream.
pub async fn with_progress(
    session: Lease,
    progress: Progress,
    mut answer: BoxFuture<'static, Result<FlightDataStream, Status>>,
) -> Result<FlightDataStream, Status> {
    // What is over soon has nothing to tell.
    let phase = match select(&mut answer, pin!(sleep(INTERVAL))).await {
        Either::Left((answer, _)) => Phase::Following(answer?),
        Either::Right(_) => Phase::Starting(answer),
    };
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let told = Told {
        session,
        progress,
        ticks,
        percent: 0.0,
    };
    Ok(stream::unfold((phase, told), |(mut phase, mut told)| async move {
        let message = loop {
            let next = match &mut phase {
                Phase::Starting(answer) => match select(pin!(told.next()), answer).await {
                    Either::Left((message, _)) => Some(Ok(message)),
                    Either::Right((Ok(answer), _)) => {
                        phase = Phase::Following(answer);
                        continue;
                    }
                    Either::Right((Err(status), _)) => {
                        phase = Phase::Following(stream::empty().boxed());
                        Some(Err(status))
                    }
                },
                Phase::Following(answer) => match select(pin!(told.next()), answer.next()).await {
                    Either::Left((message, _)) => Some(Ok(message)),
                    Either::Right((message, _)) => message,
                },
            };
            break next?;
        };
        Some((message, (phase, told)))
    })
    .boxed())
}

/// What the client has heard.
struct Told {
    session: Lease,
    progress: Progress,
    ticks: Interval,
    percent: f64,
}

impl Told {
    /// Wait until there is something new.
    async fn next(&mut self) -> FlightData {
        loop {
            self.ticks.tick().await;
            match self.session.progress(&self.progress) {
                Some(percent) if percent > self.percent => {
                    self.percent = percent;
                    let message = ExecuteProgress { percent };
                    return FlightData::new().with_app_metadata(message.encode_to_vec());
                }
                _ => {}
            }
        }
    }
}
