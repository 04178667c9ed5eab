//! The disk under the database: checked before the database is opened, and while the node runs.
//!
//! ParityDB maps its files into memory. If the disk is full, writing there ends the process by SIGBUS,
//! without a message. So the node does not start on such a disk, and stops before it is full.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use sc_service::{error::Error as ServiceError, Configuration, TaskManager};
use sc_storage_monitor::{StorageMonitorParams, StorageMonitorService};

/// A file that is written to see whether files can be written.
const PROBE: &str = ".probe";

/// Why the node does not use a disk.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// There is too little free space.
    #[error(
        "the disk of {} has {free} bytes free, and the node needs {needed}: make room, or move the base \
         path to a larger disk; --db-storage-threshold sets what it needs, in MiB",
        path.display()
    )]
    Full {
        /// The folder.
        path: PathBuf,
        /// Free space in bytes.
        free: u64,
        /// Necessary space in bytes.
        needed: u64,
    },
    /// The folder cannot be written.
    #[error(
        "cannot write to {}: {source}; the node needs a base path that its user can write to, on a file \
         system that is not read-only",
        path.display()
    )]
    NotWritable {
        /// The folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The database cannot be opened.
    #[error(
        "the database in {} cannot be opened: {reason}; if it is corrupt, remove it with `assay-node \
         purge-chain`, which leaves keys and identity, and start the node again: it synchronises from its \
         peers",
        path.display()
    )]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// What the database says.
        reason: String,
    },
    /// The watch over the free space cannot be started.
    #[error("cannot watch the free space of the disk: {0}")]
    Unwatched(#[from] sc_storage_monitor::Error),
}

impl From<DiskError> for sc_cli::Error {
    fn from(error: DiskError) -> Self {
        Self::Application(Box::new(error))
    }
}

/// The folder that has the database of a configuration in it; `None` if that is not on disk.
pub fn folder(config: &Configuration) -> Option<PathBuf> {
    config.database.path().and_then(Path::parent).map(Path::to_path_buf)
}

/// Checks that the folder can be written, and that its disk has as much free space as the parameters
/// require. Creates the folder.
///
/// # Errors
///
/// [`DiskError::NotWritable`], [`DiskError::Full`].
pub fn check(path: &Path, params: &StorageMonitorParams) -> Result<(), DiskError> {
    let unwritable = |source| DiskError::NotWritable { path: path.to_path_buf(), source };
    std::fs::create_dir_all(path).or_else(|error| match error.kind() {
        io::ErrorKind::StorageFull => Ok(()),
        _ => Err(unwritable(error)),
    })?;
    let existing = path.ancestors().find(|folder| folder.exists()).unwrap_or(path);
    let free = fs4::available_space(existing).map_err(unwritable)?;
    let needed = params.threshold.saturating_mul(1 << 20);
    if free < needed {
        return Err(DiskError::Full { path: path.to_path_buf(), free, needed });
    }
    probe(path).map_err(unwritable)
}

fn probe(path: &Path) -> io::Result<()> {
    let file = path.join(PROBE);
    File::create(&file)?.write_all(b"probe")?;
    std::fs::remove_file(file)
}

/// Names the remedy if an error at the start of the node is one of the database in the folder.
pub fn explain(error: ServiceError, folder: Option<&Path>) -> sc_cli::Error {
    match (error, folder) {
        (ServiceError::Client(sp_blockchain::Error::Backend(reason)), Some(folder)) => {
            DiskError::Unreadable { path: folder.to_path_buf(), reason }.into()
        },
        (error, _) => error.into(),
    }
}

/// Stops the node when its disk has less free space than the parameters require.
///
/// # Errors
///
/// [`DiskError::Unwatched`]: there is too little already, or the free space is unknown.
pub fn watch(
    path: PathBuf,
    params: StorageMonitorParams,
    tasks: &TaskManager,
) -> Result<(), DiskError> {
    StorageMonitorService::try_spawn(params, path, &tasks.spawn_essential_handle())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(threshold: u64) -> StorageMonitorParams {
        StorageMonitorParams { threshold, polling_period: 5 }
    }

    #[test]
    fn a_new_folder_on_a_disk_with_room_is_created_and_left_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chains/local");
        check(&path, &params(1)).unwrap();
        assert_eq!(path.read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_full_disk_is_named_with_its_free_space_and_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let error = check(folder.path(), &params(1 << 40)).unwrap_err();
        let DiskError::Full { free, needed, .. } = &error else { panic!("{error}") };
        assert!(*free > 0 && *needed == 1 << 60);
        let message = error.to_string();
        for part in [folder.path().to_str().unwrap(), &free.to_string(), "make room"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_database_that_cannot_be_opened_is_named_with_the_remedy() {
        let corrupt = || sp_blockchain::Error::Backend("Corruption: bad header".into());
        let error = explain(ServiceError::Client(corrupt()), Some(Path::new("/data/chain")));
        let message = error.to_string();
        for part in ["/data/chain", "Corruption: bad header", "purge-chain"] {
            assert!(message.contains(part), "{message}");
        }
        let other = explain(ServiceError::Other("out of tune".into()), Some(Path::new("/data")));
        assert!(!other.to_string().contains("purge-chain"), "{other}");
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = check(&file.join("chains"), &params(0)).unwrap_err();
        assert!(matches!(error, DiskError::NotWritable { .. }), "{error}");
        assert!(error.to_string().contains("file/chains"), "{error}");
    }
}
