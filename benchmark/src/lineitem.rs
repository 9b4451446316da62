//! A client that has lineitem, attached to a server without any data.

use anyhow::Result;
use duckdb::Connection;
use tempfile::TempDir;

use crate::client;
use crate::duckling::Duckling;
use crate::products::Products;
use crate::tpch::{self, Table};
use crate::workspace;

/// A client that has lineitem as a local table, and the server that it has attached as `dh`.
pub struct Lineitem {
    pub client: Connection,
    /// Of lineitem
    pub rows: u64,
    _server: Duckling,
    _dir: TempDir,
}

impl Lineitem {
    /// Start the server and generate the table.
    ///
    /// # Errors
    /// Something that `make` builds is missing, or the data cannot be generated.
    pub fn create(args: &workspace::Args) -> Result<Self> {
        let products = Products::locate()?;
        let dir = args.create_dir()?;
        let server = Duckling::start(&products.server())?;
        let client = client::connect(&products.extension(), dir.path(), server.port())?;
        let table = Table::named("lineitem").expect("TPC-H has a lineitem");
        let rows = tpch::create_table(&client, table, args.scale, dir.path())?;
        Ok(Self {
            client,
            rows,
            _server: server,
            _dir: dir,
        })
    }
}
