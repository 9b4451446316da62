//! Stages on the wire.

use std::sync::Arc;

use arrow::datatypes::Schema;
use datafusion::common::{Result, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use datafusion_proto::protobuf;
use datafusion_proto::protobuf::proto_error;
use prost::Message;

use super::duckdb_exec::{DuckDbExec, Fragment};
use super::query::Scan;

/// Encodes [`DuckDbExec`]; its children travel beside it.
#[derive(Debug)]
pub(super) struct DuckDbCodec;

#[derive(Clone, PartialEq, Message)]
struct FragmentMessage {
    #[prost(string, tag = "1")]
    sql: String,
    #[prost(message, repeated, tag = "2")]
    scans: Vec<ScanMessage>,
    #[prost(string, repeated, tag = "3")]
    input_names: Vec<String>,
    #[prost(message, repeated, tag = "4")]
    settings: Vec<SettingMessage>,
    #[prost(message, optional, tag = "5")]
    schema: Option<protobuf::Schema>,
}

#[derive(Clone, PartialEq, Message)]
struct ScanMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, repeated, tag = "2")]
    sql: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct SettingMessage {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

impl PhysicalExtensionCodec for DuckDbCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &TaskContext,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let message = FragmentMessage::decode(bytes).map_err(|error| proto_error(format!("a fragment: {error}")))?;
        let Some(schema) = &message.schema else {
            return Err(proto_error("a fragment without a schema"));
        };
        let schema: Schema = schema.try_into()?;
        let fragment = Fragment {
            sql: message.sql,
            scans: message
                .scans
                .into_iter()
                .map(|ScanMessage { name, sql }| Scan { name, sql })
                .collect(),
            input_names: message.input_names,
            settings: message
                .settings
                .into_iter()
                .map(|setting| (setting.name, setting.value))
                .collect(),
            schema: Arc::new(schema),
        };
        Ok(Arc::new(DuckDbExec::new(Arc::new(fragment), inputs.to_vec())?))
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        _: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let Some(stage) = node.downcast_ref::<DuckDbExec>() else {
            return internal_err!("{} is no stage", node.name());
        };
        let fragment = &stage.fragment;
        let message = FragmentMessage {
            sql: fragment.sql.clone(),
            scans: fragment
                .scans
                .iter()
                .map(|scan| ScanMessage {
                    name: scan.name.clone(),
                    sql: scan.sql.clone(),
                })
                .collect(),
            input_names: fragment.input_names.clone(),
            settings: fragment
                .settings
                .iter()
                .map(|(name, value)| SettingMessage {
                    name: name.clone(),
                    value: value.clone(),
                })
                .collect(),
            schema: Some(fragment.schema.as_ref().try_into()?),
        };
        message
            .encode(bytes)
            .map_err(|error| proto_error(format!("a fragment: {error}")))
    }
}
