//! Finds the programs that the tests start.

use std::path::{Path, PathBuf};

/// The folder with the programs that `cargo build` made.
pub fn programs() -> PathBuf {
    match std::env::var_os("ASSAY_BIN") {
        Some(folder) => folder.into(),
        // The test is in the folder `deps` next to them.
        None => {
            let here = std::env::current_exe().expect("a test has a path");
            here.ancestors().nth(2).map(Path::to_path_buf).expect("a target folder has parents")
        },
    }
}
