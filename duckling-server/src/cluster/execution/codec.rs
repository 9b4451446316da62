//! Stages on the wire.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::{Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use datafusion_proto::protobuf;
use datafusion_proto::protobuf::proto_error;
use prost::{Message, Oneof};
use uuid::Uuid;

use super::duckdb_exec::{DuckDbExec, Fragment};
use super::feeds::FeedSource;
use super::leaf::Leaf;
use super::task_scans::TaskScans;

/// Encodes the operators of ours; their children travel beside them.
#[derive(Debug)]
pub(super) struct DuckDbCodec;

#[derive(Clone, PartialEq, Message)]
struct OperatorMessage {
    #[prost(oneof = "Operator", tags = "1, 2, 3")]
    operator: Option<Operator>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Operator {
    #[prost(message, tag = "1")]
    Fragment(FragmentMessage),
    #[prost(message, tag = "2")]
    Scans(ScansMessage),
    #[prost(message, tag = "3")]
    Feed(FeedMessage),
}

#[derive(Clone, PartialEq, Message)]
struct FragmentMessage {
    #[prost(string, tag = "1")]
    sql: String,
    #[prost(string, repeated, tag = "2")]
    input_names: Vec<String>,
    #[prost(message, repeated, tag = "3")]
    settings: Vec<NamedMessage>,
    #[prost(message, optional, tag = "4")]
    schema: Option<protobuf::Schema>,
    #[prost(string, optional, tag = "5")]
    target: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct ScansMessage {
    #[prost(message, repeated, tag = "1")]
    scans: Vec<NamedMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct FeedMessage {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(message, optional, tag = "2")]
    schema: Option<protobuf::Schema>,
}

#[derive(Clone, PartialEq, Message)]
struct NamedMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

fn to_messages(pairs: &[(String, String)]) -> Vec<NamedMessage> {
    let messages = pairs.iter().map(|(name, value)| NamedMessage {
        name: name.clone(),
        value: value.clone(),
    });
    messages.collect()
}

fn from_messages(messages: Vec<NamedMessage>) -> Vec<(String, String)> {
    let pairs = messages.into_iter().map(|message| (message.name, message.value));
    pairs.collect()
}

fn schema_of(message: Option<&protobuf::Schema>) -> Result<SchemaRef> {
    let message = message.ok_or_else(|| proto_error("an operator without a schema"))?;
    let schema: Schema = message.try_into()?;
    Ok(Arc::new(schema))
}

impl PhysicalExtensionCodec for DuckDbCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &TaskContext,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let message = OperatorMessage::decode(bytes).map_err(|error| proto_error(format!("an operator: {error}")))?;
        Ok(match message.operator {
            Some(Operator::Fragment(message)) => {
                let schema = schema_of(message.schema.as_ref())?;
                let fragment = Fragment {
                    sql: message.sql,
                    target: message.target,
                    input_names: message.input_names,
                    settings: from_messages(message.settings),
                    schema,
                };
                Arc::new(DuckDbExec::new(Arc::new(fragment), inputs.to_vec())?)
            }
            Some(Operator::Scans(message)) => Arc::new(TaskScans(from_messages(message.scans)).into_leaf()),
            Some(Operator::Feed(message)) => {
                let id = Uuid::from_slice(&message.id).map_err(|error| proto_error(format!("a feed: {error}")))?;
                Arc::new(Leaf::new(FeedSource(id), schema_of(message.schema.as_ref())?))
            }
            None => return Err(proto_error("an unknown operator")),
        })
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let operator = if let Some(stage) = node.downcast_ref::<DuckDbExec>() {
            let fragment = &stage.fragment;
            Operator::Fragment(FragmentMessage {
                sql: fragment.sql.clone(),
                input_names: fragment.input_names.clone(),
                settings: to_messages(&fragment.settings),
                schema: Some(fragment.schema.as_ref().try_into()?),
                target: fragment.target.clone(),
            })
        } else if let Some(leaf) = node.downcast_ref::<Leaf<TaskScans>>() {
            Operator::Scans(ScansMessage {
                scans: to_messages(&leaf.source.0),
            })
        } else if let Some(feed) = node.downcast_ref::<Leaf<FeedSource>>() {
            Operator::Feed(FeedMessage {
                id: feed.source.0.as_bytes().to_vec(),
                schema: Some(feed.schema().as_ref().try_into()?),
            })
        } else {
            return internal_err!("{} is no operator of a stage", node.name());
        };
        let message = OperatorMessage {
            operator: Some(operator),
        };
        message
            .encode(bytes)
            .map_err(|error| proto_error(format!("an operator: {error}")))
    }
}
