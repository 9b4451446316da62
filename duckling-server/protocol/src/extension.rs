//! Extensions of the server's DuckDB.

use prost::Message;

/// Install an extension on the server, unless it is there already, and load it.
#[derive(Clone, PartialEq, Message)]
pub struct LoadExtension {
    /// Name of the extension, or the path of its file on the server.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Where to install it from: a repository that DuckDB knows by name, such as `community`, a folder of the server, or a
    /// URL; DuckDB's own repository if empty.
    #[prost(string, tag = "2")]
    pub repository: String,
    /// The one for this release of DuckDB if empty.
    #[prost(string, tag = "3")]
    pub version: String,
}

/// What was loaded.
#[derive(Clone, PartialEq, Message)]
pub struct ExtensionLoaded {
    #[prost(string, tag = "1")]
    pub name: String,
    /// Empty where the extension tells none.
    #[prost(string, tag = "2")]
    pub version: String,
    /// `built-in`, or where it was installed from.
    #[prost(string, tag = "3")]
    pub source: String,
    /// The functions that the server knows now, as in [`crate::SessionOpened::functions`].
    #[prost(string, repeated, tag = "4")]
    pub functions: Vec<String>,
}
