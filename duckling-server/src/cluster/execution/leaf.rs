//! Operators without inputs, of which DataFusion sends each task its own.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};

/// What an operator tells that has one partition.
pub(super) fn one_partition(schema: SchemaRef) -> Arc<PlanProperties> {
    Arc::new(PlanProperties::new(
        EquivalenceProperties::new(schema),
        Partitioning::UnknownPartitioning(1),
        EmissionType::Incremental,
        Boundedness::Bounded,
    ))
}

/// What a leaf stands for.
pub(super) trait Source: Debug + Send + Sync + 'static {
    const NAME: &'static str;

    /// Its rows, on the duckling that `context` belongs to.
    ///
    /// # Errors
    /// They are not there.
    fn read(&self, schema: SchemaRef, context: &TaskContext) -> Result<SendableRecordBatchStream>;
}

/// A source as DataFusion sees it.
#[derive(Debug)]
pub(super) struct Leaf<S> {
    pub source: S,
    properties: Arc<PlanProperties>,
}

impl<S: Source> Leaf<S> {
    pub(super) fn new(source: S, schema: SchemaRef) -> Self {
        Self {
            source,
            properties: one_partition(schema),
        }
    }
}

impl<S: Source> DisplayAs for Leaf<S> {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut Formatter) -> fmt::Result {
        f.write_str(S::NAME)
    }
}

impl<S: Source> ExecutionPlan for Leaf<S> {
    fn name(&self) -> &str {
        S::NAME
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        if !children.is_empty() {
            return internal_err!("{} has no inputs", S::NAME);
        }
        Ok(self)
    }

    fn execute(&self, _partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        self.source.read(self.schema(), &context)
    }
}
