//! What a task reads by itself, beside its inputs.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};

use super::leaf::{Leaf, Source};

/// Names and SELECTs of the scans of one task, which are part of the task's statement: nobody reads them here.
#[derive(Debug)]
pub(super) struct TaskScans(pub Vec<(String, String)>);

impl TaskScans {
    pub(super) fn into_leaf(self) -> Leaf<Self> {
        Leaf::new(self, Arc::new(Schema::empty()))
    }
}

impl Source for TaskScans {
    const NAME: &'static str = "TaskScans";

    fn read(&self, _: SchemaRef, _: &TaskContext) -> Result<SendableRecordBatchStream> {
        internal_err!("scans are part of the statement of their task")
    }
}
