//! Where the files of distributed tables lie: a folder, or a prefix on an object store.

use std::fmt::{self, Display, Formatter};
use std::fs;
use std::io;
use std::path::PathBuf;

use super::error::EngineError;
use super::object_stores::{ObjectFile, check_writable, is_object_url};

/// A place that all ducklings of a cluster reach by the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Storage {
    Folder(PathBuf),
    /// `s3://bucket/prefix` and the like, without a slash at its end.
    ObjectStore(String),
}

impl Storage {
    /// Make sure that it can be used, and return what DuckDB's paths of its files begin with. A folder is created if it does not
    /// exist.
    ///
    /// # Errors
    /// `IO` with what is in the way.
    pub(super) fn prepare(&self) -> Result<String, EngineError> {
        let unusable = |reason: String| {
            let message = format!("the storage of distributed tables, {self}, cannot be used: {reason}");
            EngineError::new("IO", message)
        };
        match self {
            Self::Folder(folder) => {
                fs::create_dir_all(folder).map_err(|error| unusable(error.to_string()))?;
                // Every process has its own working directory.
                let folder = folder.canonicalize().map_err(|error| unusable(error.to_string()))?;
                let root = folder
                    .to_str()
                    .ok_or_else(|| unusable("its name is not UTF-8".to_string()))?;
                Ok(root.to_string())
            }
            Self::ObjectStore(url) => {
                check_writable(url).map_err(|error| unusable(error.message))?;
                Ok(url.clone())
            }
        }
    }

    /// A small file at the root of the storage.
    pub fn file(&self, name: &str) -> StorageFile {
        match self {
            Self::Folder(folder) => StorageFile::Local(folder.join(name)),
            Self::ObjectStore(url) => StorageFile::Object(format!("{url}/{name}")),
        }
    }
}

impl Display for Storage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::ObjectStore(url) => f.write_str(url),
        }
    }
}

impl From<&str> for Storage {
    fn from(text: &str) -> Self {
        if is_object_url(text) {
            return Self::ObjectStore(text.trim_end_matches('/').to_string());
        }
        Self::Folder(text.into())
    }
}

impl From<PathBuf> for Storage {
    fn from(folder: PathBuf) -> Self {
        match folder.to_str() {
            Some(text) => text.into(),
            None => Self::Folder(folder),
        }
    }
}

/// A small file that the server itself keeps on a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageFile {
    Local(PathBuf),
    Object(String),
}

impl StorageFile {
    /// Its text; nothing if it is not there.
    ///
    /// # Errors
    /// `IO` if it cannot be read.
    pub fn read(&self) -> Result<Option<String>, EngineError> {
        match self {
            Self::Local(path) => match fs::read_to_string(path) {
                Ok(text) => Ok(Some(text)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(self.failure(&error)),
            },
            Self::Object(url) => {
                let content = ObjectFile::new(url)?.read()?;
                Ok(content.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
            }
        }
    }

    /// Create or replace it.
    ///
    /// # Errors
    /// `IO` if it cannot be written.
    pub fn write(&self, text: &str) -> Result<(), EngineError> {
        match self {
            Self::Local(path) => fs::write(path, text).map_err(|error| self.failure(&error)),
            Self::Object(url) => ObjectFile::new(url)?.write(text.as_bytes().to_vec()),
        }
    }

    fn failure(&self, error: &io::Error) -> EngineError {
        EngineError::new("IO", format!("{self}: {error}"))
    }
}

impl Display for StorageFile {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => write!(f, "{}", path.display()),
            Self::Object(url) => f.write_str(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_from_folders() {
        assert_eq!(Storage::from("s3://b/x/"), Storage::ObjectStore("s3://b/x".to_string()));
        assert_eq!(Storage::from("/mnt/x"), Storage::Folder("/mnt/x".into()));
        assert_eq!(
            Storage::from("s3:/b"),
            Storage::Folder("s3:/b".into()),
            "as any other name"
        );
        assert_eq!(
            Storage::from("az://c").file("a.owner"),
            StorageFile::Object("az://c/a.owner".to_string())
        );
    }
}
