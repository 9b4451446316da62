//! A query that was cut into stages, as whoever has planned it hands it over.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use serde::Deserialize;

use crate::engine::{EngineError, Feed};

/// A query cut into stages; the last stage's rows are the result. Every stage but the last is the input of exactly one other,
/// which comes later.
#[derive(Clone, Deserialize)]
pub struct DistributedQuery {
    pub stages: Vec<Stage>,
    /// What the driver feeds to tasks.
    #[serde(skip)]
    pub feeds: Vec<Arc<Feed>>,
    /// `SET` on each connection before its fragment.
    #[serde(default)]
    pub settings: Vec<(String, String)>,
}

/// What a number of workers do alike, each with its part of the rows; or what the driver feeds to them.
#[derive(Clone, Debug, Deserialize)]
pub struct Stage {
    /// A SELECT that reads its inputs and scans by name as if they were tables.
    pub sql: String,
    /// What follows `COPY (sql)`, if the tasks write those rows: theirs are then what COPY returns.
    #[serde(default)]
    pub target: Option<String>,
    /// Index of the feed whose rows it has instead.
    #[serde(default)]
    pub feed: Option<usize>,
    /// How many tasks run it, each on another worker as long as there are workers.
    pub tasks: usize,
    #[serde(default)]
    pub inputs: Vec<Input>,
    #[serde(default)]
    pub scans: Vec<Scan>,
    /// Of the rows. If `hashed`, the last column is a UInt64 by which [`Exchange::Shuffle`] partitions them.
    #[serde(skip, default = "no_schema")]
    pub schema: SchemaRef,
    #[serde(default)]
    pub hashed: bool,
}

/// Rows of another stage.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub name: String,
    /// Index of the stage.
    pub stage: usize,
    pub exchange: Exchange,
}

/// How the rows of a stage's tasks get to the tasks of another.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub enum Exchange {
    /// Partitioned by the hash column over the consumer's tasks.
    Shuffle,
    /// All rows to each task.
    Broadcast,
    /// All rows to the only task.
    Gather,
}

/// What a task reads from outside the query.
#[derive(Clone, Debug, Deserialize)]
pub struct Scan {
    pub name: String,
    /// A SELECT per task.
    pub sql: Vec<String>,
}

fn no_schema() -> SchemaRef {
    Schema::empty().into()
}

impl DistributedQuery {
    /// Read a query from JSON, and take what JSON cannot carry: the schemas of its stages, and its feeds.
    ///
    /// # Errors
    /// `Internal` if it is no such JSON, or there is not one schema per stage.
    pub fn from_json(json: &str, schemas: Vec<SchemaRef>, feeds: Vec<Arc<Feed>>) -> Result<Self, EngineError> {
        let mut query: Self = serde_json::from_str(json).map_err(|error| wrong(format!("the JSON: {error}")))?;
        if query.stages.len() != schemas.len() {
            return Err(wrong(format!(
                "{} schemas for {} stages",
                schemas.len(),
                query.stages.len()
            )));
        }
        for (stage, schema) in query.stages.iter_mut().zip(schemas) {
            stage.schema = schema;
        }
        query.feeds = feeds;
        Ok(query)
    }

    /// Make sure that it can be run as it is.
    ///
    /// # Errors
    /// `Internal`, as only a planner's mistake can make it fail.
    pub(super) fn check(&self) -> Result<(), EngineError> {
        if self.stages.is_empty() {
            return Err(wrong("no stages"));
        }
        let mut readers = vec![0; self.stages.len()];
        for (index, stage) in self.stages.iter().enumerate() {
            if stage.tasks == 0 {
                return Err(wrong(format!("stage {index} has no tasks")));
            }
            match stage.feed {
                Some(feed) if feed >= self.feeds.len() => return Err(wrong(format!("stage {index} has no feed"))),
                Some(_) if stage.tasks != 1 || !stage.inputs.is_empty() || !stage.scans.is_empty() => {
                    return Err(wrong(format!("stage {index} is more than a feed")));
                }
                _ => {}
            }
            if let Some(scan) = stage.scans.iter().find(|scan| scan.sql.len() != stage.tasks) {
                return Err(wrong(format!(
                    "scan {} of stage {index} is not for {} tasks",
                    scan.name, stage.tasks
                )));
            }
            let last = stage.schema.fields().last();
            if stage.hashed && last.is_none_or(|field| field.data_type() != &DataType::UInt64) {
                return Err(wrong(format!("stage {index} has no hash column")));
            }
            for input in &stage.inputs {
                let producer = self.stages[..index]
                    .get(input.stage)
                    .ok_or_else(|| wrong(format!("stage {index} reads stage {}", input.stage)))?;
                readers[input.stage] += 1;
                match input.exchange {
                    Exchange::Shuffle if !producer.hashed => {
                        return Err(wrong(format!("stage {} is shuffled without a hash", input.stage)));
                    }
                    Exchange::Gather if stage.tasks != 1 => {
                        return Err(wrong(format!("stage {index} gathers in {} tasks", stage.tasks)));
                    }
                    _ => {}
                }
            }
        }
        let (_, others) = readers.split_last().unwrap_or((&0, &[]));
        match others.iter().position(|count| *count != 1) {
            Some(index) => Err(wrong(format!("stage {index} has {} readers", others[index]))),
            None => Ok(()),
        }
    }
}

fn wrong(what: impl std::fmt::Display) -> EngineError {
    EngineError::new("INTERNAL", format!("A distributed query cannot be run: {what}"))
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;

    use super::*;

    const JSON: &str = r#"{"stages": [
        {"sql": "SELECT c0, hash(c0) FROM s", "tasks": 2, "hashed": true,
         "scans": [{"name": "s", "sql": ["SELECT 1 c0", "SELECT 2 c0"]}]},
        {"sql": "FROM i", "tasks": 1, "inputs": [{"name": "i", "stage": 0, "exchange": "Shuffle"}]}
    ], "settings": [["TimeZone", "UTC"]]}"#;

    fn schemas() -> Vec<SchemaRef> {
        let columns = |types: &[DataType]| -> SchemaRef {
            let fields: Vec<_> = types.iter().map(|t| Field::new("c", t.clone(), true)).collect();
            Arc::new(Schema::new(fields))
        };
        vec![
            columns(&[DataType::Int32, DataType::UInt64]),
            columns(&[DataType::Int32]),
        ]
    }

    #[test]
    fn a_query_is_read_from_json() {
        let query = DistributedQuery::from_json(JSON, schemas(), Vec::new()).unwrap();
        query.check().unwrap();
        assert_eq!(query.settings, [("TimeZone".to_string(), "UTC".to_string())]);
        assert_eq!(query.stages[0].scans[0].sql[1], "SELECT 2 c0");
        assert_eq!(query.stages[1].inputs[0].exchange, Exchange::Shuffle);
        assert_eq!(query.stages[1].schema.fields().len(), 1);
        assert!(DistributedQuery::from_json(JSON, Vec::new(), Vec::new()).is_err());
    }

    #[test]
    fn what_cannot_be_run_is_refused() {
        type Spoil = fn(&mut DistributedQuery);
        let cases: [(Spoil, &str); 7] = [
            (|query| query.stages.clear(), "no stages"),
            (|query| query.stages[1].tasks = 0, "stage 1 has no tasks"),
            (
                |query| query.stages[0].tasks = 3,
                "scan s of stage 0 is not for 3 tasks",
            ),
            (|query| query.stages[0].hashed = false, "without a hash"),
            (|query| query.stages[0].feed = Some(0), "stage 0 has no feed"),
            (|query| query.stages[1].inputs.clear(), "stage 0 has 0 readers"),
            (|query| query.stages[1].inputs[0].stage = 1, "stage 1 reads stage 1"),
        ];
        for (spoil, expected) in cases {
            let mut query = DistributedQuery::from_json(JSON, schemas(), Vec::new()).unwrap();
            spoil(&mut query);
            let error = query.check().unwrap_err();
            assert!(error.message.contains(expected), "{error}");
        }
    }
}
