//! A stage as DataFusion sees it: an operator whose rows DuckDB makes.

use std::fmt::{self, Formatter};
use std::sync::{Arc, OnceLock};

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, exec_datafusion_err, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties};
use tokio::task::JoinSet;

use super::inbox::Inbox;
use super::leaf::{Leaf, one_partition};
use super::reports::Measures;
use super::task::{self, Task, TaskInput};
use super::task_scans::TaskScans;
use super::worker::{QueryId, TaskHost};

/// What all tasks of a stage run.
#[derive(Debug)]
pub(super) struct Fragment {
    pub sql: String,
    /// What follows `COPY (sql)`, if they write those rows.
    pub target: Option<String>,
    /// Names of the children that are inputs.
    pub input_names: Vec<String>,
    pub settings: Vec<(String, String)>,
    pub schema: SchemaRef,
}

/// Runs a fragment; it has one partition per task. Its children are the inputs, and then what its tasks scan, if anything.
#[derive(Debug)]
pub(super) struct DuckDbExec {
    pub fragment: Arc<Fragment>,
    children: Vec<Arc<dyn ExecutionPlan>>,
    properties: Arc<PlanProperties>,
    /// Set once it runs.
    measures: OnceLock<Arc<Measures>>,
}

impl DuckDbExec {
    pub(super) fn new(fragment: Arc<Fragment>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Self> {
        let inputs = fragment.input_names.len();
        if !(inputs..=inputs + 1).contains(&children.len()) {
            return internal_err!("a fragment with {inputs} inputs has {} children", children.len());
        }
        let properties = one_partition(fragment.schema.clone());
        Ok(Self {
            fragment,
            children,
            properties,
            measures: OnceLock::new(),
        })
    }
}

impl DisplayAs for DuckDbExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut Formatter) -> fmt::Result {
        write!(f, "DuckDbExec: {}", self.fragment.sql)
    }
}

impl ExecutionPlan for DuckDbExec {
    fn name(&self) -> &str {
        "DuckDbExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        // Who looks at a plan that runs is after its metrics. Exchanges have dozens for each connection, which would all be
        // sent to the driver: their number grows with the square of the workers.
        if self.measures.get().is_some() {
            return Vec::new();
        }
        self.children.iter().collect()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(self.fragment.clone(), children)?))
    }

    fn execute(&self, _partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let host = context
            .session_config()
            .get_extension::<TaskHost>()
            .ok_or_else(|| exec_datafusion_err!("this duckling runs no tasks"))?;
        // All inputs at once: what nobody asks for is not made.
        let measures = self.measures.get_or_init(Arc::default);
        let mut filling = JoinSet::new();
        let names = &self.fragment.input_names;
        let mut inputs = Vec::with_capacity(names.len());
        for (name, input) in names.iter().zip(&self.children) {
            let partitions = input.output_partitioning().partition_count();
            let inbox = Inbox::new(input.schema(), partitions, host.spill_folder.clone(), measures.clone());
            for partition in 0..partitions {
                filling.spawn(inbox.clone().fill(input.execute(partition, context.clone())?));
            }
            inputs.push(TaskInput {
                name: name.clone(),
                inbox,
            });
        }
        let scans = match self.children.get(names.len()) {
            None => Vec::new(),
            Some(leaf) => match leaf.downcast_ref::<Leaf<TaskScans>>() {
                Some(scans) => scans.source.0.clone(),
                None => return internal_err!("a task was given {} for its scans", leaf.name()),
            },
        };
        let query = context.session_config().get_extension::<QueryId>();
        let query = query.as_ref().and_then(|query| query.0.as_deref());
        let task = Task {
            host,
            fragment: self.fragment.clone(),
            scans,
            inputs,
            measures: measures.clone(),
        };
        Ok(task::start(task, query, filling))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        self.measures.get().map(|measures| measures.metrics())
    }
}
