//! The physical plan of a query: its stages, and DataFusion's exchanges between them.

use std::sync::Arc;

use datafusion::common::{Result, internal_err};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{Partitioning, PhysicalExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion_distributed::{
    BroadcastExec, DistributedExec, DistributedLeafExec, NetworkBoundary, NetworkBroadcastExec, NetworkCoalesceExec,
    NetworkShuffleExec, Stage as Producer,
};
use uuid::Uuid;

use super::duckdb_exec::{DuckDbExec, Fragment};
use super::feeds::FeedSource;
use super::leaf::Leaf;
use super::query::{DistributedQuery, Exchange, Scan};
use super::task_scans::TaskScans;

/// Make the plan of a query that was checked. Its one partition is what the tasks of the last stage return.
///
/// DataFusion's own planner would number the stages, but also run a query of a single task on the driver.
pub(super) fn build(query_id: Uuid, query: DistributedQuery, feeds: &[Uuid]) -> Result<DistributedExec> {
    // The plans of stages that nobody has taken yet
    let mut plans: Vec<Option<Producing>> = Vec::with_capacity(query.stages.len());
    for (index, stage) in query.stages.into_iter().enumerate() {
        // DataFusion counts from one.
        let number = index + 1;
        if let Some(feed) = stage.feed {
            plans.push(Some(Producing {
                plan: Arc::new(Leaf::new(FeedSource(feeds[feed]), stage.schema)),
                tasks: stage.tasks,
                number,
            }));
            continue;
        }
        let mut inputs = Vec::with_capacity(stage.inputs.len() + 1);
        let mut input_names = Vec::with_capacity(stage.inputs.len());
        for input in stage.inputs {
            let Some(producing) = plans[input.stage].take() else {
                return internal_err!("stage {} is read twice", input.stage);
            };
            inputs.push(exchange(producing, input.exchange, query_id)?);
            input_names.push(input.name);
        }
        if !stage.scans.is_empty() {
            inputs.push(scans(&stage.scans, stage.tasks)?);
        }
        let fragment = Fragment {
            sql: stage.sql,
            target: stage.target,
            input_names,
            settings: query.settings.clone(),
            schema: stage.schema,
        };
        plans.push(Some(Producing {
            plan: Arc::new(DuckDbExec::new(Arc::new(fragment), inputs)?),
            tasks: stage.tasks,
            number,
        }));
    }
    let Some(last) = plans.pop().flatten() else {
        return internal_err!("a query without stages");
    };
    let result = exchange(last, Exchange::Gather, query_id)?;
    Ok(DistributedExec::new(Arc::new(CoalescePartitionsExec::new(result))).with_metrics_collection(false))
}

/// What each task of a stage reads by itself: DataFusion sends a task its own part only.
fn scans(scans: &[Scan], tasks: usize) -> Result<Arc<dyn ExecutionPlan>> {
    let of_task = |task: usize| -> Arc<dyn ExecutionPlan> {
        let scans = scans.iter().map(|scan| (scan.name.clone(), scan.sql[task].clone()));
        Arc::new(TaskScans(scans.collect()).into_leaf())
    };
    Ok(Arc::new(DistributedLeafExec::try_new(
        of_task(0),
        (0..tasks).map(of_task),
    )?))
}

struct Producing {
    plan: Arc<dyn ExecutionPlan>,
    tasks: usize,
    number: usize,
}

/// What brings the rows of a stage to its consumer. How many tasks that has, the exchange learns from it when it runs.
fn exchange(producing: Producing, exchange: Exchange, query_id: Uuid) -> Result<Arc<dyn ExecutionPlan>> {
    let Producing { plan, tasks, number } = producing;
    let boundary: Arc<dyn NetworkBoundary> = match exchange {
        Exchange::Shuffle => {
            let schema = plan.schema();
            let Some(last) = schema.fields().len().checked_sub(1) else {
                return internal_err!("a stage without columns is shuffled");
            };
            let hash: Arc<dyn PhysicalExpr> = Arc::new(Column::new(schema.field(last).name(), last));
            let partitioned = RepartitionExec::try_new(plan, Partitioning::Hash(vec![hash], 1))?;
            Arc::new(NetworkShuffleExec::try_new(Arc::new(partitioned), tasks)?)
        }
        Exchange::Broadcast => Arc::new(NetworkBroadcastExec::try_new(
            Arc::new(BroadcastExec::new(plan, 1)),
            tasks,
        )?),
        Exchange::Gather => Arc::new(NetworkCoalesceExec::try_new(plan, tasks, 1)?),
    };
    let Producer::Local(stage) = boundary.input_stage() else {
        return internal_err!("a stage runs already");
    };
    let mut stage = stage.clone();
    stage.query_id = query_id;
    stage.num = number;
    let numbered: Arc<dyn ExecutionPlan> = boundary.with_input_stage(Producer::Local(stage))?;
    Ok(numbered)
}
